/* SPDX-License-Identifier: Apache-2.0 */
/* scan_float.h - the float side of a kernel set: included once in each scan_*.c, inside its instruction set.
 *
 * Before the inclusion LK_MADD(a, b, c) is a * b + c, rounded once or twice: the bounds allow for both;
 * LK_FLOATS is how many floats a register holds. With LK_OWN_NEEDED the kernel set has its own `needed`. Sums
 * run in eight lanes that are written out, because compilers do not reorder floating-point sums by
 * themselves. */

enum { LANES = 8 };
_Static_assert(LK_PROJECT_ROWS == 4, "as many rows as there are sums below");

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

/* Four rows on as many axes as a vector has lanes. The sums are named one by one: in an array gcc leaves them
 * in memory. */
#define DEFINE_PROJECT(name, vector, doubles)                                                                \
    static inline void name(const float *axes, size_t dim, size_t depth, const float *x, double *out)        \
    {                                                                                                        \
        doubles sum0 = {0}, sum1 = {0}, sum2 = {0}, sum3 = {0};                                              \
        for (size_t first = 0; first < dim; first += LK_PROJECT_CHUNK) {                                     \
            size_t end = first + LK_PROJECT_CHUNK < dim ? first + LK_PROJECT_CHUNK : dim;                    \
            vector part0 = {0}, part1 = {0}, part2 = {0}, part3 = {0};                                       \
            for (size_t k = first; k < end; k++) {                                                           \
                const vector axis = *(const vector *)(axes + k * depth);                                     \
                part0 += x[k] * axis;                                                                        \
                part1 += x[dim + k] * axis;                                                                  \
                part2 += x[2 * dim + k] * axis;                                                              \
                part3 += x[3 * dim + k] * axis;                                                              \
            }                                                                                                \
            sum0 += __builtin_convertvector(part0, doubles);                                                 \
            sum1 += __builtin_convertvector(part1, doubles);                                                 \
            sum2 += __builtin_convertvector(part2, doubles);                                                 \
            sum3 += __builtin_convertvector(part3, doubles);                                                 \
        }                                                                                                    \
        *(doubles *)out = sum0;                                                                              \
        *(doubles *)(out + depth) = sum1;                                                                    \
        *(doubles *)(out + 2 * depth) = sum2;                                                                \
        *(doubles *)(out + 3 * depth) = sum3;                                                                \
    }

/* Rows begin anywhere, hence the alignment of one element. Vectors wider than the registers go through
 * memory. */
typedef float float_4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef double double_4 __attribute__((vector_size(32), aligned(8), may_alias));
DEFINE_PROJECT(project_4, float_4, double_4)
#if LK_FLOATS > 4
typedef float float_wide __attribute__((vector_size(4 * LK_FLOATS), aligned(4), may_alias));
typedef double double_wide __attribute__((vector_size(8 * LK_FLOATS), aligned(8), may_alias));
DEFINE_PROJECT(project_wide, float_wide, double_wide)
#else
#define project_wide project_4
#endif

static void project(const float *axes, size_t dim, size_t depth, const float *x, double *out)
{
    size_t a = 0;
    for (; a + LK_FLOATS <= depth; a += LK_FLOATS)
        project_wide(axes + a, dim, depth, x, out + a);
    for (; a < depth; a += 4) /* depth is a multiple of 4 */
        project_4(axes + a, dim, depth, x, out + a);
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

#if !defined(LK_OWN_NEEDED)
static void needed(struct lk_bound bound, const float *scores, int n, int32_t *out)
{
    for (int i = 0; i < n; i++)
        out[i] = lk_bound_needed(bound, scores[i]);
}
#endif

#undef LK_MADD
