/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_image.c - any bytes as a picture: an error with a message, or a picture whose pixels are all there. */
#include <stdlib.h>

#include "formats/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_image image = {0, 0, NULL};
    lk_error err = {.text = ""};
    if (lk_image_decode(bytes, len, &image, &err) != LK_OK) {
        if (image.rgb != NULL || err.text[0] == '\0')
            abort();
        return 0;
    }
    size_t n = (size_t)3 * (size_t)image.width * (size_t)image.height;
    if (n == 0 || n > 3 * LK_IMAGE_MAX_PIXELS)
        abort();
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += image.rgb[i];
    volatile unsigned seen = sum; /* keeps the reading: missing pixels show under the sanitizers */
    (void)seen;
    lk_image_free(&image);
    return 0;
}
