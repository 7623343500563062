/* SPDX-License-Identifier: Apache-2.0 */
/* verify_scores.c - sampled pairs of the tables of MATCH and MEASURE scored again from the embeddings. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/rng.h"
#include "trust/trust.h"

enum { PROBES, REFERENCES, HOLDOUT, N_SETS };

/* A table that lists pairs: which result it belongs to, and its columns. */
static const struct table {
    const char *about, *name;
    const char *probe, *reference, *score;
    int references;  /* the set of the other side */
    bool by_gallery; /* the column gallery says which: train or holdout */
} tables[] = {
    {"meta.json", "pairs.csv", "probe", "reference", "score", REFERENCES, false},
    {"meta.json", "holdout_pairs.csv", "probe", "reference", "score", HOLDOUT, false},
    {"meta.json", "nearest.csv", "probe", "reference", "score", REFERENCES, true},
    {"measures.json", "pairs.csv", "image", "reference", "score", REFERENCES, false},
    {"measures.json", "identities.csv", "image", "reference", "train", REFERENCES, false},
};

/* One result and the sets that it compared. */
struct scoring {
    struct lk_verify *v;
    char *folder; /* of the tables, below the manifest's; "" = that one itself */
    const char *about;
    const char *sets[N_SETS]; /* as the manifest has them; NULL = none, or several */
    struct lk_faces faces[N_SETS];
    bool open[N_SETS];
};

/* A row of a table. */
struct pair {
    uint64_t line, probe, reference;
    int side;
    float score;
};

/* ---- sets ---------------------------------------------------------------------------------------------- */

/* The roles of a MATCH directory, then those of measures. A measure may have several hold-outs; none of its
 * tables with pairs is about them. */
static void find_sets(struct scoring *s, const char *file)
{
    static const struct {
        const char *role;
        int set;
    } roles[] = {{"probes", PROBES},
                 {"references", REFERENCES},
                 {"holdout", HOLDOUT},
                 {"synthetic", PROBES},
                 {"train", REFERENCES}};
    size_t i;
    json_t *use;
    json_array_foreach(json_object_get(s->v->manifest, "uses"), i, use)
    {
        const char *from = json_string_value(json_object_get(use, "file"));
        const char *role = json_string_value(json_object_get(use, "role"));
        if (from == NULL || role == NULL || strcmp(from, file) != 0)
            continue;
        for (size_t k = 0; k < sizeof roles / sizeof *roles; k++)
            if (strcmp(role, roles[k].role) == 0)
                s->sets[roles[k].set] = json_string_value(json_object_get(use, "set"));
    }
}

/* Opens a set, with its rows made unit vectors as they were for the search. LK_EINVAL and why when that
 * cannot be; the set is then closed. */
static lk_status open_set(struct scoring *s, int set, lk_error *why)
{
    if (s->open[set])
        return LK_OK;
    LK_NEED(s->sets[set] != NULL, why, LK_EINVAL, "the manifest does not say where their embeddings are");
    LK_NEED(!lk_verify_purged(s->v, s->sets[set]), why, LK_EINVAL, "the embeddings of %s were purged",
            s->sets[set]);
    char *path = lk_trust_resolve(s->v->options->folder, s->sets[set], why);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_faces_open(&s->faces[set], s->v->ctx, path, why);
    free(path);
    LK_TRY(status);
    status = lk_faces_ready(&s->faces[set], s->v->ctx, why);
    if (status != LK_OK)
        lk_faces_close(&s->faces[set]);
    s->open[set] = status == LK_OK;
    return status;
}

/* ---- one table ----------------------------------------------------------------------------------------- */

struct columns {
    size_t probe, reference, score, gallery;
};

static lk_status find_columns(const struct table *t, const struct lk_csv *csv, struct columns *c,
                              lk_error *err)
{
    LK_TRY(lk_csv_column(csv, t->probe, &c->probe, err));
    LK_TRY(lk_csv_column(csv, t->reference, &c->reference, err));
    LK_TRY(lk_csv_column(csv, t->score, &c->score, err));
    return t->by_gallery ? lk_csv_column(csv, "gallery", &c->gallery, err) : LK_OK;
}

static lk_status read_pair(const struct table *t, const struct lk_csv *csv, const struct columns *c,
                           struct pair *out, lk_error *err)
{
    double score = 0;
    out->line = csv->line;
    LK_TRY(lk_csv_u64(csv, c->probe, &out->probe, err));
    LK_TRY(lk_csv_u64(csv, c->reference, &out->reference, err));
    LK_TRY(lk_csv_double(csv, c->score, &score, err));
    out->score = (float)score;
    out->side =
        t->by_gallery && strcmp(lk_csv_field(csv, c->gallery), "holdout") == 0 ? HOLDOUT : t->references;
    return LK_OK;
}

/* A sample of the rows in one pass over the table (Vitter's algorithm R): every row has the same chance. */
static lk_status sample_pairs(const struct lk_verify *v, const struct table *t, struct lk_csv *csv,
                              struct pair *pairs, size_t *n, lk_error *err)
{
    struct columns columns = {0};
    struct lk_rng rng = lk_rng_seed(v->options->seed);
    uint64_t seen = 0;
    LK_TRY(find_columns(t, csv, &columns, err));
    for (int more = 1; more; seen++) {
        struct pair pair;
        LK_TRY(lk_csv_next(csv, &more, err));
        if (!more)
            break;
        uint64_t place = seen < v->options->sample ? seen : lk_rng_below(&rng, seen + 1);
        if (seen % 4096 == 0)
            LK_TRY(lk_ctx_check(v->ctx, err));
        if (place >= v->options->sample)
            continue;
        LK_TRY(read_pair(t, csv, &columns, &pair, err));
        pairs[place] = pair;
    }
    *n = (size_t)(seen < v->options->sample ? seen : v->options->sample);
    return LK_OK;
}

/* Compares; true when the score is what the table says. */
static bool is_same(const struct scoring *s, const struct pair *p)
{
    const struct lk_matrix *a = &s->faces[PROBES].matrix, *b = &s->faces[p->side].matrix;
    if (p->probe >= a->rows || p->reference >= b->rows || a->dim != b->dim)
        return false;
    float again = lk_score(lk_matrix_row(a, p->probe), lk_matrix_row(b, p->reference), (size_t)a->dim);
    return memcmp(&again, &p->score, sizeof again) == 0;
}

static lk_status score_pairs(struct scoring *s, const char *name, const struct pair *pairs, size_t n,
                             lk_error *err)
{
    size_t same = 0, other = 0;
    uint64_t first = 0;
    for (size_t i = 0; i < n; i++) {
        lk_error why;
        lk_status status = open_set(s, PROBES, &why);
        if (status == LK_OK)
            status = open_set(s, pairs[i].side, &why);
        if (status == LK_ENOMEM || status == LK_ECANCELED)
            return lk_fail(err, status, "%s", why.text);
        if (status != LK_OK) {
            lk_verify_say(s->v, LK_FOUND_UNCHECKED, name, "its scores: %s", why.text);
            return LK_OK;
        }
        if (is_same(s, &pairs[i]))
            same++;
        else if (other++ == 0)
            first = pairs[i].line;
    }
    s->v->summary.n_scores += same;
    if (same > 0)
        lk_verify_say(s->v, LK_FOUND_SAME, name,
                      "%zu sampled pairs scored again give the same scores, bit for bit", same);
    if (other > 0)
        lk_verify_say(s->v, LK_FOUND_CHANGED, name,
                      "%zu of %zu sampled pairs scored again give another score, such as that of line %llu",
                      other, n, (unsigned long long)first);
    return LK_OK;
}

/* A table that is gone or damaged is found by its hash; here it is passed over. */
static lk_status check_table(struct scoring *s, const struct table *t, lk_error *err)
{
    struct lk_str below = LK_STR_INIT;
    struct lk_map map = {0};
    struct lk_csv csv = {0};
    lk_error why;
    size_t n = 0;
    char *path = NULL;
    struct pair *pairs = lk_calloc((size_t)s->v->options->sample, sizeof *pairs, err);
    lk_status status = pairs != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_str_addf(&below, err, "%s%s%s", s->folder, s->folder[0] != '\0' ? "/" : "", t->name);
    if (status == LK_OK && (path = lk_path_join(s->v->options->folder, below.text, err)) == NULL)
        status = LK_ENOMEM;
    if (status == LK_OK && lk_path_exists(path)) {
        lk_status read = lk_map_open(&map, path, &why);
        if (read == LK_OK)
            read = lk_csv_open(&csv, map.bytes, map.len, &why);
        if (read == LK_OK)
            read = sample_pairs(s->v, t, &csv, pairs, &n, &why);
        if (read == LK_ENOMEM || read == LK_ECANCELED)
            status = lk_fail(err, read, "%s", why.text);
        else if (read != LK_OK)
            lk_verify_say(s->v, LK_FOUND_UNCHECKED, below.text, "its scores: %s", why.text);
        else
            status = score_pairs(s, below.text, pairs, n, err);
    }
    lk_csv_close(&csv);
    lk_map_close(&map);
    lk_str_free(&below);
    free(path);
    free(pairs);
    return status;
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static lk_status check_result(struct lk_verify *v, const char *file, lk_error *err)
{
    const char *slash = strrchr(file, '/');
    struct scoring s = {.v = v, .about = slash != NULL ? slash + 1 : file};
    s.folder = strndup(file, slash != NULL ? (size_t)(slash - file) : 0);
    if (s.folder == NULL)
        return lk_fail(err, LK_ENOMEM, "out of memory");
    find_sets(&s, file);
    lk_status status = LK_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && status == LK_OK; i++)
        if (strcmp(tables[i].about, s.about) == 0)
            status = check_table(&s, &tables[i], err);
    for (int i = 0; i < N_SETS; i++)
        if (s.open[i])
            lk_faces_close(&s.faces[i]);
    free(s.folder);
    return status;
}

lk_status lk_verify_scores(struct lk_verify *v, lk_error *err)
{
    size_t i;
    json_t *use;
    const char *last = "";
    json_array_foreach(json_object_get(v->manifest, "uses"), i,
                       use) /* those of one result follow one another */
    {
        const char *file = NULL;
        LK_TRY(lk_json_string(use, "file", 1, &file, LK_MANIFEST, err));
        if (strcmp(file, last) != 0)
            LK_TRY(check_result(v, file, err));
        last = file;
    }
    return LK_OK;
}
