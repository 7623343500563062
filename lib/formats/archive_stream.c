/* SPDX-License-Identifier: Apache-2.0 */
/* archive_stream.c - pictures of an archive that can only be read in sequence, given out by index to many
 * threads.
 *
 * Threads ask in almost rising order. Whoever asks for a picture further on reads up to it, under the lock,
 * and leaves what it passes in the window for the others. A picture that was passed and dropped makes the
 * stream start over. */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "formats/image.h"
#include "formats/source_archive.h"

enum { WINDOW = 64 };

/* Bytes that the window holds at most, next to the picture that is read. */
static const size_t held_limit = (size_t)512 << 20;

struct held {
    bool full;
    size_t index;
    uint8_t *bytes; /* NULL = unreadable */
    size_t len;
    lk_error *why; /* then this is the reason */
};

struct lk_archive_stream {
    const struct lk_archive_index *index;
    struct lk_archive_input input;
    const lk_ctx *ctx;
    pthread_mutex_t lock;    /* guards all below */
    struct archive *archive; /* NULL = not open */
    uint64_t number;         /* of the member that comes next */
    size_t next;             /* index of the picture that comes next */
    bool broken;             /* nothing from `next` on can be read, for the reason in why */
    lk_error why;
    size_t window, held_bytes;
    struct held *held; /* picture i in held[i % window]; NULL = not open */
};

static void drop(struct lk_archive_stream *s, struct held *held)
{
    if (held->full)
        s->held_bytes -= held->len;
    free(held->bytes);
    free(held->why);
    *held = (struct held){0};
}

static void stop(struct lk_archive_stream *s)
{
    if (s->archive != NULL)
        archive_read_free(s->archive);
    s->archive = NULL;
    for (size_t i = 0; s->held != NULL && i < s->window; i++)
        drop(s, &s->held[i]);
    free(s->held);
    s->held = NULL;
}

static lk_status start(struct lk_archive_stream *s, lk_error *err)
{
    stop(s);
    s->number = 0;
    s->next = 0;
    s->broken = false;
    if ((s->held = lk_calloc(s->window, sizeof *s->held, err)) == NULL)
        return LK_ENOMEM;
    return lk_archive_open(&s->archive, &s->input, err);
}

/* Goes to the header of member number `number`. */
static lk_status go_to(struct lk_archive_stream *s, uint64_t number, lk_error *err)
{
    while (s->number <= number) {
        if (s->ctx != NULL)
            LK_TRY(lk_ctx_check(s->ctx, err));
        struct archive_entry *entry;
        int code = archive_read_next_header(s->archive, &entry);
        const char *reason = archive_error_string(s->archive);
        LK_NEED(code != ARCHIVE_EOF, err, LK_EFORMAT, "the archive ends before it; did it change?");
        LK_NEED(code >= ARCHIVE_WARN, err, archive_errno(s->archive) == ENOMEM ? LK_ENOMEM : LK_EFORMAT,
                "damaged: %s", reason != NULL ? reason : "unknown reason");
        s->number++;
    }
    return LK_OK;
}

/* Reads picture s->next into *out, or sets it aside as unreadable with the reason. */
static lk_status read_next(struct lk_archive_stream *s, struct held *out, lk_error *err)
{
    lk_error why = {0};
    lk_status status = LK_OK;
    bool fatal = false;
    *out = (struct held){.full = true, .index = s->next};
    if (!s->broken) {
        status = go_to(s, s->index->members[s->next].place, &why);
        fatal = status != LK_OK;
        if (status == LK_OK)
            status = lk_archive_member(s->archive, LK_IMAGE_MAX_BYTES, &out->bytes, &out->len, &fatal, &why);
    } else {
        why = s->why;
        status = why.code;
    }
    if (status == LK_ENOMEM || status == LK_ECANCELED) { /* not this picture's fault */
        if (err != NULL)
            *err = why;
        stop(s); /* the next reader starts over */
        return status;
    }
    if (status != LK_OK) {
        if ((out->why = lk_calloc(1, sizeof *out->why, err)) == NULL)
            return LK_ENOMEM;
        s->broken |= fatal;
        s->why = *out->why = why;
    }
    s->next++;
    return LK_OK;
}

/* Takes what has come too far back, or is too much, out of the window. */
static void make_room(struct lk_archive_stream *s, size_t index)
{
    drop(s, &s->held[index % s->window]);
    for (size_t i = index + 1; s->held_bytes > held_limit && i < index + s->window; i++)
        drop(s, &s->held[i % s->window]);
}

static lk_status read_up_to(struct lk_archive_stream *s, size_t index, lk_error *err)
{
    if (index >= s->window && s->next < index - s->window + 1)
        s->next = index - s->window + 1; /* what lies before would fall out of the window again */
    while (s->next <= index) {
        struct held held;
        size_t i = s->next;
        LK_TRY(read_next(s, &held, err));
        make_room(s, i);
        s->held[i % s->window] = held;
        s->held_bytes += held.len;
    }
    return LK_OK;
}

static lk_status take(struct lk_archive_stream *s, size_t i, uint8_t **bytes, size_t *len, lk_error *err)
{
    bool here = s->held != NULL && s->held[i % s->window].full && s->held[i % s->window].index == i;
    if (!here && (s->archive == NULL || i < s->next))
        LK_TRY(start(s, err));
    if (!here)
        LK_TRY(read_up_to(s, i, err));
    struct held *held = &s->held[i % s->window];
    lk_status status = held->bytes != NULL ? LK_OK : held->why->code;
    if (status == LK_OK) {
        *bytes = held->bytes;
        *len = held->len;
        held->bytes = NULL;
    } else if (err != NULL) {
        *err = *held->why;
    }
    drop(s, held);
    if (s->next == s->index->n && s->held_bytes == 0)
        stop(s); /* thousands of shards must not stay open */
    return status;
}

lk_status lk_archive_stream_read(struct lk_archive_stream *stream, size_t i, uint8_t **bytes, size_t *len,
                                 lk_error *err)
{
    pthread_mutex_lock(&stream->lock);
    lk_status status = take(stream, i, bytes, len, err);
    pthread_mutex_unlock(&stream->lock);
    return status;
}

lk_status lk_archive_stream_new(struct lk_archive_stream **out, const struct lk_archive_index *index,
                                const struct lk_archive_input *input, size_t window, const lk_ctx *ctx,
                                lk_error *err)
{
    struct lk_archive_stream *s = lk_calloc(1, sizeof *s, err);
    if (s == NULL)
        return LK_ENOMEM;
    s->index = index;
    s->input = *input;
    s->ctx = ctx;
    s->window = window > 0 ? window : WINDOW;
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return LK_OK;
}

void lk_archive_stream_free(struct lk_archive_stream *stream)
{
    if (stream == NULL)
        return;
    stop(stream);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}
