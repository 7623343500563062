/* SPDX-License-Identifier: Apache-2.0 */
/* source_kinds.c - the table of kinds of sets, and which of them an input is. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"
#include "formats/source_backend.h"

/* In the order in which they are asked; the last takes every file. */
static const struct lk_source_backend *const kinds[] = {
    &lk_source_record,
    &lk_source_bin,
    &lk_source_lmdb,
    &lk_source_archive,
    &lk_source_folder,
    &lk_source_picture,
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

const struct lk_source_backend *lk_source_kind(size_t i)
{
    return i < N_KINDS ? kinds[i] : NULL;
}

bool lk_is_picture_name(const char *name)
{
    static const char *const ENDINGS[] = {".jpg", ".jpeg", ".png", ".webp"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++) {
        size_t n = strlen(ENDINGS[i]);
        if (len > n && strcasecmp(name + len - n, ENDINGS[i]) == 0)
            return true;
    }
    return false;
}

lk_status lk_source_note(struct lk_source_part *part, lk_error *err, const char *format, ...)
{
    if (part->n_problems == LK_SOURCE_PROBLEMS)
        return LK_OK;
    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lk_text_clean(text);
    struct lk_str line = LK_STR_INIT;
    LK_TRY(lk_str_addf(&line, err, "%s: %s", part->path, text));
    part->problems[part->n_problems++] = line.text;
    return LK_OK;
}

/* ---- recognising ------------------------------------------------------------------------------- */

static lk_status look(struct lk_source_probe *probe, const char *path, lk_error *err)
{
    *probe = (struct lk_source_probe){.path = path};
    if (stat(path, &probe->st) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot open", path);
    if (S_ISDIR(probe->st.st_mode))
        return LK_OK;
    LK_NEED(S_ISREG(probe->st.st_mode), err, LK_EFORMAT,
            "%s: a special file, expected a folder, a picture or a container of pictures", path);
    int fd = -1;
    size_t len;
    if (lk_open_regular(&fd, path, &len, NULL) != LK_OK)
        return LK_OK; /* a picture that cannot be read is reported as that, later */
    ssize_t n = pread(fd, probe->head, sizeof probe->head, 0);
    close(fd);
    probe->n_head = n > 0 ? (size_t)n : 0;
    return LK_OK;
}

static lk_status find_kind(const char *format, const struct lk_source_backend **out, lk_error *err)
{
    struct lk_str names = LK_STR_INIT;
    for (size_t i = 0; i < N_KINDS; i++) {
        if (strcmp(kinds[i]->name, format) == 0) {
            lk_str_free(&names);
            *out = kinds[i];
            return LK_OK;
        }
        LK_TRY(lk_str_addf(&names, err, "%s%s", i == 0 ? "" : ", ", kinds[i]->name));
    }
    lk_fail(err, LK_EINVAL, "format '%.40s' is not known; there are: %s", format, names.text);
    lk_str_free(&names);
    return LK_EINVAL;
}

static const struct lk_source_backend *recognise(const struct lk_source_probe *probe)
{
    size_t i = 0;
    while (!kinds[i]->recognise(probe))
        i++; /* the last takes every file, the last but one every folder */
    return kinds[i];
}

lk_status lk_source_recognise(const char *path, const struct lk_source_backend **kind, lk_error *err)
{
    struct lk_source_probe probe;
    LK_TRY(look(&probe, path, err));
    *kind = recognise(&probe);
    return LK_OK;
}

lk_status lk_source_part_open(struct lk_source_part *part, const char *path,
                              const struct lk_source_options *options, struct lk_names *names, lk_error *err)
{
    *part = (struct lk_source_part){.options = options, .names = names};
    struct lk_source_probe probe;
    LK_TRY(look(&probe, path, err));
    if (options->format != NULL)
        LK_TRY(find_kind(options->format, &part->backend, err));
    else
        part->backend = recognise(&probe);
    part->path = lk_strdup(path, err);
    lk_status status = part->path != NULL ? part->backend->open(part, err) : LK_ENOMEM;
    if (status != LK_OK)
        lk_source_part_close(part);
    else
        part->options = NULL;
    return status;
}

void lk_source_part_close(struct lk_source_part *part)
{
    if (part->backend != NULL)
        part->backend->close(part);
    for (size_t i = 0; i < part->n_problems; i++)
        free(part->problems[i]);
    free(part->labels);
    free(part->path);
    *part = (struct lk_source_part){0};
}
