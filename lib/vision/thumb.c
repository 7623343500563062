/* SPDX-License-Identifier: Apache-2.0 */
/* thumb.c - small grey pictures: how they are made, hashed and compared. */
#include "vision/thumb.h"

#include <math.h>
#include <string.h>

#include "vision/distort.h"

enum { SIDE = LK_THUMB_SIDE, N = LK_THUMB_PIXELS, N_WARPS = 4, N_FIT = N_WARPS + 1, ROUNDS = 3 };

/* A coefficient of the transform below this is noise: JPEG at quality 30 moves one by about 2. */
static const float ZERO = 4;
/* Largest shift of any point, in pixels of a thumb: 4.7 % of the side, a crop of 2 of 112 pixels needs 0.6.
 */
static const double MAX_SHIFT = 1.5;

lk_status lk_thumb_make(const struct lk_image *image, uint8_t luma[N], lk_error *err)
{
    const struct lk_rect whole = {0, 0, image->width, image->height};
    struct lk_image small = {0};
    LK_TRY(lk_distort_crop(image, &whole, SIDE, SIDE, &small, err));
    for (int i = 0; i < N; i++) {
        const uint8_t *p = small.rgb + 3 * i;
        luma[i] = (uint8_t)((299u * p[0] + 587u * p[1] + 114u * p[2] + 500) / 1000);
    }
    lk_image_free(&small);
    return LK_OK;
}

void lk_thumb_mirror(const uint8_t luma[N], uint8_t out[N])
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            out[y * SIDE + x] = luma[y * SIDE + SIDE - 1 - x];
}

bool lk_thumb_flat(const uint8_t luma[N])
{
    uint32_t sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        sum += luma[i];
        squares += (uint32_t)luma[i] * luma[i];
    }
    double mean = (double)sum / N;
    return (double)squares / N - mean * mean < 4;
}

/* ---- hash -------------------------------------------------------------------------------------- */

void lk_phash_basis_init(struct lk_phash_basis *basis)
{
    for (int u = 0; u < 16; u++)
        for (int x = 0; x < SIDE; x++)
            basis->at[u][x] = (float)(sqrt((u > 0 ? 2.0 : 1.0) / SIDE) * cos(M_PI * u * (x + 0.5) / SIDE));
}

void lk_phash_make(const struct lk_phash_basis *basis, const uint8_t luma[N], struct lk_phash *hash,
                   struct lk_phash *mirrored)
{
    float rows[16][SIDE]; /* transformed along x: frequency u of row y */
    for (int u = 0; u < 16; u++)
        for (int y = 0; y < SIDE; y++) {
            float sum = 0;
            for (int x = 0; x < SIDE; x++)
                sum += basis->at[u][x] * luma[y * SIDE + x];
            rows[u][y] = sum;
        }
    *hash = *mirrored = (struct lk_phash){{0, 0}};
    int bit = 0;
    for (int order = 1; bit < LK_PHASH_BITS; order++) /* lowest frequencies first, as JPEG has them */
        for (int v = order < 16 ? 0 : order - 15; v <= order && v < 16 && bit < LK_PHASH_BITS; v++, bit++) {
            int u = order - v;
            float c = 0;
            for (int y = 0; y < SIDE; y++)
                c += basis->at[v][y] * rows[u][y];
            int place = bit % 8 * 16 + bit / 8; /* a word of 16 bits has high and low frequencies */
            uint64_t mask = (uint64_t)1 << (place % 64);
            if (c > ZERO)
                hash->word[place / 64] |= mask;
            if ((u % 2 == 1 ? -c : c) > ZERO) /* mirroring turns the odd frequencies over */
                mirrored->word[place / 64] |= mask;
        }
}

/* ---- similarity -------------------------------------------------------------------------------- */

struct grey {
    float at[SIDE][SIDE];
};

static void to_grey(const uint8_t luma[N], struct grey *out)
{
    for (int i = 0; i < N; i++)
        out->at[i / SIDE][i % SIDE] = luma[i];
}

/* Differences of neighbours, across and down, with `margin` pixels left out all around: how many there are.
 */
enum { MAX_GRADIENTS = 2 * SIDE * (SIDE - 1) };
static int gradients(const struct grey *p, int margin, float out[MAX_GRADIENTS])
{
    int n = 0;
    for (int y = margin; y < SIDE - margin; y++)
        for (int x = margin; x < SIDE - 1 - margin; x++)
            out[n++] = p->at[y][x + 1] - p->at[y][x];
    for (int y = margin; y < SIDE - 1 - margin; y++)
        for (int x = margin; x < SIDE - margin; x++)
            out[n++] = p->at[y + 1][x] - p->at[y][x];
    return n;
}

static double dot(const float *a, const float *b, int n)
{
    float part[8] = {0}; /* eight sums, which a compiler can take side by side without changing the result */
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            part[k] += a[i + k] * b[i + k];
    double sum = 0;
    for (int k = 0; k < 8; k++)
        sum += part[k];
    for (; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static double correlation(const struct grey *a, const struct grey *b, int margin)
{
    float ga[MAX_GRADIENTS], gb[MAX_GRADIENTS];
    int n = gradients(a, margin, ga);
    gradients(b, margin, gb);
    double norms = dot(ga, ga, n) * dot(gb, gb, n);
    return norms > 0 ? dot(ga, gb, n) / sqrt(norms) : 0;
}

/* Position of row or column i between -1 and 1. */
static float place(int i)
{
    return ((float)i - (SIDE - 1) / 2.0f) / (SIDE / 2.0f);
}

/* How a picture changes with shift and stretch, across and down: its slope, and its slope times the place. */
static void warp_basis(const struct grey *p, struct grey out[N_WARPS])
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int left = x > 0 ? x - 1 : 0, right = x < SIDE - 1 ? x + 1 : x;
            int up = y > 0 ? y - 1 : 0, down = y < SIDE - 1 ? y + 1 : y;
            float across = (p->at[y][right] - p->at[y][left]) / (float)(right - left);
            float along = (p->at[down][x] - p->at[up][x]) / (float)(down - up);
            out[0].at[y][x] = across;
            out[1].at[y][x] = across * place(x);
            out[2].at[y][x] = along;
            out[3].at[y][x] = along * place(y);
        }
}

/* Solves the symmetric positive definite system in place by Gauss-Jordan; false when it has no solution. */
static bool solve(double m[N_FIT][N_FIT + 1])
{
    for (int k = 0; k < N_FIT; k++) {
        if (!(m[k][k] > 0))
            return false;
        for (int i = 0; i < N_FIT; i++) {
            double factor = i == k ? 0 : m[i][k] / m[k][k];
            for (int j = k; j <= N_FIT; j++)
                m[i][j] -= factor * m[k][j];
        }
    }
    for (int k = 0; k < N_FIT; k++)
        m[k][N_FIT] /= m[k][k];
    return true;
}

/* Least squares: the shift and stretch that bring the gradients of `a` closest to those of `b`, contrast
 * free; false when the pictures have nothing in common. */
static bool fit(const struct grey *a, const float target[MAX_GRADIENTS], double warp[N_WARPS])
{
    struct grey basis[N_WARPS];
    float columns[N_FIT][MAX_GRADIENTS];
    double m[N_FIT][N_FIT + 1];
    warp_basis(a, basis);
    int n = gradients(a, 0, columns[0]);
    for (int k = 0; k < N_WARPS; k++)
        gradients(&basis[k], 0, columns[k + 1]);
    for (int i = 0; i < N_FIT; i++) {
        for (int j = 0; j <= i; j++)
            m[i][j] = m[j][i] = dot(columns[i], columns[j], n);
        m[i][i] += 1e-6;
        m[i][N_FIT] = dot(columns[i], target, n);
    }
    if (!solve(m) || m[0][N_FIT] < 0.2)
        return false;
    for (int k = 0; k < N_WARPS; k++)
        warp[k] = m[k + 1][N_FIT] / m[0][N_FIT];
    return true;
}

/* Weights of the cubic of Keys (1981, a = -1/2) at four samples around `at`, held inside the picture. */
static void cubic(double at, int from[4], float weight[4])
{
    double whole = floor(at), f = at - whole;
    weight[0] = (float)(f * (f * (1 - 0.5 * f) - 0.5));
    weight[1] = (float)(1 + f * f * (1.5 * f - 2.5));
    weight[2] = (float)(f * (0.5 + f * (2 - 1.5 * f)));
    weight[3] = (float)(f * f * (0.5 * f - 0.5));
    for (int k = 0; k < 4; k++) {
        int i = (int)whole - 1 + k;
        from[k] = i < 0 ? 0 : i >= SIDE ? SIDE - 1 : i;
    }
}

static void apply_warp(const struct grey *p, const double warp[N_WARPS], struct grey *out)
{
    struct grey half;
    for (int x = 0; x < SIDE; x++) {
        int from[4];
        float weight[4];
        cubic(x + warp[0] + warp[1] * (double)place(x), from, weight);
        for (int y = 0; y < SIDE; y++)
            half.at[y][x] = weight[0] * p->at[y][from[0]] + weight[1] * p->at[y][from[1]] +
                            weight[2] * p->at[y][from[2]] + weight[3] * p->at[y][from[3]];
    }
    for (int y = 0; y < SIDE; y++) {
        int from[4];
        float weight[4];
        cubic(y + warp[2] + warp[3] * (double)place(y), from, weight);
        for (int x = 0; x < SIDE; x++)
            out->at[y][x] = weight[0] * half.at[from[0]][x] + weight[1] * half.at[from[1]][x] +
                            weight[2] * half.at[from[2]][x] + weight[3] * half.at[from[3]][x];
    }
}

/* The best correlation on the way of a few Gauss-Newton steps that move `a` onto `b`. */
static double moved_correlation(const struct grey *a, const struct grey *b)
{
    double total[N_WARPS] = {0}, best = -1;
    struct grey moved = *a;
    float target[MAX_GRADIENTS];
    gradients(b, 0, target);
    for (int round = 0; round < ROUNDS; round++) {
        double step[N_WARPS];
        if (!fit(&moved, target, step))
            break;
        for (int k = 0; k < N_WARPS; k++)
            total[k] += step[k];
        if (!(fabs(total[0]) + fabs(total[1]) <= MAX_SHIFT && fabs(total[2]) + fabs(total[3]) <= MAX_SHIFT))
            break;
        apply_warp(a, total, &moved);
        best = fmax(best, correlation(&moved, b, 1)); /* what came from outside is left out */
    }
    return best;
}

double lk_thumb_similarity(const uint8_t a[N], const uint8_t b[N])
{
    struct grey ga, gb;
    to_grey(a, &ga);
    to_grey(b, &gb);
    double plain = correlation(&ga, &gb, 0);
    double moved = fmax(moved_correlation(&ga, &gb), moved_correlation(&gb, &ga));
    return fmin(1, fmax(plain, moved));
}

double lk_thumb_correlation(const uint8_t a[N], const uint8_t b[N])
{
    struct grey ga, gb;
    to_grey(a, &ga);
    to_grey(b, &gb);
    return correlation(&ga, &gb, 0);
}
