/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - chooses the kernel set: the best that the processor has, or the one asked for by name. */
#include "search/scan.h"

#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/mem.h"

#if defined(__x86_64__)
#define X86(kernel) &kernel
#else
#define X86(kernel) NULL
#endif
#if defined(LK_SCAN_HAS_DOTPROD)
#define ARM(kernel) &kernel
#else
#define ARM(kernel) NULL
#endif

/* Every set there is, best first; those for other processors have no kernel. */
static const struct {
    const char *name, *needs;
    const struct lk_scan *kernel;
} levels[] = {
    {"amx", "AMX-INT8", X86(lk_scan_amx)},
    {"avx512", "AVX-512 with VNNI", X86(lk_scan_avx512)},
    {"avx2", "AVX2 and FMA", X86(lk_scan_avx2)},
    {"dotprod", "the ARMv8.2 dot product", ARM(lk_scan_dotprod)},
    {"portable", "any processor", &lk_scan_portable},
};
enum { N_LEVELS = sizeof levels / sizeof *levels };

static bool usable(const struct lk_scan *kernel, unsigned features)
{
    return kernel != NULL && (kernel->features & ~features) == 0;
}

const struct lk_scan *lk_scan_built(int i)
{
    for (int l = 0; l < N_LEVELS; l++)
        if (levels[l].kernel != NULL && i-- == 0)
            return levels[l].kernel;
    return NULL;
}

const struct lk_scan *lk_scan_choose(const char *name)
{
    unsigned features = lk_cpu_features();
    bool any = name == NULL || strcmp(name, "auto") == 0;
    for (int l = 0; l < N_LEVELS; l++)
        if (usable(levels[l].kernel, features) &&
            (any ? !levels[l].kernel->untested : strcmp(name, levels[l].name) == 0))
            return levels[l].kernel;
    return NULL;
}

int lk_cpu_level_at(int i, lk_cpu_level *out)
{
    if (i < 0 || i >= N_LEVELS)
        return 0;
    const struct lk_scan *kernel = levels[i].kernel;
    *out = (lk_cpu_level){
        .name = levels[i].name,
        .needs = levels[i].needs,
        .built = kernel != NULL,
        .usable = usable(kernel, lk_cpu_features()),
        .tested = kernel != NULL && !kernel->untested,
        .chosen = kernel != NULL && kernel == lk_scan_choose(NULL),
    };
    return 1;
}

lk_status lk_scan_check(const char *name, lk_error *err)
{
    if (lk_scan_choose(name) != NULL)
        return LK_OK;
    struct lk_str names = LK_STR_INIT;
    lk_cpu_level level;
    lk_status status = LK_OK;
    for (int i = 0; status == LK_OK && lk_cpu_level_at(i, &level); i++)
        if (level.usable)
            status = lk_str_addf(&names, err, ", %s", level.name);
    if (status == LK_OK)
        status =
            lk_fail(err, LK_EINVAL, "cpu: found '%s', expected one of the levels of this machine: auto%s",
                    name, names.text);
    lk_str_free(&names);
    return status;
}
