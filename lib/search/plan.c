/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - lk_plan_match: time, memory, network and disk of a comparison, from measured rates (docs/scaling.md). */
#include <math.h>

#include "search/match.h"

/* Bytes of one pair in a list, of one of the closest, and of a reference's best probe. */
#define HIT 8.0
#define PAIR 12.0
#define ROW_FACTS 28.0               /* while rows are checked, for each */
#define THREAD_BYTES (4.0 * 1048576) /* lists and packed rows of a thread */
#define PLAIN_WORK 0x1p37            /* no axes are looked for below (docs/search.md) */
#define SAMPLE_MOST 0x1p20
#define PAIRS_PER_SAMPLE 256.0
#define SAVE_SECONDS 5.0
#define SLOWDOWN 20.0

enum { PROBES_SET, TRAIN_SET, HOLDOUT_SET, N_SETS = LK_MATCH_SETS };

/* One search of one process, all numbers as doubles: they multiply to more than 64 bits. */
struct part {
    const lk_plan_options *o;
    const lk_rates *r;
    double rows[N_SETS];        /* of whole sets, of a piece */
    double m, part[LK_N_GALLERIES]; /* probes; references of the process that has most */
    double processes, threads;  /* threads: measured ones for each planned one */
    double lists, best;         /* bytes: of all probes, of the best probes of the process's references */
};

void lk_plan_options_init(lk_plan_options *options)
{
    *options = (lk_plan_options){.machines = 1, .ranks = 1, .network = 1.25e9};
}

static lk_status check_options(const lk_plan_options *o, lk_error *err)
{
    LK_NEED(o->n_probes > 0 && o->n_references > 0, err, LK_EINVAL, "a plan needs numbers of probes and references");
    LK_NEED(o->n_probes <= LK_SEARCH_MAX_ROWS, err, LK_EUNSUP, "%llu probes, at most %u can be searched at once",
            (unsigned long long)o->n_probes, LK_SEARCH_MAX_ROWS);
    LK_NEED(o->machines >= 1 && o->ranks >= 1 && o->machines <= LK_MATCH_MAX_SHARDS &&
                o->ranks <= LK_MATCH_MAX_SHARDS && o->threads >= 0,
            err, LK_EINVAL, "a plan needs one machine and one process or more");
    LK_NEED(o->machines * o->ranks <= o->n_references, err, LK_EINVAL,
            "%llu references cannot be divided among %llu processes", (unsigned long long)o->n_references,
            (unsigned long long)(o->machines * o->ranks));
    LK_NEED(o->network > 0 && o->storage >= 0 && o->pairs_per_second >= 0, err, LK_EINVAL,
            "network, storage and pairs per second: expected numbers above 0");
    return LK_OK;
}

static struct part part_of(const lk_plan_options *o, double pieces)
{
    struct part p = {.o = o,
                     .r = &o->rates,
                     .rows = {(double)o->n_probes, (double)o->n_references / pieces, (double)o->n_holdout / pieces},
                     .m = (double)o->n_probes,
                     .processes = (double)(o->machines * o->ranks),
                     .threads = (double)o->rates.threads / (double)(o->threads > 0 ? o->threads : o->rates.threads)};
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        double rows = p.rows[TRAIN_SET + g];
        p.part[g] = ceil(rows / p.processes);
        if (rows > 0)
            p.lists += p.m * fmin((double)p.r->r, rows) * HIT;
        p.best += p.part[g] * HIT;
    }
    return p;
}

/* ---- time ------------------------------------------------------------------------------------------- */

static double bytes_of(const struct part *p, double rows)
{
    return rows * (double)p->r->dim * sizeof(float);
}

/* Each set is looked at by one process, another one for each set where there are so many; all read all names. */
static double read_seconds(const struct part *p)
{
    double rate = p->o->storage > 0 ? fmin(p->r->hash, p->o->storage) : p->r->hash, of[N_SETS] = {0};
    double most = 0, names = 0;
    uint64_t processes = p->o->machines * p->o->ranks;
    for (uint64_t s = 0; s < N_SETS; s++) {
        double *seconds = &of[processes < N_SETS ? lk_match_set_owner(s, processes) : s];
        *seconds += bytes_of(p, p->rows[s]) / rate + p->rows[s] * p->r->check * p->threads;
        most = fmax(most, *seconds);
        names += p->rows[s] * p->r->name;
    }
    return most + names;
}

static double prepare_seconds(const struct part *p)
{
    const lk_rates *r = p->r;
    double references = p->part[0] + p->part[1], seconds = p->m * r->probe * p->threads;
    seconds += references * r->reference * p->threads;
    for (int g = 0; g < LK_N_GALLERIES; g++)
        seconds += r->sample * p->threads * fmin(p->m * p->rows[TRAIN_SET + g] / PAIRS_PER_SAMPLE, SAMPLE_MOST);
    if (p->m * references * (double)r->dim >= PLAIN_WORK)
        seconds += r->basis;
    if (p->o->storage > 0 && p->processes > 1) /* what others have read */
        seconds += bytes_of(p, p->m + references * (double)p->o->ranks) / p->o->storage;
    return seconds;
}

/* A probe's list keeps its r closest: the longer it has been filled, the fewer references may still enter it. The
 * exact part of the histogram, one pair in 10,000 at most, ends that: beyond, a probe lets the same share through. */
#define EXACT_SHARE 1e-4

static double nominated_of_probe(const struct part *p, double n)
{
    const lk_rates *r = p->r;
    double turn = (double)r->r / EXACT_SHARE, few = r->per_probe * pow(fmin(n, turn), r->growth);
    return few + fmax(n - turn, 0) * r->growth * r->per_probe * pow(turn, r->growth - 1);
}

static double compare_seconds(const struct part *p)
{
    const lk_rates *r = p->r;
    double pairs = 0, nominated = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        double n = p->part[g];
        pairs += p->m * n;
        nominated += n > 0 ? p->m * nominated_of_probe(p, n) + n * r->per_reference * pow(p->m, r->growth) : 0;
    }
    if (p->o->pairs_per_second > 0)
        return pairs / p->o->pairs_per_second;
    return p->threads * (pairs / r->scan + fmin(nominated, pairs) * r->nominated);
}

/* Lists grow over the pass, so an average snapshot holds half of them. The last one is written at its end. */
static void plan_saving(const struct part *p, lk_plan *out)
{
    out->checkpoint = p->lists + p->best + (double)p->r->k * PAIR;
    double half = p->lists / 2 + p->best, every = fmax(SAVE_SECONDS, SLOWDOWN * half / p->r->write);
    double times = out->compare > SAVE_SECONDS ? floor(out->compare / every) : 0;
    double bytes = times * half + (out->compare > SAVE_SECONDS ? out->checkpoint : 0);
    out->save = bytes / p->r->write;
    out->saved = bytes * p->processes;
}

/* Lists go to the first process in steps that halve the number of those that hold some; best probes one after the
 * other. */
static void plan_joining(const struct part *p, lk_plan *out)
{
    if (p->processes == 1)
        return;
    double galleries = p->rows[HOLDOUT_SET] > 0 ? 2 : 1;
    double lists = p->lists + galleries * (double)p->r->k * PAIR;
    double best = HIT * (p->rows[TRAIN_SET] + p->rows[HOLDOUT_SET]) * (p->processes - 1) / p->processes;
    double rate = p->o->machines > 1 ? p->o->network : fmax(p->o->network, p->r->hash);
    out->sent = lists * (p->processes - 1) + best;
    out->join = (lists * ceil(log2(p->processes)) + best) / rate;
}

static double lines_of(const struct part *p)
{
    double lines = 0;
    for (int g = 0; g < LK_N_GALLERIES; g++) {
        double n = p->rows[TRAIN_SET + g];
        if (n > 0)
            lines += 2 * p->m * fmin((double)p->r->r, n) + n + fmin((double)p->r->k, p->m * n);
    }
    return lines;
}

/* ---- memory ----------------------------------------------------------------------------------------- */

static double memory_of(const struct part *p)
{
    const lk_rates *r = p->r;
    double references = p->part[0] + p->part[1], all = p->rows[TRAIN_SET] + p->rows[HOLDOUT_SET];
    double code = (double)r->axes * (2 * r->axes <= r->dim ? 1 + sizeof(float) : 1); /* codes, and projections */
    double rows = sizeof(uint32_t) * (p->m + all);
    double threads = (double)r->threads / p->threads;
    double pass = (p->m + references) * code + p->lists + 2.5 * p->best + threads * THREAD_BYTES;
    double join = p->processes > 1 ? 2 * p->lists + p->best + HIT * all : 0; /* of the first process */
    double checked = ROW_FACTS * fmax(p->m, fmax(p->rows[TRAIN_SET], p->rows[HOLDOUT_SET]));
    return rows + fmax(fmax(pass, join), checked);
}

lk_status lk_plan_match(const lk_plan_options *options, lk_plan *out, lk_error *err)
{
    LK_TRY(check_options(options, err));
    uint64_t most = options->n_references > options->n_holdout ? options->n_references : options->n_holdout;
    lk_plan plan = {.processes = options->machines * options->ranks,
                    .pieces = (most + LK_SEARCH_MAX_ROWS - 1) / LK_SEARCH_MAX_ROWS};
    double pieces = (double)plan.pieces;
    struct part p = part_of(options, pieces);
    plan.pairs = p.m * ((double)options->n_references + (double)options->n_holdout);
    plan.read = read_seconds(&p);
    plan.prepare = prepare_seconds(&p);
    plan.compare = compare_seconds(&p);
    plan_saving(&p, &plan);
    plan_joining(&p, &plan);
    plan.write = lines_of(&p) * p.r->line;
    plan.results = lines_of(&p) * p.r->line_bytes * pieces;
    double *const repeated[] = {&plan.read, &plan.prepare, &plan.compare, &plan.save, &plan.join, &plan.write};
    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
        *repeated[i] *= pieces;
        plan.seconds += *repeated[i];
    }
    plan.sent *= pieces;
    plan.saved *= pieces;
    plan.memory = memory_of(&p);
    plan.mapped = bytes_of(&p, p.m + p.part[0] + p.part[1]);
    *out = plan;
    return LK_OK;
}
