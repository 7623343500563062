/* SPDX-License-Identifier: Apache-2.0 */
/* faces.h - the FACES directory: embeddings.npy, images.csv and meta.json, written by embed and read by the
 * rest. */
#ifndef LK_FORMATS_FACES_H
#define LK_FORMATS_FACES_H

#include <jansson.h>
#include <math.h>

#include "formats/csv.h"
#include "formats/npy.h"
#include "formats/vectors.h"

/* Points of a face, "left" as the viewer sees it. BlazeFace gives the mouth's centre instead of its corners.
 */
enum lk_point { LK_EYE_LEFT, LK_EYE_RIGHT, LK_NOSE, LK_MOUTH_LEFT, LK_MOUTH_RIGHT, LK_MOUTH, LK_N_POINTS };

struct lk_face {
    float box[4];                  /* x, y, width, height in pixels of the oriented picture */
    float score;                   /* of the detector, 0 .. 1 */
    float points[LK_N_POINTS][2];  /* x, y in pixels */
    unsigned has;                  /* bit i: points[i] is known */
};

enum lk_face_status {
    LK_FACE_EMBEDDED,   /* "ok" */
    LK_FACE_NONE,       /* "no_face": kept, not embedded */
    LK_FACE_UNREADABLE, /* "unreadable": message says why */
    LK_FACE_EXCLUDED,   /* "excluded": left out by a list; message says why; the picture was not read */
    LK_N_FACE_STATUS
};

struct lk_face_image {
    int64_t row;     /* in embeddings.npy; -1 = none */
    char *path;      /* as embed was given it */
    char *identity;  /* NULL = none */
    enum lk_face_status status;
    int n_faces;     /* found by the detector; 1 for aligned inputs */
    int width, height; /* of the oriented picture; 0 when unreadable */
    struct lk_face face; /* has == 0 for aligned inputs and without a face */
    float norm;      /* length of the embedding before it was made a unit vector; NaN = none */
    float sharpness; /* of the aligned crop; vision/strata.h has this and the next; NaN = none */
    float yaw;       /* degrees, positive when the nose points to the right of the picture; NaN = none */
    float age;       /* estimate in years; NaN = none */
    char *message;   /* NULL = none */
    char **groups;   /* of a labels file, one for each column "group:NAME"; NULL in it = none */
    size_t n_groups;
};

/* A face of which nothing is known yet. */
#define LK_FACE_IMAGE_INIT {.row = -1, .norm = NAN, .sharpness = NAN, .yaw = NAN, .age = NAN}

/* The columns of images.csv, in order, as one header line without newline (docs/formats.md). */
extern const char lk_faces_csv_header[];
/* What a column of a group starts with. */
extern const char lk_faces_csv_group[7];
bool lk_faces_csv_is_group(const char *column);
enum { LK_MAX_GROUP_NAME = 200 };
/* Writes the header line: these, and a column "group:NAME" for each group. */
void lk_faces_csv_write_header(FILE *stream, const char *const *groups, size_t n_groups);
/* Writes one line. Floats are written so that they read back the same. */
void lk_faces_csv_write(FILE *stream, const struct lk_face_image *image);
/* Where the columns stand in a file. Columns are found by name; others are passed over, and the strata that
 * older versions did not write (sharpness, yaw, age) may be missing. */
#define LK_FACES_COLUMNS 29
struct lk_faces_columns {
    size_t at[LK_FACES_COLUMNS]; /* SIZE_MAX = missing */
};
lk_status lk_faces_csv_columns(const struct lk_csv *csv, struct lk_faces_columns *out, lk_error *err);
/* Reads the record that csv stands at. Strings are the caller's: lk_face_image_free. */
lk_status lk_faces_csv_read(const struct lk_csv *csv, const struct lk_faces_columns *columns,
                            struct lk_face_image *out, lk_error *err);
void lk_face_image_free(struct lk_face_image *image);

/* Lets an image use the string of the one before it when both are of one identity. */
void lk_face_image_share(struct lk_face_image *image, const struct lk_face_image *previous);

enum { LK_ROWS_NAMED = 20 };

struct lk_row_list {
    uint64_t n;
    uint32_t first[LK_ROWS_NAMED]; /* rows in the file */
};

/* What lk_faces_ready found in the rows. */
struct lk_row_checks {
    struct lk_row_list not_finite, zero; /* left out */
    struct lk_row_list constant;         /* all numbers the same, and not zero */
    struct lk_row_list duplicate;        /* the same bytes as an earlier row that takes part */
    uint32_t same_as[LK_ROWS_NAMED];     /* the first such row of each of duplicate.first */
    uint64_t n_scaled;                   /* rows that were not of length 1 */
    double shortest, longest;            /* their lengths */
    uint32_t *excluded;                  /* rows that are not finite or zero, rising */
    uint64_t n_excluded;
};

/* A FACES directory, or a plain file of embeddings (then meta == NULL, and n_images == 0 when it has no
 * labels). */
struct lk_faces {
    char *path;             /* as given */
    char *file;             /* path, without the name of an array behind it */
    char *array;            /* the array of that file; NULL where there is just one */
    char *labels;           /* the table of labels beside a plain file; NULL = none */
    struct lk_matrix matrix;
    struct lk_row_checks checks;  /* after lk_faces_ready */
    struct lk_face_image *images; /* in input order */
    size_t n_images;
    size_t *image_of_row;   /* rows entries; NULL without labels */
    uint64_t n_identities;  /* distinct identities among embedded rows; 0 = no labels */
    json_t *meta;
    char **group_names; /* of images[].groups */
    size_t n_groups;
};
lk_status lk_faces_open(struct lk_faces *out, lk_ctx *ctx, const char *path, lk_error *err);
void lk_faces_close(struct lk_faces *faces);

/* Looks at all rows, says what is wrong with them in messages, and makes the matrix one of unit vectors: each
 * number of a row whose length differs from 1 by more than 1e-5 is divided by that length in double and
 * rounded. Rows that are not finite or zero stay as they are. */
lk_status lk_faces_ready(struct lk_faces *faces, lk_ctx *ctx, lk_error *err);
/* Its three steps, for several processes that read one set: only one of them need look. */
lk_status lk_faces_look(struct lk_faces *faces, lk_ctx *ctx, lk_error *err); /* fills in checks */
void lk_faces_say(const struct lk_faces *faces, lk_ctx *ctx);
lk_status lk_faces_scale(struct lk_faces *faces, lk_ctx *ctx, lk_error *err);
/* After that: whether a row can be compared. */
bool lk_faces_usable(const struct lk_faces *faces, uint64_t row);
/* The checks for a meta.json. New reference; NULL when memory is out. */
json_t *lk_row_checks_json(const struct lk_row_checks *checks);

/* For lk_faces_open: fills in what a plain file holds (faces_vectors.c). */
lk_status lk_faces_open_vectors(struct lk_faces *faces, lk_ctx *ctx, const char *array, lk_error *err);
/* Reads a table of labels for so many rows. */
lk_status lk_row_labels_parse(const uint8_t *bytes, size_t len, uint64_t rows, struct lk_texts *paths,
                          struct lk_texts *identities, lk_error *err);
/* The image of an embedding row, or NULL without labels. */
const struct lk_face_image *lk_faces_image(const struct lk_faces *faces, uint64_t row);
/* Where the picture of an image lies now: its path, resolved against meta.json's working_directory when
 * relative. New string. */
char *lk_faces_image_path(const struct lk_faces *faces, const struct lk_face_image *image, lk_error *err);
/* What the inputs are, when embed was told it (--format); NULL = they are recognised. */
const char *lk_faces_inputs_format(const struct lk_faces *faces);

#endif
