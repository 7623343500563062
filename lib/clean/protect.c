/* SPDX-License-Identifier: Apache-2.0 */
/* protect.c - an output must not be, or lie in, anything that a cleaning reads. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "clean/keep.h"

/* The path without links and "..", as far as it exists; what does not exist yet stands behind as it is. */
static lk_status canonical(const char *path, struct lk_str *out, lk_error *err)
{
    char *known = lk_strdup(path, err), *real = NULL;
    size_t len = strlen(path), rest = len;
    if (known == NULL)
        return LK_ENOMEM;
    while ((real = realpath(len > 0 ? known : ".", NULL)) == NULL && len > 0) {
        while (len > 0 && known[len - 1] == '/')
            len--;
        while (len > 0 && known[len - 1] != '/')
            len--;
        rest = len;
        while (len > 1 && known[len - 1] == '/')
            len--;
        known[len] = '\0';
    }
    free(known);
    if (real == NULL)
        return lk_fail_sys(err, LK_EIO, "%s: cannot be found", path);
    if (strstr(path + rest, "..") != NULL) { /* once it exists it may lead anywhere */
        free(real);
        return lk_fail(err, LK_EINVAL, "%s: has '..' behind a folder that is not there; give it without that",
                       path);
    }
    lk_status status = lk_str_addz(out, real, err);
    if (status == LK_OK && path[rest] != '\0' && strcmp(real, "/") != 0)
        status = lk_str_addz(out, "/", err);
    if (status == LK_OK)
        status = lk_str_addz(out, path + rest, err);
    free(real);
    return status;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* An input that is not there (a pattern, an array in a file) protects nothing by itself. */
lk_status lk_keep_protect_input(const char *path, const char *input, lk_error *err)
{
    if (!lk_path_exists(input))
        return LK_OK;
    struct lk_str to = LK_STR_INIT, from = LK_STR_INIT;
    lk_status status = canonical(path, &to, err);
    if (status == LK_OK)
        status = canonical(input, &from, err);
    if (status == LK_OK) {
        bool inside = lk_path_is_dir(input) && strncmp(to.text, from.text, from.len) == 0 &&
                      (to.text[from.len] == '/' || strcmp(from.text, "/") == 0);
        if (inside || strcmp(to.text, from.text) == 0 || is_same_file(path, input))
            status = lk_fail(err, LK_EINVAL,
                             "%s: lies in the input %s, which cleaning never changes; give another output",
                             path, input);
    }
    lk_str_free(&to);
    lk_str_free(&from);
    return status;
}

/* Where the pictures of a FACES directory came from. */
static lk_status check_pictures(const char *path, const struct lk_faces *f, lk_error *err)
{
    const json_t *inputs = f->meta != NULL ? json_object_get(f->meta, "inputs") : NULL;
    const json_t *directory = f->meta != NULL ? json_object_get(f->meta, "working_directory") : NULL;
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        const char *input = json_string_value(json_array_get(inputs, i));
        if (input == NULL || !json_is_string(directory))
            continue;
        char *whole =
            input[0] == '/' ? lk_strdup(input, err) : lk_path_join(json_string_value(directory), input, err);
        lk_status status = whole != NULL ? lk_keep_protect_input(path, whole, err) : LK_ENOMEM;
        free(whole);
        LK_TRY(status);
    }
    return LK_OK;
}

static lk_status check_matcher(const char *path, const lk_measure_matcher *m, lk_error *err)
{
    LK_TRY(lk_keep_protect_input(path, m->synthetic, err));
    LK_TRY(lk_keep_protect_input(path, m->train, err));
    for (size_t i = 0; i < m->n_holdouts; i++)
        LK_TRY(lk_keep_protect_input(path, m->holdouts[i], err));
    for (size_t i = 0; i < m->n_controls; i++)
        LK_TRY(lk_keep_protect_input(path, m->controls[i], err));
    return LK_OK;
}

lk_status lk_keep_protect(const struct lk_clean *c, const char *path, lk_error *err)
{
    for (size_t i = 0; i <= c->options->measure.n_others; i++) {
        lk_measure_matcher m = lk_audit_matcher(&c->options->measure, i);
        LK_TRY(check_matcher(path, &m, err));
    }
    for (size_t i = 0; i < c->job.n_sets; i++)
        LK_TRY(check_pictures(path, &c->job.sets[i].file.faces, err));
    return LK_OK;
}
