/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - a set of pictures made of parts: rows, identities, paths, reading. */
#include "formats/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "formats/source_backend.h"
#include "formats/source_shards.h"

struct lk_source {
    struct lk_source_part *parts;
    size_t n_parts, capacity;
    size_t n; /* pictures of all parts */
    struct lk_names names;
    uint32_t *identities; /* by row, numbers in names; NULL = none has one */
    size_t n_identities;
};

/* ---- rows and parts ---------------------------------------------------------------------------- */

static const struct lk_source_part *part_of(const struct lk_source *s, size_t row, size_t *index)
{
    size_t low = 0, high = s->n_parts;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->parts[middle].first <= row)
            low = middle;
        else
            high = middle;
    }
    *index = row - s->parts[low].first;
    return &s->parts[low];
}

size_t lk_source_count(const struct lk_source *source)
{
    return source->n;
}

size_t lk_source_identities(const struct lk_source *source)
{
    return source->n_identities;
}

lk_status lk_source_name(const struct lk_source *source, size_t row, struct lk_str *name, lk_error *err)
{
    size_t index;
    const struct lk_source_part *part = part_of(source, row, &index);
    name->len = 0;
    return part->backend->name_of(part, index, name, err);
}

lk_status lk_source_path(const struct lk_source *source, size_t row, struct lk_str *path, lk_error *err)
{
    size_t index;
    const struct lk_source_part *part = part_of(source, row, &index);
    path->len = 0;
    LK_TRY(lk_str_addz(path, part->path, err));
    if (part->backend == &lk_source_picture)
        return LK_OK;
    const char *joint = part->backend->joint;
    if (joint == NULL)
        joint = path->len > 0 && path->text[path->len - 1] == '/' ? "" : "/";
    LK_TRY(lk_str_addz(path, joint, err));
    return part->backend->name_of(part, index, path, err);
}

const char *lk_source_identity(const struct lk_source *source, size_t row)
{
    return source->identities != NULL ? lk_names_text(&source->names, source->identities[row]) : NULL;
}

lk_status lk_source_read(const struct lk_source *source, size_t row, uint8_t **bytes, size_t *len,
                         lk_error *err)
{
    size_t index;
    const struct lk_source_part *part = part_of(source, row, &index);
    lk_status status = part->backend->read(part, index, bytes, len, err);
    if (status == LK_OK || part->backend->own_files) /* file functions name the file themselves */
        return status;
    lk_source_error_prefix(source, row, err);
    return status;
}

void lk_source_error_prefix(const struct lk_source *source, size_t row, lk_error *err)
{
    struct lk_str path = LK_STR_INIT;
    if (lk_source_path(source, row, &path, NULL) == LK_OK)
        lk_error_prefix(err, "%s", path.text);
    lk_str_free(&path);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static lk_status add_part(struct lk_source *s, const char *path, const struct lk_source_options *options,
                          lk_error *err)
{
    LK_TRY(lk_grow(&s->parts, &s->capacity, s->n_parts + 1, sizeof *s->parts, err));
    struct lk_source_part *part = &s->parts[s->n_parts];
    LK_TRY(lk_source_part_open(part, path, options, &s->names, err));
    part->first = s->n;
    s->n += part->n;
    s->n_parts++;
    for (size_t i = 0; options->ctx != NULL && i < part->n_problems; i++)
        lk_ctx_message(options->ctx, LK_LEVEL_WARNING, "%s", part->problems[i]);
    return LK_OK;
}

/* Archives are often made of a folder as a whole: "set/0036/1.png". How many of the first folders are common
 * to all pictures of all archives, and still leave each of them a folder. */
static lk_status common_folders(const struct lk_source *s, struct lk_str *name, int *n, lk_error *err)
{
    struct lk_str common = LK_STR_INIT; /* with a '/' behind each folder */
    bool any = false;
    lk_status status = LK_OK;
    for (size_t row = 0; row < s->n && status == LK_OK; row++) {
        size_t index;
        const struct lk_source_part *part = part_of(s, row, &index);
        if (part->backend != &lk_source_archive) {
            row = part->first + part->n - 1;
            continue;
        }
        if ((status = lk_source_name(s, row, name, err)) != LK_OK)
            break;
        size_t same = 0, end = 0; /* bytes of common folders, each of which has one more below */
        char *slash = strrchr(name->text, '/');
        size_t folders = slash != NULL ? (size_t)(slash - name->text) + 1 : 0;
        for (; same < folders && (!any || (same < common.len && common.text[same] == name->text[same])); same++)
            if (name->text[same] == '/' && same + 1 < folders)
                end = same + 1;
        if (!any)
            status = lk_str_add(&common, name->text, end, err);
        else
            common.len = end < common.len ? end : common.len;
        any = true;
        if (common.len == 0)
            break;
    }
    *n = 0;
    for (size_t i = 0; i < common.len; i++)
        *n += common.text[i] == '/';
    lk_str_free(&common);
    return status;
}

/* Identities of one part: the container's own labels, or by the rule from the names. */
static lk_status identify_part(struct lk_source *s, struct lk_source_part *part,
                               const struct lk_identity_rule *rule, struct lk_str *name, lk_error *err)
{
    uint32_t *out = s->identities + part->first;
    for (size_t i = 0; i < part->n; i++)
        out[i] = LK_NO_NAME;
    if (part->labels != NULL && rule->from != LK_IDENTITY_FOLDER && rule->from != LK_IDENTITY_NAME) {
        memcpy(out, part->labels, part->n * sizeof *out);
    } else if (part->backend != &lk_source_picture || rule->from == LK_IDENTITY_NAME) {
        for (size_t i = 0; i < part->n; i++) {
            size_t len;
            name->len = 0;
            LK_TRY(part->backend->name_of(part, i, name, err));
            const char *identity = lk_identity_of_name(rule, name->text, &len);
            if (identity != NULL && len > 0)
                LK_TRY(lk_names_add(&s->names, identity, len, &out[i], err));
        }
    }
    free(part->labels);
    part->labels = NULL;
    return LK_OK;
}

static lk_status identify(struct lk_source *s, const struct lk_source_options *options, lk_error *err)
{
    if (options->identity.from == LK_IDENTITY_NONE)
        return LK_OK;
    if ((s->identities = lk_calloc(s->n, sizeof *s->identities, err)) == NULL)
        return LK_ENOMEM;
    struct lk_str name = LK_STR_INIT;
    struct lk_identity_rule in_archives = options->identity;
    lk_status status = LK_OK;
    if (in_archives.from == LK_IDENTITY_AUTO)
        status = common_folders(s, &name, &in_archives.depth, err);
    for (size_t i = 0; i < s->n_parts && status == LK_OK; i++) {
        bool archive = s->parts[i].backend == &lk_source_archive;
        status = identify_part(s, &s->parts[i], archive ? &in_archives : &options->identity, &name, err);
    }
    lk_str_free(&name);
    return status;
}

lk_status lk_source_open(struct lk_source **out, const char *const *inputs, size_t n_inputs,
                         const struct lk_source_options *options, lk_error *err)
{
    static const struct lk_source_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    LK_NEED(n_inputs > 0, err, LK_EINVAL, "no input: expected folders, pictures or containers of pictures");
    struct lk_source *s = lk_calloc(1, sizeof *s, err);
    lk_status status = s != NULL ? LK_OK : LK_ENOMEM;
    struct lk_inputs paths = {0};
    for (size_t i = 0; i < n_inputs && status == LK_OK; i++)
        status = lk_inputs_add(&paths, inputs[i], err);
    for (size_t i = 0; i < paths.n && status == LK_OK; i++)
        status = add_part(s, paths.paths[i], options, err);
    lk_inputs_free(&paths);
    if (status == LK_OK)
        status = identify(s, options, err);
    if (status == LK_OK && s->identities != NULL) /* names in the table may belong to no picture any more */
        status = lk_names_distinct(&s->names, s->identities, s->n, &s->n_identities, err);
    if (status != LK_OK) {
        lk_source_close(s);
        return status;
    }
    *out = s;
    return LK_OK;
}

void lk_source_close(struct lk_source *source)
{
    if (source == NULL)
        return;
    for (size_t i = 0; i < source->n_parts; i++)
        lk_source_part_close(&source->parts[i]);
    free(source->parts);
    free(source->identities);
    lk_names_free(&source->names);
    free(source);
}

/* ---- what the inputs are ----------------------------------------------------------------------- */

static lk_status add_facts(struct lk_hash *hash, const char *path, lk_error *err)
{
    struct stat st;
    int64_t facts[3] = {-1, 0, 0};
    if (stat(path, &st) == 0) {
        facts[0] = st.st_size;
        facts[1] = st.st_mtim.tv_sec;
        facts[2] = st.st_mtim.tv_nsec;
    }
    return lk_hash_add(hash, facts, sizeof facts, err);
}

static lk_status add_rows(const struct lk_source *s, struct lk_hash *hash, struct lk_str *path, lk_error *err)
{
    for (size_t p = 0; p < s->n_parts; p++) {
        const struct lk_source_part *part = &s->parts[p];
        for (size_t i = 0; i < part->n; i++) {
            const char *identity = lk_source_identity(s, part->first + i);
            LK_TRY(lk_source_path(s, part->first + i, path, err));
            LK_TRY(lk_hash_add(hash, path->text, path->len + 1, err));
            LK_TRY(lk_hash_add(hash, identity != NULL ? identity : "",
                               identity != NULL ? strlen(identity) + 1 : 1, err));
            if (part->backend->own_files)
                LK_TRY(add_facts(hash, path->text, err));
        }
        if (!part->backend->own_files)
            LK_TRY(add_facts(hash, part->path, err));
    }
    return LK_OK;
}

lk_status lk_source_hash(const struct lk_source *source, char hex[65], lk_error *err)
{
    struct lk_hash *hash;
    LK_TRY(lk_hash_new(&hash, err));
    struct lk_str path = LK_STR_INIT;
    lk_status status = add_rows(source, hash, &path, err);
    if (status == LK_OK)
        status = lk_hash_end(hash, hex, err);
    lk_hash_free(hash);
    lk_str_free(&path);
    return status;
}

bool lk_source_input(const struct lk_source *source, size_t i, const char **path, const char **format,
                     size_t *n_pictures)
{
    if (i >= source->n_parts)
        return false;
    *path = source->parts[i].path;
    *format = source->parts[i].backend->name;
    *n_pictures = source->parts[i].n;
    return true;
}

const char *lk_source_problem(const struct lk_source *source, size_t i)
{
    for (size_t p = 0; p < source->n_parts; p++) {
        if (i < source->parts[p].n_problems)
            return source->parts[p].problems[i];
        i -= source->parts[p].n_problems;
    }
    return NULL;
}
