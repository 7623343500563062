/* SPDX-License-Identifier: Apache-2.0 */
/* distort.c - mild changes of a picture: flip, crop, blur, colour, blend. */
#include "vision/distort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static uint8_t to_byte(double value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5);
}

static size_t n_values(const struct lk_image *image)
{
    return (size_t)image->width * (size_t)image->height * 3;
}

lk_status lk_distort_flip(const struct lk_image *in, struct lk_image *out, lk_error *err)
{
    struct lk_image flipped = {0};
    LK_TRY(lk_image_new(&flipped, in->width, in->height, err));
    size_t width = (size_t)in->width;
    for (size_t y = 0; y < (size_t)in->height; y++) {
        const uint8_t *from = in->rgb + 3 * y * width;
        uint8_t *to = flipped.rgb + 3 * y * width;
        for (size_t x = 0; x < width; x++)
            memcpy(to + 3 * x, from + 3 * (width - 1 - x), 3);
    }
    *out = flipped;
    return LK_OK;
}

/* ---- separable filters ------------------------------------------------------------------------- */

/* The weights of one axis: output i is the sum of weights[i * span + k] * input[at[i * span + k]]. */
struct taps {
    int n, span;
    int *at;
    float *weights;
};

static void taps_free(struct taps *taps)
{
    free(taps->at);
    free(taps->weights);
}

static lk_status taps_new(struct taps *taps, int n, int span, lk_error *err)
{
    *taps = (struct taps){.n = n, .span = span};
    taps->at = lk_calloc((size_t)n * (size_t)span, sizeof *taps->at, err);
    taps->weights = lk_calloc((size_t)n * (size_t)span, sizeof *taps->weights, err);
    return taps->at != NULL && taps->weights != NULL ? LK_OK : LK_ENOMEM;
}

static void taps_normalise(struct taps *taps, int i, double sum)
{
    for (int k = 0; k < taps->span; k++)
        taps->weights[i * taps->span + k] = (float)(taps->weights[i * taps->span + k] / sum);
}

/* Triangle filter from [start, start + length) of `size` samples onto n; as wide as a step when shrinking. */
static lk_status scale_taps(struct taps *taps, int size, double start, double length, int n, lk_error *err)
{
    double step = length / n, reach = step > 1 ? step : 1;
    LK_TRY(taps_new(taps, n, (int)ceil(2 * reach) + 1, err));
    for (int i = 0; i < n; i++) {
        double centre = start + (i + 0.5) * step - 0.5, sum = 0;
        int first = (int)ceil(centre - reach);
        for (int k = 0; k < taps->span; k++) {
            int at = first + k;
            double weight = 1 - fabs(at - centre) / reach;
            weight = weight > 0 ? weight : 0;
            taps->at[i * taps->span + k] = at < 0 ? 0 : at >= size ? size - 1 : at;
            taps->weights[i * taps->span + k] = (float)weight;
            sum += weight;
        }
        taps_normalise(taps, i, sum);
    }
    return LK_OK;
}

/* Index of a sample in a signal mirrored at both ends (edge samples repeated), any distance outside. */
static int mirror(int at, int size)
{
    int period = 2 * size, m = at % period;
    m = m < 0 ? m + period : m;
    return m < size ? m : period - 1 - m;
}

static lk_status blur_taps(struct taps *taps, int size, double sigma, lk_error *err)
{
    int radius = (int)ceil(3 * sigma);
    LK_TRY(taps_new(taps, size, 2 * radius + 1, err));
    for (int i = 0; i < size; i++) {
        double sum = 0;
        for (int k = 0; k < taps->span; k++) {
            double weight = exp(-0.5 * (k - radius) * (k - radius) / (sigma * sigma));
            taps->at[i * taps->span + k] = mirror(i + k - radius, size);
            taps->weights[i * taps->span + k] = (float)weight;
            sum += weight;
        }
        taps_normalise(taps, i, sum);
    }
    return LK_OK;
}

/* Across first, then down; the picture between the two is kept in float so that it is rounded once. */
static lk_status filter(const struct lk_image *in, const struct taps *across, const struct taps *down,
                        struct lk_image *out, lk_error *err)
{
    size_t row = (size_t)across->n * 3;
    float *half = lk_calloc((size_t)in->height, row * sizeof *half, err);
    struct lk_image result = {0};
    lk_status status = half != NULL ? lk_image_new(&result, across->n, down->n, err) : LK_ENOMEM;
    if (status != LK_OK) {
        free(half);
        return status;
    }
    for (size_t y = 0; y < (size_t)in->height; y++) {
        const uint8_t *from = in->rgb + y * (size_t)in->width * 3;
        for (int x = 0; x < across->n; x++)
            for (int k = 0; k < across->span; k++) {
                float weight = across->weights[x * across->span + k];
                const uint8_t *pixel = from + 3 * across->at[x * across->span + k];
                for (int c = 0; c < 3; c++)
                    half[y * row + 3 * (size_t)x + (size_t)c] += weight * pixel[c];
            }
    }
    for (int y = 0; y < down->n; y++)
        for (size_t x = 0; x < row; x++) {
            float sum = 0;
            for (int k = 0; k < down->span; k++)
                sum +=
                    down->weights[y * down->span + k] * half[(size_t)down->at[y * down->span + k] * row + x];
            result.rgb[(size_t)y * row + x] = to_byte(sum);
        }
    free(half);
    *out = result;
    return LK_OK;
}

lk_status lk_distort_crop(const struct lk_image *in, const struct lk_rect *rect, int width, int height,
                          struct lk_image *out, lk_error *err)
{
    LK_NEED(rect->x >= 0 && rect->y >= 0 && rect->width >= 1 && rect->height >= 1 &&
                rect->x + rect->width <= in->width && rect->y + rect->height <= in->height,
            err, LK_EINVAL, "crop %g,%g %gx%g, expected a rectangle inside %d x %d", rect->x, rect->y,
            rect->width, rect->height, in->width, in->height);
    LK_NEED(width > 0 && height > 0, err, LK_EINVAL, "crop to %d x %d, expected at least 1 x 1", width,
            height);
    struct taps across = {0}, down = {0};
    lk_status status = scale_taps(&across, in->width, rect->x, rect->width, width, err);
    if (status == LK_OK)
        status = scale_taps(&down, in->height, rect->y, rect->height, height, err);
    if (status == LK_OK)
        status = filter(in, &across, &down, out, err);
    taps_free(&across);
    taps_free(&down);
    return status;
}

lk_status lk_distort_blur(const struct lk_image *in, double sigma, struct lk_image *out, lk_error *err)
{
    LK_NEED(sigma >= 0.1 && sigma <= 50, err, LK_EINVAL, "blur of %g pixels, expected 0.1 to 50", sigma);
    struct taps across = {0}, down = {0};
    lk_status status = blur_taps(&across, in->width, sigma, err);
    if (status == LK_OK)
        status = blur_taps(&down, in->height, sigma, err);
    if (status == LK_OK)
        status = filter(in, &across, &down, out, err);
    taps_free(&across);
    taps_free(&down);
    return status;
}

/* ---- point operations -------------------------------------------------------------------------- */

lk_status lk_distort_colour(const struct lk_image *in, const double gain[3], const double gamma[3],
                            struct lk_image *out, lk_error *err)
{
    uint8_t table[3][256];
    for (int c = 0; c < 3; c++) {
        LK_NEED(gain[c] > 0 && gamma[c] > 0, err, LK_EINVAL, "colour gain %g, gamma %g, expected more than 0",
                gain[c], gamma[c]);
        for (int v = 0; v < 256; v++)
            table[c][v] = to_byte(255 * gain[c] * pow(v / 255.0, gamma[c]));
    }
    struct lk_image result = {0};
    LK_TRY(lk_image_new(&result, in->width, in->height, err));
    for (size_t i = 0; i < n_values(in); i++)
        result.rgb[i] = table[i % 3][in->rgb[i]];
    *out = result;
    return LK_OK;
}

lk_status lk_distort_blend(const struct lk_image *a, const struct lk_image *b, double alpha,
                           struct lk_image *out, lk_error *err)
{
    LK_NEED(alpha >= 0 && alpha <= 1, err, LK_EINVAL, "blend weight %g, expected 0 to 1", alpha);
    struct lk_image result = {0};
    const struct lk_rect whole = {0, 0, b->width, b->height};
    LK_TRY(lk_distort_crop(b, &whole, a->width, a->height, &result, err));
    for (size_t i = 0; i < n_values(a); i++)
        result.rgb[i] = to_byte(alpha * a->rgb[i] + (1 - alpha) * result.rgb[i]);
    *out = result;
    return LK_OK;
}
