/* SPDX-License-Identifier: Apache-2.0 */
/* tensor.c - resamples a picture and lays it out as a network's input. */
#include "vision/tensor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void lk_tensor_fill(const struct lk_input *input, const struct lk_image *image, float *out)
{
    size_t n = (size_t)input->width * (size_t)input->height;
    for (size_t c = 0; c < 3; c++) { /* c: red, green, blue */
        size_t place = input->bgr ? 2 - c : c;
        float *to = input->nhwc ? out + place : out + place * n;
        size_t step = input->nhwc ? 3 : 1;
        for (size_t i = 0; i < n; i++)
            to[i * step] = ((float)image->rgb[3 * i + c] - input->mean[c]) * input->scale[c];
    }
}

struct lk_similarity lk_letterbox(const struct lk_input *input, int w, int h, double fill)
{
    double s = fill * fmin((double)input->width / w, (double)input->height / h);
    /* Pixel centres lie at whole numbers, so the picture spans -0.5 .. w - 0.5. */
    return (struct lk_similarity){.a = s,
                                  .b = 0,
                                  .tx = (input->width - s * w) / 2 + s / 2 - 0.5,
                                  .ty = (input->height - s * h) / 2 + s / 2 - 0.5};
}

void lk_similarity_back(const struct lk_similarity *map, const double q[2], double p[2])
{
    double n = map->a * map->a + map->b * map->b;
    double x = q[0] - map->tx, y = q[1] - map->ty;
    p[0] = (map->a * x + map->b * y) / n;
    p[1] = (map->a * y - map->b * x) / n;
}

/* Averages blocks of n x n pixels; what is left at the right and at the bottom makes smaller blocks. */
static lk_status reduce(const struct lk_image *image, int n, struct lk_image *out, lk_error *err)
{
    int w = (image->width + n - 1) / n, h = (image->height + n - 1) / n;
    LK_TRY(lk_image_new(out, w, h, err));
    uint32_t *sums = lk_calloc((size_t)w, 3 * sizeof *sums, err);
    if (sums == NULL) {
        lk_image_free(out);
        return LK_ENOMEM;
    }
    for (int y = 0; y < h; y++) {
        int rows = image->height - y * n < n ? image->height - y * n : n;
        memset(sums, 0, (size_t)w * 3 * sizeof *sums);
        for (int r = 0; r < rows; r++) {
            const uint8_t *from = image->rgb + 3 * ((size_t)(y * n + r) * (size_t)image->width);
            for (int x = 0; x < w; x++) {
                int end = (x + 1) * n < image->width ? (x + 1) * n : image->width;
                for (int i = x * n; i < end; i++)
                    for (int c = 0; c < 3; c++)
                        sums[3 * x + c] += from[3 * (size_t)i + (size_t)c];
            }
        }
        uint8_t *to = out->rgb + 3 * ((size_t)y * (size_t)w);
        for (int x = 0; x < w; x++) {
            int columns = image->width - x * n < n ? image->width - x * n : n;
            uint32_t count = (uint32_t)(rows * columns);
            for (int c = 0; c < 3; c++)
                to[3 * x + c] = (uint8_t)((sums[3 * x + c] + count / 2) / count);
        }
    }
    free(sums);
    return LK_OK;
}

/* One output pixel near or beyond the edge: neighbours outside are black. */
static void sample_edge(const struct lk_image *image, double x, double y, uint8_t out[3])
{
    double fx = floor(x), fy = floor(y);
    float sum[3] = {0, 0, 0};
    if (fx >= -1 && fy >= -1 && fx < image->width && fy < image->height) {
        for (int dy = 0; dy < 2; dy++) {
            for (int dx = 0; dx < 2; dx++) {
                int px = (int)fx + dx, py = (int)fy + dy;
                if (px < 0 || py < 0 || px >= image->width || py >= image->height)
                    continue;
                float weight = (float)((dx ? x - fx : 1 - (x - fx)) * (dy ? y - fy : 1 - (y - fy)));
                const uint8_t *p = image->rgb + 3 * ((size_t)py * (size_t)image->width + (size_t)px);
                for (int c = 0; c < 3; c++)
                    sum[c] += weight * p[c];
            }
        }
    }
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)(sum[c] + 0.5f);
}

/* One output pixel whose four neighbours all lie in the picture. */
static inline void sample_inside(const struct lk_image *image, double x, double y, uint8_t out[3])
{
    int px = (int)x, py = (int)y;
    float wx = (float)(x - px), wy = (float)(y - py);
    const uint8_t *p = image->rgb + 3 * ((size_t)py * (size_t)image->width + (size_t)px);
    const uint8_t *q = p + 3 * (size_t)image->width;
    for (int c = 0; c < 3; c++) {
        float top = (float)p[c] + wx * (float)(p[c + 3] - p[c]);
        float bottom = (float)q[c] + wx * (float)(q[c + 3] - q[c]);
        out[c] = (uint8_t)(top + wy * (bottom - top) + 0.5f);
    }
}

static void warp_bilinear(const struct lk_image *image, const struct lk_similarity *map, struct lk_image *out)
{
    double n = map->a * map->a + map->b * map->b;
    double ia = map->a / n, ib = map->b / n; /* the inverse's linear part */
    double right = image->width - 1, bottom = image->height - 1;
    for (int v = 0; v < out->height; v++) {
        uint8_t *to = out->rgb + 3 * ((size_t)v * (size_t)out->width);
        for (int u = 0; u < out->width; u++, to += 3) {
            double x = ia * (u - map->tx) + ib * (v - map->ty);
            double y = ia * (v - map->ty) - ib * (u - map->tx);
            if (x >= 0 && y >= 0 && x < right && y < bottom)
                sample_inside(image, x, y, to);
            else
                sample_edge(image, x, y, to);
        }
    }
}

lk_status lk_warp(const struct lk_image *image, const struct lk_similarity *map, struct lk_image *out,
                  lk_error *err)
{
    double scale = hypot(map->a, map->b);
    LK_NEED(isfinite(scale) && scale > 0, err, LK_EFORMAT, "the face's points lie on one another");
    int n = scale < 0.5 ? (int)fmin(floor(1 / scale), 4096) : 1;
    if (n == 1) {
        warp_bilinear(image, map, out);
        return LK_OK;
    }
    struct lk_image small = {0, 0, NULL};
    LK_TRY(reduce(image, n, &small, err));
    /* The centre of small pixel X lies at n X + (n - 1) / 2 of the picture. */
    double shift = (n - 1) / 2.0;
    struct lk_similarity rest = {map->a * n, map->b * n, map->tx + (map->a - map->b) * shift,
                                 map->ty + (map->b + map->a) * shift};
    warp_bilinear(&small, &rest, out);
    lk_image_free(&small);
    return LK_OK;
}
