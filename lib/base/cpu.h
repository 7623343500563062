/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.h - which instruction sets this processor and its operating system offer. */
#ifndef LK_BASE_CPU_H
#define LK_BASE_CPU_H

enum {
    LK_CPU_AVX2 = 1 << 0,        /* and FMA */
    LK_CPU_AVX512_VNNI = 1 << 1, /* and AVX-512 F, BW, DQ, VL */
    LK_CPU_AMX_INT8 = 1 << 2,    /* and AMX-TILE */
    LK_CPU_DOTPROD = 1 << 3,     /* ARMv8.2 dot product */
};

/* A bit set of the above; asks the processor each time. */
unsigned lk_cpu_features(void);

#endif
