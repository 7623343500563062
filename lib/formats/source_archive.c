/* SPDX-License-Identifier: Apache-2.0 */
/* source_archive.c - pictures in zip and tar archives, compressed or not, WebDataset shards among them.
 *
 * A plain tar is read at any place from any thread; the others in sequence (archive_stream.c). Nothing is
 * ever unpacked to disk. */
#include "formats/source_archive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

struct archive_part {
    struct lk_archive_index index;
    struct lk_archive_stream *stream; /* NULL = a plain tar */
};

static bool starts(const struct lk_source_probe *p, size_t at, const char *magic, size_t n)
{
    return p->n_head >= at + n && memcmp(p->head + at, magic, n) == 0;
}

/* An archive of NumPy's arrays is a zip too, and no set of pictures; a name does for that. */
static bool is_archive(const struct lk_source_probe *p)
{
    size_t len = strlen(p->path);
    if (len > 4 && strcmp(p->path + len - 4, ".npz") == 0)
        return false;
    return starts(p, 0, "PK\3\4", 4) || starts(p, 0, "PK\5\6", 4) || starts(p, 257, "ustar", 5) ||
           starts(p, 0, "\x1f\x8b", 2) || starts(p, 0, "BZh", 3) ||
           starts(p, 0,
                  "\xfd"
                  "7zXZ",
                  5) ||
           starts(p, 0, "\x28\xb5\x2f\xfd", 4) ||
           (S_ISREG(p->st.st_mode) && len > 4 && strcmp(p->path + len - 4, ".tar") == 0);
}

static lk_status note_one(struct lk_source_part *part, const struct lk_count *count, const char *what,
                          lk_error *err)
{
    if (count->n == 0)
        return LK_OK;
    return lk_source_note(part, err, "%" PRIu64 " %s (first: %.200s)", count->n, what, count->first);
}

static lk_status note_all(struct lk_source_part *part, const struct lk_archive_tally *t, lk_error *err)
{
    LK_TRY(note_one(part, &t->encrypted, "pictures are encrypted and cannot be read", err));
    LK_TRY(note_one(part, &t->large, "pictures are too large to be read", err));
    LK_TRY(note_one(part, &t->outside,
                    "names lead outside of the archive; taken by what is left without that", err));
    LK_TRY(note_one(part, &t->again, "names come again; the last picture of a name counts", err));
    LK_TRY(note_one(part, &t->special, "pictures are links or special files and are passed over", err));
    LK_TRY(note_one(part, &t->names, "members have no usable name and are passed over", err));
    LK_TRY(note_one(part, &t->nested, "archives inside the archive are not looked into", err));
    if (t->no_end)
        LK_TRY(lk_source_note(part, err, "has no end mark; it may have been cut off behind its last member"));
    return note_one(part, &t->bad_labels, "label files hold no identity as asked for", err);
}

static lk_status open_archive(struct lk_source_part *part, lk_error *err)
{
    struct archive_part *a = lk_calloc(1, sizeof *a, err);
    if ((part->state = a) == NULL)
        return LK_ENOMEM;
    const struct lk_archive_input input = {.path = part->path};
    const struct lk_source_options *o = part->options;
    lk_status status = lk_archive_list(&a->index, &input, &o->identity, part->names, o->ctx, err);
    if (status != LK_OK && status != LK_ECANCELED)
        lk_error_prefix(err, "%s", part->path);
    LK_TRY(status);
    part->n = a->index.n;
    part->labels = a->index.labels;
    a->index.labels = NULL;
    if (!a->index.direct)
        LK_TRY(lk_archive_stream_new(&a->stream, &a->index, &input, o->window, o->ctx, err));
    return note_all(part, &a->index.tally, err);
}

static lk_status name_in_archive(const struct lk_source_part *part, size_t index, struct lk_str *out,
                                 lk_error *err)
{
    const struct archive_part *a = part->state;
    return lk_str_addz(out, a->index.members[index].name, err);
}

static bool find_in_archive(const struct lk_source_part *part, const char *name, size_t *index)
{
    const struct archive_part *a = part->state;
    for (size_t i = 0; i < part->n; i++) {
        if (strcmp(a->index.members[i].name, name) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* Opened for each picture: a set may have more shards than a process may have open files. */
static lk_status read_at(const char *path, const struct lk_member *member, uint8_t **bytes, size_t *len,
                         lk_error *err)
{
    uint8_t *data = lk_calloc((size_t)member->size + 1, 1, err);
    if (data == NULL)
        return LK_ENOMEM;
    int fd = -1;
    size_t whole, got = 0;
    lk_status status = lk_open_regular(&fd, path, &whole, err);
    ssize_t n = 1;
    while (status == LK_OK && got < member->size && n > 0) {
        n = pread(fd, data + got, member->size - got, (off_t)(member->place + got));
        got += n > 0 ? (size_t)n : 0;
        if (n < 0 && errno == EINTR)
            n = 1;
    }
    if (n < 0)
        status = lk_fail_sys(err, LK_EIO, "cannot be read");
    else if (status == LK_OK && got < member->size)
        status = lk_fail(err, LK_EFORMAT, "the archive ends behind %zu of %u bytes; did it change?", got,
                         (unsigned)member->size);
    if (fd >= 0)
        close(fd);
    if (status != LK_OK) {
        free(data);
        return status;
    }
    *bytes = data;
    *len = got;
    return LK_OK;
}

static lk_status read_in_archive(const struct lk_source_part *part, size_t index, uint8_t **bytes,
                                 size_t *len, lk_error *err)
{
    const struct archive_part *a = part->state;
    const struct lk_member *member = &a->index.members[index];
    LK_NEED(member->trouble != LK_MEMBER_ENCRYPTED, err, LK_EFORMAT, "encrypted, expected a picture");
    LK_NEED(member->trouble != LK_MEMBER_TOO_LARGE, err, LK_EFORMAT, "more bytes than a picture may have");
    if (a->index.direct)
        return read_at(part->path, member, bytes, len, err);
    return lk_archive_stream_read(a->stream, index, bytes, len, err);
}

static void close_archive(struct lk_source_part *part)
{
    struct archive_part *a = part->state;
    if (a == NULL)
        return;
    lk_archive_stream_free(a->stream);
    lk_archive_index_free(&a->index);
    free(a);
}

const struct lk_source_backend lk_source_archive = {
    .name = "archive",
    .title = "zip or tar archive of pictures",
    .joint = "!/",
    .recognise = is_archive,
    .open = open_archive,
    .name_of = name_in_archive,
    .find = find_in_archive,
    .read = read_in_archive,
    .close = close_archive,
};
