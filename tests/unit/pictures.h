/* SPDX-License-Identifier: Apache-2.0 */
/* pictures.h - small encoded pictures for the tests, made by the encoders of libjpeg, libspng and libwebp. */
#ifndef LK_TESTS_PICTURES_H
#define LK_TESTS_PICTURES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <spng.h>
#include <webp/encode.h>

struct bytes {
    uint8_t *p;
    size_t len;
};

/* ---- EXIF ------------------------------------------------------------------------------------------ */

enum { EXIF_BYTES = 32 };

/* A TIFF block whose only tag is the orientation; "Exif\0\0" in front makes 32 bytes. */
static inline void make_exif(uint8_t out[EXIF_BYTES], int orientation, int big_endian)
{
    static const uint8_t LITTLE[EXIF_BYTES] = {'E', 'x',  'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1,
                                               0,   0x12, 1,   3,   0, 1, 0,   0,   0,  0, 0, 0, 0, 0, 0};
    static const uint8_t BIG[EXIF_BYTES] = {'E', 'x', 'i',  'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0,
                                            1,   1,   0x12, 0,   3, 0, 0,   0,   1, 0,  0, 0, 0, 0, 0};
    memcpy(out, big_endian ? BIG : LITTLE, EXIF_BYTES);
    out[big_endian ? 25 : 24] = (uint8_t)orientation;
}

/* ---- JPEG ------------------------------------------------------------------------------------------ */

struct jpeg_kind {
    J_COLOR_SPACE in, stored; /* JCS_RGB -> JCS_YCbCr, JCS_CMYK -> JCS_YCCK, ... */
    int progressive;
    int quality;                 /* 0 stands for 100 */
    int orientation, big_endian; /* 0 = no EXIF */
    int adobe;                   /* write the Adobe mark */
    const jpeg_scan_info *scans; /* an own list of scans; NULL = the usual one */
    int n_scans;
};
#define JPEG(...) ((struct jpeg_kind){__VA_ARGS__})

static inline struct bytes make_jpeg(const uint8_t *pixels, int w, int h, struct jpeg_kind kind)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    struct bytes out = {NULL, 0};
    unsigned long len = 0;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out.p, &len);
    c.image_width = (JDIMENSION)w;
    c.image_height = (JDIMENSION)h;
    c.input_components = kind.in == JCS_GRAYSCALE ? 1 : kind.in == JCS_CMYK ? 4 : 3;
    c.in_color_space = kind.in;
    jpeg_set_defaults(&c);
    jpeg_set_colorspace(&c, kind.stored);
    jpeg_set_quality(&c, kind.quality > 0 ? kind.quality : 100, TRUE);
    if (kind.in == JCS_CMYK)
        c.write_Adobe_marker = kind.adobe ? TRUE : FALSE;
    for (int i = 0; i < c.num_components; i++)
        c.comp_info[i].h_samp_factor = c.comp_info[i].v_samp_factor = 1;
    if (kind.progressive)
        jpeg_simple_progression(&c);
    if (kind.scans != NULL) {
        c.scan_info = kind.scans;
        c.num_scans = kind.n_scans;
    }
    jpeg_start_compress(&c, TRUE);
    if (kind.orientation > 0) {
        uint8_t exif[EXIF_BYTES];
        make_exif(exif, kind.orientation, kind.big_endian);
        jpeg_write_marker(&c, JPEG_APP0 + 1, exif, sizeof exif);
    }
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)pixels + (size_t)(w * c.input_components) * c.next_scanline;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    out.len = len;
    return out;
}

/* ---- PNG ------------------------------------------------------------------------------------------- */

struct png_kind {
    enum spng_color_type type;
    int depth, interlaced;
    struct spng_plte *palette;
    struct spng_trns *transparency;
    int orientation;
};
#define PNG(color, ...) ((struct png_kind){.type = SPNG_COLOR_TYPE_##color, __VA_ARGS__})

static inline struct bytes make_png(const void *pixels, size_t n_bytes, int w, int h, struct png_kind kind)
{
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr header = {.width = (uint32_t)w,
                               .height = (uint32_t)h,
                               .bit_depth = (uint8_t)kind.depth,
                               .color_type = (uint8_t)kind.type,
                               .interlace_method = (uint8_t)kind.interlaced};
    struct bytes out = {NULL, 0};
    uint8_t block[EXIF_BYTES];
    int code = spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    code |= spng_set_ihdr(png, &header);
    if (kind.palette != NULL)
        code |= spng_set_plte(png, kind.palette);
    if (kind.transparency != NULL)
        code |= spng_set_trns(png, kind.transparency);
    if (kind.orientation > 0) {
        make_exif(block, kind.orientation, 0);
        struct spng_exif exif = {EXIF_BYTES - 6, (char *)block + 6};
        code |= spng_set_exif(png, &exif);
    }
    code |= spng_encode_image(png, pixels, n_bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    if (code == 0)
        out.p = spng_get_png_buffer(png, &out.len, &code);
    spng_ctx_free(png);
    if (out.p == NULL) {
        fprintf(stderr, "the PNG encoder failed (%d)\n", code);
        exit(1);
    }
    return out;
}

/* A PNG of nothing but its header, checksum included. */
static inline struct bytes make_png_header(uint32_t w, uint32_t h)
{
    static const uint8_t START[33] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D',
                                      'R',  0,   0,   0,   0,    0,    0,    0,    0, 8, 2, 0,  0,   0};
    struct bytes out = {malloc(sizeof START), sizeof START};
    memcpy(out.p, START, sizeof START);
    for (int i = 0; i < 4; i++) {
        out.p[16 + i] = (uint8_t)(w >> (24 - 8 * i));
        out.p[20 + i] = (uint8_t)(h >> (24 - 8 * i));
    }
    uint32_t crc = 0xffffffff;
    for (int i = 12; i < 29; i++) {
        crc ^= out.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    for (int i = 0; i < 4; i++)
        out.p[29 + i] = (uint8_t)(~crc >> (24 - 8 * i));
    return out;
}

/* ---- WebP ------------------------------------------------------------------------------------------ */

static inline struct bytes make_webp(const uint8_t *pixels, int w, int h, int alpha, float quality)
{
    uint8_t *p = NULL;
    size_t len;
    if (quality > 100) /* without loss */
        len = alpha ? WebPEncodeLosslessRGBA(pixels, w, h, 4 * w, &p)
                    : WebPEncodeLosslessRGB(pixels, w, h, 3 * w, &p);
    else
        len = alpha ? WebPEncodeRGBA(pixels, w, h, 4 * w, quality, &p)
                    : WebPEncodeRGB(pixels, w, h, 3 * w, quality, &p);
    struct bytes out = {malloc(len), len};
    memcpy(out.p, p, len);
    WebPFree(p);
    return out;
}

static inline void put_u32(uint8_t *p, size_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* Turns a simple WebP, which it takes over, into an extended one with flags and maybe an orientation. */
static inline struct bytes extend_webp(struct bytes in, int w, int h, int flags, int orientation)
{
    size_t exif = orientation > 0 ? EXIF_BYTES - 6 : 0, body = in.len - 12;
    struct bytes out = {calloc(1, in.len + 18 + 8 + EXIF_BYTES), 12 + 18 + body + (exif > 0 ? 8 + exif : 0)};
    memcpy(out.p, in.p, 12);
    put_u32(out.p + 4, out.len - 8);
    memcpy(out.p + 12, "VP8X\12\0\0\0", 8);
    out.p[20] = (uint8_t)(flags | (exif > 0 ? 8 : 0));
    put_u32(out.p + 24, (size_t)w - 1);
    put_u32(out.p + 27, (size_t)h - 1);
    memcpy(out.p + 30, in.p + 12, body);
    if (exif > 0) {
        uint8_t block[EXIF_BYTES];
        make_exif(block, orientation, 1);
        memcpy(out.p + 30 + body, "EXIF", 4);
        put_u32(out.p + 34 + body, exif);
        memcpy(out.p + 38 + body, block + 6, exif);
    }
    free(in.p);
    return out;
}

#endif
