/* SPDX-License-Identifier: Apache-2.0 */
/* fake_device.c - a module in plain C that does what one for an accelerator does, with little room, so that the host's
 * side of the contract (device.h) is tested without one. */
#include <math.h>
#include <pthread.h>
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
    struct lk_codes left; /* scales, errors, rests */
};

struct lane {
    float *lead_floors;
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
    s->codes = copy(codes->codes, sets * set_rows * depth, 1);
    s->leads = calloc(codes->n_leads * dim + 1, sizeof *s->leads);
    s->best = calloc(rows->rows + 1, sizeof *s->best);
    s->left = (struct lk_codes){.share = 1,
                                .scale = copy(codes->scale, sets, sizeof(float)),
                                .error = copy(codes->error, sets, sizeof(float)),
                                .rest = copy(codes->rest, sets, sizeof(float))};
    for (uint32_t i = 0; i < codes->n_leads; i++)
        memcpy(s->leads + i * dim, rows->data + codes->leads[i] * dim, dim * sizeof *s->leads);
}

static void free_side(struct side *s)
{
    free(s->data);
    free(s->codes);
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

/* Surely no more than the r-th best score of a row with the leads of the other side. */
static float floor_of_leads(const struct lk_device *d, const float *row, const struct side *other, uint64_t r)
{
    float sums[LK_DEVICE_MAX_LEADS];
    if (r > other->n_leads)
        return -INFINITY;
    for (uint32_t i = 0; i < other->n_leads; i++)
        sums[i] = product(row, other->leads + i * d->plan.dim, d->plan.dim);
    qsort(sums, other->n_leads, sizeof *sums, compare_falling);
    return nextafterf((float)((double)sums[r - 1] - d->setup.lead_slack), -INFINITY);
}

static void close_fake(struct lk_device *d)
{
    if (d == NULL)
        return;
    for (int l = 0; d->lanes != NULL && l < d->plan.lanes; l++) {
        free(d->lanes[l].lead_floors);
        free(d->lanes[l].pairs);
    }
    free(d->lanes);
    free_side(&d->probes);
    free_side(&d->galleries[0]);
    free_side(&d->galleries[1]);
    free(d);
}

static lk_status wake_fake(struct lk_device **out, const struct lk_device_plan *plan, lk_error *err)
{
    (void)err;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        abort();
    (*out)->plan = *plan;
    return LK_OK;
}

static lk_status open_fake(struct lk_device *d, const struct lk_device_setup *setup, lk_error *err)
{
    if (getenv("LIKENESS_TEST_NO_DEVICE") != NULL) {
        *err = (lk_error){.code = LK_EUNSUP, .text = "fake: no device (none found)"};
        return LK_EUNSUP;
    }
    d->setup = *setup;
    copy_side(&d->probes, d->plan.dim, setup->depth, &d->plan.probes, &setup->probes, LK_DEVICE_PROBE_SET);
    d->lanes = calloc((size_t)d->plan.lanes, sizeof *d->lanes);
    for (int l = 0; l < d->plan.lanes; l++) {
        d->lanes[l].lead_floors = calloc(LK_DEVICE_BLOCK, sizeof(float));
        d->lanes[l].pairs = calloc((size_t)LK_DEVICE_BLOCK * LK_DEVICE_PANEL, sizeof(struct lk_device_pair));
    }
    for (int g = 0; g < 2; g++) {
        struct side *s = &d->galleries[g];
        copy_side(s, d->plan.dim, setup->depth, &d->plan.galleries[g], &setup->galleries[g], LK_DEVICE_REFERENCE_SET);
        for (uint64_t j = 0; j < s->rows; j++)
            s->best[j] = floor_of_leads(d, s->data + j * d->plan.dim, &d->probes, 1);
    }
    return LK_OK;
}

static lk_status begin_fake(struct lk_device *d, const struct lk_device_job *block, lk_error *err)
{
    (void)err;
    for (uint32_t i = 0; i < block->n_probes; i++)
        d->lanes[block->lane].lead_floors[i] =
            floor_of_leads(d, d->probes.data + (block->first_probe + i) * d->plan.dim, &d->galleries[block->gallery],
                           d->setup.list_room[block->gallery]);
    return LK_OK;
}

/* One pair, through every stage. Floors and `best` are shared without care: jobs of one gallery take turns here. */
static void consider(struct lk_device *d, const struct lk_device_job *job, uint32_t i, uint64_t reference,
                     struct lk_device_found *out, struct lk_device_pair *pairs)
{
    const struct side *x = &d->probes, *y = &d->galleries[job->gallery];
    size_t dim = d->plan.dim, depth = d->setup.depth;
    uint64_t probe = job->first_probe + i;
    float list = fmaxf(job->list_floors[i], d->lanes[job->lane].lead_floors[i]);
    float floor = fminf(fminf(list, job->floor), y->best[reference]);
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
    y->best[reference] = fmaxf(y->best[reference], score);
    pairs[out->n++] = (struct lk_device_pair){i, (uint32_t)reference, score};
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
    }
    pthread_mutex_unlock(&turn);
    return LK_OK;
}

extern const struct lk_device_module likeness_device_module;
__attribute__((visibility("default"))) const struct lk_device_module likeness_device_module = {
    LK_DEVICE_VERSION, "fake", wake_fake, open_fake, begin_fake, scan_fake, close_fake};
