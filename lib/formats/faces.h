/* SPDX-License-Identifier: Apache-2.0 */
/* faces.h - the FACES directory: embeddings.npy, images.csv and meta.json, written by embed and read by the
 * rest. */
#ifndef LK_FORMATS_FACES_H
#define LK_FORMATS_FACES_H

#include <jansson.h>

#include "formats/csv.h"
#include "formats/npy.h"

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
    char *message;   /* NULL = none */
    char **groups;   /* of a labels file, one for each column "group:NAME"; NULL in it = none */
    size_t n_groups;
};

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
/* Reads the record that csv stands at. Strings are the caller's: lk_face_image_free. */
lk_status lk_faces_csv_read(const struct lk_csv *csv, struct lk_face_image *out, lk_error *err);
void lk_face_image_free(struct lk_face_image *image);

/* A FACES directory, or a plain .npy file (then n_images == 0 and meta == NULL). */
struct lk_faces {
    char *path;             /* as given */
    struct lk_matrix matrix;
    struct lk_face_image *images; /* in input order */
    size_t n_images;
    size_t *image_of_row;   /* rows entries; NULL for a plain .npy */
    uint64_t n_identities;  /* distinct identities among embedded rows; 0 = no labels */
    json_t *meta;
    char **group_names; /* of images[].groups */
    size_t n_groups;
};
lk_status lk_faces_open(struct lk_faces *out, const char *path, lk_error *err);
void lk_faces_close(struct lk_faces *faces);
/* The image of an embedding row, or NULL for a plain .npy. */
const struct lk_face_image *lk_faces_image(const struct lk_faces *faces, uint64_t row);
/* Where the picture of an image lies now: its path, resolved against meta.json's working_directory when
 * relative. New string. */
char *lk_faces_image_path(const struct lk_faces *faces, const struct lk_face_image *image, lk_error *err);

#endif
