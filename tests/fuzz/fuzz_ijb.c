/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ijb.c - any bytes as both tables of IJB; what is accepted keeps the promises of formats/ijb.h. */
#include <stdlib.h>
#include <string.h>

#include "formats/ijb.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void try_images(const uint8_t *bytes, size_t len)
{
    struct lk_ijb_images images;
    lk_error err;
    if (lk_ijb_images_parse(&images, bytes, len, &err) != LK_OK)
        return;
    if (images.n == 0)
        abort();
    for (size_t i = 0; i < images.n; i++) {
        const struct lk_ijb_image *image = &images.items[i];
        if (image->name < bytes || image->name_len == 0 || image->name_len > 4096 ||
            (size_t)(image->name - bytes) + image->name_len > len ||
            memchr(image->name, '\n', image->name_len) != NULL ||
            memchr(image->name, '\0', image->name_len) != NULL)
            abort();
    }
    lk_ijb_images_free(&images);
}

/* Reads all pairs in pieces of this size; returns their number, SIZE_MAX when they are refused. */
static size_t count_pairs(const uint8_t *bytes, size_t len, size_t room)
{
    struct lk_ijb_pairs reader = {.bytes = bytes, .len = len};
    struct lk_ijb_pair pairs[16];
    lk_error err;
    size_t total = 0, n;
    uint64_t line = 0;
    do {
        if (lk_ijb_pairs_next(&reader, pairs, room, &n, &err) != LK_OK)
            return SIZE_MAX;
        if (n > room)
            abort();
        for (size_t i = 0; i < n; i++) {
            if (pairs[i].line <= line)
                abort();
            line = pairs[i].line;
        }
        total += n;
    } while (n > 0);
    if (reader.at != len)
        abort();
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    try_images(bytes, len);
    if (count_pairs(bytes, len, 1) != count_pairs(bytes, len, 16))
        abort();
    return 0;
}
