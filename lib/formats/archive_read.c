/* SPDX-License-Identifier: Apache-2.0 */
/* archive_read.c - libarchive, opened for the kinds of archives that sets of pictures come in; its errors as
 * ours. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "formats/source_archive.h"

enum { BLOCK = 1 << 16, FIRST_ROOM = 1 << 16 };

/* Encoded pictures do not shrink when they are compressed again. What does, a hundredfold, was made to fill
 * the memory of whoever reads it. */
enum { RATIO_FROM = 4 << 20, RATIO_LIMIT = 100 };

static const char *reason(struct archive *archive)
{
    const char *text = archive_error_string(archive);
    return text != NULL ? text : "unknown reason";
}

lk_status lk_archive_open(struct archive **out, const struct lk_archive_input *input, lk_error *err)
{
    LK_NEED(input->path == NULL || lk_regular(input->path, NULL) != LK_EFORMAT, err, LK_EFORMAT,
            "not a regular file, expected a zip or tar file");
    struct archive *a = archive_read_new();
    LK_NEED(a != NULL, err, LK_ENOMEM, "out of memory");
    /* By name rather than _all: none of these starts another program, as the filters for rare kinds do. The
     * zip reader is the one that goes by the central directory, so that a cut archive is seen as one. */
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_gnutar(a);
    archive_read_support_format_zip_seekable(a);
    int opened = input->path != NULL ? archive_read_open_filename(a, input->path, BLOCK)
                                     : archive_read_open_memory(a, input->bytes, input->len);
    if (opened < ARCHIVE_WARN) {
        int code = archive_errno(a);
        lk_status status = code == ENOMEM                     ? LK_ENOMEM
                           : code == ENOENT || code == EACCES ? LK_EIO
                                                              : LK_EFORMAT;
        lk_fail(err, status, "cannot be opened as an archive: %s; expected a whole zip or tar file",
                reason(a));
        archive_read_free(a);
        return status;
    }
    *out = a;
    return LK_OK;
}

/* Reads to the end of the member or to `limit` + 1 bytes. */
static lk_status read_all(struct archive *a, size_t limit, struct lk_str *out, bool *fatal, lk_error *err)
{
    size_t capacity = 0;
    int64_t before = archive_filter_bytes(a, -1);
    for (;;) {
        size_t room = out->len < FIRST_ROOM ? FIRST_ROOM : out->len;
        LK_TRY(lk_grow(&out->text, &capacity, out->len + room + 1, 1, err));
        la_ssize_t n = archive_read_data(a, out->text + out->len, room);
        if (n == 0)
            return LK_OK;
        if (n < 0) {
            *fatal = n == ARCHIVE_FATAL;
            bool locked = archive_read_has_encrypted_entries(a) == 1;
            return lk_fail(err, archive_errno(a) == ENOMEM ? LK_ENOMEM : LK_EFORMAT, "damaged: %s%s",
                           reason(a), locked ? " (the archive holds encrypted members)" : "");
        }
        out->len += (size_t)n;
        LK_NEED(out->len <= limit, err, LK_EFORMAT, "more than %zu bytes, expected a picture", limit);
        int64_t packed = archive_filter_bytes(a, -1) - before + BLOCK;
        LK_NEED(out->len < RATIO_FROM || (int64_t)out->len / RATIO_LIMIT < packed, err, LK_EFORMAT,
                "%zu bytes unpacked from fewer than %lld, more than %d to one: no picture does that",
                out->len, (long long)packed, RATIO_LIMIT);
    }
}

lk_status lk_archive_member(struct archive *archive, size_t limit, uint8_t **bytes, size_t *len, bool *fatal,
                            lk_error *err)
{
    struct lk_str data = LK_STR_INIT;
    *fatal = false;
    lk_status status = read_all(archive, limit, &data, fatal, err);
    if (status != LK_OK) {
        free(data.text);
        return status;
    }
    data.text[data.len] = '\0';
    char *fit = realloc(data.text, data.len + 1);
    *bytes = (uint8_t *)(fit != NULL ? fit : data.text);
    *len = data.len;
    return LK_OK;
}
