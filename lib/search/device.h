/* SPDX-License-Identifier: Apache-2.0 */
/* device.h - the contract of a module that nominates and scores on an accelerator, loaded at run time.
 *
 * A module holds the codes and the rows of one comparison. For a block of probes and some panels of references it
 * returns every pair that scores at least the lower of two floors: that of the probe, given with the job or found out
 * by the module from what it has scored, and that of the reference, which is what the module knows some probe to score with it.
 * Scores are by the definition (lk_score), bit for bit; pairs below both floors may be left out or not. So the module
 * decides no result, like a kernel of scan.h, and is held to the same bound (bound.h, docs/search.md).
 *
 * Codes are signed, row after row, with one scale, error and rest for LK_DEVICE_PROBE_SET probes or
 * LK_DEVICE_REFERENCE_SET references. Modules are C or C++ and call nothing of the library. */
#ifndef LK_SEARCH_DEVICE_H
#define LK_SEARCH_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "likeness.h"

#define LK_DEVICE_VERSION 3 /* of this contract */
#define LK_DEVICE_SYMBOL "likeness_device_module"

enum {
    LK_DEVICE_PROBE_SET = 64,
    LK_DEVICE_REFERENCE_SET = 128,
    LK_DEVICE_PANEL = 128,      /* references that are scanned together */
    LK_DEVICE_MAX_DEPTH = 512,  /* coordinates of a code */
    LK_DEVICE_MAX_LEADS = 1024,
    LK_DEVICE_CLASSES = 256,
    LK_DEVICE_BLOCK = 2048 /* probes of a job, at most */
};

/* What is known before there are codes. */
struct lk_device_rows {
    uint64_t rows;     /* 0 = there is no such gallery */
    const float *data; /* rows x dim */
};
struct lk_device_plan {
    size_t dim;
    struct lk_device_rows probes, galleries[2];
    int lanes; /* threads that hand in jobs, each by its own lane */
};

/* Of the probes and the galleries: no row is longer, and no decoded code. */
struct lk_device_lengths {
    double longest[3];
    float reach[3];
};

struct lk_device_codes {
    const int8_t *codes;               /* whole sets of rows x depth; NULL = those that the module made (encode) */
    const float *scale, *error, *rest; /* of each set of rows */
    const uint32_t *leads; /* of a gallery: references of distinct identities. Of the probes: any, spread evenly */
    uint32_t n_leads;
    /* Of each reference of a gallery, below LK_DEVICE_CLASSES: those of one identity have one class, and lead i has class
     * i % LK_DEVICE_CLASSES. So the best scores of r classes belong to r identities. */
    const uint8_t *classes;
};

struct lk_device_setup {
    size_t depth;
    struct lk_device_codes probes, galleries[2];
    float reach[2];        /* of the bound: largest length of a decoded code, of probes and the gallery */
    float slack;           /* of the bound */
    double lead_slack;     /* a float sum of the products of two rows, in any order, differs from the score by less */
    double sum_slack;      /* two double sums of them, each in any order, differ by less */
    uint64_t step[2];      /* the n-th panel that is scanned is number n * step modulo their number */
    uint64_t list_room[2]; /* the lists of a probe hold so many references */
};

struct lk_device_job {
    int lane, gallery;
    uint64_t first_probe;
    uint32_t n_probes;
    uint64_t first_panel, n_panels; /* in the order of the scan */
    /* The floor of probe i is the lower of `floor` and the higher of list_floors[i] and what the module knows: a score that
     * list_room references of distinct identities, leads or found in this job or an earlier one of the block, reach. */
    const float *list_floors;
    float floor;
};

struct lk_device_pair {
    uint32_t probe; /* of the block, from 0 */
    uint32_t reference;
    float score;
};

struct lk_device_found {
    const struct lk_device_pair *pairs; /* in any order, each once; the lane's until its next job */
    uint64_t n;
    uint64_t nominated; /* pairs that the codes let through */
    bool full;          /* there were more than the lane holds: nothing counts, the job must be cut */
};

struct lk_device;

/* All return LK_OK, or fill *err, which is not NULL. */
struct lk_device_module {
    uint32_t version;
    const char *name;
    /* Into how many parts the galleries must be cut, so that two parts fit beside each other, each with the probes; 1 =
     * everything fits. A part has as many rows as another, or one more. */
    lk_status (*parts)(const struct lk_device_plan *plan, uint64_t *n, lk_error *err);
    /* Returns at once: meanwhile the device gets ready, and takes the rows. They stay where they are until
     * `open` returns; its setup need not stay longer, either. */
    lk_status (*wake)(struct lk_device **out, const struct lk_device_plan *plan, lk_error *err);
    /* Makes codes of all sets from the rows as they are (depth = dim, at most LK_DEVICE_MAX_DEPTH), as lk_codes_make does
     * without axes. Without this call the codes come with `open`. */
    lk_status (*encode)(struct lk_device *device, struct lk_device_lengths *out, lk_error *err);
    lk_status (*open)(struct lk_device *device, const struct lk_device_setup *setup, lk_error *err);
    /* Before the first job of a block in a gallery: first_panel, n_panels and the floors are not looked at. */
    lk_status (*begin)(struct lk_device *device, const struct lk_device_job *block, lk_error *err);
    /* A job of one panel is never too large. The module cuts large ones as it likes. */
    lk_status (*scan)(struct lk_device *device, const struct lk_device_job *job, struct lk_device_found *out,
                      lk_error *err);
    void (*close)(struct lk_device *device); /* NULL is fine */
};

#endif
