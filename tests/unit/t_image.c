/* SPDX-License-Identifier: Apache-2.0 */
/* t_image.c - pictures: every kind of JPEG, PNG and WebP, orientation, damage, bombs, encoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/image.h"
#include "formats/image_codec.h"
#include "pictures.h"

static lk_error err;

/* Decodes and frees the bytes. */
static struct lk_image decode(struct bytes b)
{
    struct lk_image image = {0};
    lk_status status = lk_image_decode(b.p, b.len, &image, &err);
    free(b.p);
    if (status != LK_OK)
        fail_msg("%s", err.text);
    return image;
}

static void refuse(const void *bytes, size_t len, const char *why)
{
    struct lk_image image = {0};
    assert_int_equal(lk_image_decode(bytes, len, &image, &err), LK_EFORMAT);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
    assert_null(image.rgb);
}

static void refuse_bytes(struct bytes b, const char *why)
{
    refuse(b.p, b.len, why);
    free(b.p);
}

/* Every pixel within `slack` of the wanted one; frees the picture. */
static void check(struct lk_image got, int w, int h, const uint8_t *want, int slack)
{
    assert_int_equal(got.width, w);
    assert_int_equal(got.height, h);
    for (int i = 0; i < 3 * w * h; i++)
        if (abs(got.rgb[i] - want[i]) > slack)
            fail_msg("value %d of pixel %d is %d, expected %d", i % 3, i / 3, got.rgb[i], want[i]);
    lk_image_free(&got);
}

/* ---- orientation ----------------------------------------------------------------------------------- */

/* What a picture of "abc" above "def" must look like after each orientation. */
static const char *const UPRIGHT[9][3] = {
    {"abc", "def"},     {"abc", "def"},     {"cba", "fed"},     {"fed", "cba"},     {"def", "abc"},
    {"ad", "be", "cf"}, {"da", "eb", "fc"}, {"fc", "eb", "da"}, {"cf", "be", "ad"},
};

static void colour(char letter, uint8_t rgb[3])
{
    static const uint8_t COLOURS[6][3] = {{255, 0, 0},   {0, 255, 0},   {0, 0, 255},
                                          {255, 255, 0}, {0, 255, 255}, {9, 9, 9}};
    memcpy(rgb, COLOURS[letter - 'a'], 3);
}

/* Draws rows of letters, each a square of `side` pixels. */
static uint8_t *draw(const char *const *rows, int side, int *w, int *h)
{
    int columns = (int)strlen(rows[0]), lines = rows[0][0] != '\0' && columns == 3 ? 2 : 3;
    *w = columns * side;
    *h = lines * side;
    uint8_t *rgb = malloc((size_t)(3 * *w * *h));
    for (int y = 0; y < *h; y++)
        for (int x = 0; x < *w; x++)
            colour(rows[y / side][x / side], rgb + 3 * (y * *w + x));
    return rgb;
}

static void test_orientation(void **state)
{
    (void)state;
    for (int o = 0; o <= 9; o++) {
        int w, h, uw, uh;
        int shown = o <= 8 ? o : 0; /* 9 does not exist: left as it is */
        uint8_t *stored = draw(UPRIGHT[0], 8, &w, &h), *want = draw(UPRIGHT[shown], 8, &uw, &uh);
        size_t n = (size_t)(3 * w * h);
        for (int big = 0; big < 2; big++)
            check(decode(make_jpeg(
                      stored, w, h,
                      JPEG(.in = JCS_RGB, .stored = JCS_YCbCr, .orientation = o, .big_endian = big))),
                  uw, uh, want, 3);
        check(decode(make_png(stored, n, w, h, PNG(TRUECOLOR, .depth = 8, .orientation = o))), uw, uh, want,
              0);
        check(decode(extend_webp(make_webp(stored, w, h, 0, 101), w, h, 0, o)), uw, uh, want, 0);
        free(stored);
        free(want);
    }
}

static void test_exif_damage(void **state)
{
    (void)state;
    uint8_t exif[EXIF_BYTES];
    make_exif(exif, 6, 0);
    assert_int_equal(lk_exif_orientation(exif, sizeof exif), 6);
    assert_int_equal(lk_exif_orientation(exif + 6, sizeof exif - 6), 6);
    for (size_t cut = 0; cut < 24; cut++)
        assert_int_equal(lk_exif_orientation(exif, cut), 1);
    for (int i = 6; i < EXIF_BYTES; i++)
        for (int v = 0; v < 256; v++) {
            uint8_t bad[EXIF_BYTES];
            memcpy(bad, exif, sizeof bad);
            bad[i] = (uint8_t)v;
            assert_in_range(lk_exif_orientation(bad, sizeof bad), 1, 8);
        }
}

/* ---- kinds ----------------------------------------------------------------------------------------- */

static void test_jpeg_kinds(void **state)
{
    (void)state;
    enum { W = 16, H = 8, N = W * H };
    uint8_t grey[N], rgb[3 * N], cmyk[4 * N], inverted[4 * N], want[3 * N];
    for (int i = 0; i < N; i++) {
        int x = i % W;
        grey[i] = (uint8_t)(x < 8 ? 200 : 30);
        memset(want + 3 * i, grey[i], 3);
    }
    check(decode(make_jpeg(grey, W, H, JPEG(.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE))), W, H, want, 2);
    for (int i = 0; i < N; i++) {
        memcpy(want + 3 * i, i % W < 8 ? "\xff\x80\x10" : "\x20\x40\xf0", 3);
        memcpy(rgb + 3 * i, want + 3 * i, 3);
        for (int c = 0; c < 4; c++) { /* no black ink: the three inks alone give the colour */
            inverted[4 * i + c] = c < 3 ? want[3 * i + c] : 255;
            cmyk[4 * i + c] = (uint8_t)(255 - inverted[4 * i + c]);
        }
    }
    for (int progressive = 0; progressive < 2; progressive++) {
        struct jpeg_kind kind = JPEG(.in = JCS_RGB, .stored = JCS_YCbCr, .progressive = progressive);
        check(decode(make_jpeg(rgb, W, H, kind)), W, H, want, 4);
        kind.stored = JCS_RGB;
        check(decode(make_jpeg(rgb, W, H, kind)), W, H, want, 2);
        kind.in = kind.stored = JCS_CMYK;
        check(decode(make_jpeg(cmyk, W, H, kind)), W, H, want, 2);
        kind.adobe = 1;
        check(decode(make_jpeg(inverted, W, H, kind)), W, H, want, 2);
        kind.stored = JCS_YCCK;
        check(decode(make_jpeg(inverted, W, H, kind)), W, H, want, 4);
    }
    for (int i = 0; i < N; i++) { /* half the light is kept back by black ink */
        cmyk[4 * i + 3] = 128;
        for (int c = 0; c < 3; c++)
            want[3 * i + c] = (uint8_t)(want[3 * i + c] * 127 / 255);
    }
    check(decode(make_jpeg(cmyk, W, H, JPEG(.in = JCS_CMYK, .stored = JCS_CMYK))), W, H, want, 3);
}

static void test_png_kinds(void **state)
{
    (void)state;
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        const uint8_t rgb[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
        check(decode(make_png(rgb, 12, 2, 2, PNG(TRUECOLOR, .depth = 8, .interlaced = interlaced))), 2, 2,
              rgb, 0);
        /* 16 bits: the upper eight count */
        const uint16_t deep[6] = {0x1234, 0xff00, 0x80ff, 0x0001, 0xffff, 0x7f00};
        check(decode(make_png(deep, 12, 2, 1, PNG(TRUECOLOR, .depth = 16, .interlaced = interlaced))), 2, 1,
              (const uint8_t[]){0x12, 0xff, 0x80, 0x00, 0xff, 0x7f}, 1);
        /* grey of one, eight and sixteen bits */
        check(decode(make_png("\xa0", 1, 3, 1, PNG(GRAYSCALE, .depth = 1, .interlaced = interlaced))), 3, 1,
              (const uint8_t[]){255, 255, 255, 0, 0, 0, 255, 255, 255}, 0);
        check(decode(make_png("\x40", 1, 1, 1, PNG(GRAYSCALE, .depth = 8, .interlaced = interlaced))), 1, 1,
              (const uint8_t[]){64, 64, 64}, 0);
        check(decode(make_png(deep, 2, 1, 1, PNG(GRAYSCALE, .depth = 16, .interlaced = interlaced))), 1, 1,
              (const uint8_t[]){0x12, 0x12, 0x12}, 1);
        /* alpha over white: clear, half, solid */
        const uint8_t rgba[12] = {0, 0, 0, 0, 100, 0, 200, 128, 1, 2, 3, 255};
        const uint8_t over[9] = {255, 255, 255, 177, 127, 227, 1, 2, 3};
        check(decode(make_png(rgba, 12, 3, 1, PNG(TRUECOLOR_ALPHA, .depth = 8, .interlaced = interlaced))), 3,
              1, over, 0);
        check(
            decode(make_png("\x64\x80", 2, 1, 1, PNG(GRAYSCALE_ALPHA, .depth = 8, .interlaced = interlaced))),
            1, 1, (const uint8_t[]){177, 177, 177}, 0);
        /* a palette of four, one of them half clear */
        struct spng_plte palette = {
            .n_entries = 4, .entries = {{255, 0, 0, 0}, {0, 255, 0, 0}, {0, 0, 255, 0}, {100, 0, 200, 0}}};
        struct spng_trns trns = {.n_type3_entries = 4, .type3_alpha = {255, 0, 255, 128}};
        struct png_kind indexed = {SPNG_COLOR_TYPE_INDEXED, 2, interlaced, &palette, NULL, 0};
        check(decode(make_png("\x1b", 1, 4, 1, indexed)), 4, 1,
              (const uint8_t[]){255, 0, 0, 0, 255, 0, 0, 0, 255, 100, 0, 200}, 0);
        indexed.transparency = &trns;
        check(decode(make_png("\x1b", 1, 4, 1, indexed)), 4, 1,
              (const uint8_t[]){255, 0, 0, 255, 255, 255, 0, 0, 255, 177, 127, 227}, 0);
        /* one colour named as clear */
        struct spng_trns key = {.red = 4, .green = 5, .blue = 6};
        check(decode(make_png(rgb, 12, 2, 2,
                              PNG(TRUECOLOR, .depth = 8, .interlaced = interlaced, .transparency = &key))),
              2, 2, (const uint8_t[]){1, 2, 3, 255, 255, 255, 7, 8, 9, 10, 11, 255}, 0);
    }
}

static void test_webp_kinds(void **state)
{
    (void)state;
    uint8_t rgb[16 * 16 * 3], rgba[16 * 16 * 4], want[16 * 16 * 3];
    for (int i = 0; i < 256; i++) {
        memcpy(rgb + 3 * i, "\xc0\x80\x20", 3);
        memcpy(rgba + 4 * i, i % 16 < 8 ? "\xc0\x80\x20\xff" : "\x64\x00\xc8\x80", 4);
        memcpy(want + 3 * i, i % 16 < 8 ? "\xc0\x80\x20" : "\xb1\x7f\xe3", 3);
    }
    check(decode(make_webp(rgb, 16, 16, 0, 101)), 16, 16, rgb, 0);
    check(decode(make_webp(rgb, 16, 16, 0, 90)), 16, 16, rgb, 6);
    check(decode(make_webp(rgba, 16, 16, 1, 101)), 16, 16, want, 0);
    refuse_bytes(extend_webp(make_webp(rgb, 16, 16, 0, 90), 16, 16, 2, 0),
                 "an animated WebP, expected a single picture");
}

/* ---- damage ---------------------------------------------------------------------------------------- */

/* A picture cut off anywhere is an error, or the whole picture when nothing of it is missing; so it is with
 * any one byte changed, except that the picture may then be another one. */
static void try_damage(struct bytes b, const char *format)
{
    struct lk_image whole, part;
    assert_int_equal(lk_image_decode(b.p, b.len, &whole, &err), LK_OK);
    for (size_t cut = 0; cut < b.len; cut++) {
        uint8_t *copy = malloc(cut + 1); /* exactly as long, so that reading on is found out */
        copy = realloc(memcpy(copy, b.p, cut), cut > 0 ? cut : 1);
        lk_status status = lk_image_decode(copy, cut, &part, &err);
        if (status == LK_OK) {
            if (memcmp(part.rgb, whole.rgb, (size_t)(3 * whole.width * whole.height)) != 0)
                fail_msg("%s: %zu of %zu bytes pass as a picture", format, cut, b.len);
            lk_image_free(&part);
        } else {
            assert_int_equal(status, LK_EFORMAT);
        }
        free(copy);
    }
    unsigned seed = 1;
    for (int round = 0; round < 2000; round++) {
        uint8_t *byte = &b.p[(size_t)rand_r(&seed) % b.len], old = *byte;
        *byte = (uint8_t)rand_r(&seed);
        if (lk_image_decode(b.p, b.len, &part, &err) == LK_OK)
            lk_image_free(&part);
        *byte = old;
    }
    lk_image_free(&whole);
    free(b.p);
}

static void test_damage(void **state)
{
    (void)state;
    enum { W = 20, H = 20 };
    uint8_t rgba[W * H * 4];
    for (size_t i = 0; i < sizeof rgba; i++)
        rgba[i] = (uint8_t)(i * i / 7 ^ i);
    try_damage(
        make_jpeg(rgba, W, H, JPEG(.in = JCS_RGB, .stored = JCS_YCbCr, .quality = 80, .orientation = 6)),
        "JPEG");
    try_damage(
        make_jpeg(rgba, W, H, JPEG(.in = JCS_RGB, .stored = JCS_YCbCr, .progressive = 1, .quality = 80)),
        "progressive JPEG");
    try_damage(make_jpeg(rgba, W, H, JPEG(.in = JCS_CMYK, .stored = JCS_YCCK, .quality = 80, .adobe = 1)),
               "CMYK JPEG");
    try_damage(make_png(rgba, 3 * W * H, W, H, PNG(TRUECOLOR, .depth = 8, .orientation = 6)), "PNG");
    try_damage(make_png(rgba, sizeof rgba, W, H, PNG(TRUECOLOR_ALPHA, .depth = 8, .interlaced = 1)),
               "interlaced PNG");
    try_damage(make_webp(rgba, W, H, 0, 101), "lossless WebP");
    try_damage(make_webp(rgba, W, H, 0, 50), "lossy WebP");
    try_damage(make_webp(rgba, W, H, 1, 50), "lossy WebP with alpha");
}

/* Phones and cameras put more behind the picture; it is whole all the same. */
static void test_more_behind(void **state)
{
    (void)state;
    const uint8_t rgb[3 * 64] = {7, 7, 7};
    struct bytes kinds[] = {make_jpeg(rgb, 8, 8, JPEG(.in = JCS_RGB, .stored = JCS_RGB)),
                            make_png(rgb, sizeof rgb, 8, 8, PNG(TRUECOLOR, .depth = 8)),
                            make_webp(rgb, 8, 8, 0, 101)};
    for (size_t i = 0; i < 3; i++) {
        struct bytes longer = {calloc(1, kinds[i].len + 100), kinds[i].len + 100};
        memcpy(longer.p, kinds[i].p, kinds[i].len);
        free(kinds[i].p);
        check(decode(longer), 8, 8, rgb, 3);
    }
}

static void test_other_files(void **state)
{
    (void)state;
    refuse("", 0, "the file is empty");
    refuse("Hello world", 11, "not a JPEG, PNG or WebP picture (starts with 'Hello wo')");
    refuse("\x00\x01\x02", 3, "(starts with 00 01 02)");
    refuse("GIF89a......", 12, "a GIF picture, expected a JPEG, PNG or WebP picture");
    refuse("<!DOCTYPE html>", 15, "a web page");
    refuse("\0\0\0\x18"
           "ftypheic",
           12, "HEIC");
    refuse("RIFF\4\0\0\0WAVE", 12, "not a JPEG");
    refuse("\xff\xd8\xff", 3, "cut off");
    refuse("\x89PNG\r\n\x1a\n", 8, "cut off");
    refuse("RIFF\4\0\0\0WEBP", 12, "damaged");
}

static void test_bombs(void **state)
{
    (void)state;
    refuse_bytes(make_png_header(30000, 30000), "30000 x 30000 pixels, expected at most 100 million");
    refuse_bytes(make_png_header(0x7fffffff, 0x7fffffff), "2147483647 x 2147483647 pixels");
    refuse_bytes(make_png_header(70000, 1), "sides of at most 65535");
    refuse_bytes(make_png_header(0, 1), "a picture of 0 x 1 pixels");
    refuse_bytes(make_png_header(100, 100), "cut off");

    uint8_t rgb[3 * 64] = {0};
    struct bytes jpeg = make_jpeg(rgb, 8, 8, JPEG(.in = JCS_RGB, .stored = JCS_YCbCr, .quality = 80));
    uint8_t *frame = memmem(jpeg.p, jpeg.len, "\xff\xc0\x00\x11\x08", 5);
    assert_non_null(frame);
    memset(frame + 5, 0xfa, 4);
    refuse_bytes(jpeg, "64250 x 64250 pixels, expected at most 100 million");
}

/* A progressive picture in hundreds of scans, each allowed by the standard, is given up. */
static void test_scans(void **state)
{
    (void)state;
    enum { BITS = 3, MAX = 1 + 63 * (BITS + 1) };
    jpeg_scan_info scans[MAX] = {{.comps_in_scan = 1}};
    int n = 1;
    for (int bit = BITS; bit >= 0; bit--)
        for (int k = 1; k < 64; k++)
            scans[n++] = (jpeg_scan_info){1, {0}, k, k, bit == BITS ? 0 : bit + 1, bit};
    uint8_t grey[64] = {1, 200, 40};
    struct jpeg_kind kind =
        JPEG(.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .progressive = 1, .scans = scans, .n_scans = 80);
    struct lk_image image = decode(make_jpeg(grey, 8, 8, kind));
    lk_image_free(&image);
    kind.n_scans = n;
    refuse_bytes(make_jpeg(grey, 8, 8, kind), "more than 100 scans");
}

/* Chunks as large as real ones: a picture in a single chunk of many megabytes. */
static void test_large_png(void **state)
{
    (void)state;
    enum { W = 4000, H = 3500 };
    size_t n = (size_t)3 * W * H;
    uint8_t *rgb = malloc(n);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++)
        rgb[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    struct bytes b = make_png(rgb, n, W, H, PNG(TRUECOLOR, .depth = 8));
    assert_true(b.len > n / 2);
    check(decode(b), W, H, rgb, 0);
    free(rgb);
}

/* ---- encoding -------------------------------------------------------------------------------------- */

static void test_encode(void **state)
{
    (void)state;
    struct lk_image image;
    assert_int_equal(lk_image_new(&image, 33, 17, &err), LK_OK);
    for (int i = 0; i < 33 * 17; i++) /* colour stripes one pixel wide survive only without subsampling */
        image.rgb[3 * i + (i & 1 ? 0 : 2)] = 200;
    uint8_t *a, *b;
    size_t na, nb;
    assert_int_equal(lk_image_encode_jpeg(&image, 95, &a, &na, &err), LK_OK);
    assert_int_equal(lk_image_encode_jpeg(&image, 95, &b, &nb, &err), LK_OK);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    free(b);
    check(decode((struct bytes){a, na}), 33, 17, image.rgb, 25);
    assert_int_equal(lk_image_encode_jpeg(&image, 30, &a, &nb, &err), LK_OK);
    assert_true(nb < na);
    free(a);
    assert_int_equal(lk_image_encode_jpeg(&image, 0, &a, &na, &err), LK_EINVAL);
    assert_int_equal(lk_image_encode_jpeg(&image, 101, &a, &na, &err), LK_EINVAL);
    lk_image_free(&image);
    assert_null(image.rgb);
    assert_int_equal(lk_image_encode_jpeg(&image, 90, &a, &na, &err), LK_EINVAL);
    lk_image_free(&image);
    assert_int_equal(lk_image_new(&image, 0, 5, &err), LK_EINVAL);
    assert_int_equal(lk_image_new(&image, 20000, 20000, &err), LK_EFORMAT);
}

static void test_encode_png(void **state)
{
    (void)state;
    struct lk_image image = {0, 0, NULL};
    uint8_t *a, *b;
    size_t na, nb;
    assert_int_equal(lk_image_encode_png(&image, &a, &na, &err), LK_EINVAL);
    assert_int_equal(lk_image_new(&image, 33, 17, &err), LK_OK);
    for (int i = 0; i < 3 * 33 * 17; i++)
        image.rgb[i] = (uint8_t)(i * 7919);
    assert_int_equal(lk_image_encode_png(&image, &a, &na, &err), LK_OK);
    assert_int_equal(lk_image_encode_png(&image, &b, &nb, &err), LK_OK);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    free(b);
    check(decode((struct bytes){a, na}), 33, 17, image.rgb, 0);
    lk_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orientation), cmocka_unit_test(test_exif_damage),
        cmocka_unit_test(test_jpeg_kinds),  cmocka_unit_test(test_png_kinds),
        cmocka_unit_test(test_webp_kinds),  cmocka_unit_test(test_damage),
        cmocka_unit_test(test_more_behind), cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_bombs),       cmocka_unit_test(test_scans),
        cmocka_unit_test(test_large_png),   cmocka_unit_test(test_encode),
        cmocka_unit_test(test_encode_png),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
