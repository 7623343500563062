/* SPDX-License-Identifier: Apache-2.0 */
/* source_archive.h - an archive's index of pictures, and its reading in sequence; between the source_archive
 * files. */
#ifndef LK_FORMATS_SOURCE_ARCHIVE_H
#define LK_FORMATS_SOURCE_ARCHIVE_H

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include "formats/source_backend.h"

/* An archive that libarchive reads: a file, or bytes in memory (for tests and fuzzing). */
struct lk_archive_input {
    const char *path; /* NULL = bytes */
    const uint8_t *bytes;
    size_t len;
};

/* Opens for reading member by member. On failure the message says what libarchive found. */
lk_status lk_archive_open(struct archive **out, const struct lk_archive_input *input, lk_error *err);
/* Reads the data of the member that the archive stands at; at most `limit` bytes. *bytes is freed by the
 * caller. Refuses what inflates more than pictures do. *fatal: nothing behind it can be read either. */
lk_status lk_archive_member(struct archive *archive, size_t limit, uint8_t **bytes, size_t *len, bool *fatal,
                            lk_error *err);

/* libarchive turns names into the thread's character set, and loses those that do not fit: this thread takes
 * UTF-8 until it leaves it again. */
struct lk_archive_locale {
    locale_t utf8, old;
};
struct lk_archive_locale lk_archive_locale_use(void);
void lk_archive_locale_leave(struct lk_archive_locale *locale);

/* A member's name made harmless: components "", "." and ".." go. *outside: it was absolute or had "..";
 * *hidden: a component starts with a dot. */
lk_status lk_archive_name(const char *raw, struct lk_str *out, bool *outside, bool *hidden, lk_error *err);
/* WebDataset's key of a member: the length of its name up to the first dot of the file name. */
size_t lk_archive_key_length(const char *name);
/* Whether a member's name is that of an archive. */
bool lk_archive_is_nested(const char *name);

enum lk_member_trouble { LK_MEMBER_FINE, LK_MEMBER_ENCRYPTED, LK_MEMBER_TOO_LARGE };

/* One picture. */
struct lk_member {
    char *name;      /* made harmless: no leading '/', no ".." */
    uint64_t place;  /* where its data begins in the file, when direct; else its number among all members */
    uint32_t size;   /* bytes, when direct */
    uint8_t trouble; /* enum lk_member_trouble */
};

/* What the names and headers of an archive say. */
struct lk_archive_index {
    struct lk_arena arena;
    struct lk_member *members;
    size_t n, capacity;
    bool direct;      /* a plain tar: data lies uncompressed at members[i].place */
    uint32_t *labels; /* from .cls or .json files, when options ask for them; owned */
    struct lk_archive_tally {
        struct lk_count {
            uint64_t n;
            const char *first; /* name of the first, in arena */
        } outside, encrypted, large, again, nested, special, names, bad_labels;
        uint64_t n_others; /* members that are no pictures */
        bool no_end; /* a tar without the blocks that mark its end: perhaps cut off between two members */
    } tally;
};

/* Lists the pictures in their order in the archive. Of members with the same name the last counts, as if
 * unpacked. names: takes identities from .cls or .json members, when rule asks for them. ctx may be NULL. */
lk_status lk_archive_list(struct lk_archive_index *index, const struct lk_archive_input *input,
                          const struct lk_identity_rule *rule, struct lk_names *names, const lk_ctx *ctx,
                          lk_error *err);
void lk_archive_index_free(struct lk_archive_index *index);

/* Pictures of an archive that can only be read from its start to its end, given out by index from any
 * thread. Those passed on the way to an index asked for are held, `window` of them at most. */
struct lk_archive_stream;
lk_status lk_archive_stream_new(struct lk_archive_stream **out, const struct lk_archive_index *index,
                                const struct lk_archive_input *input, size_t window, const lk_ctx *ctx,
                                lk_error *err);
lk_status lk_archive_stream_read(struct lk_archive_stream *stream, size_t i, uint8_t **bytes, size_t *len,
                                 lk_error *err);
void lk_archive_stream_free(struct lk_archive_stream *stream);

#endif
