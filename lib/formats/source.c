/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - a set of pictures made of parts: rows, identities, paths, reading. */
#include "formats/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "formats/source_backend.h"
#include "formats/source_labels.h"
#include "formats/source_shards.h"

enum { N_PROBLEMS = 2 };

struct lk_source {
    struct lk_source_part *parts;
    size_t n_parts, capacity;
    size_t n; /* pictures of all parts */
    struct lk_names names;
    uint32_t *identities; /* by row, numbers in names; NULL = none has one */
    size_t n_identities;
    struct lk_labels labels; /* empty without a labels file */
    uint32_t *lines;         /* by row, of the labels file; NULL = without one */
    char *problems[N_PROBLEMS];
    size_t n_problems;
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

size_t lk_source_groups(const struct lk_source *source)
{
    return source->labels.n_groups;
}

const char *lk_source_group_name(const struct lk_source *source, size_t group)
{
    return source->labels.group_names[group];
}

const char *lk_source_group(const struct lk_source *source, size_t row, size_t group)
{
    const struct lk_labels *labels = &source->labels;
    uint32_t line = source->lines != NULL ? source->lines[row] : LK_NO_NAME;
    return line != LK_NO_NAME ? lk_names_text(&labels->texts, labels->groups[line * labels->n_groups + group])
                              : NULL;
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
    for (size_t i = 0; options->ctx != NULL && !options->quiet && i < part->n_problems; i++)
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
        for (; same < folders && (!any || (same < common.len && common.text[same] == name->text[same]));
             same++)
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

/* ---- a labels file ------------------------------------------------------------------------------ */

/* Gives each row its line; *rows and *lines count what has none, the first of each in texts. */
static lk_status match_lines(struct lk_source *s, size_t *rows, struct lk_str *first_row, bool *used,
                             lk_error *err)
{
    struct lk_str path = LK_STR_INIT, name = LK_STR_INIT;
    lk_status status = LK_OK;
    for (size_t row = 0; row < s->n && status == LK_OK; row++) {
        size_t index;
        if ((status = lk_source_path(s, row, &path, err)) != LK_OK ||
            (status = lk_source_name(s, row, &name, err)) != LK_OK)
            break;
        uint32_t line = lk_labels_line(&s->labels, part_of(s, row, &index)->path, path.text, name.text);
        s->lines[row] = line;
        if (line != LK_NO_NAME)
            used[line] = true;
        else if ((*rows)++ == 0)
            status = lk_str_addz(first_row, path.text, err);
    }
    lk_str_free(&path);
    lk_str_free(&name);
    return status;
}

static lk_status add_problem(struct lk_source *s, const char *file, size_t n, size_t of, const char *what,
                             const char *first, lk_error *err)
{
    struct lk_str text = LK_STR_INIT;
    LK_TRY(lk_str_addf(&text, err, "%s: %zu of %zu %s (first: %.300s)", file, n, of, what, first));
    lk_text_clean(text.text);
    s->problems[s->n_problems++] = text.text;
    return LK_OK;
}

static lk_status judge_lines(struct lk_source *s, const char *file, size_t rows, const char *first_row,
                             const bool *used, lk_error *err)
{
    size_t lines = 0, first = 0;
    for (size_t i = s->labels.paths.n; i-- > 0;) {
        lines += !used[i];
        first = used[i] ? first : i;
    }
    const char *first_line = lk_names_text(&s->labels.paths, (uint32_t)first);
    LK_NEED(rows < s->n, err, LK_EFORMAT,
            "%s: no line belongs to any image: the first path there is '%.200s', the first image '%.200s'; "
            "expected paths as in images.csv, or those below the input",
            file, first_line, first_row);
    if (rows > 0)
        LK_TRY(add_problem(s, file, rows, s->n, "images have no line, and so no identity or group", first_row,
                           err));
    return lines > 0
               ? add_problem(s, file, lines, s->labels.paths.n, "lines belong to no image", first_line, err)
               : LK_OK;
}

/* Identities from the labels file, when it has them; then those that the layout gave do not count. */
static lk_status take_identities(struct lk_source *s, lk_error *err)
{
    if (!s->labels.has_identities)
        return LK_OK;
    if (s->identities == NULL && (s->identities = lk_calloc(s->n, sizeof *s->identities, err)) == NULL)
        return LK_ENOMEM;
    for (size_t row = 0; row < s->n; row++) {
        uint32_t line = s->lines[row];
        const char *text =
            line != LK_NO_NAME ? lk_names_text(&s->labels.texts, s->labels.identities[line]) : NULL;
        s->identities[row] = LK_NO_NAME;
        if (text != NULL)
            LK_TRY(lk_names_add(&s->names, text, strlen(text), &s->identities[row], err));
    }
    return LK_OK;
}

static lk_status apply_labels(struct lk_source *s, const struct lk_source_options *options, lk_error *err)
{
    const char *file = options->labels;
    if (file == NULL)
        return LK_OK;
    struct lk_map map = {0};
    LK_TRY(lk_map_open(&map, file, err));
    lk_status status = lk_labels_parse(map.bytes, map.len, &s->labels, err);
    if (status != LK_OK)
        lk_error_prefix(err, "%s", file);
    lk_map_close(&map);
    LK_TRY(status);
    struct lk_str first_row = LK_STR_INIT;
    size_t rows = 0;
    bool *used = lk_calloc(s->labels.paths.n, sizeof *used, err);
    s->lines = lk_calloc(s->n, sizeof *s->lines, err);
    status = used != NULL && s->lines != NULL ? match_lines(s, &rows, &first_row, used, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = judge_lines(s, file, rows, first_row.text, used, err);
    if (status == LK_OK)
        status = take_identities(s, err);
    for (size_t i = 0; status == LK_OK && options->ctx != NULL && !options->quiet && i < s->n_problems; i++)
        lk_ctx_message(options->ctx, LK_LEVEL_WARNING, "%s", s->problems[i]);
    free(used);
    lk_str_free(&first_row);
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
    if (status == LK_OK)
        status = apply_labels(s, options, err);
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
    free(source->lines);
    lk_labels_free(&source->labels);
    for (size_t i = 0; i < source->n_problems; i++)
        free(source->problems[i]);
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

static lk_status add_groups(const struct lk_source *s, size_t row, struct lk_hash *hash, lk_error *err)
{
    for (size_t g = 0; g < s->labels.n_groups; g++) {
        const char *value = lk_source_group(s, row, g);
        value = value != NULL ? value : "";
        LK_TRY(lk_hash_add(hash, s->labels.group_names[g], strlen(s->labels.group_names[g]) + 1, err));
        LK_TRY(lk_hash_add(hash, value, strlen(value) + 1, err));
    }
    return LK_OK;
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
            LK_TRY(add_groups(s, part->first + i, hash, err));
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
    return i < source->n_problems ? source->problems[i] : NULL;
}
