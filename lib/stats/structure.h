/* SPDX-License-Identifier: Apache-2.0 */
/* structure.h - the shape of a list of pairs: does it look like leaks, which are near one-to-one, or like
 * pictures that are close to everything (hubs)? */
#ifndef LK_STATS_STRUCTURE_H
#define LK_STATS_STRUCTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* One row of a list. Equal numbers are equal things; identities of probes and of references are numbered
 * apart. A picture without a label is an identity of its own. */
struct lk_list_pair {
    uint32_t probe, probe_identity, reference, reference_identity;
    float score;
};

/* How evenly a list falls on references. The in-degree of a reference is the number of distinct synthetic
 * identities that are listed with it: many pictures of one identity count once. */
struct lk_degrees {
    uint64_t n;           /* distinct references listed */
    uint64_t links;       /* sum of the in-degrees: distinct (synthetic identity, reference) */
    double effective;     /* (sum of in-degrees)^2 / sum of their squares; n when all are equal */
    uint64_t largest;     /* highest in-degree */
    uint32_t largest_of;  /* and whose: the lowest number of equal ones */
    double largest_share; /* largest / links */
    uint64_t hubs;        /* references with an in-degree of at least 10, and 10 times the mean */
    double hub_share;     /* of links, theirs */
};

struct lk_structure {
    uint64_t n_pairs, n_probes, n_probe_identities;
    uint64_t n_identity_pairs;            /* distinct (synthetic identity, real identity) */
    struct lk_degrees images, identities; /* of reference pictures; of real persons */
    /* Agreement within a class, over synthetic identities with at least two listed probes. The best person of
     * a probe is that of its highest row. */
    uint64_t n_classes;
    double modal_share; /* mean over classes of the share of probes whose best person is the commonest one */
    double pair_agreement; /* share of pairs of probes of one class that have the same best person */
    double pair_chance;    /* the same for pairs of probes of different classes */
    /* Synthetic identities whose best real person has them as its best synthetic identity, within the list.
     */
    uint64_t n_reciprocal;
    int hub_artefact; /* more than half of the links to persons go to one person, or to hubs */
};

/* Scores that are no number are LK_EINVAL; where the list has none all may be equal, and earlier rows come
 * first. An empty list gives zeros. */
lk_status lk_structure(const struct lk_list_pair *pairs, size_t n, struct lk_structure *out, lk_error *err);

/* The in-degree of every reference identity: degree[i] of identity i, for numbers below n_identities. */
lk_status lk_in_degrees(const struct lk_list_pair *pairs, size_t n, size_t n_identities, uint64_t *degree,
                        lk_error *err);

#endif
