/* SPDX-License-Identifier: Apache-2.0 */
/* roc_table.c - writes the error rates of a matcher as a table, for ROC and DET curves. */
#include <math.h>

#include "base/fs.h"
#include "stats/proportion.h"
#include "stats/roc.h"

/* One line: so many impostor pairs are accepted, and so many genuine pairs refused, at the threshold. */
static void write_point(FILE *stream, const struct lk_roc *roc, float threshold, uint64_t accepted,
                        uint64_t refused)
{
    struct lk_interval fmr = lk_clopper_pearson(accepted, roc->n_impostor, 0.95);
    struct lk_interval fnmr = lk_clopper_pearson(refused, roc->n_genuine, 0.95);
    fprintf(stream, "%.9g,%.17g,%.9g,%.9g,%.17g,%.9g,%.9g\n", (double)threshold,
            (double)accepted / (double)roc->n_impostor, fmr.low, fmr.high,
            (double)refused / (double)roc->n_genuine, fnmr.low, fnmr.high);
}

static void write_points(FILE *stream, const struct lk_roc *roc)
{
    const double fmr_step = pow(10, -1.0 / 50), fnmr_step = 0.001 * (double)roc->n_genuine;
    uint64_t passed = 0, last_accepted = 0,
             last_refused = 0; /* impostor scores below the value; the last line */
    for (size_t i = 0; i < roc->n_values; i++) {
        passed += roc->impostors[2 * i];
        uint64_t accepted = roc->n_impostor - passed, refused = roc->genuine_below[i];
        passed += roc->impostors[2 * i + 1];
        if (i > 0 && i + 1 < roc->n_values && (double)(refused - last_refused) < fnmr_step &&
            (accepted == last_accepted || (double)accepted > fmr_step * (double)last_accepted))
            continue;
        write_point(stream, roc, roc->values[i], accepted, refused);
        last_accepted = accepted;
        last_refused = refused;
    }
}

lk_status lk_roc_write(const struct lk_roc *roc, const char *path, lk_error *err)
{
    LK_NEED(roc->n_impostor > 0, err, LK_EINVAL, "no impostor pairs, expected at least one");
    struct lk_out out;
    LK_TRY(lk_out_open(&out, path, err));
    fprintf(out.stream, "threshold,fmr,fmr_low,fmr_high,fnmr,fnmr_low,fnmr_high\n");
    write_points(out.stream, roc);
    lk_status status = lk_out_commit(&out, err);
    if (status != LK_OK)
        lk_out_abandon(&out);
    return status;
}
