/* SPDX-License-Identifier: Apache-2.0 */
/* score.c - the one definition of a pair's score, below every layer that needs it. */
#include "likeness.h"

/* The product of two float32 numbers is exact in double, so that a fused multiply-add gives the same bits. */
float lk_score(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return (float)sum + 0.0f; /* never -0, which would order and print unlike the +0 that it equals */
}
