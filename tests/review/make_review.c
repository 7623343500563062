/* SPDX-License-Identifier: Apache-2.0 */
/* make_review.c - makes a review with a known truth for tests: make_review REVIEW.db LINKS [PICTURE.jpg...]
 *
 * Three reviewers, 46 items: 26 candidates (the first 9 are discoveries), 6 mated pairs, 6 decoys, 4 easy pairs, 4
 * repeats. Item i shows pictures i and i + 1, or twice picture i, nearer, where it is mated or every third candidate.
 * Without pictures to show they are drawn; their JPEGs differ in length. LINKS gets the secrets, one a line, the
 * adjudicator's last. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "formats/image.h"
#include "review/store.h"

enum { CANDIDATES = 26, DISCOVERIES = 9, MATED = 6, DECOYS = 6, EASY = 4, REPEATS = 4, OTHERS = 3 };
enum { REVIEWERS = 3, DRAWN = 20, QUALITY = 90 };

#define DO(call)                                      \
    do {                                              \
        lk_error err;                                 \
        if ((call) != LK_OK) {                        \
            fprintf(stderr, "%s\n", err.text);        \
            exit(1);                                  \
        }                                             \
    } while (0)

static char **files;
static size_t n_files;

/* Waves, finer for higher numbers. */
static void draw(struct lk_image *out, size_t number)
{
    DO(lk_image_new(out, 300, 300, &err));
    uint8_t *p = out->rgb;
    double fine = 0.02 + 0.02 * (double)number;
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++)
            for (int c = 0; c < 3; c++)
                *p++ = (uint8_t)(128 + 60 * sin(fine * x + c) + 60 * cos(fine * y + (double)number));
}

static void read_picture(struct lk_image *out, const char *path)
{
    uint8_t *bytes;
    size_t len;
    DO(lk_file_read(path, LK_IMAGE_MAX_BYTES, &bytes, &len, &err));
    DO(lk_image_decode(bytes, len, out, &err));
    free(bytes);
}

/* The part of a picture that lies `margin` (a share of its shorter side) within its middle square, as a JPEG. */
static struct lk_review_bytes cut(const struct lk_image *from, double margin, int size)
{
    struct lk_image to;
    uint8_t *bytes;
    size_t len;
    DO(lk_image_new(&to, size, size, &err));
    int side = from->width < from->height ? from->width : from->height;
    double left = (from->width - side) / 2 + margin * side, top = (from->height - side) / 2 + margin * side;
    double step = (1 - 2 * margin) * side / size;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            const uint8_t *p = from->rgb + 3 * ((int)(top + y * step) * from->width + (int)(left + x * step));
            for (int c = 0; c < 3; c++)
                to.rgb[3 * (y * size + x) + c] = p[c];
        }
    DO(lk_image_encode_jpeg(&to, QUALITY, &bytes, &len, &err));
    lk_image_free(&to);
    return (struct lk_review_bytes){bytes, len};
}

static int64_t add_picture(struct lk_review_store *store, size_t number, double margin)
{
    struct lk_image image;
    int64_t added;
    if (n_files > 0)
        read_picture(&image, files[number % n_files]);
    else
        draw(&image, number % DRAWN);
    struct lk_review_bytes crop = cut(&image, 0.2 + margin, LK_REVIEW_CROP);
    struct lk_review_bytes original = cut(&image, margin, LK_REVIEW_ORIGINAL);
    DO(lk_review_store_add_picture(store, crop, original, &added, &err));
    free((void *)(uintptr_t)crop.bytes);
    free((void *)(uintptr_t)original.bytes);
    lk_image_free(&image);
    return added;
}

static void add_item(struct lk_review_store *store, int i, enum lk_review_kind kind, const struct lk_review_item *shown)
{
    char paths[2][60], names[2][30];
    struct lk_review_item item = {.kind = kind, .score = 0.71 - 0.003 * i, .e_value = 0.0004 * (1 + i)};
    bool same = kind == LK_REVIEW_MATED || (kind == LK_REVIEW_CANDIDATE && i % 3 == 0);
    item.discovery = kind == LK_REVIEW_CANDIDATE && i < DISCOVERIES;
    for (int side = 0; side < 2; side++) {
        snprintf(paths[side], sizeof paths[side], "%s/%04d.jpg", side == 0 ? "synthetic" : "train", i);
        snprintf(names[side], sizeof names[side], "%s_%04d", side == 0 ? "identity" : "person", i);
        item.path[side] = paths[side];
        item.name[side] = names[side];
        item.picture[side] = shown != NULL ? shown->picture[side]
                                           : add_picture(store, (size_t)(same ? i : i + side), 0.02 * side);
    }
    item.repeats = shown != NULL ? shown->repeats : 0;
    int64_t number;
    DO(lk_review_store_add_item(store, &item, &number, &err));
    for (int k = 0; kind == LK_REVIEW_CANDIDATE && k < 2 * OTHERS; k++)
        DO(lk_review_store_add_context(store, number, k % 2, item.picture[k % 2], "another.jpg", &err));
}

static void fill(struct lk_review_store *store)
{
    static const struct {
        enum lk_review_kind kind;
        int n;
    } parts[] = {{LK_REVIEW_CANDIDATE, CANDIDATES}, {LK_REVIEW_MATED, MATED}, {LK_REVIEW_DECOY, DECOYS},
                 {LK_REVIEW_EASY, EASY}};
    int i = 0;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (int k = 0; k < parts[p].n; k++)
            add_item(store, i++, parts[p].kind, NULL);
    for (int k = 0; k < REPEATS; k++) { /* of the first candidates; pictures are numbered as they were added */
        struct lk_review_item shown = {.repeats = k + 1, .picture = {2 * k + 1, 2 * k + 2}};
        add_item(store, i++, LK_REVIEW_REPEAT, &shown);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: make_review REVIEW.db LINKS [PICTURE.jpg...]\n");
        return 2;
    }
    files = argv + 3;
    n_files = (size_t)argc - 3;
    struct lk_review_plan plan = {.command = "make_review", .seed = 5};
    struct lk_review_store *store;
    char tokens[REVIEWERS + 1][LK_REVIEW_TOKEN_SIZE];
    DO(lk_review_store_create(&store, argv[1], &plan, &err));
    fill(store);
    DO(lk_review_store_seal(store, REVIEWERS, tokens, &err));
    lk_review_store_free(store);
    FILE *f = fopen(argv[2], "w");
    for (int i = 0; f != NULL && i <= REVIEWERS; i++)
        fprintf(f, "%s\n", tokens[i]);
    if (f == NULL || fclose(f) != 0) {
        perror(argv[2]);
        return 1;
    }
    return 0;
}
