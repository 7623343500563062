/* SPDX-License-Identifier: Apache-2.0 */
/* faces_csv.c - one line of images.csv, written and read (the columns are described in docs/formats.md). */
#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/faces.h"

enum column {
    ROW,
    PATH,
    IDENTITY,
    STATUS,
    FACES,
    WIDTH,
    HEIGHT,
    BOX,
    SCORE = BOX + 4,
    POINTS,
    NORM = POINTS + 2 * LK_N_POINTS,
    SHARPNESS,
    YAW,
    AGE,
    MESSAGE,
    N_COLUMNS
};
static_assert(N_COLUMNS == LK_FACES_COLUMNS, "lk_faces_columns has room for every column");

const char lk_faces_csv_header[] = "row,path,identity,status,faces,width,height,box_x,box_y,box_w,box_h,"
                                   "detector_score,left_eye_x,left_eye_y,"
                                   "right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_"
                                   "right_x,mouth_right_y,mouth_x,mouth_y,"
                                   "feature_norm,sharpness,yaw,age,message";

const char lk_faces_csv_group[7] = "group:";

static const char *const STATUS_NAMES[LK_N_FACE_STATUS] = {[LK_FACE_EMBEDDED] = "ok",
                                                           [LK_FACE_NONE] = "no_face",
                                                           [LK_FACE_UNREADABLE] = "unreadable",
                                                           [LK_FACE_EXCLUDED] = "excluded"};

/* ---- writing --------------------------------------------------------------------------------------- */

/* Nine digits give back every float; what is no number is an empty field. */
static void put_float(FILE *stream, float value)
{
    putc(',', stream);
    if (isfinite(value))
        fprintf(stream, "%.9g", (double)value);
}

void lk_faces_csv_write_header(FILE *stream, const char *const *groups, size_t n_groups)
{
    fputs(lk_faces_csv_header, stream);
    for (size_t i = 0; i < n_groups; i++) {
        char name[LK_MAX_GROUP_NAME + sizeof lk_faces_csv_group];
        snprintf(name, sizeof name, "%s%s", lk_faces_csv_group, groups[i]);
        putc(',', stream);
        lk_csv_put(stream, name);
    }
    putc('\n', stream);
}

static bool has_box(const struct lk_face *face)
{
    return face->box[2] != 0 || face->box[3] != 0;
}

void lk_faces_csv_write(FILE *stream, const struct lk_face_image *image)
{
    const struct lk_face *face = &image->face;
    if (image->row >= 0)
        fprintf(stream, "%" PRId64, image->row);
    putc(',', stream);
    lk_csv_put(stream, image->path);
    putc(',', stream);
    lk_csv_put(stream, image->identity);
    fprintf(stream, ",%s,%d,%d,%d", STATUS_NAMES[image->status], image->n_faces, image->width, image->height);
    for (int i = 0; i < 4; i++)
        put_float(stream, has_box(face) ? face->box[i] : NAN);
    put_float(stream, has_box(face) ? face->score : NAN);
    for (int i = 0; i < LK_N_POINTS; i++) {
        bool known =
            (face->has >> i & 1) != 0 && isfinite(face->points[i][0]) && isfinite(face->points[i][1]);
        put_float(stream, known ? face->points[i][0] : NAN);
        put_float(stream, known ? face->points[i][1] : NAN);
    }
    put_float(stream, image->norm);
    put_float(stream, image->sharpness);
    put_float(stream, image->yaw);
    put_float(stream, image->age);
    putc(',', stream);
    lk_csv_put(stream, image->message);
    for (size_t i = 0; i < image->n_groups; i++) {
        putc(',', stream);
        lk_csv_put(stream, image->groups[i]);
    }
    putc('\n', stream);
}

/* ---- reading --------------------------------------------------------------------------------------- */

/* Columns that are not in every file. */
static bool is_optional(int column)
{
    return column == SHARPNESS || column == YAW || column == AGE;
}

lk_status lk_faces_csv_columns(const struct lk_csv *csv, struct lk_faces_columns *out, lk_error *err)
{
    const char *name = lk_faces_csv_header;
    for (int i = 0; i < N_COLUMNS; i++) {
        size_t len = strcspn(name, ",");
        out->at[i] = SIZE_MAX;
        for (size_t k = csv->n_columns; k-- > 0;) /* of two with one name the first */
            if (strncmp(csv->columns[k], name, len) == 0 && csv->columns[k][len] == '\0')
                out->at[i] = k;
        LK_NEED(out->at[i] != SIZE_MAX || is_optional(i), err, LK_EFORMAT,
                "no column '%.*s', expected those of images.csv: %s", (int)len, name, lk_faces_csv_header);
        name += len + (name[len] == ',');
    }
    return LK_OK;
}

/* A record with the places of its columns. */
struct record {
    const struct lk_csv *csv;
    const size_t *at;
};

static const char *field(const struct record *r, size_t column)
{
    return r->at[column] != SIZE_MAX ? lk_csv_field(r->csv, r->at[column]) : "";
}

static bool blank(const struct record *r, size_t column)
{
    return *field(r, column) == '\0';
}

static lk_status get_int(const struct record *r, size_t column, int *out, lk_error *err)
{
    uint64_t value;
    LK_TRY(lk_csv_u64(r->csv, r->at[column], &value, err));
    LK_NEED(value <= INT_MAX, err, LK_EFORMAT, "line %" PRIu64 ", column '%s': %" PRIu64 " is too large",
            r->csv->line, r->csv->columns[r->at[column]], value);
    *out = (int)value;
    return LK_OK;
}

static lk_status get_float(const struct record *r, size_t column, float *out, lk_error *err)
{
    double value;
    LK_TRY(lk_csv_double(r->csv, r->at[column], &value, err));
    LK_NEED(fabs(value) <= FLT_MAX, err, LK_EFORMAT, "line %" PRIu64 ", column '%s': %g is too large",
            r->csv->line, r->csv->columns[r->at[column]], value);
    *out = (float)value;
    return LK_OK;
}

static lk_status get_face(const struct record *r, struct lk_face *face, lk_error *err)
{
    if (!blank(r, BOX)) {
        for (size_t i = 0; i < 4; i++)
            LK_TRY(get_float(r, BOX + i, &face->box[i], err));
    }
    if (!blank(r, SCORE))
        LK_TRY(get_float(r, SCORE, &face->score, err));
    for (size_t i = 0; i < LK_N_POINTS; i++) {
        if (blank(r, POINTS + 2 * i) && blank(r, POINTS + 2 * i + 1))
            continue;
        LK_TRY(get_float(r, POINTS + 2 * i, &face->points[i][0], err));
        LK_TRY(get_float(r, POINTS + 2 * i + 1, &face->points[i][1], err));
        face->has |= 1u << i;
    }
    return LK_OK;
}

static lk_status get_strata(const struct record *r, struct lk_face_image *image, lk_error *err)
{
    static const size_t columns[] = {NORM, SHARPNESS, YAW, AGE};
    float *const values[] = {&image->norm, &image->sharpness, &image->yaw, &image->age};
    for (size_t i = 0; i < 4; i++)
        if (!blank(r, columns[i]))
            LK_TRY(get_float(r, columns[i], values[i], err));
    return LK_OK;
}

static lk_status get_status(const struct record *r, struct lk_face_image *image, lk_error *err)
{
    const char *name = field(r, STATUS);
    int status = LK_N_FACE_STATUS - 1;
    while (status >= 0 && strcmp(STATUS_NAMES[status], name) != 0)
        status--;
    LK_NEED(status >= 0, err, LK_EFORMAT,
            "line %" PRIu64 ", column 'status': '%.60s', expected ok, no_face, unreadable or excluded", r->csv->line,
            name);
    image->status = (enum lk_face_status)status;
    LK_NEED(blank(r, ROW) == (status != LK_FACE_EMBEDDED), err, LK_EFORMAT,
            "line %" PRIu64 ": status '%s' %s a row number", r->csv->line, name,
            status == LK_FACE_EMBEDDED ? "without" : "with");
    if (status == LK_FACE_EMBEDDED) {
        uint64_t row;
        LK_TRY(lk_csv_u64(r->csv, r->at[ROW], &row, err));
        LK_NEED(row <= INT64_MAX, err, LK_EFORMAT, "line %" PRIu64 ", column 'row': %" PRIu64 " is too large",
                r->csv->line, row);
        image->row = (int64_t)row;
    }
    return LK_OK;
}

static lk_status get_text(const struct record *r, size_t column, char **out, lk_error *err)
{
    *out = blank(r, column) ? NULL : lk_strdup(field(r, column), err);
    return *out != NULL || blank(r, column) ? LK_OK : LK_ENOMEM;
}

bool lk_faces_csv_is_group(const char *column)
{
    return strncmp(column, lk_faces_csv_group, strlen(lk_faces_csv_group)) == 0;
}

static lk_status get_groups(const struct lk_csv *csv, struct lk_face_image *image, lk_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < csv->n_columns; i++)
        n += lk_faces_csv_is_group(csv->columns[i]);
    if (n == 0)
        return LK_OK;
    if ((image->groups = lk_calloc(n, sizeof *image->groups, err)) == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < csv->n_columns; i++) {
        const char *text = lk_csv_field(csv, i);
        if (!lk_faces_csv_is_group(csv->columns[i]))
            continue;
        char **group = &image->groups[image->n_groups++];
        LK_TRY(*text == '\0' || (*group = lk_strdup(text, err)) != NULL ? LK_OK : LK_ENOMEM);
    }
    return LK_OK;
}

lk_status lk_faces_csv_read(const struct lk_csv *csv, const struct lk_faces_columns *columns,
                            struct lk_face_image *out, lk_error *err)
{
    const struct record r = {csv, columns->at};
    struct lk_face_image image = LK_FACE_IMAGE_INIT;
    LK_TRY(get_status(&r, &image, err));
    LK_TRY(get_int(&r, FACES, &image.n_faces, err));
    LK_TRY(get_int(&r, WIDTH, &image.width, err));
    LK_TRY(get_int(&r, HEIGHT, &image.height, err));
    LK_TRY(get_face(&r, &image.face, err));
    LK_TRY(get_strata(&r, &image, err));
    LK_NEED(!blank(&r, PATH), err, LK_EFORMAT, "line %" PRIu64 ", column 'path': empty, expected a file name",
            csv->line);
    lk_status status = get_text(&r, PATH, &image.path, err);
    if (status == LK_OK)
        status = get_text(&r, IDENTITY, &image.identity, err);
    if (status == LK_OK)
        status = get_text(&r, MESSAGE, &image.message, err);
    if (status == LK_OK)
        status = get_groups(csv, &image, err);
    if (status != LK_OK) {
        lk_face_image_free(&image);
        return status;
    }
    *out = image;
    return LK_OK;
}

void lk_face_image_free(struct lk_face_image *image)
{
    free(image->path);
    free(image->identity);
    free(image->message);
    for (size_t i = 0; i < image->n_groups; i++)
        free(image->groups[i]);
    free(image->groups);
    image->groups = NULL;
    image->n_groups = 0;
    image->path = image->identity = image->message = NULL;
}
