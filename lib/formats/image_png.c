/* SPDX-License-Identifier: Apache-2.0 */
/* image_png.c - PNG to RGB and back through libspng. */
#include <stdlib.h>

#include <spng.h>

#include "base/mem.h"
#include "formats/image_codec.h"

/* Text, colour profiles and the like: refused when unpacking them takes more. */
enum { MAX_EXTRAS = 32 << 20 };

static lk_status damaged(int code, lk_error *err)
{
    if (code == SPNG_EMEM)
        return lk_fail(err, LK_ENOMEM, "out of memory while handling a PNG picture");
    return lk_fail(err, LK_EFORMAT, "the PNG picture is %s: %s", code == SPNG_IO_EOF ? "cut off" : "damaged",
                   spng_strerror(code));
}

static uint64_t big_endian(const uint8_t *p)
{
    return (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
}

static int has_alpha(spng_ctx *png, const struct spng_ihdr *header)
{
    struct spng_trns transparency;
    return header->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
           header->color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA || spng_get_trns(png, &transparency) == 0;
}

static lk_status decode(spng_ctx *png, size_t n, int alpha, uint8_t *rgb, lk_error *err)
{
    if (!alpha) {
        int code = spng_decode_image(png, rgb, 3 * n, SPNG_FMT_RGB8, 0);
        return code == 0 ? LK_OK : damaged(code, err);
    }
    uint8_t *rgba = lk_calloc(n, 4, err);
    if (rgba == NULL)
        return LK_ENOMEM;
    int code = spng_decode_image(png, rgba, 4 * n, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
    if (code == 0)
        lk_image_flatten(rgba, rgb, n);
    free(rgba);
    return code == 0 ? LK_OK : damaged(code, err);
}

static lk_status decode_all(spng_ctx *png, const uint8_t *bytes, size_t len, struct lk_image *image,
                            lk_error *err)
{
    struct spng_ihdr header;
    /* The header chunk stands first. libspng itself calls great sizes an "arithmetic overflow". */
    if (len >= 24)
        LK_TRY(lk_image_check_size(big_endian(bytes + 16), big_endian(bytes + 20), err));
    int code = spng_set_chunk_limits(png, MAX_EXTRAS, MAX_EXTRAS);
    if (code == 0)
        code = spng_set_png_buffer(png, bytes, len);
    if (code == 0)
        code = spng_get_ihdr(png, &header);
    if (code != 0)
        return damaged(code, err);
    /* Reads on to the pixels: a missing palette or a file that ends here is found before memory is taken. */
    code = spng_decode_chunks(png);
    if (code != 0)
        return damaged(code, err);
    LK_TRY(lk_image_new(image, (int)header.width, (int)header.height, err));
    LK_TRY(decode(png, (size_t)header.width * header.height, has_alpha(png, &header), image->rgb, err));
    code = spng_decode_chunks(png); /* to the end mark: finds a file that is cut off behind the pixels */
    if (code != 0)
        return damaged(code, err);
    struct spng_exif exif;
    if (spng_get_exif(png, &exif) != 0)
        return LK_OK;
    return lk_image_orient(image, lk_exif_orientation((const uint8_t *)exif.data, exif.length), err);
}

lk_status lk_image_decode_png(const uint8_t *bytes, size_t len, struct lk_image *out, lk_error *err)
{
    spng_ctx *png = spng_ctx_new(0);
    if (png == NULL)
        return damaged(SPNG_EMEM, err);
    struct lk_image image = {0, 0, NULL};
    lk_status status = decode_all(png, bytes, len, &image, err);
    spng_ctx_free(png);
    if (status != LK_OK) {
        lk_image_free(&image);
        return status;
    }
    *out = image;
    return LK_OK;
}

/* ---- encoding -------------------------------------------------------------------------------------- */

static lk_status encode_all(spng_ctx *png, const struct lk_image *image, uint8_t **bytes, size_t *len,
                            lk_error *err)
{
    struct spng_ihdr header = {.width = (uint32_t)image->width,
                               .height = (uint32_t)image->height,
                               .bit_depth = 8,
                               .color_type = SPNG_COLOR_TYPE_TRUECOLOR};
    static char maker[] = "likeness"; /* by this `likeness purge` knows it as ours */
    struct spng_text text = {
        .keyword = "Software", .type = SPNG_TEXT, .length = sizeof maker - 1, .text = maker};
    size_t size = 3 * (size_t)image->width * (size_t)image->height;
    int code = spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    if (code == 0)
        code = spng_set_ihdr(png, &header);
    if (code == 0)
        code = spng_set_text(png, &text, 1);
    if (code == 0)
        code = spng_encode_image(png, image->rgb, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    if (code == 0)
        *bytes = spng_get_png_buffer(png, len, &code);
    if (code == SPNG_EMEM)
        return lk_fail(err, LK_ENOMEM, "out of memory while writing a PNG picture");
    LK_NEED(code == 0, err, LK_EIO, "the PNG picture cannot be written: %s", spng_strerror(code));
    return LK_OK;
}

lk_status lk_image_encode_png(const struct lk_image *image, uint8_t **bytes, size_t *len, lk_error *err)
{
    LK_NEED(image->rgb != NULL && image->width > 0 && image->height > 0, err, LK_EINVAL, "an empty picture");
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    if (png == NULL)
        return lk_fail(err, LK_ENOMEM, "out of memory while writing a PNG picture");
    lk_status status = encode_all(png, image, bytes, len, err);
    spng_ctx_free(png);
    return status;
}
