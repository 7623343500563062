/* SPDX-License-Identifier: Apache-2.0 */
/* best_matches.h - lists of (synthetic, real, score) that other programs made, as tables or JSON. */
#ifndef LK_FORMATS_BEST_MATCHES_H
#define LK_FORMATS_BEST_MATCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum lk_list_gallery { LK_LIST_NOT_SAID = -1, LK_LIST_TRAIN = 0, LK_LIST_HOLDOUT = 1 };

struct lk_best_match {
    char *probe, *reference;                   /* path, else identity/name, else name, else index, as text */
    char *probe_identity, *reference_identity; /* NULL = none */
    double score;                              /* finite; higher = more alike */
    enum lk_list_gallery gallery;              /* where the reference is from */
};

struct lk_best_matches {
    struct lk_best_match *items; /* in the order of the file */
    size_t n, capacity;
    uint64_t n_train, n_holdout; /* with such a gallery; the rest does not say */
};

/* Reads a CSV table, with or without a header line, or JSON: an array of objects or of arrays, an object that
 * holds such an array, objects that each hold a list of references, or any of these one behind the other.
 * Columns and fields are recognised by their names (docs/formats.md). LK_EFORMAT names the line, or the
 * number of the pair, and the column. */
lk_status lk_best_matches_parse(const uint8_t *bytes, size_t len, struct lk_best_matches *out, lk_error *err);
lk_status lk_best_matches_read(const char *path, struct lk_best_matches *out, lk_error *err);
void lk_best_matches_free(struct lk_best_matches *matches);

/* ---- between best_matches.c and best_matches_columns.c -------------------------------------------- */

enum lk_list_side { LK_SIDE_PROBE, LK_SIDE_REFERENCE, LK_N_SIDES };
enum lk_list_field {
    LK_FIELD_PATH,
    LK_FIELD_NAME,
    LK_FIELD_ID,
    LK_FIELD_INDEX,
    LK_FIELD_IDENTITY,
    LK_N_FIELDS
};

/* Which column holds what; -1 = none. */
struct lk_list_columns {
    int of[LK_N_SIDES][LK_N_FIELDS];
    int score, gallery;
};

/* Recognises columns by name. Fields that do not say whose they are ("path") are of sides[i]; NULL = of no
 * side. */
lk_status lk_list_columns_find(struct lk_list_columns *out, const char *const *names, size_t n,
                               const enum lk_list_side *sides, lk_error *err);
/* Columns of a line without names: probe, reference, score and perhaps gallery. */
lk_status lk_list_columns_plain(struct lk_list_columns *out, size_t n, lk_error *err);
/* Whether a name stands above scores: so a first line is a header. */
bool lk_list_names_score(const char *name);
/* Whether a field names a synthetic image, or any image without saying whose. */
bool lk_list_names_probe(const char *name);

#endif
