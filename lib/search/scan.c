/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - chooses the kernel set: the best that the processor has, or the one asked for by name. */
#include "search/scan.h"

#include <string.h>

#include "base/cpu.h"

static const struct lk_scan *const built[] = {
#if defined(__x86_64__)
    &lk_scan_avx512,
    &lk_scan_avx2,
#endif
#if defined(__aarch64__)
    &lk_scan_dotprod,
#endif
    &lk_scan_portable,
};

const struct lk_scan *lk_scan_built(int i)
{
    return i >= 0 && (size_t)i < sizeof built / sizeof *built ? built[i] : NULL;
}

const struct lk_scan *lk_scan_choose(const char *name)
{
    unsigned features = lk_cpu_features();
    bool any = name == NULL || strcmp(name, "auto") == 0;
    for (size_t i = 0; i < sizeof built / sizeof *built; i++)
        if ((built[i]->features & ~features) == 0 && (any || strcmp(name, built[i]->name) == 0))
            return built[i];
    return NULL;
}
