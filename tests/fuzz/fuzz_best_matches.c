/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_best_matches.c - any bytes as a list of best matches; what is accepted keeps the promises of its
 * header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/best_matches.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_best_matches list;
    lk_error err;
    if (lk_best_matches_parse(bytes, len, &list, &err) != LK_OK)
        return 0;
    uint64_t said = 0;
    for (size_t i = 0; i < list.n; i++) {
        const struct lk_best_match *m = &list.items[i];
        if (strlen(m->probe) == 0 || strlen(m->reference) == 0 || !isfinite(m->score))
            abort();
        said += m->gallery != LK_LIST_NOT_SAID;
    }
    if (list.n == 0 || said != list.n_train + list.n_holdout)
        abort();
    lk_best_matches_free(&list);
    return 0;
}
