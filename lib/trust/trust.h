/* SPDX-License-Identifier: Apache-2.0 */
/* trust.h - the manifest of a finished folder: what lies in it, what it was made from, and how both are
 * checked again later.
 *
 * manifest.json is described in docs/formats.md. Paths in it are relative to its folder for what lies below,
 * and absolute for everything else, so that the folder can be moved. */
#ifndef LK_TRUST_TRUST_H
#define LK_TRUST_TRUST_H

#include <stdbool.h>

#include "base/ctx.h"
#include "base/mem.h"
#include "formats/faces.h"
#include "formats/json.h"

#define LK_MANIFEST "manifest.json"

/* ---- inventory.c: what our commands wrote below a folder --------------------------------------------- */

/* A file with a name that one of our commands gives, in a folder that is marked as made by it. */
struct lk_trust_file {
    char *path; /* below the folder */
    uint64_t bytes;
    char sha256[65]; /* "" until lk_inventory_hash */
    bool faces;      /* biometric data: embeddings, their codes, pictures */
};

struct lk_inventory {
    struct lk_trust_file *files; /* by the bytes of their paths */
    size_t n, capacity;
};

/* Links are not followed, hidden names passed over. Files that the manifest lists are found also where the
 * mark of their folder is lost; NULL = there is none yet. */
lk_status lk_inventory_take(struct lk_inventory *out, lk_ctx *ctx, const char *folder, const json_t *manifest,
                            lk_error *err);
lk_status lk_inventory_hash(struct lk_inventory *inventory, lk_ctx *ctx, const char *folder, lk_error *err);
void lk_inventory_free(struct lk_inventory *inventory);

/* ---- sets.c: the sets of vectors behind the results ---------------------------------------------------- */

/* Where a path lies: relative to the folder when it is below, else absolute; an array of "FILE:ARRAY" stays
 * behind it. *out is a new string, or NULL when nothing is there. */
lk_status lk_trust_place(const char *folder, const char *path, char **out, lk_error *err);
/* The other way round: where a path of a manifest points now. New string. */
char *lk_trust_resolve(const char *folder, const char *place, lk_error *err);

/* Adds to a manifest what the FACES, MATCH and measures of the inventory say: sets and what uses them,
 * models, inputs, command lines, seeds. The manifest has these members, empty, before. */
lk_status lk_trust_collect(json_t *manifest, lk_ctx *ctx, const lk_manifest_options *options,
                           const struct lk_inventory *inventory, lk_error *err);
/* Adds a file that was read to the inputs, once. */
lk_status lk_trust_add_input(json_t *manifest, const char *folder, const char *path, const char *role,
                             lk_error *err);

/* ---- pictures.c: the pictures behind a FACES directory ------------------------------------------------- */

/* What can be said about many pictures without reading them all. */
struct lk_picture_facts {
    uint64_t images, files, missing;         /* listed; files that hold them; files that are not there */
    char sizes_sha256[65], times_sha256[65]; /* over paths as listed and sizes; and times of change */
};
lk_status lk_picture_facts(struct lk_picture_facts *out, lk_ctx *ctx, const struct lk_faces *faces,
                           lk_error *err);

/* One of the listed pictures, read again. */
struct lk_picture_again {
    size_t image;   /* place in images.csv, from 0 */
    uint8_t *bytes; /* NULL = cannot be read */
    size_t len;
};
typedef lk_status lk_picture_fn(void *user, const struct lk_picture_again *picture, lk_error *err);
/* Reads pictures in the order in which they lie. The first reason for which one could not be read
 * goes to why, when that is not NULL. */
lk_status lk_pictures_again(lk_ctx *ctx, const struct lk_faces *faces, const size_t *images, size_t n,
                            lk_picture_fn *each, void *user, lk_error *why, lk_error *err);

/* n different numbers below `of` (all, when there are not so many), rising; *n becomes how many. */
lk_status lk_trust_sample(uint64_t seed, size_t of, size_t *n, size_t **out, lk_error *err);

/* ---- manifest.c ---------------------------------------------------------------------------------------- */

json_t *lk_trust_time(int64_t seconds);                       /* since 1970, as text; null when not above 0 */
json_t *lk_trust_file_json(const struct lk_trust_file *file); /* an entry of "outputs" */
/* Reads the manifest of a folder, and makes sure that its lists are lists. */
lk_status lk_manifest_read(const char *folder, json_t **out, lk_error *err);

/* ---- versions.c ---------------------------------------------------------------------------------------- */

json_t *lk_trust_versions(void);                 /* of the tool and its libraries; NULL when memory is out */
json_t *lk_trust_machine(const char *cpu_level); /* processor; NULL level = the one chosen */

/* ---- verify.c and its parts ---------------------------------------------------------------------------- */

struct lk_verify {
    lk_ctx *ctx;
    const lk_verify_options *options;
    lk_finding_fn *each;
    void *user;
    json_t *manifest;
    lk_verify_summary summary;
};

/* Says one finding and counts it. */
void lk_verify_say(struct lk_verify *v, lk_finding_kind kind, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Whether the manifest says that the embeddings of a set were purged. */
bool lk_verify_purged(const struct lk_verify *v, const char *set);

/* verify_vectors.c: models, pictures, and sampled rows embedded again. */
lk_status lk_verify_models(struct lk_verify *v, lk_error *err);
lk_status lk_verify_pictures(struct lk_verify *v, lk_error *err);
lk_status lk_verify_vectors(struct lk_verify *v, lk_error *err);
/* verify_scores.c: sampled pairs of the tables scored again. */
lk_status lk_verify_scores(struct lk_verify *v, lk_error *err);

#endif
