/* SPDX-License-Identifier: Apache-2.0 */
/* source_backend.h - one kind of set of pictures: what a new kind must do, and what it is given for it.
 *
 * To add a kind: write source_NAME.c with one `const struct lk_source_backend lk_source_NAME`, declare it
 * below, put it into the table of source_kinds.c (the order there is the order in which kinds are asked).
 * - recognise looks at the path and the first bytes, quickly, and says whether it is this kind. It never
 *   fails; whoever forces the kind by name skips it.
 * - open lists the pictures. It sets part->n and part->state, and when the container has labels of its own,
 *   part->labels (one entry for each picture, a number of part->names or LK_NO_NAME). No allocation for each
 *   picture: numbers in arrays, names in an arena or made on demand. 2 million pictures open in two seconds
 *   and 200 MB. A container that is damaged as a whole is LK_EFORMAT; single pictures that are cannot be read
 *   are listed, and read says why. What was passed over is told with lk_source_note.
 * - name_of appends what is below the container: "a/b.jpg", "12". It is unique in the container, and find
 *   turns it back. `joint` stands between the container's path and the name.
 * - read may be called from any thread at any time: pread or a map for random access, a mutex of its own for
 *   what is sequential (lk_archive_stream helps). Messages need no path in front; source.c adds it.
 * - close frees state; also after a failed open. */
#ifndef LK_FORMATS_SOURCE_BACKEND_H
#define LK_FORMATS_SOURCE_BACKEND_H

#include <sys/stat.h>

#include "base/names.h"
#include "formats/source.h"

enum { LK_SOURCE_HEAD = 4096, LK_SOURCE_PROBLEMS = 8 };

/* What people gave, before it is opened. */
struct lk_source_probe {
    const char *path;
    struct stat st;
    uint8_t head[LK_SOURCE_HEAD]; /* first bytes of a regular file */
    size_t n_head;
};

/* One input, opened by its kind. */
struct lk_source_part {
    const struct lk_source_backend *backend;
    char *path;   /* of the container as given; open may put another in its place (free the old one) */
    size_t first; /* row of its first picture in the source; set after open */
    size_t n;
    void *state;
    uint32_t *labels; /* n numbers in *names, or NULL = the container has no labels; freed by source.c */
    struct lk_names *names;                  /* identities of the whole source */
    const struct lk_source_options *options; /* never NULL; until open returns */
    char *problems[LK_SOURCE_PROBLEMS];
    size_t n_problems; /* kept */
};

struct lk_source_backend {
    const char *name;  /* for --format, and in `likeness info` */
    const char *title; /* in words: "folder of pictures" */
    const char *joint; /* between container and name: "!/", "#"; NULL = a path below a folder */
    bool own_files;    /* each picture is a file of its own: its size and time of change count, not the
                          container's */
    bool (*recognise)(const struct lk_source_probe *probe);
    lk_status (*open)(struct lk_source_part *part, lk_error *err);
    lk_status (*name_of)(const struct lk_source_part *part, size_t index, struct lk_str *out, lk_error *err);
    /* *index is the picture with this name; false = there is none. */
    bool (*find)(const struct lk_source_part *part, const char *name, size_t *index);
    /* At most LK_IMAGE_MAX_BYTES. */
    lk_status (*read)(const struct lk_source_part *part, size_t index, uint8_t **bytes, size_t *len,
                      lk_error *err);
    void (*close)(struct lk_source_part *part);
};

/* Says something about the set for people, once for each kind of trouble: "3 members are encrypted (first:
 * a/b.jpg)". Control characters are replaced. */
lk_status lk_source_note(struct lk_source_part *part, lk_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether a name ends like a picture (.jpg .jpeg .png .webp, any case). */
bool lk_is_picture_name(const char *name);

/* Which kind a file or folder is. LK_EIO, or LK_EFORMAT for a special file. */
lk_status lk_source_recognise(const char *path, const struct lk_source_backend **kind, lk_error *err);

/* One container alone, with default options except for format (NULL = recognised). */
lk_status lk_source_part_open(struct lk_source_part *part, const char *path,
                              const struct lk_source_options *options, struct lk_names *names, lk_error *err);
void lk_source_part_close(struct lk_source_part *part);

extern const struct lk_source_backend lk_source_folder, lk_source_picture, lk_source_archive;
extern const struct lk_source_backend lk_source_record, lk_source_bin, lk_source_lmdb;

/* source_kinds.c: the i-th kind, NULL behind the last. */
const struct lk_source_backend *lk_source_kind(size_t i);

#endif
