/* SPDX-License-Identifier: Apache-2.0 */
/* source_labels.c - parses a labels file and finds the line of a picture. */
#include "formats/source_labels.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/csv.h"
#include "formats/faces.h"

struct columns {
    size_t path, identity; /* identity == SIZE_MAX: none */
    size_t groups[LK_MAX_GROUPS];
};

static lk_status take_header(const struct lk_csv *csv, struct lk_labels *out, struct columns *c,
                             lk_error *err)
{
    LK_TRY(lk_csv_column(csv, "path", &c->path, err));
    c->identity = SIZE_MAX;
    for (size_t i = 0; i < csv->n_columns; i++) {
        size_t same;
        LK_TRY(lk_csv_column(csv, csv->columns[i], &same, err)); /* refuses a name that is there twice */
        if (i == c->path)
            continue;
        if (strcmp(csv->columns[i], "identity") == 0) {
            c->identity = i;
            continue;
        }
        LK_NEED(csv->columns[i][0] != '\0' && strlen(csv->columns[i]) <= LK_MAX_GROUP_NAME, err, LK_EFORMAT,
                "column %zu of the header line: expected a name of 1 to %d bytes", i + 1, LK_MAX_GROUP_NAME);
        LK_NEED(out->n_groups < LK_MAX_GROUPS, err, LK_EFORMAT,
                "more than %d columns beside path and identity", LK_MAX_GROUPS);
        c->groups[out->n_groups] = i;
        if ((out->group_names[out->n_groups++] = lk_strdup(csv->columns[i], err)) == NULL)
            return LK_ENOMEM;
    }
    out->has_identities = c->identity != SIZE_MAX;
    LK_NEED(out->has_identities || out->n_groups > 0, err, LK_EFORMAT,
            "the table has only the column 'path', expected 'identity' or groups beside it");
    return LK_OK;
}

static const char *plain(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2 + strspn(path + 2, "/");
    return path;
}

static lk_status take_text(struct lk_labels *out, const char *text, uint32_t *number, lk_error *err)
{
    *number = LK_NO_NAME;
    return *text != '\0' ? lk_names_add(&out->texts, text, strlen(text), number, err) : LK_OK;
}

static lk_status take_line(const struct lk_csv *csv, const struct columns *c, struct lk_labels *out,
                           size_t *capacity, size_t *group_capacity, lk_error *err)
{
    const char *path = plain(lk_csv_field(csv, c->path));
    LK_NEED(*path != '\0', err, LK_EFORMAT, "line %" PRIu64 ": the path is empty", csv->line);
    uint32_t line;
    size_t before = out->paths.n;
    LK_TRY(lk_names_add(&out->paths, path, strlen(path), &line, err));
    LK_NEED(out->paths.n > before, err, LK_EFORMAT, "line %" PRIu64 ": the path '%.200s' is there twice",
            csv->line, path);
    LK_TRY(lk_grow(&out->identities, capacity, out->paths.n, sizeof *out->identities, err));
    out->identities[line] = LK_NO_NAME;
    if (out->has_identities)
        LK_TRY(take_text(out, lk_csv_field(csv, c->identity), &out->identities[line], err));
    LK_TRY(lk_grow(&out->groups, group_capacity, out->paths.n * out->n_groups, sizeof *out->groups, err));
    for (size_t g = 0; g < out->n_groups; g++)
        LK_TRY(take_text(out, lk_csv_field(csv, c->groups[g]), &out->groups[line * out->n_groups + g], err));
    return LK_OK;
}

static lk_status parse(struct lk_csv *csv, struct lk_labels *out, lk_error *err)
{
    struct columns c;
    size_t capacity = 0, group_capacity = 0;
    LK_TRY(take_header(csv, out, &c, err));
    for (;;) {
        int more;
        LK_TRY(lk_csv_next(csv, &more, err));
        if (!more)
            break;
        LK_TRY(take_line(csv, &c, out, &capacity, &group_capacity, err));
    }
    LK_NEED(out->paths.n > 0, err, LK_EFORMAT, "the table has a header line only");
    return LK_OK;
}

lk_status lk_labels_parse(const uint8_t *bytes, size_t len, struct lk_labels *out, lk_error *err)
{
    struct lk_csv csv;
    LK_TRY(lk_csv_open(&csv, bytes, len, err));
    *out = (struct lk_labels){0};
    lk_status status = parse(&csv, out, err);
    lk_csv_close(&csv);
    if (status != LK_OK)
        lk_labels_free(out);
    return status;
}

void lk_labels_free(struct lk_labels *labels)
{
    lk_names_free(&labels->paths);
    lk_names_free(&labels->texts);
    free(labels->identities);
    free(labels->groups);
    for (size_t i = 0; i < labels->n_groups; i++)
        free(labels->group_names[i]);
    *labels = (struct lk_labels){0};
}

uint32_t lk_labels_line(const struct lk_labels *labels, const char *container, const char *path,
                        const char *name)
{
    uint32_t line = lk_names_find(&labels->paths, plain(path), strlen(plain(path)));
    if (line == LK_NO_NAME)
        line = lk_names_find(&labels->paths, name, strlen(name));
    const char *slash = strrchr(container, '/');
    const char *file = slash != NULL ? slash + 1 : container;
    char joined[8192];
    if (line == LK_NO_NAME && *file != '\0') {
        int n = snprintf(joined, sizeof joined, "%s/%s", file, name);
        if (n > 0 && (size_t)n < sizeof joined)
            line = lk_names_find(&labels->paths, joined, (size_t)n);
    }
    return line;
}
