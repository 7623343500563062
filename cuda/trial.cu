/* SPDX-License-Identifier: Apache-2.0 */
/* trial.cu - the scan is tried on made codes: where the tensor cores laid out their sums otherwise than we think, pairs would be
 * missing without a word. Takes some milliseconds, and is done on devices of the kinds that we have never had. */
#include <algorithm>

#include "module.cuh"

enum {
    PROBES = 200, /* of them the block has all but a few, not from a tile's start on */
    FIRST = 70,
    REFERENCES = 700, /* a last panel that is not full */
    CHUNKS = 3,
    DEPTH = CHUNKS * SCAN_CHUNK,
    PANELS = (REFERENCES + SCAN_REFERENCES - 1) / SCAN_REFERENCES,
    SLICES = 2,
    TILES = (PROBES + SCAN_PROBES - 1) / SCAN_PROBES,
    LISTS = TILES * SCAN_LISTS * SLICES,
    ROOM = 64 * REFERENCES,
};

/* What the scan reads and writes, here and on the device. */
template <class T> struct both {
    std::vector<T> here;
    buffer<T> there;
    lk_status send(lk_error *err)
    {
        TRY(there.make(here.size(), err));
        CUDA(cudaMemcpy(there.at, here.data(), here.size() * sizeof(T), cudaMemcpyHostToDevice), "cannot copy to the device");
        return LK_OK;
    }
    lk_status fetch(lk_error *err)
    {
        CUDA(cudaMemcpy(here.data(), there.at, here.size() * sizeof(T), cudaMemcpyDeviceToHost), "trying the scan");
        return LK_OK;
    }
};

struct trial {
    both<int8_t> x, y;
    both<float> one, zero; /* scales; errors and rests, so that a score is a sum */
    both<float> floors;
    both<int> best;
    both<nominee> nominated;
    both<unsigned> counts;
};

static int sum_of(const trial &t, unsigned probe, unsigned reference)
{
    int sum = 0;
    for (unsigned k = 0; k < DEPTH; k++)
        sum += t.x.here[probe * DEPTH + k] * t.y.here[reference * DEPTH + k];
    return sum;
}

/* Numbers of a linear congruential generator: about one pair in ten reaches a floor. */
static void make_up(trial *t)
{
    uint32_t state = 1;
    auto next = [&state] { return (state = state * 1664525u + 1013904223u) >> 8; };
    t->x.here.resize(PROBES * DEPTH);
    t->y.here.resize(REFERENCES * DEPTH);
    for (int8_t &q : t->x.here)
        q = (int8_t)(next() % 255 - 127);
    for (int8_t &q : t->y.here)
        q = (int8_t)(next() % 255 - 127);
    t->one.here.assign(PANELS + TILES * SCAN_LISTS, 1);
    t->zero.here.assign(PANELS + TILES * SCAN_LISTS, 0);
    for (unsigned i = FIRST; i < PROBES; i++)
        t->floors.here.push_back((float)(140000 + next() % 50000));
    for (unsigned j = 0; j < REFERENCES; j++)
        t->best.here.push_back(key_of((float)(140000 + next() % 50000)));
    t->nominated.here.resize((size_t)LISTS * ROOM);
    t->counts.here.resize(LISTS);
}

static lk_status run(trial *t, lk_error *err)
{
    TRY(t->x.send(err));
    TRY(t->y.send(err));
    TRY(t->one.send(err));
    TRY(t->zero.send(err));
    TRY(t->floors.send(err));
    TRY(t->best.send(err));
    TRY(t->nominated.send(err));
    TRY(t->counts.send(err));
    struct remainders exact = {t->one.there.at, t->zero.there.at, t->zero.there.at};
    struct scan_args a = {};
    a.chunks = CHUNKS;
    a.first_probe = FIRST;
    a.n_probes = PROBES - FIRST;
    a.references = REFERENCES;
    a.panels = a.n_panels = PANELS;
    a.step = 1;
    a.floors = t->floors.there.at;
    a.best = t->best.there.at;
    a.x = a.y = exact;
    a.x_codes = t->x.there.at;
    a.y_codes = t->y.there.at;
    a.probes = PROBES;
    a.nominated = t->nominated.there.at;
    a.counts = t->counts.there.at;
    a.room = ROOM;
    CUDA(scan_ampere_launch(&a, dim3(TILES, SLICES), nullptr), "cannot scan");
    TRY(t->counts.fetch(err));
    return t->nominated.fetch(err);
}

/* The pairs whose sum reaches a floor, less the four units that bound.h takes off for safety. */
static bool is_right(const trial &t)
{
    std::vector<uint64_t> found, wanted;
    for (unsigned list = 0; list < LISTS; list++) {
        if (t.counts.here[list] > ROOM)
            return false;
        for (unsigned i = 0; i < t.counts.here[list]; i++) {
            nominee pair = t.nominated.here[(size_t)list * ROOM + i];
            if (pair.x != NOBODY)
                found.push_back((uint64_t)pair.x << 32 | pair.y);
        }
    }
    for (unsigned i = FIRST; i < PROBES; i++)
        for (unsigned j = 0; j < REFERENCES; j++) {
            float floor = std::min(t.floors.here[i - FIRST], score_of(t.best.here[j]));
            if (sum_of(t, i, j) >= (int)(floor - 4))
                wanted.push_back((uint64_t)(i - FIRST) << 32 | j);
        }
    std::sort(found.begin(), found.end());
    return found == wanted;
}

lk_status try_scan(lk_error *err)
{
    trial t;
    make_up(&t);
    TRY(run(&t, err));
    return is_right(t) ? LK_OK
                       : fail(err, LK_EUNSUP, "cuda: the scan did not find on this device what it should: compare on the "
                                              "processor, and please tell us which device this is");
}
