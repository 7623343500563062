/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_csv.c - any bytes as a table, as numbers, as images.csv and as a list of exclusions; what is written reads back the same. */
#include <stdlib.h>
#include <string.h>

#include "formats/exclude.h"
#include "formats/faces.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(int condition)
{
    if (!condition)
        abort();
}

/* Writes the fields of the record as a table of one record, which must read back as it was. */
static void round_trip(const struct lk_csv *csv)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    for (size_t i = 0; i < csv->n_columns; i++)
        fprintf(stream, "%sc", i > 0 ? "," : "");
    putc('\n', stream);
    for (size_t i = 0; i < csv->n_columns; i++) {
        if (i > 0)
            putc(',', stream);
        lk_csv_put(stream, lk_csv_field(csv, i));
    }
    putc('\n', stream);
    fclose(stream);
    struct lk_csv again;
    int more = 0;
    must(lk_csv_open(&again, (const uint8_t *)text, len, NULL) == LK_OK);
    must(lk_csv_next(&again, &more, NULL) == LK_OK);
    /* A single empty field is an empty line, which is no record. */
    must(more || (csv->n_columns == 1 && *lk_csv_field(csv, 0) == '\0'));
    for (size_t i = 0; more && i < csv->n_columns; i++)
        must(strcmp(lk_csv_field(csv, i), lk_csv_field(&again, i)) == 0);
    lk_csv_close(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_csv csv;
    lk_error err;
    size_t column;
    int more;
    if (lk_csv_open(&csv, bytes, len, &err) != LK_OK)
        return 0;
    must(csv.n_columns > 0);
    lk_csv_column(&csv, "path", &column, &err);
    struct lk_faces_columns columns;
    bool faces = lk_faces_csv_columns(&csv, &columns, &err) == LK_OK;
    while (lk_csv_next(&csv, &more, &err) == LK_OK && more) {
        uint64_t number;
        double real;
        must(csv.n_fields == csv.n_columns);
        for (size_t i = 0; i < csv.n_columns; i++) {
            lk_csv_u64(&csv, i, &number, &err);
            lk_csv_double(&csv, i, &real, &err);
        }
        round_trip(&csv);
        struct lk_face_image image;
        if (faces && lk_faces_csv_read(&csv, &columns, &image, &err) == LK_OK)
            lk_face_image_free(&image);
    }
    lk_csv_close(&csv);
    struct lk_exclude exclude;
    if (lk_exclude_parse(bytes, len, &exclude, &err) == LK_OK) {
        for (uint32_t i = 0; i < exclude.paths.n; i++)
            must(lk_exclude_reason(&exclude, lk_names_text(&exclude.paths, i)) == exclude.reasons[i]);
        lk_exclude_free(&exclude);
    }
    return 0;
}
