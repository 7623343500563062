/* SPDX-License-Identifier: Apache-2.0 */
/* msgpack.h - the MessagePack values of face sets in LMDB (HSFace): [picture, ..., label, ...].
 *
 * Nothing is unpacked: a value is looked through in place, without taking memory for what it says to hold
 * (msgpack-c takes it, and has no limit). https://github.com/msgpack/msgpack/blob/master/spec.md */
#ifndef LK_FORMATS_MSGPACK_H
#define LK_FORMATS_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_msgpack_face {
    size_t picture, picture_len; /* where the encoded picture is in the value */
    bool has_label;
    uint64_t label; /* the first whole number that is not negative, behind the picture */
};

/* A list whose first element is the picture (bytes, or text as old writers put it). */
lk_status lk_msgpack_face_parse(const uint8_t *bytes, size_t len, struct lk_msgpack_face *out, lk_error *err);

/* A value that is one whole number, or a list, whose number of elements is given. */
lk_status lk_msgpack_number(const uint8_t *bytes, size_t len, uint64_t *out, lk_error *err);
lk_status lk_msgpack_count(const uint8_t *bytes, size_t len, uint64_t *out, lk_error *err);

#endif
