/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pairs.c - any bytes as LFW's pairs.txt; what is accepted keeps the promises of formats/pairs.h. */
#include <stdlib.h>
#include <string.h>

#include "formats/pairs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_pairs pairs;
    lk_error err;
    if (lk_pairs_parse(&pairs, bytes, len, &err) != LK_OK)
        return 0;
    if (pairs.n == 0 || pairs.n % (2 * (size_t)pairs.folds) != 0)
        abort();
    size_t each = pairs.n / pairs.folds / 2;
    for (size_t i = 0; i < pairs.n; i++) {
        const struct lk_pair *p = &pairs.items[i];
        if (p->fold != i / (2 * each) || p->genuine != (i % (2 * each) < each))
            abort();
        if (p->genuine && p->name[0] != p->name[1])
            abort();
        for (int side = 0; side < 2; side++)
            if (strlen(p->name[side]) == 0 || strlen(p->name[side]) > 255 ||
                strchr(p->name[side], '\n') != NULL)
                abort();
    }
    lk_pairs_free(&pairs);
    return 0;
}
