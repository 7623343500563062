/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c - which instruction sets this processor and its operating system offer.
 *
 * cpuid by hand: clang 14's __builtin_cpu_supports knows neither AMX nor all of AVX-512, and a feature counts
 * only when the operating system saves its registers (XCR0). */
#include "base/cpu.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long long saved_registers(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

/* Linux hands out the AMX tile registers on request only. */
static bool amx_permitted(void)
{
    enum { ARCH_REQ_XCOMP_PERM_ = 0x1023, XFEATURE_XTILEDATA_ = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM_, XFEATURE_XTILEDATA_) == 0;
}

unsigned lk_cpu_features(void)
{
    enum { XCR0_AVX = 0x6, XCR0_AVX512 = 0xe6, XCR0_AMX = 0x60000 };
    unsigned a, b, c, d, b7, c7, d7;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        return 0;
    unsigned long long saved = saved_registers();
    unsigned features = 0;
    if ((saved & XCR0_AVX) == XCR0_AVX && (b7 & bit_AVX2) && (c & bit_FMA))
        features |= LK_CPU_AVX2;
    unsigned avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    if ((features & LK_CPU_AVX2) && (saved & XCR0_AVX512) == XCR0_AVX512 && (b7 & avx512) == avx512 &&
        (c7 & bit_AVX512VNNI))
        features |= LK_CPU_AVX512_VNNI;
    const unsigned amx = 1u << 24 | 1u << 25; /* AMX-TILE, AMX-INT8 */
    if ((features & LK_CPU_AVX512_VNNI) && (saved & XCR0_AMX) == XCR0_AMX && (d7 & amx) == amx &&
        amx_permitted())
        features |= LK_CPU_AMX_INT8;
    return features;
}

#elif defined(__aarch64__)

#include <asm/hwcap.h>
#include <sys/auxv.h>

unsigned lk_cpu_features(void)
{
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? LK_CPU_DOTPROD : 0;
}

#else

unsigned lk_cpu_features(void)
{
    return 0;
}

#endif
