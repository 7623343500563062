/* SPDX-License-Identifier: Apache-2.0 */
/* image_webp.c - WebP to RGB through libwebp. */
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>

#include "base/mem.h"
#include "formats/image_codec.h"

static lk_status damaged(VP8StatusCode code, lk_error *err)
{
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return lk_fail(err, LK_ENOMEM, "out of memory while handling a WebP picture");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return lk_fail(err, LK_EFORMAT, "the WebP picture is cut off");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return lk_fail(err, LK_EFORMAT, "the WebP picture uses a feature that the decoder does not know");
    default:
        return lk_fail(err, LK_EFORMAT, "the WebP picture is damaged");
    }
}

/* The orientation in the EXIF chunk of the RIFF container. */
static int find_orientation(const uint8_t *bytes, size_t len)
{
    size_t at = 12; /* behind "RIFF", the size and "WEBP" */
    while (at <= len && len - at >= 8) {
        const uint8_t *p = bytes + at;
        size_t size = p[4] | (size_t)p[5] << 8 | (size_t)p[6] << 16 | (size_t)p[7] << 24;
        size_t left = len - at - 8;
        if (size > left)
            break;
        if (memcmp(p, "EXIF", 4) == 0)
            return lk_exif_orientation(p + 8, size);
        at += 8 + size + (size & 1);
    }
    return 1;
}

static lk_status decode(const uint8_t *bytes, size_t len, int alpha, struct lk_image *image, lk_error *err)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return lk_fail(err, LK_EINTERNAL, "the WebP library is another version than the one built for");
    size_t n = (size_t)image->width * (size_t)image->height, channels = alpha ? 4 : 3;
    uint8_t *rgba = NULL;
    if (alpha && (rgba = lk_calloc(n, 4, err)) == NULL)
        return LK_ENOMEM;
    config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = alpha ? rgba : image->rgb;
    config.output.u.RGBA.stride = image->width * (int)channels;
    config.output.u.RGBA.size = n * channels;
    VP8StatusCode code = WebPDecode(bytes, len, &config);
    if (code == VP8_STATUS_OK && alpha)
        lk_image_flatten(rgba, image->rgb, n);
    WebPFreeDecBuffer(&config.output);
    free(rgba);
    return code == VP8_STATUS_OK ? LK_OK : damaged(code, err);
}

lk_status lk_image_decode_webp(const uint8_t *bytes, size_t len, struct lk_image *out, lk_error *err)
{
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(bytes, len, &features);
    if (code != VP8_STATUS_OK)
        return damaged(code, err);
    LK_NEED(!features.has_animation, err, LK_EFORMAT, "an animated WebP, expected a single picture");
    LK_TRY(lk_image_check_size((uint64_t)features.width, (uint64_t)features.height, err));
    struct lk_image image;
    LK_TRY(lk_image_new(&image, features.width, features.height, err));
    lk_status status = decode(bytes, len, features.has_alpha, &image, err);
    if (status == LK_OK)
        status = lk_image_orient(&image, find_orientation(bytes, len), err);
    if (status != LK_OK) {
        lk_image_free(&image);
        return status;
    }
    *out = image;
    return LK_OK;
}
