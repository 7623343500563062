/* SPDX-License-Identifier: Apache-2.0 */
/* recordio.h - MXNet's RecordIO: records in a file, and the labels and picture in one.
 *
 * A part: u32 magic, u32 word (3 bits place of the part, 29 bits length), payload, zeros up to a multiple of
 * 4 bytes; little endian. A record is one part, or several whose payloads are joined with the magic between
 * them: the writer cuts a payload wherever the magic stands in it at a multiple of 4 (dmlc-core,
 * src/recordio.cc). The payload of an image record: u32 flag, f32 label, u64 id, u64 id2, then `flag` labels
 * of f32, then the encoded picture (MXNet, python/mxnet/recordio.py). */
#ifndef LK_FORMATS_RECORDIO_H
#define LK_FORMATS_RECORDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

#define LK_RECORD_MAGIC 0xced7230au
enum { LK_RECORD_PART = 8, LK_RECORD_HEADER = 24 };

struct lk_record {
    size_t length; /* of the joined payload */
    size_t extent; /* bytes in the file, zeros at the end included: where the next record starts */
    size_t parts;
};

/* How far a search for a record came that failed. */
struct lk_record_trouble {
    size_t need;    /* bytes that the record takes at least, when it goes on behind `len`; else 0 */
    size_t reached; /* where the part is that is missing or damaged */
};

/* The record at bytes[0]. `base` is where that is in the file, for the messages. LK_EFORMAT when there is
 * none, or not all of it; *trouble (may be NULL) says more then. */
lk_status lk_record_find(const uint8_t *bytes, size_t len, uint64_t base, struct lk_record *out,
                         struct lk_record_trouble *trouble, lk_error *err);

/* Copies the first `n` bytes of the joined payload of a record that was found at bytes[0]; fewer when it is
 * shorter. Returns how many. `out` may be `bytes`. */
size_t lk_record_join(const uint8_t *bytes, const struct lk_record *record, uint8_t *out, size_t n);

/* The next place at or behind `at` where a record may start (a magic at a multiple of 4 that opens a first or
 * only part), or `len`. */
size_t lk_record_resume(const uint8_t *bytes, size_t len, size_t at);

/* Payload of an image record, as far as the labels go. */
struct lk_record_head {
    uint32_t flag;      /* number of labels behind the header; 0 = the one in the header */
    uint32_t labels[2]; /* bits of the first two labels; 0 where there are fewer */
    size_t picture;     /* offset of the encoded picture in the payload; may be its length: no picture */
};
enum { LK_RECORD_HEAD_BYTES = LK_RECORD_HEADER + 8 };

/* `bytes` are the first `n` bytes (LK_RECORD_HEAD_BYTES, or all when there are fewer) of a payload of
 * `length` bytes. */
lk_status lk_record_head_parse(const uint8_t *bytes, size_t n, size_t length, struct lk_record_head *out,
                               lk_error *err);

/* Writes a payload as one record, cut wherever the magic stands in it at a multiple of 4. *at grows by what
 * the record takes. LK_EUNSUP for 2^29 bytes and more. */
lk_status lk_record_write(FILE *stream, const uint8_t *payload, size_t len, uint64_t *at, lk_error *err);
/* Payload of a record without a picture: labels as float32. LK_RECORD_HEADER + 4 n bytes at `out`. */
void lk_record_labels_put(uint8_t *out, uint64_t id, const float *labels, uint32_t n);

/* A label as a number from 0 to 2^31 - 1: from the bits of an f32, or of an i32, which some repacks put there
 * (then *integer is true; a small integer read as f32 would be below 1e-38, which is no label).
 * -1 = neither, for example 3.5, a negative number or NaN. */
int64_t lk_record_label(uint32_t bits, bool *integer);

#endif
