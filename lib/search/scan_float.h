/* SPDX-License-Identifier: Apache-2.0 */
/* scan_float.h - the float side of a kernel set: included once in each scan_*.c, inside its instruction set.
 *
 * Before the inclusion LK_MADD(a, b, c) is a * b + c, rounded once or twice: the bounds allow for both. Sums
 * run in eight lanes that are written out, because compilers do not reorder floating-point sums by
 * themselves. */

enum { LANES = 8 };

static double dot(const float *a, const float *b, size_t n)
{
    double sum[2 * LANES] = {0};
    size_t k = 0;
    for (; k + 2 * LANES <= n; k += 2 * LANES)
        for (size_t l = 0; l < 2 * LANES; l++)
            sum[l] += (double)a[k + l] * (double)b[k + l];
    double total = 0;
    for (; k < n; k++)
        total += (double)a[k] * (double)b[k];
    for (size_t l = 0; l < LANES; l++)
        total += sum[l] + sum[l + LANES];
    return total;
}

static float dot_float(const float *a, const float *b, size_t n)
{
    float sum[4 * LANES] = {0};
    size_t k = 0;
    for (; k + 4 * LANES <= n; k += 4 * LANES)
        for (size_t l = 0; l < 4 * LANES; l++)
            sum[l] = LK_MADD(a[k + l], b[k + l], sum[l]);
    float total = 0;
    for (; k < n; k++)
        total += a[k] * b[k];
    for (size_t l = 0; l < LANES; l++)
        total += (sum[l] + sum[l + LANES]) + (sum[l + 2 * LANES] + sum[l + 3 * LANES]);
    return total;
}

static void project(const float *axes, size_t dim, size_t depth, const float *x, float *part, double *out)
{
    for (size_t a = 0; a < depth; a++)
        out[a] = 0;
    for (size_t first = 0; first < dim; first += LK_PROJECT_CHUNK) {
        size_t end = first + LK_PROJECT_CHUNK < dim ? first + LK_PROJECT_CHUNK : dim;
        for (size_t a = 0; a < depth; a++)
            part[a] = 0;
        for (size_t k = first; k < end; k++) {
            const float *axis = axes + k * depth, value = x[k];
            for (size_t a = 0; a < depth; a++)
                part[a] = LK_MADD(value, axis[a], part[a]);
        }
        for (size_t a = 0; a < depth; a++)
            out[a] += (double)part[a];
    }
}

static void round_row(const double *projection, size_t depth, double scale, int8_t *codes,
                      struct lk_rounded *out)
{
    double wrong[4] = {0}, reach[4] = {0}, length[4] = {0};
    int32_t sum = 0;
    double inverse = scale > 0 ? 1 / scale : 0;
    for (size_t a = 0; a < depth; a += 4) /* depth is a multiple of 4 */
        for (size_t l = 0; l < 4; l++) {
            double value = projection[a + l], q = __builtin_nearbyint(value * inverse), decoded = q * scale;
            wrong[l] += (value - decoded) * (value - decoded);
            reach[l] += decoded * decoded;
            length[l] += value * value;
            codes[a + l] = (int8_t)q;
            sum += (int32_t)q;
        }
    *out = (struct lk_rounded){(wrong[0] + wrong[1]) + (wrong[2] + wrong[3]),
                               (reach[0] + reach[1]) + (reach[2] + reach[3]),
                               (length[0] + length[1]) + (length[2] + length[3]), sum};
}

static void needed(struct lk_bound bound, const float *scores, int n, int32_t *out)
{
    for (int i = 0; i < n; i++)
        out[i] = lk_bound_needed(bound, scores[i]);
}

#undef LK_MADD
