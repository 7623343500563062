/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.cu - the jobs of each lane: a block of probes against panels of references, scan after scan without waiting for the
 * host. */
#include <algorithm>

#include "module.cuh"

enum {
    WAVES = 4,       /* blocks of threads of a scan for each multiprocessor, about */
    PIECE = 1 << 16, /* pairs that come from the device at a time */
    FIRST = 32,      /* panels of the first scan of a job; the others are as large as all before them, so that floors rise soon */
};

template <class T> static void place(T **to, char *memory, size_t *used, size_t n)
{
    *to = (T *)(memory + *used);
    *used += (n * sizeof(T) + 255) / 256 * 256;
}

/* Lays out a lane's memory from `memory` on, and returns how much it is. */
static size_t lay_out(lane *l, char *memory, int processors)
{
    size_t used = 0;
    place(&l->list_floors, memory, &used, LK_DEVICE_BLOCK);
    place(&l->known_floors, memory, &used, LK_DEVICE_BLOCK);
    place(&l->floors, memory, &used, LK_DEVICE_BLOCK);
    place(&l->matrix, memory, &used, (size_t)LK_DEVICE_BLOCK * LK_DEVICE_MAX_LEADS);
    place(&l->seen, memory, &used, (size_t)LK_DEVICE_BLOCK * LK_DEVICE_CLASSES);
    place(&l->nominated, memory, &used, NOMINATED_ROOM);
    place(&l->counts, memory, &used, SCAN_LISTS * ((size_t)(WAVES + 1) * processors + LK_DEVICE_BLOCK / SCAN_PROBES + 1));
    place(&l->found, memory, &used, FOUND_ROOM);
    place(&l->kept, memory, &used, KEPT_ROOM);
    place(&l->counted, memory, &used, 1);
    return used;
}

size_t lane_bytes(int processors)
{
    lane measure;
    return lay_out(&measure, nullptr, processors);
}

lk_status make_lanes(lk_device *d, lk_error *err)
{
    size_t each = lane_bytes(d->abilities.processors);
    d->lanes = std::vector<lane>((size_t)d->plan.lanes);
    TRY(d->lanes_memory.make(each * d->lanes.size(), err));
    for (size_t i = 0; i < d->lanes.size(); i++) {
        lane *l = &d->lanes[i];
        lay_out(l, d->lanes_memory.at + i * each, d->abilities.processors);
        CUDA(cudaStreamCreateWithFlags(&l->stream, cudaStreamNonBlocking), "no stream");
        TRY(l->host_floors.make(LK_DEVICE_BLOCK, err));
        TRY(l->piece.make(PIECE, err));
        TRY(l->host_counted.make(1, err));
    }
    return LK_OK;
}

/* ---- jobs -------------------------------------------------------------------------------------------------- */

static unsigned list_room(const lk_device *d, const struct lk_device_job *job)
{
    uint64_t r = d->list_room[job->gallery];
    return r < 1u << 30 ? (unsigned)r : 1u << 30;
}

lk_status begin_block(lk_device *d, const struct lk_device_job *block, lk_error *err)
{
    lane *l = &d->lanes[(size_t)block->lane];
    const side *g = &d->galleries[block->gallery];
    CUDA(leads_launch(l->known_floors, l->matrix, l->seen, d->probes.data.at + block->first_probe * d->stride,
                      block->n_probes, g->leads.at, g->n_leads, d->stride, list_room(d, block), (float)d->lead_slack, l->stream),
         "cannot compare with the leads");
    return LK_OK;
}

/* n panels from the `from`-th of the scan on. */
static lk_status scan_panels(const lk_device *d, lane *l, const struct lk_device_job *job, uint64_t from, uint64_t n, lk_error *err)
{
    const side *g = &d->galleries[job->gallery];
    uint64_t first_tile = job->first_probe / SCAN_PROBES, end = job->first_probe + job->n_probes;
    unsigned tiles = (unsigned)((end + SCAN_PROBES - 1) / SCAN_PROBES - first_tile);
    uint64_t slices = ((uint64_t)WAVES * d->abilities.processors + tiles - 1) / tiles;
    dim3 grid(tiles, (unsigned)(slices < n ? slices : n));
    struct scan_args scan = {};
    scan.chunks = (unsigned)(d->depth / SCAN_CHUNK);
    scan.first_probe = job->first_probe;
    scan.n_probes = job->n_probes;
    scan.references = g->rows;
    scan.panels = g->panels;
    scan.step = g->step;
    scan.first_panel = from;
    scan.n_panels = n;
    scan.floors = l->floors;
    scan.best = g->best.at;
    scan.x = d->probes.left();
    scan.y = g->left();
    scan.x_codes = d->probes.codes.at;
    scan.y_codes = g->codes.at;
    scan.probes = d->probes.rows;
    scan.reach = d->reach[job->gallery];
    scan.slack = d->slack;
    scan.nominated = l->nominated;
    scan.counts = l->counts;
    scan.room = NOMINATED_ROOM / (SCAN_LISTS * grid.x * grid.y);
    struct row_args rows = {d->probes.data.at + job->first_probe * d->stride, g->data.at, d->dim, d->stride, d->sum_slack};
    struct known known = {g->best.at, g->classes.at, l->seen};
    CUDA(d->abilities.hopper ? scan_hopper_launch(&d->probes.map, &g->map, &scan, grid, l->stream)
                             : scan_ampere_launch(&scan, grid, l->stream),
         "cannot scan");
    CUDA(score_launch(&scan, grid, &rows, &d->abilities, &known, l->found, l->counted, l->stream), "cannot score");
    CUDA(raise_launch(l->known_floors, l->seen, job->n_probes, list_room(d, job), (float)d->lead_slack, l->stream),
         "cannot raise floors");
    CUDA(floors_launch(l->floors, l->list_floors, l->known_floors, job->floor, job->n_probes, l->stream),
         "cannot find floors");
    return LK_OK;
}

static lk_status launch(const lk_device *d, lane *l, const struct lk_device_job *job, lk_error *err)
{
    CUDA(cudaMemcpyAsync(l->list_floors, l->host_floors.at, job->n_probes * sizeof(float), cudaMemcpyHostToDevice, l->stream),
         "cannot copy floors");
    CUDA(cudaMemsetAsync(l->counted, 0, sizeof(tally), l->stream), "cannot write to the device");
    CUDA(floors_launch(l->floors, l->list_floors, l->known_floors, job->floor, job->n_probes, l->stream),
         "cannot find floors");
    for (uint64_t done = 0, n; done < job->n_panels; done += n) {
        n = job->first_panel + done > FIRST ? job->first_panel + done : FIRST;
        n = n < job->n_panels - done ? n : job->n_panels - done;
        TRY(scan_panels(d, l, job, job->first_panel + done, n, err));
    }
    CUDA(keep_launch(l->kept, l->found, l->floors, d->galleries[job->gallery].best.at, l->counted, l->stream),
         "cannot choose pairs");
    CUDA(cudaMemcpyAsync(l->host_counted.at, l->counted, sizeof(tally), cudaMemcpyDeviceToHost, l->stream),
         "cannot copy from the device");
    return LK_OK;
}

/* Piece by piece: memory that the device reaches takes long to get. */
static lk_status fetch_kept(lane *l, size_t n, lk_error *err)
{
    l->pairs.resize(n);
    for (size_t done = 0, piece; done < n; done += piece) {
        piece = n - done < PIECE ? n - done : PIECE;
        CUDA(cudaMemcpyAsync(l->piece.at, l->kept + done, piece * sizeof(lk_device_pair), cudaMemcpyDeviceToHost, l->stream),
             "cannot copy from the device");
        CUDA(cudaStreamSynchronize(l->stream), "copying from the device");
        std::copy(l->piece.at, l->piece.at + piece, l->pairs.begin() + (ptrdiff_t)done);
    }
    return LK_OK;
}

lk_status scan_job(lk_device *d, const struct lk_device_job *job, struct lk_device_found *out,
                          lk_error *err)
{
    lane *l = &d->lanes[(size_t)job->lane];
    for (uint32_t i = 0; i < job->n_probes; i++)
        l->host_floors.at[i] = job->list_floors[i];
    TRY(launch(d, l, job, err));
    CUDA(cudaStreamSynchronize(l->stream), "the scan failed");
    tally t = *l->host_counted.at;
    bool full = t.overflows > 0 || t.found > FOUND_ROOM || t.kept > KEPT_ROOM;
    if (!full)
        TRY(fetch_kept(l, t.kept, err));
    *out = {l->pairs.data(), t.kept, t.nominated, full};
    return LK_OK;
}
