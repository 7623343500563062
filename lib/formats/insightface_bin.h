/* SPDX-License-Identifier: Apache-2.0 */
/* insightface_bin.h - InsightFace's .bin files (lfw.bin, cfp_fp.bin, agedb_30.bin): pictures in pairs.
 *
 * Such a file is a Python pickle of (list of encoded pictures, list of booleans of half the length); pair i
 * is pictures 2i and 2i + 1, true = the same person. A pickle is a program. Nothing of it is executed here:
 * the few opcodes that build these two lists are followed, and any other is refused. */
#ifndef LK_FORMATS_INSIGHTFACE_BIN_H
#define LK_FORMATS_INSIGHTFACE_BIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_bin {
    struct lk_bin_picture {
        size_t offset, len; /* of the encoded picture in the file */
        bool latin1;        /* bytes above 127 are written as two: how Python 3 puts bytes into protocol 2 */
    } * pictures;           /* 2 * n_pairs */
    bool *same;             /* n_pairs: the same person? */
    size_t n_pairs;
};

/* Protocols 2 to 5, as Python 2 and 3 write them. Everything else is LK_EFORMAT with opcode and offset. */
lk_status lk_bin_parse(struct lk_bin *out, const uint8_t *bytes, size_t len, lk_error *err);
void lk_bin_free(struct lk_bin *bin);

/* Turns a picture that is written as Latin-1 text in UTF-8 into its bytes, in place. `base` is where it lies
 * in the file, for the message. */
lk_status lk_bin_latin1(uint8_t *bytes, size_t *len, uint64_t base, lk_error *err);

#endif
