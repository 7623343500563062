/* SPDX-License-Identifier: Apache-2.0 */
/* contact_sheet.c - the closest pairs as one PNG for a paper: real and synthetic side by side, rank and score
 * below. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

/* In pixels; four pairs across are 16.5 cm at 300 dots per inch. */
enum {
    ACROSS = 4,
    FACE = 224,
    BETWEEN = 4, /* the two faces of a pair */
    GAP = 32,    /* pairs, and the edge of the sheet */
    BAR = 8,     /* above a discovery */
    SCALE = 4,   /* of the digits */
    GLYPH_WIDTH = 5,
    GLYPH_HEIGHT = 7,
    TEXT_GAP = 10, /* faces and digits */
    PAIR_WIDTH = 2 * FACE + BETWEEN,
    PAIR_HEIGHT = BAR + FACE + TEXT_GAP + SCALE * GLYPH_HEIGHT,
    MAX_ROWS = 100
};

struct colour {
    uint8_t rgb[3];
};
static const struct colour paper = {{255, 255, 255}}, ink = {{0, 0, 0}}, soft = {{92, 96, 104}},
                           found = {{169, 63, 34}}, missing = {{225, 225, 225}};

/* One row of a glyph is five bits, the left one highest. */
static const char glyph_names[] = "0123456789.-";
static const uint8_t glyphs[sizeof glyph_names - 1][GLYPH_HEIGHT] = {
    {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}, {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e},
    {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f}, {0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e},
    {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}, {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e},
    {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}, {0x1f, 0x01, 0x02, 0x02, 0x04, 0x04, 0x04},
    {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e}, {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c},
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c}, {0x00, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x00},
};

static void fill(struct lk_image *sheet, int x, int y, int width, int height, struct colour colour)
{
    for (int v = y; v < y + height; v++)
        for (int u = x; u < x + width; u++)
            memcpy(sheet->rgb + 3 * ((size_t)v * (size_t)sheet->width + (size_t)u), colour.rgb, 3);
}

static int text_width(const char *text)
{
    return SCALE * ((GLYPH_WIDTH + 1) * (int)strlen(text) - 1);
}

static void put_text(struct lk_image *sheet, int x, int y, const char *text, struct colour colour)
{
    for (const char *p = text; *p != '\0'; p++, x += SCALE * (GLYPH_WIDTH + 1)) {
        const uint8_t *glyph = glyphs[strchr(glyph_names, *p) - glyph_names];
        for (int row = 0; row < GLYPH_HEIGHT; row++)
            for (int column = 0; column < GLYPH_WIDTH; column++)
                if ((glyph[row] >> (GLYPH_WIDTH - 1 - column) & 1) != 0)
                    fill(sheet, x + SCALE * column, y + SCALE * row, SCALE, SCALE, colour);
    }
}

struct sheet {
    const struct lk_report *r;
    struct lk_image image;
    size_t *place; /* of each pair of the report; SIZE_MAX = not on the sheet */
    struct lk_report_crop *wanted;
    size_t n; /* pairs on it */
};

static void corner_of(size_t place, int *x, int *y)
{
    *x = GAP + (int)(place % ACROSS) * (PAIR_WIDTH + GAP);
    *y = GAP + (int)(place / ACROSS) * (PAIR_HEIGHT + GAP);
}

/* Called from several threads, for areas of the sheet that do not touch. */
static lk_status put_face(void *arg, const struct lk_report_crop *of, const struct lk_image *crop,
                          lk_error *err)
{
    (void)err;
    struct sheet *sheet = arg;
    int x, y;
    corner_of(sheet->place[of->pair], &x, &y);
    x += of->side == 1 ? 0 : FACE + BETWEEN; /* the real one on the left, as on the page */
    for (int row = 0; row < FACE; row++)
        memcpy(sheet->image.rgb + 3 * ((size_t)(y + BAR + row) * (size_t)sheet->image.width + (size_t)x),
               crop->rgb + 3 * (size_t)row * FACE, (size_t)3 * FACE);
    return LK_OK;
}

static void put_frame(struct sheet *sheet, size_t pair)
{
    const struct lk_report_pair *p = &sheet->r->pairs[pair];
    char text[32];
    int x, y;
    corner_of(sheet->place[pair], &x, &y);
    if (p->discovered)
        fill(&sheet->image, x, y, PAIR_WIDTH, BAR - BETWEEN, found);
    fill(&sheet->image, x, y + BAR, FACE, FACE, missing);
    fill(&sheet->image, x + FACE + BETWEEN, y + BAR, FACE, FACE, missing);
    snprintf(text, sizeof text, "%llu", (unsigned long long)p->rank);
    put_text(&sheet->image, x, y + BAR + FACE + TEXT_GAP, text, soft);
    snprintf(text, sizeof text, "%.3f", p->score);
    put_text(&sheet->image, x + PAIR_WIDTH - text_width(text), y + BAR + FACE + TEXT_GAP, text, ink);
}

/* Discoveries first, then the other pairs, each by rank. */
static void choose(struct sheet *sheet, size_t room)
{
    const struct lk_report *r = sheet->r;
    for (size_t i = 0; i < r->n_pairs; i++)
        sheet->place[i] = SIZE_MAX;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < r->n_pairs && sheet->n < room; i++) {
            if (r->pairs[i].discovered != (round == 0))
                continue;
            sheet->place[i] = sheet->n;
            for (int side = 0; side < 2; side++)
                sheet->wanted[2 * sheet->n + (size_t)side] = (struct lk_report_crop){i, side};
            sheet->n++;
        }
}

static lk_status draw(struct sheet *sheet, lk_error *err)
{
    const struct lk_report *r = sheet->r;
    size_t room = ACROSS * (size_t)r->options->contact_rows;
    sheet->place = lk_calloc(r->n_pairs, sizeof *sheet->place, err);
    sheet->wanted = lk_calloc(room, 2 * sizeof *sheet->wanted, err);
    if (sheet->place == NULL || sheet->wanted == NULL)
        return LK_ENOMEM;
    choose(sheet, room);
    LK_NEED(sheet->n > 0, err, LK_EINVAL, "no pairs are shown, expected at least one for a contact sheet");
    int across = sheet->n < ACROSS ? (int)sheet->n : ACROSS, down = (int)((sheet->n + ACROSS - 1) / ACROSS);
    LK_TRY(lk_image_new(&sheet->image, GAP + across * (PAIR_WIDTH + GAP), GAP + down * (PAIR_HEIGHT + GAP),
                        err));
    fill(&sheet->image, 0, 0, sheet->image.width, sheet->image.height, paper);
    for (size_t i = 0; i < r->n_pairs; i++)
        if (sheet->place[i] != SIZE_MAX)
            put_frame(sheet, i);
    return lk_report_crops(r, sheet->wanted, 2 * sheet->n, FACE, put_face, sheet, err);
}

static lk_status write_png(const struct lk_image *image, const char *path, lk_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct lk_out out;
    LK_TRY(lk_image_encode_png(image, &bytes, &len, err));
    lk_status status = lk_out_open(&out, path, err);
    if (status == LK_OK) {
        fwrite(bytes, 1, len, out.stream);
        status = lk_out_commit(&out, err);
        lk_out_abandon(&out);
    }
    free(bytes);
    return status;
}

lk_status lk_report_contact_sheet(const struct lk_report *r, const char *path, lk_error *err)
{
    LK_NEED(r->options->contact_rows >= 1 && r->options->contact_rows <= MAX_ROWS, err, LK_EINVAL,
            "contact sheet: %llu rows, expected 1 to %d", (unsigned long long)r->options->contact_rows,
            MAX_ROWS);
    struct sheet sheet = {.r = r};
    lk_status status = draw(&sheet, err);
    if (status == LK_OK)
        status = write_png(&sheet.image, path, err);
    lk_image_free(&sheet.image);
    free(sheet.place);
    free(sheet.wanted);
    return status;
}
