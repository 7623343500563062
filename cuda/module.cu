/* SPDX-License-Identifier: Apache-2.0 */
/* module.cu - the CUDA module's host side: what lies on the device, and the jobs of each lane. */
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>
#include <thread>
#include <vector>

#include "device.cuh"

enum { WAVES = 4 }; /* blocks of threads of a scan for each multiprocessor, about */

static lk_status fail(lk_error *err, lk_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->code = status;
    err->sys_errno = 0;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

static lk_status fail_cuda(lk_error *err, cudaError_t error, const char *what)
{
    return fail(err, error == cudaErrorMemoryAllocation ? LK_ENOMEM : LK_EUNSUP, "cuda: %s: %s", what,
                cudaGetErrorString(error));
}

#define CUDA(call, what)                                                                                               \
    do {                                                                                                               \
        cudaError_t error_ = (call);                                                                                   \
        if (error_ != cudaSuccess)                                                                                     \
            return fail_cuda(err, error_, what);                                                                       \
    } while (0)

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        lk_status status_ = (call);                                                                                    \
        if (status_ != LK_OK)                                                                                          \
            return status_;                                                                                            \
    } while (0)

/* ---- memory of the device, freed with its owner ------------------------------------------------------------ */

template <class T> struct buffer {
    T *at = nullptr;
    buffer() = default;
    buffer(const buffer &) = delete;
    ~buffer()
    {
        cudaFree(at);
    }
    lk_status make(size_t n, lk_error *err)
    {
        CUDA(cudaMalloc((void **)&at, (n > 0 ? n : 1) * sizeof(T)), "no memory on the device");
        return LK_OK;
    }
};

template <class T> struct pinned {
    T *at = nullptr;
    pinned() = default;
    pinned(const pinned &) = delete;
    ~pinned()
    {
        cudaFreeHost(at);
    }
    lk_status make(size_t n, lk_error *err)
    {
        CUDA(cudaMallocHost((void **)&at, n * sizeof(T)), "no memory that the device can reach");
        return LK_OK;
    }
};

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
    int processors;
    size_t dim, stride, depth; /* stride, depth: as they lie on the device, filled up with zeros */
    float reach[2], slack;
    double float_slack, lead_slack, sum_slack;
    uint64_t list_room[2];
    std::thread waking;
    side probes, galleries[2];
    std::vector<lane> lanes;
    ~lk_device()
    {
        if (waking.joinable())
            waking.join();
    }
};

/* ---- what is compared goes to the device --------------------------------------------------------------------- */

/* Rows go over in pieces through memory that the device reaches, by several threads: one alone is slower than the
 * way. */
enum { UPLOAD_THREADS = 8, UPLOAD_BYTES = 4 << 20 };

struct piece_carrier {
    pinned<char> room[2];
    cudaStream_t stream = nullptr;
    cudaEvent_t sent[2] = {};
    ~piece_carrier()
    {
        for (cudaEvent_t event : sent)
            if (event != nullptr)
                cudaEventDestroy(event);
        if (stream != nullptr)
            cudaStreamDestroy(stream);
    }
    lk_status make(lk_error *err)
    {
        CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "no stream");
        for (int i = 0; i < 2; i++) {
            TRY(room[i].make(UPLOAD_BYTES, err));
            CUDA(cudaEventCreateWithFlags(&sent[i], cudaEventDisableTiming), "no event");
        }
        return LK_OK;
    }
};

/* `width` bytes of each row, filled up with zeros to `stride`. */
struct rows_to_carry {
    char *to;
    const char *from;
    size_t rows, width, stride;
};

static lk_status carry_pieces(const rows_to_carry *r, std::atomic<size_t> *next, lk_error *err)
{
    piece_carrier c;
    size_t each = UPLOAD_BYTES / r->stride;
    TRY(c.make(err));
    for (unsigned turn = 0;; turn ^= 1) {
        size_t first = each * (*next)++;
        if (first >= r->rows)
            break;
        size_t n = r->rows - first < each ? r->rows - first : each;
        char *room = c.room[turn].at;
        CUDA(cudaEventSynchronize(c.sent[turn]), "cannot copy to the device");
        if (r->width == r->stride)
            memcpy(room, r->from + first * r->width, n * r->width);
        for (size_t i = 0; r->width != r->stride && i < n; i++) {
            memcpy(room + i * r->stride, r->from + (first + i) * r->width, r->width);
            memset(room + i * r->stride + r->width, 0, r->stride - r->width);
        }
        CUDA(cudaMemcpyAsync(r->to + first * r->stride, room, n * r->stride, cudaMemcpyHostToDevice, c.stream),
             "cannot copy to the device");
        CUDA(cudaEventRecord(c.sent[turn], c.stream), "cannot copy to the device");
    }
    CUDA(cudaStreamSynchronize(c.stream), "copying to the device");
    return LK_OK;
}

template <class T>
static lk_status upload(buffer<T> *to, const T *from, size_t rows, size_t width, size_t stride, lk_error *err)
{
    TRY(to->make(rows * stride, err));
    rows_to_carry r = {(char *)to->at, (const char *)from, rows, width * sizeof(T), stride * sizeof(T)};
    if (r.stride > UPLOAD_BYTES)
        return fail(err, LK_EUNSUP, "cuda: rows of %zu numbers are too long", width);
    std::atomic<size_t> next(0);
    size_t pieces = rows / (UPLOAD_BYTES / r.stride) + 1, n = pieces < UPLOAD_THREADS ? pieces : UPLOAD_THREADS;
    std::vector<lk_error> errors(n);
    std::vector<lk_status> status(n, LK_OK);
    std::vector<std::thread> threads;
    for (size_t i = 1; i < n; i++)
        threads.emplace_back([&, i] { status[i] = carry_pieces(&r, &next, &errors[i]); });
    status[0] = carry_pieces(&r, &next, &errors[0]);
    for (std::thread &t : threads)
        t.join();
    for (size_t i = 0; i < n; i++)
        if (status[i] != LK_OK) {
            *err = errors[i];
            return status[i];
        }
    return LK_OK;
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

static lk_status upload_side(lk_device *d, side *s, const struct lk_device_setup *setup,
                             const struct lk_device_rows *from, unsigned set_rows, unsigned box_rows, lk_error *err)
{
    s->rows = from->rows;
    s->panels = (from->rows + LK_DEVICE_PANEL - 1) / LK_DEVICE_PANEL;
    s->n_leads = from->n_leads;
    if (from->rows == 0)
        return LK_OK;
    size_t sets = (from->rows + set_rows - 1) / set_rows;
    TRY(upload(&s->data, from->data, from->rows, d->dim, d->stride, err));
    TRY(upload(&s->codes, from->codes, from->rows, setup->depth, d->depth, err));
    TRY(upload(&s->scale, from->scale, sets, 1, 1, err));
    TRY(upload(&s->error, from->error, sets, 1, 1, err));
    TRY(upload(&s->rest, from->rest, sets, 1, 1, err));
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

static lk_status check_memory(const lk_device *d, const struct lk_device_setup *setup, lk_error *err)
{
    size_t available, all, lane_bytes = (size_t)NOMINATED_ROOM * sizeof(nominee) + KEPT_ROOM * sizeof(nominee) +
                                   FOUND_ROOM * sizeof(lk_device_pair) +
                                   (size_t)LK_DEVICE_BLOCK * LK_DEVICE_MAX_LEADS * sizeof(float);
    CUDA(cudaMemGetInfo(&available, &all), "cannot ask for the device's memory");
    uint64_t rows = setup->probes.rows + setup->galleries[0].rows + setup->galleries[1].rows;
    uint64_t needed = rows * (d->stride * sizeof(float) + d->depth + 16) + (uint64_t)setup->lanes * (lane_bytes + (1 << 20));
    if (needed > available)
        return fail(err, LK_ENOMEM,
                    "cuda: %llu rows of %zu numbers and %d threads need %.1f GB, the device has %.1f free: compare in "
                    "shards, or with fewer threads",
                    (unsigned long long)rows, d->dim, setup->lanes, 1e-9 * (double)needed, 1e-9 * (double)available);
    return LK_OK;
}

static lk_status open_device(lk_device *d, const struct lk_device_setup *setup, lk_error *err)
{
    d->waking.join();
    TRY(check_device(d, err));
    d->dim = setup->dim;
    d->stride = (setup->dim + 3) / 4 * 4;
    d->depth = (setup->depth + SCAN_CHUNK - 1) / SCAN_CHUNK * SCAN_CHUNK;
    d->slack = setup->slack;
    d->float_slack = setup->float_slack;
    d->lead_slack = setup->lead_slack;
    d->sum_slack = setup->sum_slack;
    TRY(check_memory(d, setup, err));
    CUDA(scan_setup(), "cannot use the device's shared memory");
    TRY(upload_side(d, &d->probes, setup, &setup->probes, LK_DEVICE_PROBE_SET, SCAN_PROBES, err));
    d->lanes = std::vector<lane>((size_t)setup->lanes);
    for (lane &l : d->lanes)
        TRY(make_lane(d, &l, err));
    for (int g = 0; g < 2; g++) {
        side *s = &d->galleries[g];
        TRY(upload_side(d, s, setup, &setup->galleries[g], LK_DEVICE_REFERENCE_SET, SCAN_REFERENCES, err));
        s->step = setup->step[g];
        d->reach[g] = setup->reach[g];
        d->list_room[g] = setup->list_room[g];
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

/* The first call that needs the device takes a good part of a second. */
static lk_status wake(struct lk_device **out, lk_error *err)
{
    return guarded(err, [=] {
        lk_device *d = new lk_device;
        *out = d;
        d->waking = std::thread([] { cudaFree(nullptr); });
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
