/* SPDX-License-Identifier: Apache-2.0 */
/* duplicates_part.c - OUTPUT.part: records of the pictures seen so far, for the run itself and the next one.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "vision/duplicates.h"

struct header {
    char magic[16];
    char inputs_sha256[64];
};
static const char MAGIC[16] = "likeness thumb1";
static const double FLUSH_SECONDS = 2;

_Static_assert(sizeof(struct lk_dup_record) == 64 + 8 + LK_THUMB_PIXELS, "records are written as they are");
_Static_assert(sizeof(struct header) % 8 == 0, "records are aligned in a mapped file");

/* How many whole records the file holds that are of our pictures; 0 also when it is no file of ours. */
static uint64_t count_records(const struct lk_dup_part *part, const struct header *ours, uint64_t n_images)
{
    struct header there;
    struct stat st;
    int fd = fileno(part->stream);
    if (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof there ||
        pread(fd, &there, sizeof there, 0) != (ssize_t)sizeof there ||
        memcmp(&there, ours, sizeof there) != 0)
        return 0;
    uint64_t n = ((uint64_t)st.st_size - sizeof there) / sizeof(struct lk_dup_record);
    n = n < n_images ? n : n_images;
    for (; n > 0; n--) { /* what a crash of the machine left unwritten is zero, at the end */
        uint8_t state = 0;
        off_t at = (off_t)(sizeof there + (n - 1) * sizeof(struct lk_dup_record) +
                           offsetof(struct lk_dup_record, state));
        if (pread(fd, &state, 1, at) == 1 && (state == LK_DUP_SEEN || state == LK_DUP_UNREADABLE))
            break;
    }
    return n;
}

static lk_status flush(struct lk_dup_part *part, lk_error *err)
{
    part->flushed_at = lk_clock_seconds();
    return fflush(part->stream) == 0 ? LK_OK : lk_fail_sys(err, LK_EIO, "%s: cannot write", part->path);
}

lk_status lk_dup_part_open(struct lk_dup_part *part, const char *output, const char inputs_sha256[65],
                           uint64_t n_images, lk_error *err)
{
    *part = (struct lk_dup_part){.flushed_at = lk_clock_seconds()};
    struct lk_str path = LK_STR_INIT;
    LK_TRY(lk_str_addf(&path, err, "%s.part", output));
    part->path = path.text;
    int fd = lk_open_work(part->path, O_RDWR);
    if (fd < 0 || (part->stream = fdopen(fd, "r+b")) == NULL) {
        lk_fail_sys(err, LK_EIO, "%s: cannot write", part->path);
        if (fd >= 0)
            close(fd);
        return LK_EIO;
    }
    LK_NEED(flock(fd, LOCK_EX | LOCK_NB) == 0, err, LK_EBUSY, "%s: in use by another run", part->path);
    struct header header;
    memcpy(header.magic, MAGIC, sizeof header.magic);
    memcpy(header.inputs_sha256, inputs_sha256, sizeof header.inputs_sha256);
    part->n = count_records(part, &header, n_images);
    off_t end = (off_t)(part->n > 0 ? sizeof header + part->n * sizeof(struct lk_dup_record) : 0);
    if (ftruncate(fd, end) != 0 || fseeko(part->stream, end, SEEK_SET) != 0)
        return lk_fail_sys(err, LK_EIO, "%s: cannot be cut to %lld bytes", part->path, (long long)end);
    if (part->n == 0 && fwrite(&header, sizeof header, 1, part->stream) != 1)
        return lk_fail_sys(err, LK_EIO, "%s: cannot write", part->path);
    return flush(part, err);
}

lk_status lk_dup_part_add(struct lk_dup_part *part, const struct lk_dup_record *record, lk_error *err)
{
    if (fwrite(record, sizeof *record, 1, part->stream) != 1)
        return lk_fail_sys(err, LK_EIO, "%s: cannot write", part->path);
    part->n++;
    return lk_clock_seconds() - part->flushed_at < FLUSH_SECONDS ? LK_OK : flush(part, err);
}

lk_status lk_dup_part_finish(struct lk_dup_part *part, lk_error *err)
{
    LK_TRY(flush(part, err));
    LK_TRY(lk_map_open(&part->map, part->path, err));
    LK_NEED(part->map.len == sizeof(struct header) + part->n * sizeof(struct lk_dup_record), err, LK_EIO,
            "%s: changed by another program while it was in use", part->path);
    part->records = (const struct lk_dup_record *)(const void *)(part->map.bytes + sizeof(struct header));
    return LK_OK;
}

void lk_dup_part_close(struct lk_dup_part *part, bool remove)
{
    lk_map_close(&part->map);
    if (remove && part->path != NULL)
        unlink(part->path);
    if (part->stream != NULL)
        fclose(part->stream);
    free(part->path);
    *part = (struct lk_dup_part){0};
}
