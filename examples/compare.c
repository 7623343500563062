/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - embeds the faces in two pictures and prints how alike they are.
 *
 * Build against the installed library:
 *   cc compare.c -o compare $(pkg-config --cflags --libs likeness)
 * Run:
 *   ./compare a.jpg b.jpg */
#include <likeness.h>
#include <stdio.h>
#include <stdlib.h>

static void print_message(void *user, lk_level level, const char *text)
{
    (void)user;
    fprintf(stderr, "%s%s\n", level == LK_LEVEL_WARNING ? "warning: " : "", text);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: compare PICTURE PICTURE\n");
        return 2;
    }
    lk_ctx *ctx = NULL;
    lk_embedder *embedder = NULL;
    float *a = NULL, *b = NULL;
    lk_error err;

    lk_ctx_options ctx_options;
    lk_ctx_options_init(&ctx_options);
    ctx_options.message = print_message;
    if (lk_ctx_new(&ctx, &ctx_options, &err) != LK_OK)
        goto failed;

    lk_embedder_options options;
    lk_embedder_options_init(&options); /* the default recogniser and detector */
    if (lk_embedder_open(&embedder, ctx, &options, &err) != LK_OK)
        goto failed;

    size_t dim = (size_t)lk_embedder_dim(embedder);
    a = malloc(dim * sizeof *a);
    b = malloc(dim * sizeof *b);
    if (a == NULL || b == NULL) {
        fprintf(stderr, "out of memory\n");
        return 1;
    }
    if (lk_embedder_file(embedder, argv[1], a, &err) != LK_OK || lk_embedder_file(embedder, argv[2], b, &err) != LK_OK)
        goto failed;
    printf("%.4f\n", (double)lk_score(a, b, dim));

    free(a);
    free(b);
    lk_embedder_free(embedder);
    lk_ctx_free(ctx);
    return 0;

failed:
    fprintf(stderr, "error: %s\n", err.text);
    free(a);
    free(b);
    lk_embedder_free(embedder);
    lk_ctx_free(ctx);
    return 1;
}
