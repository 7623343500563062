/* SPDX-License-Identifier: Apache-2.0 */
/* kind_pairs.c - finds the faces of pairs of pictures and says what kind of pair each is: kind_pairs [MODEL],
 * pairs of paths on standard input, a tab between them, one pair a line; for bench/kinds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "vision/embedder.h"
#include "vision/kind.h"

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "kind_pairs: %s\n", why);
    exit(1);
}

static void need(lk_status status, const lk_error *err)
{
    if (status != LK_OK)
        die(err->text);
}

/* The aligned crop; empty where no face was found. */
static struct lk_image crop_of(lk_embedder *embedder, const char *path)
{
    uint8_t *bytes;
    size_t len;
    lk_error err;
    struct lk_image image = {0}, crop = {0};
    struct lk_face_image info = {.row = -1};
    need(lk_file_read(path, LK_IMAGE_MAX_BYTES, &bytes, &len, &err), &err);
    need(lk_image_decode(bytes, len, &image, &err), &err);
    need(lk_embedder_find(embedder, &image, LK_FACE_CENTRAL, &crop, &info, &err), &err);
    free(bytes);
    lk_image_free(&image);
    lk_face_image_free(&info);
    return crop;
}

int main(int argc, char **argv)
{
    lk_error err;
    lk_ctx_options of_ctx;
    lk_embedder_options of_embedder;
    lk_ctx *ctx;
    lk_embedder *embedder;
    lk_ctx_options_init(&of_ctx);
    lk_embedder_options_init(&of_embedder);
    of_embedder.model = argc > 1 ? argv[1] : NULL;
    need(lk_ctx_new(&ctx, &of_ctx, &err), &err);
    need(lk_embedder_open(&embedder, ctx, &of_embedder, &err), &err);
    static char line[16384];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *tab = strchr(line, '\t');
        line[strcspn(line, "\n")] = '\0';
        if (tab == NULL)
            die("expected two paths with a tab between them");
        *tab = '\0';
        struct lk_image a = crop_of(embedder, line), b = crop_of(embedder, tab + 1);
        enum lk_kind kind = LK_KIND_UNKNOWN;
        struct lk_kind_evidence e = {0};
        if (a.rgb != NULL && b.rgb != NULL)
            need(lk_kind_of(&a, &b, &kind, &e, &err), &err);
        printf("%d %.6f %.6f %d %d\n", (int)kind, e.similarity, e.mirrored, e.bits, e.bits_mirrored);
        lk_image_free(&a);
        lk_image_free(&b);
    }
    lk_embedder_free(embedder);
    lk_ctx_free(ctx);
    return 0;
}
