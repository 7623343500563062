/* SPDX-License-Identifier: Apache-2.0 */
/* image_exif.c - the orientation that a camera noted, and turning the picture upright. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <libexif/exif-data.h>

#include "base/mem.h"
#include "formats/image_codec.h"

enum { MARK_BYTES = 6, MAX_EXIF = 64 << 10 };

static int entry_value(const ExifData *data)
{
    ExifEntry *entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
    if (entry == NULL || entry->format != EXIF_FORMAT_SHORT || entry->components < 1 || entry->size < 2)
        return 1;
    int value = exif_get_short(entry->data, exif_data_get_byte_order((ExifData *)(uintptr_t)data));
    return value >= 1 && value <= 8 ? value : 1;
}

int lk_exif_orientation(const uint8_t *exif, size_t len)
{
    static const uint8_t MARK[MARK_BYTES] = {'E', 'x', 'i', 'f', 0, 0};
    if (len >= MARK_BYTES && memcmp(exif, MARK, MARK_BYTES) == 0) {
        exif += MARK_BYTES;
        len -= MARK_BYTES;
    }
    /* The tag stands near the start; what is left of an overlong block need not be looked at. */
    size_t used = len < MAX_EXIF ? len : MAX_EXIF;
    uint8_t *block = malloc(MARK_BYTES + used);
    ExifData *data = exif_data_new();
    int orientation = 1;
    if (block != NULL && data != NULL && used > 0) {
        memcpy(block, MARK, MARK_BYTES); /* PNG and WebP leave it out, the parser wants it */
        memcpy(block + MARK_BYTES, exif, used);
        exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
        exif_data_load_data(data, block, (unsigned)(MARK_BYTES + used));
        orientation = entry_value(data);
    }
    if (data != NULL)
        exif_data_unref(data);
    free(block);
    return orientation;
}

lk_status lk_image_orient(struct lk_image *image, int orientation, lk_error *err)
{
    if (orientation <= 1 || orientation > 8)
        return LK_OK;
    size_t w = (size_t)image->width, h = (size_t)image->height;
    int turned = orientation >= 5; /* width and height change places */
    struct lk_image upright;
    LK_TRY(lk_image_new(&upright, turned ? image->height : image->width,
                        turned ? image->width : image->height, err));
    int from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    int from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    uint8_t *to = upright.rgb;
    for (size_t y = 0; y < (size_t)upright.height; y++) {
        for (size_t x = 0; x < (size_t)upright.width; x++, to += 3) {
            size_t column = turned ? y : x, row = turned ? x : y;
            column = from_right ? w - 1 - column : column;
            row = from_bottom ? h - 1 - row : row;
            memcpy(to, image->rgb + 3 * (row * w + column), 3);
        }
    }
    lk_image_free(image);
    *image = upright;
    return LK_OK;
}
