/* SPDX-License-Identifier: Apache-2.0 */
/* compare.cuh - what the scans have in common: the sums that a thread holds are compared with floors, and pairs that reach one
 * are written.
 *
 * A group of 128 threads holds the sums of 64 probes and a panel of 128 references, as the tensor cores leave them: thread t
 * those of rows 16 (t / 32) + t % 32 / 4 and 8 behind it, columns 8 o + 2 (t % 4) and the next one, for o from 0 to 15. */
#ifndef LK_CUDA_COMPARE_CUH
#define LK_CUDA_COMPARE_CUH

#include <climits>

#include "device.cuh"
#include "instructions.cuh"

enum {
    GROUP = 128, /* threads that multiply together */
    GROUPS = SCAN_LISTS,
    GROUP_PROBES = SCAN_PROBES / GROUPS,
    SUMS = GROUP_PROBES * SCAN_REFERENCES / GROUP, /* of a thread and a panel */
    PARTS = 4,                                     /* of these, that are tested at once */
};
static_assert((int)GROUP == (int)SCAN_REFERENCES, "a thread looks after one reference of a panel");
static_assert((int)GROUP_PROBES == (int)LK_DEVICE_PROBE_SET && (int)SCAN_REFERENCES == (int)LK_DEVICE_REFERENCE_SET,
              "a group and a panel have one bound");

/* In shared memory. */
struct needs_of_block {
    int reference_needs[GROUPS][2][SCAN_REFERENCES]; /* of two panels in turn; less than zero: to be added to a sum */
    unsigned counts[GROUPS];
};

/* The bound of bound.h for two sets of rows, in the same order of the same operations. */
struct bound {
    float allowance, per_unit;
};

static __device__ bound bound_of(float x_scale, float x_error, float x_rest, float y_scale, float y_error, float y_rest,
                                 float reach, float slack)
{
    float scale = __fmul_rn(x_scale, y_scale);
    float allowance = __fadd_rn(__fadd_rn(__fmul_rn(__fadd_rn(x_error, y_error), reach), __fmul_rn(x_error, y_error)),
                                __fmul_rn(x_rest, y_rest));
    return {__fadd_rn(__fmul_rn(allowance, 1 + 0x1p-18f), slack), scale > 0 ? __fdiv_rn(1.0f, scale) : 0};
}

/* Minus the least sum that a score of at least `score` needs. */
static __device__ int minus_needed(bound b, float score)
{
    float units = __fsub_rn(__fmul_rn(__fsub_rn(score, b.allowance), b.per_unit), 4.0f);
    units = units > -2e9f ? units : -2e9f;
    units = units < 2e9f ? units : 2e9f;
    return -(int)units;
}

static __device__ unsigned long long panel_of(const scan_args &a, unsigned long long n)
{
    return (a.first_panel + n) * a.step % a.panels;
}

static __device__ unsigned list_of(unsigned group)
{
    return (blockIdx.x * GROUPS + group) * gridDim.y + blockIdx.y;
}

/* Row of all probes. */
static __device__ unsigned long long first_row_of_tile(const scan_args &a)
{
    return a.first_probe / SCAN_PROBES * SCAN_PROBES + (unsigned long long)blockIdx.x * SCAN_PROBES;
}

struct consumer {
    unsigned group, thread, warp, lane;
    unsigned row[2]; /* of the block of probes, of sums 0 and 2; where there is none, a huge number */
    float floor[2];
    float scale, error, rest; /* of the group's probes */
    unsigned list;            /* number of the group */
};

/* What a panel brings besides its codes, fetched a panel ahead. */
struct panel {
    unsigned long long first;
    float best; /* of this thread's reference */
    float scale, error, rest;
};

static __device__ panel panel_at(const scan_args &a, const consumer &me, unsigned long long n)
{
    panel p = {panel_of(a, n) * SCAN_REFERENCES, INFINITY, 0, 0, 0};
    unsigned long long set = p.first / LK_DEVICE_REFERENCE_SET;
    if (p.first + me.thread < a.references)
        p.best = score_of(a.best[p.first + me.thread]);
    p.scale = a.y.scale[set];
    p.error = a.y.error[set];
    p.rest = a.y.rest[set];
    return p;
}

/* Writes the pairs of a thread whose bit is set: bit 4 o + 2 h + c of the two words as sums have it. */
static __device__ void nominate(const scan_args &a, const consumer &me, needs_of_block *block, const unsigned (&passed)[2],
                                unsigned long long first)
{
    unsigned at = atomicAdd(&block->counts[me.group], __popc(passed[0]) + __popc(passed[1]));
#pragma unroll
    for (int w = 0; w < 2; w++)
        for (unsigned left = passed[w]; left != 0; left &= left - 1) {
            unsigned bit = 32 * w + __ffs(left) - 1, row = me.row[bit / 2 % 2];
            unsigned long long reference = first + 8 * (bit / 4) + 2 * (me.lane % 4) + bit % 2;
            bool there = row < a.n_probes && reference < a.references;
            if (at < a.room)
                a.nominated[(size_t)me.list * a.room + at] =
                    there ? make_uint2(row, (unsigned)reference) : make_uint2(NOBODY, 0);
            at++;
        }
}

static __device__ void compare(const scan_args &a, const consumer &me, needs_of_block *block, const int (&sums)[SUMS],
                               const panel &p, unsigned turn)
{
    bound b = bound_of(me.scale, me.error, me.rest, p.scale, p.error, p.rest, a.reach, a.slack);
    int *all_needs = block->reference_needs[me.group][turn];
    all_needs[me.thread] = minus_needed(b, p.best);
    /* Behind it nobody reads the needs of the last panel but one, whose place is written next. */
    group_sync(me.group, GROUP);
    const int *needs = all_needs + 2 * (me.lane % 4);
    int p0 = minus_needed(b, me.floor[0]), p1 = minus_needed(b, me.floor[1]);
    unsigned passed[2] = {0, 0};
#pragma unroll
    for (int part = 0; part < PARTS; part++) { /* most have no sum that reaches a floor */
        int most0 = INT_MIN, most1 = INT_MIN, most = INT_MIN;
#pragma unroll
        for (int o = SUMS / 4 / PARTS * part; o < SUMS / 4 / PARTS * (part + 1); o++) {
            int2 r = *(const int2 *)(needs + 8 * o);
            most0 = __vimax3_s32(sums[4 * o], sums[4 * o + 1], most0);
            most1 = __vimax3_s32(sums[4 * o + 2], sums[4 * o + 3], most1);
            most = __viaddmax_s32(max(sums[4 * o], sums[4 * o + 2]), r.x, most);
            most = __viaddmax_s32(max(sums[4 * o + 1], sums[4 * o + 3]), r.y, most);
        }
        if (max(max(most0 + p0, most1 + p1), most) < 0)
            continue;
#pragma unroll
        for (int o = SUMS / 4 / PARTS * part; o < SUMS / 4 / PARTS * (part + 1); o++) {
            int2 r = *(const int2 *)(needs + 8 * o);
            unsigned four = (unsigned)(sums[4 * o] + max(p0, r.x) >= 0) | (unsigned)(sums[4 * o + 1] + max(p0, r.y) >= 0) << 1 |
                            (unsigned)(sums[4 * o + 2] + max(p1, r.x) >= 0) << 2 |
                            (unsigned)(sums[4 * o + 3] + max(p1, r.y) >= 0) << 3;
            passed[o / 8] |= four << 4 * (o % 8);
        }
    }
    if ((passed[0] | passed[1]) != 0)
        nominate(a, me, block, passed, p.first);
}

/* thread: of those that multiply. first_row: of the block's tile of probes. */
static __device__ consumer consumer_of(const scan_args &a, unsigned thread, unsigned long long first_row)
{
    consumer me;
    me.group = thread / GROUP;
    me.thread = thread % GROUP;
    me.warp = me.thread / 32;
    me.lane = me.thread % 32;
    me.list = list_of(me.group);
    first_row += me.group * GROUP_PROBES;
    for (int h = 0; h < 2; h++) {
        me.row[h] = (unsigned)(first_row + 16 * me.warp + me.lane / 4 + 8 * h - a.first_probe);
        me.floor[h] = me.row[h] < a.n_probes ? a.floors[me.row[h]] : INFINITY;
    }
    unsigned long long set = first_row / LK_DEVICE_PROBE_SET, last = (a.first_probe + a.n_probes - 1) / LK_DEVICE_PROBE_SET;
    set = set < last ? set : last; /* behind the block of probes there need not be any */
    me.scale = a.x.scale[set];
    me.error = a.x.error[set];
    me.rest = a.x.rest[set];
    return me;
}

#endif
