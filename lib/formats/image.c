/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - pictures in memory, and the choice of the decoder by content. */
#include "formats/image.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/image_codec.h"

enum { MAX_SIDE = 65535 };

lk_status lk_image_check_size(uint64_t width, uint64_t height, lk_error *err)
{
    LK_NEED(width > 0 && height > 0, err, LK_EFORMAT, "a picture of %llu x %llu pixels",
            (unsigned long long)width, (unsigned long long)height);
    LK_NEED(width <= MAX_SIDE && height <= MAX_SIDE && width * height <= LK_IMAGE_MAX_PIXELS, err, LK_EFORMAT,
            "a picture of %llu x %llu pixels, expected at most %llu million pixels and sides of at most %d",
            (unsigned long long)width, (unsigned long long)height,
            (unsigned long long)(LK_IMAGE_MAX_PIXELS / 1000000), MAX_SIDE);
    return LK_OK;
}

lk_status lk_image_new(struct lk_image *out, int width, int height, lk_error *err)
{
    LK_NEED(width > 0 && height > 0, err, LK_EINVAL, "a picture of %d x %d pixels", width, height);
    LK_TRY(lk_image_check_size((uint64_t)width, (uint64_t)height, err));
    uint8_t *rgb = lk_calloc((size_t)width * (size_t)height, 3, err);
    if (rgb == NULL)
        return LK_ENOMEM;
    *out = (struct lk_image){width, height, rgb};
    return LK_OK;
}

void lk_image_free(struct lk_image *image)
{
    free(image->rgb);
    *image = (struct lk_image){0, 0, NULL};
}

void lk_image_flatten(const uint8_t *rgba, uint8_t *rgb, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned alpha = rgba[4 * i + 3], white = 255 * (255 - alpha);
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)((rgba[4 * i + c] * alpha + white + 127) / 255);
    }
}

/* ---- what a file is -------------------------------------------------------------------------------- */

static int at(const uint8_t *bytes, size_t len, size_t offset, const char *mark, size_t n)
{
    return len >= offset + n && memcmp(bytes + offset, mark, n) == 0;
}

/* Other things that people have under a picture's name. */
static const char *other_kind(const uint8_t *bytes, size_t len)
{
    static const struct {
        const char *mark;
        size_t offset, n;
        const char *name;
    } KINDS[] = {
        {"GIF8", 0, 4, "a GIF picture"},
        {"BM", 0, 2, "a BMP picture"},
        {"II*\0", 0, 4, "a TIFF picture"},
        {"MM\0*", 0, 4, "a TIFF picture"},
        {"ftyp", 4, 4, "an HEIC, AVIF or MP4 file"},
        {"%PDF", 0, 4, "a PDF document"},
        {"<!DOCTYPE", 0, 9, "a web page"},
        {"<html", 0, 5, "a web page"},
        {"<svg", 0, 4, "an SVG drawing"},
        {"PK\3\4", 0, 4, "a zip archive"},
        {"\0\0\0\x0cjP  ", 0, 8, "a JPEG 2000 picture"},
        {"\xff\x0a", 0, 2, "a JPEG XL picture"},
    };
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (at(bytes, len, KINDS[i].offset, KINDS[i].mark, KINDS[i].n))
            return KINDS[i].name;
    return NULL;
}

static lk_status refuse_unknown(const uint8_t *bytes, size_t len, lk_error *err)
{
    const char *kind = other_kind(bytes, len);
    if (kind != NULL)
        return lk_fail(err, LK_EFORMAT, "%s, expected a JPEG, PNG or WebP picture", kind);
    char start[4 * 8 + 1];
    size_t n = len < 8 ? len : 8, used = 0;
    int text = 1;
    for (size_t i = 0; i < n; i++)
        text &= isprint(bytes[i]) || isspace(bytes[i]);
    for (size_t i = 0; i < n; i++)
        used += (size_t)(text ? snprintf(start + used, sizeof start - used, "%c",
                                         isspace(bytes[i]) ? ' ' : bytes[i])
                              : snprintf(start + used, sizeof start - used, "%s%02x", i > 0 ? " " : "",
                                         bytes[i]));
    return lk_fail(err, LK_EFORMAT, "not a JPEG, PNG or WebP picture (starts with %s%s%s)", text ? "'" : "",
                   start, text ? "'" : "");
}

lk_status lk_image_decode(const uint8_t *bytes, size_t len, struct lk_image *out, lk_error *err)
{
    LK_NEED(len > 0, err, LK_EFORMAT, "the file is empty, expected a JPEG, PNG or WebP picture");
    if (at(bytes, len, 0, "\xff\xd8\xff", 3))
        return lk_image_decode_jpeg(bytes, len, out, err);
    if (at(bytes, len, 0, "\x89PNG\r\n\x1a\n", 8))
        return lk_image_decode_png(bytes, len, out, err);
    if (at(bytes, len, 0, "RIFF", 4) && at(bytes, len, 8, "WEBP", 4))
        return lk_image_decode_webp(bytes, len, out, err);
    return refuse_unknown(bytes, len, err);
}
