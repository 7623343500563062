/* SPDX-License-Identifier: Apache-2.0 */
/* deficit.c - hold-out deficit of a list of pairs, with Clopper-Pearson's interval. */
#include "stats/deficit.h"

#include <math.h>

lk_status lk_deficit(uint64_t n, uint64_t in_holdout, double lambda, double confidence,
                     struct lk_deficit *out, lk_error *err)
{
    LK_NEED(lambda > 0 && lambda < 1, err, LK_EINVAL,
            "hold-out deficit: lambda is %g, expected between 0 and 1", lambda);
    LK_NEED(confidence > 0 && confidence < 1, err, LK_EINVAL,
            "hold-out deficit: confidence is %g, expected between 0 and 1", confidence);
    LK_NEED(in_holdout <= n, err, LK_EINVAL, "hold-out deficit: %llu entries of %llu are in the hold-out",
            (unsigned long long)in_holdout, (unsigned long long)n);
    struct lk_deficit r = {.n = n, .in_holdout = in_holdout, .lambda = lambda, .h = NAN, .pi = NAN};
    if (n > 0) {
        r.h = (double)in_holdout / (double)n;
        r.pi = 1 - r.h / lambda;
    }
    r.h_interval = lk_clopper_pearson(in_holdout, n, confidence);
    r.pi_low = 1 - r.h_interval.high / lambda;
    r.pi_high = 1 - r.h_interval.low / lambda;
    r.p_value = lk_binomial_tail(n - in_holdout, n, 1 - lambda);
    *out = r;
    return LK_OK;
}
