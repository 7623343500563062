/* SPDX-License-Identifier: Apache-2.0 */
/* archives.c - an archive without the pictures that are removed, member by member.
 *
 * What is no picture goes along, except for what stands beside removed pictures only (WebDataset: the same
 * name up to the first dot). Links, hidden names and archives inside do not: nobody looked into them. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "clean/keep.h"
#include "formats/image.h"
#include "formats/source_archive.h"

struct filter {
    const struct lk_keep *k;
    struct lk_keep_input in;
    struct lk_names pictures; /* of the input, by row */
    struct lk_names keys;     /* of pictures */
    bool *key_kept;           /* some picture of that key is */
    struct archive *from, *to;
    struct lk_str name;
    uint64_t n_written, n_passed, n_unreadable;
};

/* ---- what goes along ---------------------------------------------------------------------------------- */

static lk_status name_pictures(struct filter *f, lk_error *err)
{
    f->key_kept = lk_calloc(f->in.n, sizeof *f->key_kept, err);
    if (f->key_kept == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < f->in.n; i++) {
        uint32_t number, key;
        LK_TRY(lk_source_name(f->k->source, f->in.first + i, &f->name, err));
        LK_TRY(lk_names_add(&f->pictures, f->name.text, f->name.len, &number, err));
        LK_TRY(lk_names_add(&f->keys, f->name.text, lk_archive_key_length(f->name.text), &key, err));
        if (lk_keep_row(f->k, f->in.first + i))
            f->key_kept[key] = true;
    }
    return LK_OK;
}

/* *row: of a picture, else SIZE_MAX. */
static lk_status wanted(struct filter *f, struct archive_entry *entry, bool *want, size_t *row, lk_error *err)
{
    bool outside, hidden;
    const char *raw = archive_entry_pathname(entry);
    if (raw == NULL)
        raw = archive_entry_pathname_utf8(entry);
    *want = false;
    *row = SIZE_MAX;
    if (raw == NULL || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL)
        return LK_OK;
    LK_TRY(lk_archive_name(raw, &f->name, &outside, &hidden, err));
    if (hidden || f->name.len == 0)
        return LK_OK;
    if (!lk_is_picture_name(f->name.text)) {
        uint32_t key = lk_names_find(&f->keys, f->name.text, lk_archive_key_length(f->name.text));
        *want = !lk_archive_is_nested(f->name.text) && (key == LK_NO_NAME || f->key_kept[key]);
        return LK_OK;
    }
    uint32_t number = lk_names_find(&f->pictures, f->name.text, f->name.len);
    if (number != LK_NO_NAME) {
        *row = f->in.first + number;
        *want = lk_keep_row(f->k, *row);
    }
    return LK_OK;
}

/* ---- members ------------------------------------------------------------------------------------------ */

static lk_status fail_writing(struct filter *f, lk_error *err)
{
    const char *reason = archive_error_string(f->to);
    return lk_fail(err, archive_errno(f->to) == ENOMEM ? LK_ENOMEM : LK_EIO, "cannot write '%s': %s",
                   f->name.text, reason != NULL ? reason : "unknown reason");
}

/* Name, time and permissions; not whose it was. */
static lk_status put_member(struct filter *f, struct archive_entry *entry, const uint8_t *bytes, size_t len,
                            lk_error *err)
{
    struct archive_entry *out = archive_entry_new();
    LK_NEED(out != NULL, err, LK_ENOMEM, "out of memory");
    archive_entry_set_pathname(out, f->name.text);
    archive_entry_set_filetype(out, AE_IFREG);
    archive_entry_set_perm(out, archive_entry_perm(entry) & 0666);
    archive_entry_set_size(out, (la_int64_t)len);
    if (archive_entry_mtime_is_set(entry))
        archive_entry_set_mtime(out, archive_entry_mtime(entry), 0);
    lk_status status = LK_OK;
    if (archive_write_header(f->to, out) < ARCHIVE_WARN ||
        (len > 0 && archive_write_data(f->to, bytes, len) != (la_ssize_t)len) ||
        archive_write_finish_entry(f->to) < ARCHIVE_WARN)
        status = fail_writing(f, err);
    archive_entry_free(out);
    return status;
}

static lk_status take_member(struct filter *f, struct archive_entry *entry, lk_error *err)
{
    bool want, fatal = false;
    size_t row, len = 0;
    uint8_t *bytes = NULL;
    LK_TRY(wanted(f, entry, &want, &row, err));
    if (!want) {
        f->n_passed++;
        return LK_OK;
    }
    lk_status status = lk_archive_member(f->from, LK_IMAGE_MAX_BYTES, &bytes, &len, &fatal, err);
    if (status == LK_EFORMAT && !fatal && row != SIZE_MAX && lk_keep_unreadable(f->k, row)) {
        f->n_unreadable++;
        return LK_OK;
    }
    if (status != LK_OK)
        lk_error_prefix(err, "%s", f->name.text);
    else
        status = put_member(f, entry, bytes, len, err);
    f->n_written += status == LK_OK;
    free(bytes);
    return status;
}

static lk_status take_all(struct filter *f, lk_error *err)
{
    for (;;) {
        struct archive_entry *entry;
        LK_TRY(lk_ctx_check(f->k->c->ctx, err));
        int code = archive_read_next_header(f->from, &entry);
        if (code == ARCHIVE_EOF)
            return LK_OK;
        LK_NEED(code >= ARCHIVE_WARN, err, LK_EFORMAT, "damaged behind %llu members: %s",
                (unsigned long long)(f->n_written + f->n_passed), archive_error_string(f->from));
        LK_TRY(take_member(f, entry, err));
    }
}

/* ---- files -------------------------------------------------------------------------------------------- */

static lk_status open_writer(struct filter *f, FILE *stream, bool zip, lk_error *err)
{
    f->to = archive_write_new();
    LK_NEED(f->to != NULL, err, LK_ENOMEM, "out of memory");
    bool good =
        zip ? archive_write_set_format_zip(f->to) == ARCHIVE_OK &&
                  archive_write_zip_set_compression_store(f->to) == ARCHIVE_OK /* pictures do not shrink */
            : archive_write_set_format_pax_restricted(f->to) == ARCHIVE_OK;
    if (!good || archive_write_open_FILE(f->to, stream) != ARCHIVE_OK)
        return fail_writing(f, err);
    return LK_OK;
}

static lk_status filter_into(struct filter *f, FILE *stream, bool zip, lk_error *err)
{
    const struct lk_archive_input input = {.path = f->in.path};
    LK_TRY(name_pictures(f, err));
    lk_status status = lk_archive_open(&f->from, &input, err);
    if (status == LK_OK)
        status = open_writer(f, stream, zip, err);
    if (status == LK_OK)
        status = take_all(f, err);
    if (status == LK_OK && archive_write_close(f->to) != ARCHIVE_OK)
        status = fail_writing(f, err);
    if (f->from != NULL)
        archive_read_free(f->from);
    if (f->to != NULL)
        archive_write_free(f->to);
    if (status != LK_OK && status != LK_ECANCELED)
        lk_error_prefix(err, "%s", f->in.path);
    return status;
}

static lk_status write_one(const struct lk_keep *k, const struct lk_keep_input *in, const char *place,
                           bool zip, lk_error *err)
{
    struct filter f = {.k = k, .in = *in};
    struct lk_out out;
    LK_TRY(lk_out_open(&out, place, err));
    struct lk_archive_locale names_in = lk_archive_locale_use();
    lk_status status = filter_into(&f, out.stream, zip, err);
    lk_archive_locale_leave(&names_in);
    if (status == LK_OK)
        status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    if (status == LK_OK && f.n_unreadable > 0)
        lk_ctx_message(k->c->ctx, LK_LEVEL_WARNING, "%s: %llu pictures that cannot be read are not there",
                       place, (unsigned long long)f.n_unreadable);
    lk_names_free(&f.pictures);
    lk_names_free(&f.keys);
    free(f.key_kept);
    lk_str_free(&f.name);
    return status;
}

lk_status lk_keep_archives(const struct lk_keep *k, const char *to, bool zip, lk_error *err)
{
    struct lk_keep_input in;
    size_t n = lk_keep_n_inputs(k);
    if (n > 1)
        LK_TRY(lk_mkdirs(to, err));
    for (size_t i = 0; lk_keep_input(k, i, &in); i++) {
        char *place = lk_keep_place(k, to, &in, err);
        lk_status status = place != NULL ? write_one(k, &in, place, zip, err) : LK_ENOMEM;
        free(place);
        LK_TRY(status);
        lk_ctx_progress(
            k->c->ctx,
            &(lk_progress){.stage = zip ? "zip" : "tar", .unit = "archives", .done = i + 1, .total = n});
    }
    return LK_OK;
}
