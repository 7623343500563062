/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - where images come from: sets of pictures of any kind behind one interface, in a stable order,
 * with path, identity and groups, readable by row.
 *
 * A set is one or more inputs. An input is a folder, a picture, or a container (an archive, a record file, a
 * database); which kind it is, is recognised by its content. Kinds are added in source_backend.h. Opening
 * lists the pictures without reading them; the list takes some tens of bytes for each. */
#ifndef LK_FORMATS_SOURCE_H
#define LK_FORMATS_SOURCE_H

#include <stdbool.h>

#include "base/ctx.h"
#include "base/mem.h"

struct lk_source;

/* Where the identity of a picture comes from. The names are those below the input: "0036/00036_15.png". */
enum lk_identity_from {
    LK_IDENTITY_AUTO,   /* labels that the container holds for its pictures, else the first folder */
    LK_IDENTITY_FOLDER, /* folder number `depth`: 0 = the first below the input, -1 = the one the picture lies
                           in */
    LK_IDENTITY_NAME,   /* file name without ending, up to the last `text` in it: "id_k.png" */
    LK_IDENTITY_LABEL,  /* only labels that the container holds */
    LK_IDENTITY_CLS,    /* the .cls file that stands beside the picture in a WebDataset shard */
    LK_IDENTITY_JSON,   /* the field `text` of the .json file beside it */
    LK_IDENTITY_NONE,
};

struct lk_identity_rule {
    enum lk_identity_from from;
    int depth;
    char text[64]; /* separator or field */
};

/* "auto", "folder", "folder:N" (N counts from 1), "parent", "name:SEPARATOR", "label", "cls", "json:FIELD",
 * "none". */
lk_status lk_identity_rule_parse(const char *text, struct lk_identity_rule *out, lk_error *err);
/* The part of a picture's name that is its identity by a rule of folders or names; length 0 = none. */
const char *lk_identity_of_name(const struct lk_identity_rule *rule, const char *name, size_t *len);

struct lk_source_options {
    lk_ctx *ctx;        /* messages about what was passed over, and cancelling; NULL = neither */
    bool quiet;         /* no messages; lk_source_problem has them */
    const char *format; /* name of a kind that the inputs are; NULL = recognised */
    struct lk_identity_rule identity;
    const char *labels; /* CSV file: path, identity, groups; overrides the identities. NULL = none */
    size_t window;      /* rows that readers may be apart, see lk_source_read; 0 = 64 */
};

/* Lists the pictures of the inputs. Order: inputs as given; a folder by bytes of the path, a container as it
 * lies in the file, so that it is the same on every machine. options NULL = all defaults.
 * An input without any picture is LK_EFORMAT. */
lk_status lk_source_open(struct lk_source **out, const char *const *inputs, size_t n_inputs,
                         const struct lk_source_options *options, lk_error *err);
void lk_source_close(struct lk_source *source);

size_t lk_source_count(const struct lk_source *source);
size_t lk_source_identities(const struct lk_source *source); /* distinct */

/* Writes the path of a picture into *path, replacing what is there: the input as given, and what is below it
 * ("set/a/b.jpg", "shard.tar!/a/b.jpg", "train.rec#12"; docs/formats.md). pictures.h reads it again. */
lk_status lk_source_path(const struct lk_source *source, size_t row, struct lk_str *path, lk_error *err);
/* Only what is below the input: "a/b.jpg", "12". */
lk_status lk_source_name(const struct lk_source *source, size_t row, struct lk_str *name, lk_error *err);
/* NULL = none. Lives as long as the source. */
const char *lk_source_identity(const struct lk_source *source, size_t row);

/* Columns that a labels file has beside path and identity. */
enum { LK_MAX_GROUPS = 64 };
size_t lk_source_groups(const struct lk_source *source);
const char *lk_source_group_name(const struct lk_source *source, size_t group);
const char *lk_source_group(const struct lk_source *source, size_t row, size_t group); /* NULL = none */

/* Reads the encoded picture of a row; *bytes is freed by the caller. From any thread, rows in any order;
 * kinds that can only be read in sequence (compressed archives) are fast while the rows that threads ask for
 * rise and lie less than options.window apart, and start over otherwise. LK_EFORMAT or LK_EIO with the reason
 * (starting with the path) when this picture cannot be read; others may be. */
lk_status lk_source_read(const struct lk_source *source, size_t row, uint8_t **bytes, size_t *len,
                         lk_error *err);

/* Puts the path of a row in front of a message about its picture. */
void lk_source_error_prefix(const struct lk_source *source, size_t row, lk_error *err);

/* SHA-256 over path, identity and groups of every picture, and size and time of change of every file. */
lk_status lk_source_hash(const struct lk_source *source, char hex[65], lk_error *err);

/* ---- what the inputs are, for people -------------------------------------------------------------- */

/* Input number `i` (a pattern of shards gives several), and which kind it is; false behind the last. */
bool lk_source_input(const struct lk_source *source, size_t i, const char **path, const char **format,
                     size_t *n_pictures);
/* What was passed over or looks wrong: problem number `i`, or NULL behind the last that was kept. */
const char *lk_source_problem(const struct lk_source *source, size_t i);

#endif
