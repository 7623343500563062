/* SPDX-License-Identifier: Apache-2.0 */
/* module.cu - the CUDA module's host side: what lies on the device, and the jobs of each lane. */
#include <exception>
#include <thread>

#include "device.cuh"
#include "upload.cuh"

enum { WAVES = 4 }; /* blocks of threads of a scan for each multiprocessor, about */

struct side {
    uint64_t rows = 0, panels = 0, step = 0;
    unsigned n_leads = 0;
    buffer<float> data, leads, scale, error, rest;
    buffer<int8_t> codes;
    buffer<int> best; /* of references: keys */
    CUtensorMap map;
    struct remainders left() const
    {
        return {scale.at, error.at, rest.at};
    }
};

struct lane {
    cudaStream_t stream = nullptr;
    buffer<float> list_floors, lead_floors, floors, matrix;
    buffer<nominee> nominated, kept;
    buffer<unsigned> counts;
    buffer<lk_device_pair> found;
    buffer<tally> counted;
    pinned<float> host_floors;
    pinned<lk_device_pair> host_found;
    pinned<tally> host_counted;
    ~lane()
    {
        if (stream != nullptr)
            cudaStreamDestroy(stream);
    }
};

struct lk_device {
    int processors = 0;
    size_t dim, stride, depth; /* stride, depth: as they lie on the device, filled up with zeros */
    float reach[2], slack;
    double float_slack, lead_slack, sum_slack;
    uint64_t list_room[2];
    side probes, galleries[2];
    std::vector<lane> lanes;
    std::vector<carrier> carriers;
    struct lk_device_plan plan; /* its pointers are the caller's */
    std::thread waking;         /* and what it came to: */
    lk_status status = LK_OK;
    lk_error error;
    ~lk_device()
    {
        if (waking.joinable())
            waking.join();
    }
};

/* ---- what is compared goes to the device --------------------------------------------------------------------- */

template <class T>
static lk_status upload(lk_device *d, buffer<T> *to, const T *from, size_t rows, size_t width, size_t stride, lk_error *err)
{
    TRY(to->make(rows * stride, err));
    return upload_rows(d->carriers, to->at, from, rows, width * sizeof(T), stride * sizeof(T), err);
}

static lk_status describe_codes(side *s, size_t depth, unsigned box_rows, lk_error *err)
{
    void *entry = nullptr;
    cudaDriverEntryPointQueryResult found;
    CUDA(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault, &found),
         "the driver has no tensor copies");
    if (entry == nullptr || found != cudaDriverEntryPointSuccess)
        return fail(err, LK_EUNSUP, "cuda: the driver has no tensor copies: expected that of CUDA 12 or later");
    const cuuint64_t sizes[2] = {depth, s->rows}, strides[1] = {depth};
    const cuuint32_t box[2] = {SCAN_CHUNK, box_rows}, steps[2] = {1, 1};
    CUresult result = ((decltype(&cuTensorMapEncodeTiled))entry)(
        &s->map, CU_TENSOR_MAP_DATA_TYPE_UINT8, 2, s->codes.at, sizes, strides, box, steps,
        CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
        CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (result != CUDA_SUCCESS)
        return fail(err, LK_EUNSUP, "cuda: %llu codes of %zu numbers cannot be described (error %d)",
                    (unsigned long long)s->rows, depth, (int)result);
    return LK_OK;
}

static lk_status upload_codes(lk_device *d, side *s, size_t depth, const struct lk_device_codes *from, unsigned set_rows,
                              unsigned box_rows, lk_error *err)
{
    size_t sets = (s->rows + set_rows - 1) / set_rows;
    s->n_leads = from->n_leads;
    TRY(upload(d, &s->codes, from->codes, s->rows, depth, d->depth, err));
    TRY(upload(d, &s->scale, from->scale, sets, 1, 1, err));
    TRY(upload(d, &s->error, from->error, sets, 1, 1, err));
    TRY(upload(d, &s->rest, from->rest, sets, 1, 1, err));
    TRY(s->leads.make(s->n_leads * d->stride, err));
    for (unsigned i = 0; i < s->n_leads; i++)
        CUDA(cudaMemcpyAsync(s->leads.at + i * d->stride, s->data.at + from->leads[i] * d->stride,
                             d->stride * sizeof(float), cudaMemcpyDeviceToDevice),
             "cannot copy on the device");
    return describe_codes(s, d->depth, box_rows, err);
}

static lk_status make_lane(lk_device *d, lane *l, lk_error *err)
{
    CUDA(cudaStreamCreateWithFlags(&l->stream, cudaStreamNonBlocking), "no stream");
    TRY(l->list_floors.make(LK_DEVICE_BLOCK, err));
    TRY(l->lead_floors.make(LK_DEVICE_BLOCK, err));
    TRY(l->floors.make(LK_DEVICE_BLOCK, err));
    TRY(l->matrix.make((size_t)LK_DEVICE_BLOCK * LK_DEVICE_MAX_LEADS, err));
    TRY(l->nominated.make(NOMINATED_ROOM, err));
    TRY(l->kept.make(KEPT_ROOM, err));
    TRY(l->found.make(FOUND_ROOM, err));
    TRY(l->counts.make((size_t)(WAVES + 1) * d->processors + LK_DEVICE_BLOCK / SCAN_PROBES + 1, err));
    TRY(l->counted.make(1, err));
    TRY(l->host_floors.make(LK_DEVICE_BLOCK, err));
    TRY(l->host_found.make(FOUND_ROOM, err));
    return l->host_counted.make(1, err);
}

/* A score that some probe reaches with each reference. */
static lk_status hint(lk_device *d, side *g, lk_error *err)
{
    lane *l = &d->lanes[0];
    TRY(g->best.make(g->rows, err));
    for (uint64_t first = 0; first < g->rows; first += LK_DEVICE_BLOCK) {
        uint64_t left = g->rows - first;
        unsigned n = left < LK_DEVICE_BLOCK ? (unsigned)left : LK_DEVICE_BLOCK;
        CUDA(leads_launch(l->lead_floors.at, l->matrix.at, g->data.at + first * d->stride, n, d->probes.leads.at,
                          d->probes.n_leads, d->stride, 1, (float)d->lead_slack, l->stream),
             "cannot compare with the leads");
        CUDA(keys_launch(g->best.at + first, l->lead_floors.at, n, l->stream), "cannot compare with the leads");
    }
    CUDA(cudaStreamSynchronize(l->stream), "comparing with the leads");
    return LK_OK;
}

static lk_status check_device(lk_device *d, lk_error *err)
{
    int n = 0;
    cudaError_t error = cudaGetDeviceCount(&n);
    if (error != cudaSuccess || n == 0)
        return fail(err, LK_EUNSUP, "cuda: no device (%s)", error != cudaSuccess ? cudaGetErrorString(error) : "none found");
    cudaDeviceProp p;
    CUDA(cudaGetDeviceProperties(&p, 0), "cannot ask the device what it is");
    if (p.major != 9)
        return fail(err, LK_EUNSUP, "cuda: %s has compute capability %d.%d, expected 9.0 (Hopper)", p.name, p.major,
                    p.minor);
    d->processors = p.multiProcessorCount;
    return LK_OK;
}

static lk_status check_memory(const lk_device *d, lk_error *err)
{
    const struct lk_device_plan *p = &d->plan;
    size_t available, all, depth = p->dim < LK_DEVICE_MAX_DEPTH ? p->dim : LK_DEVICE_MAX_DEPTH;
    size_t lane_bytes = (size_t)NOMINATED_ROOM * sizeof(nominee) + KEPT_ROOM * sizeof(nominee) +
                        FOUND_ROOM * sizeof(lk_device_pair) +
                        (size_t)LK_DEVICE_BLOCK * LK_DEVICE_MAX_LEADS * sizeof(float) + (1 << 20);
    CUDA(cudaMemGetInfo(&available, &all), "cannot ask for the device's memory");
    uint64_t rows = p->probes.rows + p->galleries[0].rows + p->galleries[1].rows;
    uint64_t needed = rows * (d->stride * sizeof(float) + depth + SCAN_CHUNK) + (uint64_t)p->lanes * lane_bytes;
    if (needed > available)
        return fail(err, LK_ENOMEM,
                    "cuda: %llu rows of %zu numbers and %d threads need %.1f GB, the device has %.1f free: compare in "
                    "shards, or with fewer threads",
                    (unsigned long long)rows, p->dim, p->lanes, 1e-9 * (double)needed, 1e-9 * (double)available);
    return LK_OK;
}

static lk_status take_rows(lk_device *d, side *s, const struct lk_device_rows *from, lk_error *err)
{
    s->rows = from->rows;
    s->panels = (from->rows + LK_DEVICE_PANEL - 1) / LK_DEVICE_PANEL;
    return s->rows > 0 ? upload(d, &s->data, from->data, s->rows, d->plan.dim, d->stride, err) : LK_OK;
}

/* All that needs no codes. The first call that needs the device takes a good part of a second. */
static lk_status get_ready(lk_device *d, lk_error *err)
{
    TRY(check_device(d, err));
    TRY(check_memory(d, err));
    CUDA(scan_setup(), "cannot use the device's shared memory");
    d->carriers = std::vector<carrier>(CARRIERS);
    for (carrier &c : d->carriers)
        TRY(c.make(err));
    TRY(take_rows(d, &d->probes, &d->plan.probes, err));
    for (int g = 0; g < 2; g++)
        TRY(take_rows(d, &d->galleries[g], &d->plan.galleries[g], err));
    d->lanes = std::vector<lane>((size_t)d->plan.lanes);
    for (lane &l : d->lanes)
        TRY(make_lane(d, &l, err));
    return LK_OK;
}

static lk_status open_device(lk_device *d, const struct lk_device_setup *setup, lk_error *err)
{
    d->waking.join();
    if (d->status != LK_OK) {
        *err = d->error;
        return d->status;
    }
    d->depth = (setup->depth + SCAN_CHUNK - 1) / SCAN_CHUNK * SCAN_CHUNK;
    d->slack = setup->slack;
    d->float_slack = setup->float_slack;
    d->lead_slack = setup->lead_slack;
    d->sum_slack = setup->sum_slack;
    TRY(upload_codes(d, &d->probes, setup->depth, &setup->probes, LK_DEVICE_PROBE_SET, SCAN_PROBES, err));
    for (int g = 0; g < 2; g++) {
        side *s = &d->galleries[g];
        s->step = setup->step[g];
        d->reach[g] = setup->reach[g];
        d->list_room[g] = setup->list_room[g];
        if (s->rows > 0)
            TRY(upload_codes(d, s, setup->depth, &setup->galleries[g], LK_DEVICE_REFERENCE_SET, SCAN_REFERENCES, err));
    }
    CUDA(cudaDeviceSynchronize(), "copying to the device");
    for (side &s : d->galleries)
        if (s.rows > 0)
            TRY(hint(d, &s, err));
    return LK_OK;
}

static void close_device(struct lk_device *device)
{
    delete device;
}

/* Nothing that C++ throws may leave the module. */
template <class F> static lk_status guarded(lk_error *err, F work)
{
    try {
        return work();
    } catch (const std::exception &e) {
        return fail(err, LK_ENOMEM, "cuda: %s", e.what());
    }
}

static lk_status wake(struct lk_device **out, const struct lk_device_plan *plan, lk_error *err)
{
    return guarded(err, [=] {
        lk_device *d = *out = new lk_device;
        d->plan = *plan;
        d->dim = plan->dim;
        d->stride = (plan->dim + 3) / 4 * 4;
        d->waking = std::thread(
            [d] { d->status = guarded(&d->error, [d] { return get_ready(d, &d->error); }); });
        return LK_OK;
    });
}

static lk_status open_woken(struct lk_device *device, const struct lk_device_setup *setup, lk_error *err)
{
    return guarded(err, [=] { return open_device(device, setup, err); });
}

/* ---- jobs -------------------------------------------------------------------------------------------------- */

static lk_status begin(struct lk_device *d, const struct lk_device_job *block, lk_error *err)
{
    lane *l = &d->lanes[(size_t)block->lane];
    const side *g = &d->galleries[block->gallery];
    uint64_t r = d->list_room[block->gallery];
    CUDA(leads_launch(l->lead_floors.at, l->matrix.at, d->probes.data.at + block->first_probe * d->stride, block->n_probes,
                      g->leads.at, g->n_leads, d->stride, r < 1u << 30 ? (unsigned)r : 1u << 30,
                      (float)d->lead_slack, l->stream),
         "cannot compare with the leads");
    return LK_OK;
}

static lk_status launch(const lk_device *d, lane *l, const struct lk_device_job *job, lk_error *err)
{
    const side *g = &d->galleries[job->gallery];
    uint64_t first_tile = job->first_probe / SCAN_PROBES, end = job->first_probe + job->n_probes;
    unsigned tiles = (unsigned)((end + SCAN_PROBES - 1) / SCAN_PROBES - first_tile);
    uint64_t slices = ((uint64_t)WAVES * d->processors + tiles - 1) / tiles;
    dim3 grid(tiles, (unsigned)(slices < job->n_panels ? slices : job->n_panels));
    unsigned ctas = grid.x * grid.y;
    struct scan_args scan = {};
    scan.chunks = (unsigned)(d->depth / SCAN_CHUNK);
    scan.first_probe = job->first_probe;
    scan.n_probes = job->n_probes;
    scan.references = g->rows;
    scan.panels = g->panels;
    scan.step = g->step;
    scan.first_panel = job->first_panel;
    scan.n_panels = job->n_panels;
    scan.floors = l->floors.at;
    scan.best = g->best.at;
    scan.x = d->probes.left();
    scan.y = g->left();
    scan.reach = d->reach[job->gallery];
    scan.slack = d->slack;
    scan.nominated = l->nominated.at;
    scan.counts = l->counts.at;
    scan.room = NOMINATED_ROOM / ctas;
    struct row_args rows = {d->probes.data.at + job->first_probe * d->stride, g->data.at, d->dim, d->stride,
                            d->float_slack, d->sum_slack};
    CUDA(cudaMemcpyAsync(l->list_floors.at, l->host_floors.at, job->n_probes * sizeof(float), cudaMemcpyHostToDevice, l->stream),
         "cannot copy floors");
    CUDA(cudaMemsetAsync(l->counted.at, 0, sizeof(tally), l->stream), "cannot write to the device");
    CUDA(floors_launch(l->floors.at, l->list_floors.at, l->lead_floors.at, job->floor, job->n_probes, l->stream),
         "cannot find floors");
    CUDA(scan_launch(&d->probes.map, &g->map, &scan, grid, l->stream), "cannot scan");
    CUDA(sift_launch(&scan, ctas, &rows, l->kept.at, l->counted.at, l->stream), "cannot sift");
    CUDA(score_launch(l->kept.at, &rows, l->floors.at, g->best.at, l->found.at, l->counted.at, l->stream),
         "cannot score");
    CUDA(cudaMemcpyAsync(l->host_counted.at, l->counted.at, sizeof(tally), cudaMemcpyDeviceToHost, l->stream),
         "cannot copy from the device");
    return LK_OK;
}

static lk_status scan_job(struct lk_device *d, const struct lk_device_job *job, struct lk_device_found *out,
                          lk_error *err)
{
    lane *l = &d->lanes[(size_t)job->lane];
    for (uint32_t i = 0; i < job->n_probes; i++)
        l->host_floors.at[i] = job->list_floors[i];
    TRY(launch(d, l, job, err));
    CUDA(cudaStreamSynchronize(l->stream), "the scan failed");
    tally t = *l->host_counted.at;
    *out = {l->host_found.at, t.found, t.nominated, t.overflows > 0 || t.kept > KEPT_ROOM || t.found > FOUND_ROOM};
    if (out->full || t.found == 0)
        return LK_OK;
    CUDA(cudaMemcpyAsync(l->host_found.at, l->found.at, t.found * sizeof(lk_device_pair), cudaMemcpyDeviceToHost,
                         l->stream),
         "cannot copy from the device");
    CUDA(cudaStreamSynchronize(l->stream), "copying from the device");
    return LK_OK;
}

extern "C" __attribute__((visibility("default"))) const struct lk_device_module likeness_device_module = {
    LK_DEVICE_VERSION, "cuda", wake, open_woken, begin, scan_job, close_device};
