/* SPDX-License-Identifier: Apache-2.0 */
/* fake_device.c - a module in plain C that does what one for an accelerator does, with little room, so that the host's
 * side of the contract (device.h) is tested without one. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/bound.h"
#include "search/device.h"

enum { ROOM = 600 }; /* pairs that a job of more than one panel may find */

struct side {
    uint64_t rows;
    uint32_t n_leads;
    float *data, *leads, *best;
    int8_t *codes;
    uint8_t *classes;
    struct lk_codes left; /* scales, errors, rests */
};

struct lane {
    float *known_floors;
    float (*seen)[LK_DEVICE_CLASSES]; /* of each probe of a block */
    struct lk_device_pair *pairs;
};

struct lk_device {
    struct lk_device_plan plan; /* its pointers are gone behind open, as are those of the setup */
    struct lk_device_setup setup;
    struct side probes, galleries[2];
    struct lane *lanes;
};

static void *copy(const void *from, size_t n, size_t size)
{
    void *to = calloc(n + 1, size);
    if (to == NULL)
        abort();
    return n > 0 ? memcpy(to, from, n * size) : to;
}

static void copy_side(struct side *s, size_t dim, size_t depth, const struct lk_device_rows *rows,
                      const struct lk_device_codes *codes, uint64_t set_rows)
{
    uint64_t sets = (rows->rows + set_rows - 1) / set_rows;
    s->rows = rows->rows;
    s->n_leads = codes->n_leads;
    s->data = copy(rows->data, rows->rows * dim, sizeof *s->data);
    s->leads = calloc(codes->n_leads * dim + 1, sizeof *s->leads);
    s->best = calloc(rows->rows + 1, sizeof *s->best);
    s->classes = codes->classes != NULL ? copy(codes->classes, rows->rows, 1) : NULL;
    if (codes->codes != NULL) { /* otherwise there are those of encode_fake */
        s->codes = copy(codes->codes, sets * set_rows * depth, 1);
        s->left = (struct lk_codes){.share = 1,
                                    .scale = copy(codes->scale, sets, sizeof(float)),
                                    .error = copy(codes->error, sets, sizeof(float)),
                                    .rest = copy(codes->rest, sets, sizeof(float))};
    }
    for (uint32_t i = 0; i < codes->n_leads; i++)
        memcpy(s->leads + i * dim, rows->data + codes->leads[i] * dim, dim * sizeof *s->leads);
}

static void free_side(struct side *s)
{
    free(s->data);
    free(s->codes);
    free(s->classes);
    free(s->leads);
    free(s->best);
    free(s->left.scale);
    free(s->left.error);
    free(s->left.rest);
}

static float product(const float *x, const float *y, size_t dim)
{
    float sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += x[i] * y[i];
    return sum;
}

static int compare_falling(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* Surely no more than the r-th best of n scores, which may be float sums. */
static float rth_floor(const struct lk_device *d, const float *scores, uint64_t n, uint64_t r)
{
    float sorted[LK_DEVICE_MAX_LEADS];
    if (r > n)
        return -INFINITY;
    memcpy(sorted, scores, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_falling);
    return nextafterf((float)((double)sorted[r - 1] - d->setup.lead_slack), -INFINITY);
}

/* Scores of a row with the leads of the other side; seen: NULL, or raised to the best of each class. */
static float floor_of_leads(const struct lk_device *d, const float *row, const struct side *other, uint64_t r, float *seen)
{
    float sums[LK_DEVICE_MAX_LEADS];
    for (uint32_t i = 0; i < other->n_leads; i++) {
        sums[i] = product(row, other->leads + i * d->plan.dim, d->plan.dim);
        if (seen != NULL)
            seen[i % LK_DEVICE_CLASSES] = fmaxf(seen[i % LK_DEVICE_CLASSES], sums[i]);
    }
    return rth_floor(d, sums, other->n_leads, r);
}

static void close_fake(struct lk_device *d)
{
    if (d == NULL)
        return;
    for (int l = 0; d->lanes != NULL && l < d->plan.lanes; l++) {
        free(d->lanes[l].known_floors);
        free(d->lanes[l].seen);
        free(d->lanes[l].pairs);
    }
    free(d->lanes);
    free_side(&d->probes);
    free_side(&d->galleries[0]);
    free_side(&d->galleries[1]);
    free(d);
}

static lk_status find_fake(lk_error *err)
{
    if (getenv("LIKENESS_TEST_NO_DEVICE") == NULL)
        return LK_OK;
    *err = (lk_error){.code = LK_EUNSUP, .text = "fake: no device (none found)"};
    return LK_EUNSUP;
}

static lk_status parts_fake(const struct lk_device_plan *plan, uint64_t *n, lk_error *err)
{
    const char *rows = getenv("LIKENESS_TEST_PART_ROWS"); /* of a part of the training set */
    uint64_t each = rows != NULL ? strtoull(rows, NULL, 10) : plan->galleries[0].rows;
    *n = (plan->galleries[0].rows + each - 1) / each;
    return find_fake(err);
}

static lk_status wake_fake(struct lk_device **out, const struct lk_device_plan *plan, lk_error *err)
{
    (void)err;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        abort();
    (*out)->plan = *plan;
    if (getenv("LIKENESS_TEST_NAME_DEVICE") != NULL)
        fprintf(stderr, "fake: device %s\n", getenv("CUDA_VISIBLE_DEVICES"));
    return LK_OK;
}

/* As codes.c, where the coordinates are the axes. */
static void encode_side(struct side *s, const struct lk_device_rows *rows, size_t dim, uint64_t set_rows, double *longest,
                        float *reach)
{
    uint64_t sets = (rows->rows + set_rows - 1) / set_rows;
    size_t depth = (dim + 3) / 4 * 4;
    s->codes = calloc(sets * set_rows * depth + 1, 1);
    s->left = (struct lk_codes){.share = 1,
                                .scale = calloc(sets + 1, sizeof(float)),
                                .error = calloc(sets + 1, sizeof(float)),
                                .rest = calloc(sets + 1, sizeof(float))};
    for (uint64_t i = 0; i < rows->rows * dim; i++) {
        float *scale = &s->left.scale[i / dim / set_rows];
        *scale = fmaxf(*scale, nextafterf(fabsf(rows->data[i]) / 127, INFINITY));
    }
    for (uint64_t i = 0; i < rows->rows; i++) {
        uint64_t set = i / set_rows;
        double wrong = 0, decoded = 0, norm2 = 0, scale = s->left.scale[set] < 0x1p-60f ? 0 : (double)s->left.scale[set];
        for (size_t k = 0; k < dim; k++) {
            double x = (double)rows->data[i * dim + k], q = scale > 0 ? nearbyint(x / scale) : 0;
            s->codes[i * depth + k] = (int8_t)q;
            wrong += (x - q * scale) * (x - q * scale);
            decoded += q * scale * q * scale;
            norm2 += x * x;
        }
        s->left.error[set] = fmaxf(s->left.error[set], nextafterf((float)sqrt(wrong), INFINITY));
        s->left.rest[set] = 0x1p-19f;
        *longest = fmax(*longest, (double)nextafterf((float)sqrt(norm2), INFINITY));
        *reach = fmaxf(*reach, nextafterf((float)sqrt(decoded), INFINITY));
    }
    for (uint64_t set = 0; set < sets; set++)
        s->left.scale[set] = s->left.scale[set] < 0x1p-60f ? 0 : s->left.scale[set];
}

static lk_status encode_fake(struct lk_device *d, struct lk_device_lengths *out, lk_error *err)
{
    (void)err;
    *out = (struct lk_device_lengths){0};
    encode_side(&d->probes, &d->plan.probes, d->plan.dim, LK_DEVICE_PROBE_SET, &out->longest[0], &out->reach[0]);
    for (int g = 0; g < 2; g++)
        encode_side(&d->galleries[g], &d->plan.galleries[g], d->plan.dim, LK_DEVICE_REFERENCE_SET, &out->longest[1 + g],
                    &out->reach[1 + g]);
    return LK_OK;
}

static lk_status open_fake(struct lk_device *d, const struct lk_device_setup *setup, lk_error *err)
{
    if (find_fake(err) != LK_OK)
        return LK_EUNSUP;
    d->setup = *setup;
    copy_side(&d->probes, d->plan.dim, setup->depth, &d->plan.probes, &setup->probes, LK_DEVICE_PROBE_SET);
    d->lanes = calloc((size_t)d->plan.lanes, sizeof *d->lanes);
    for (int l = 0; l < d->plan.lanes; l++) {
        d->lanes[l].known_floors = calloc(LK_DEVICE_BLOCK, sizeof(float));
        d->lanes[l].seen = calloc(LK_DEVICE_BLOCK, sizeof *d->lanes[l].seen);
        d->lanes[l].pairs = calloc((size_t)LK_DEVICE_BLOCK * LK_DEVICE_PANEL, sizeof(struct lk_device_pair));
    }
    for (int g = 0; g < 2; g++) {
        struct side *s = &d->galleries[g];
        copy_side(s, d->plan.dim, setup->depth, &d->plan.galleries[g], &setup->galleries[g], LK_DEVICE_REFERENCE_SET);
        for (uint64_t j = 0; j < s->rows; j++)
            s->best[j] = floor_of_leads(d, s->data + j * d->plan.dim, &d->probes, 1, NULL);
    }
    return LK_OK;
}

static lk_status begin_fake(struct lk_device *d, const struct lk_device_job *block, lk_error *err)
{
    struct lane *l = &d->lanes[block->lane];
    (void)err;
    for (uint32_t i = 0; i < block->n_probes; i++) {
        for (int c = 0; c < LK_DEVICE_CLASSES; c++)
            l->seen[i][c] = -INFINITY;
        l->known_floors[i] = floor_of_leads(d, d->probes.data + (block->first_probe + i) * d->plan.dim,
                                            &d->galleries[block->gallery], d->setup.list_room[block->gallery], l->seen[i]);
    }
    return LK_OK;
}

static float floor_of(const struct lk_device *d, const struct lk_device_job *job, uint32_t i, uint64_t reference)
{
    float list = fmaxf(job->list_floors[i], d->lanes[job->lane].known_floors[i]);
    return fminf(fminf(list, job->floor), d->galleries[job->gallery].best[reference]);
}

/* One pair, through every stage. Floors and `best` are shared without care: jobs of one gallery take turns here. */
static void consider(struct lk_device *d, const struct lk_device_job *job, uint32_t i, uint64_t reference,
                     struct lk_device_found *out, struct lk_device_pair *pairs)
{
    const struct side *x = &d->probes, *y = &d->galleries[job->gallery];
    size_t dim = d->plan.dim, depth = d->setup.depth;
    uint64_t probe = job->first_probe + i;
    float floor = floor_of(d, job, i, reference);
    struct lk_bound bound = lk_bound_of(&x->left, probe / LK_DEVICE_PROBE_SET, &y->left,
                                        reference / LK_DEVICE_REFERENCE_SET, d->setup.reach[job->gallery], d->setup.slack);
    int32_t sum = 0;
    for (size_t k = 0; k < depth; k++)
        sum += x->codes[probe * depth + k] * y->codes[reference * depth + k];
    if (sum < lk_bound_needed(bound, floor))
        return;
    out->nominated++;
    const float *a = x->data + probe * dim, *b = y->data + reference * dim;
    if ((double)product(a, b, dim) + d->setup.lead_slack < (double)floor)
        return;
    float score = lk_score(a, b, dim);
    if (score < floor)
        return;
    float *seen = &d->lanes[job->lane].seen[i][y->classes[reference]];
    *seen = fmaxf(*seen, score);
    y->best[reference] = fmaxf(y->best[reference], score);
    pairs[out->n++] = (struct lk_device_pair){i, (uint32_t)reference, score};
}

/* What the classes say; pairs that are below the floors by now are dropped. */
static void raise_floors(struct lk_device *d, const struct lk_device_job *job, struct lk_device_found *out,
                         struct lk_device_pair *pairs)
{
    struct lane *l = &d->lanes[job->lane];
    uint64_t n = out->n, r = d->setup.list_room[job->gallery];
    for (uint32_t i = 0; i < job->n_probes; i++)
        l->known_floors[i] = fmaxf(l->known_floors[i], rth_floor(d, l->seen[i], LK_DEVICE_CLASSES, r));
    out->n = 0;
    for (uint64_t i = 0; i < n; i++)
        if (pairs[i].score >= floor_of(d, job, pairs[i].probe, pairs[i].reference))
            pairs[out->n++] = pairs[i];
}

static lk_status scan_fake(struct lk_device *d, const struct lk_device_job *job, struct lk_device_found *out,
                           lk_error *err)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    const struct side *y = &d->galleries[job->gallery];
    struct lk_device_pair *pairs = d->lanes[job->lane].pairs;
    uint64_t panels = (y->rows + LK_DEVICE_PANEL - 1) / LK_DEVICE_PANEL;
    (void)err;
    *out = (struct lk_device_found){.pairs = pairs};
    pthread_mutex_lock(&turn);
    for (uint64_t n = job->first_panel; n < job->first_panel + job->n_panels && !out->full; n++) {
        uint64_t first = n * d->setup.step[job->gallery] % panels * LK_DEVICE_PANEL;
        for (uint64_t j = first; j < first + LK_DEVICE_PANEL && j < y->rows; j++)
            for (uint32_t i = 0; i < job->n_probes; i++)
                consider(d, job, i, j, out, pairs);
        out->full = job->n_panels > 1 && out->n > ROOM;
        raise_floors(d, job, out, pairs);
    }
    pthread_mutex_unlock(&turn);
    return LK_OK;
}

extern const struct lk_device_module likeness_device_module;
__attribute__((visibility("default"))) const struct lk_device_module likeness_device_module = {
    LK_DEVICE_VERSION, "fake", parts_fake, wake_fake, encode_fake, open_fake, begin_fake, scan_fake, close_fake};
