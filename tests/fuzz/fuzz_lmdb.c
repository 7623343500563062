/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_lmdb.c - any bytes as an LMDB file, and its values as MessagePack; what is visited lies inside the
 * file. */
#include <stdlib.h>
#include <string.h>

#include "formats/lmdb_file.h"
#include "formats/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct file {
    const uint8_t *bytes;
    size_t len;
    size_t value_bytes; /* of all values */
};

static void parse_value(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1); /* so that a read behind its end is seen */
    struct lk_msgpack_face face;
    uint64_t number;
    lk_error err;
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, len);
    if (lk_msgpack_face_parse(copy, len, &face, &err) == LK_OK &&
        (face.picture > len || face.picture_len > len - face.picture))
        abort();
    lk_msgpack_number(copy, len, &number, &err);
    lk_msgpack_count(copy, len, &number, &err);
    free(copy);
}

static lk_status visit(void *arg, const uint8_t *key, size_t key_len, size_t value, size_t value_len,
                       lk_error *err)
{
    struct file *file = arg;
    (void)err;
    if (key < file->bytes || key_len > file->len - (size_t)(key - file->bytes) || value > file->len ||
        value_len > file->len - value)
        abort();
    if ((file->value_bytes += value_len) > file->len) /* no part of the file is visited twice */
        abort();
    parse_value(file->bytes + value, value_len);
    return LK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct file file = {bytes, len, 0};
    lk_error err;
    if (len > 0 && len < 512)
        parse_value(bytes, len); /* too short for LMDB */
    else
        lk_lmdb_walk(bytes, len, visit, &file, &err);
    return 0;
}
