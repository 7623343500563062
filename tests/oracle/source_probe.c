/* SPDX-License-Identifier: Apache-2.0 */
/* source_probe.c - for sources.py: lists a set of pictures, each with path, identity, groups and the hash of
 * its bytes.
 *
 * usage: source_probe [--format NAME] [--identity RULE] [--labels FILE] [--order forward|backward|parallel]
 *                     [--again] INPUT...
 * One line a picture: path, identity, hash or message, groups as name=value; separated by TAB. Then one line
 * "problem TAB text" for each problem. --again reads by the printed path, through pictures.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/pool.h"
#include "formats/pictures.h"

struct probe {
    lk_ctx *ctx;
    struct lk_source *source;
    struct lk_pictures *again;
    char (*results)[1200];
    bool backward;
};

static void die(const lk_error *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static lk_status read_again(struct probe *p, size_t row, uint8_t **bytes, size_t *len, lk_error *err)
{
    struct lk_str path = LK_STR_INIT;
    struct lk_picture_place place;
    LK_TRY(lk_source_path(p->source, row, &path, err));
    lk_status status = lk_pictures_find(p->again, path.text, NULL, &place, err);
    if (status == LK_OK)
        status = lk_pictures_read(p->again, path.text, &place, bytes, len, err);
    lk_str_free(&path);
    return status;
}

static lk_status read_one(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    struct probe *p = arg;
    size_t row = p->backward ? lk_source_count(p->source) - 1 - index : index;
    uint8_t *bytes;
    size_t len;
    lk_status status = p->again != NULL ? read_again(p, row, &bytes, &len, err)
                                        : lk_source_read(p->source, row, &bytes, &len, err);
    if (status != LK_OK) {
        snprintf(p->results[row], sizeof p->results[row], "%s", err->text);
        return LK_OK;
    }
    status = lk_hash_bytes(bytes, len, p->results[row], err);
    free(bytes);
    return status;
}

static void print(const struct probe *p)
{
    struct lk_str path = LK_STR_INIT;
    lk_error err;
    for (size_t row = 0; row < lk_source_count(p->source); row++) {
        if (lk_source_path(p->source, row, &path, &err) != LK_OK)
            die(&err);
        const char *identity = lk_source_identity(p->source, row);
        printf("%s\t%s\t%s", path.text, identity != NULL ? identity : "", p->results[row]);
        for (size_t g = 0; g < lk_source_groups(p->source); g++) {
            const char *value = lk_source_group(p->source, row, g);
            printf("\t%s=%s", lk_source_group_name(p->source, g), value != NULL ? value : "");
        }
        printf("\n");
    }
    for (size_t i = 0; lk_source_problem(p->source, i) != NULL; i++)
        printf("problem\t%s\n", lk_source_problem(p->source, i));
    lk_str_free(&path);
}

int main(int argc, char **argv)
{
    struct probe p = {0};
    lk_ctx_options ctx_options;
    struct lk_source_options options = {0};
    lk_error err;
    lk_ctx_options_init(&ctx_options);
    ctx_options.threads = 1;
    bool again = false;
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--again") == 0) {
            again = true;
            continue;
        }
        if (strcmp(argv[i], "--format") == 0)
            options.format = value;
        else if (strcmp(argv[i], "--labels") == 0)
            options.labels = value;
        else if (strcmp(argv[i], "--identity") == 0 &&
                 lk_identity_rule_parse(value, &options.identity, &err) != LK_OK)
            die(&err);
        else if (strcmp(argv[i], "--order") == 0) {
            p.backward = strcmp(value, "backward") == 0;
            ctx_options.threads = strcmp(value, "parallel") == 0 ? 8 : 1;
        }
        i++;
    }
    if (lk_ctx_new(&p.ctx, &ctx_options, &err) != LK_OK ||
        lk_source_open(&p.source, (const char *const *)argv + i, (size_t)(argc - i), &options, &err) !=
            LK_OK ||
        (again && lk_pictures_new(&p.again, p.ctx, &err) != LK_OK))
        die(&err);
    size_t n = lk_source_count(p.source);
    if ((p.results = lk_calloc(n, sizeof *p.results, &err)) == NULL ||
        lk_pool_for(p.ctx, n, read_one, &p, &err) != LK_OK)
        die(&err);
    print(&p);
    free(p.results);
    lk_pictures_free(p.again);
    lk_source_close(p.source);
    lk_ctx_free(p.ctx);
    return 0;
}
