/* SPDX-License-Identifier: Apache-2.0 */
/* module.cu - the module's host side: what is compared goes to the device, and what is made of it there before the jobs. */
#include <cstdlib>
#include <cstring>
#include <exception>

#include "module.cuh"

/* Rows begin at whole groups of four numbers. */
static size_t padded(size_t dim)
{
    return (dim + 3) / 4 * 4;
}

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

static size_t sets_of(const side *s, unsigned set_rows)
{
    return (s->rows + set_rows - 1) / set_rows;
}

static lk_status make_codes(lk_device *d, side *s, unsigned set_rows, lk_error *err)
{
    size_t sets = sets_of(s, set_rows);
    TRY(s->codes.make(s->rows * d->depth, err));
    TRY(s->scale.make(sets, err));
    TRY(s->error.make(sets, err));
    return s->rest.make(sets, err);
}

static lk_status upload_codes(lk_device *d, side *s, size_t depth, const struct lk_device_codes *from, unsigned set_rows,
                              lk_error *err)
{
    size_t sets = sets_of(s, set_rows);
    TRY(make_codes(d, s, set_rows, err));
    TRY(upload_rows(d->carriers, s->codes.at, from->codes, s->rows, depth, d->depth, err));
    TRY(upload_rows(d->carriers, s->scale.at, from->scale, sets, sizeof(float), sizeof(float), err));
    TRY(upload_rows(d->carriers, s->error.at, from->error, sets, sizeof(float), sizeof(float), err));
    return upload_rows(d->carriers, s->rest.at, from->rest, sets, sizeof(float), sizeof(float), err);
}

static lk_status encode_side(lk_device *d, side *s, unsigned set_rows, double *longest, float *reach, lk_error *err)
{
    buffer<lengths> most;
    lengths found;
    TRY(make_codes(d, s, set_rows, err));
    TRY(most.make(1, err));
    CUDA(cudaMemset(most.at, 0, sizeof found), "cannot write to the device");
    struct encoding e = {s->data.at, s->rows,     d->stride,    d->depth,   set_rows,
                         s->codes.at, s->scale.at, s->error.at, s->rest.at, most.at};
    CUDA(encode_launch(&e, nullptr), "cannot make codes");
    CUDA(cudaMemcpy(&found, most.at, sizeof found, cudaMemcpyDeviceToHost), "making codes");
    *reach = float_of(found.reach);
    *longest = (double)float_of(found.longest);
    return LK_OK;
}

/* The rest of a side, when there are codes. */
static lk_status describe_side(lk_device *d, side *s, const struct lk_device_codes *from, unsigned box_rows, lk_error *err)
{
    s->n_leads = from->n_leads;
    TRY(s->leads.make(s->n_leads * d->stride, err));
    if (from->classes != nullptr)
        TRY(upload(d, &s->classes, from->classes, s->rows, 1, 1, err));
    for (unsigned i = 0; i < s->n_leads; i++)
        CUDA(cudaMemcpyAsync(s->leads.at + i * d->stride, s->data.at + from->leads[i] * d->stride,
                             d->stride * sizeof(float), cudaMemcpyDeviceToDevice),
             "cannot copy on the device");
    return d->abilities.hopper ? describe_codes(s, d->depth, box_rows, err) : LK_OK;
}

/* A score that some probe reaches with each reference. */
static lk_status hint(lk_device *d, side *g, lk_error *err)
{
    lane *l = &d->lanes[0];
    TRY(g->best.make(g->rows, err));
    for (uint64_t first = 0; first < g->rows; first += LK_DEVICE_BLOCK) {
        uint64_t left = g->rows - first;
        unsigned n = left < LK_DEVICE_BLOCK ? (unsigned)left : LK_DEVICE_BLOCK;
        CUDA(leads_launch(l->known_floors, l->matrix, nullptr, g->data.at + first * d->stride, n, d->probes.leads.at,
                          d->probes.n_leads, d->stride, 1, (float)d->lead_slack, l->stream),
             "cannot compare with the leads");
        CUDA(keys_launch(g->best.at + first, l->known_floors, n, l->stream), "cannot compare with the leads");
    }
    CUDA(cudaStreamSynchronize(l->stream), "comparing with the leads");
    return LK_OK;
}

static lk_status check_device(struct abilities *out, lk_error *err)
{
    int n = 0;
    cudaError_t error = cudaGetDeviceCount(&n);
    if (error != cudaSuccess || n == 0)
        return fail(err, LK_EUNSUP, "cuda: no device (%s)", error != cudaSuccess ? cudaGetErrorString(error) : "none found");
    cudaDeviceProp p;
    CUDA(cudaGetDeviceProperties(&p, 0), "cannot ask the device what it is");
    if (p.major < 8)
        return fail(err, LK_EUNSUP, "cuda: %s has compute capability %d.%d, expected 8.0 (Ampere) or more", p.name, p.major,
                    p.minor);
    const char *scan = getenv("LIKENESS_CUDA_SCAN"); /* for tests of the scan that is not this device's */
    *out = {p.major == 9 && (scan == nullptr || strcmp(scan, "ampere") != 0), p.multiProcessorCount, p.sharedMemPerBlockOptin};
    if (out->shared_limit < scan_ampere_needs())
        return fail(err, LK_EUNSUP, "cuda: %s gives a block of threads %zu bytes of shared memory, expected %zu", p.name,
                    out->shared_limit, scan_ampere_needs());
    return LK_OK;
}

/* What a device needs for the probes and an n-th of the galleries. */
static uint64_t bytes_of(const struct lk_device_plan *p, int processors, uint64_t n)
{
    size_t stride = padded(p->dim), depth = p->dim < LK_DEVICE_MAX_DEPTH ? p->dim : LK_DEVICE_MAX_DEPTH;
    uint64_t rows = p->probes.rows;
    for (int g = 0; g < 2; g++)
        rows += (p->galleries[g].rows + n - 1) / n;
    return rows * (stride * sizeof(float) + depth + SCAN_CHUNK) + (uint64_t)p->lanes * lane_bytes(processors);
}

static lk_status find_free(size_t *available, lk_error *err)
{
    size_t all;
    CUDA(cudaMemGetInfo(available, &all), "cannot ask for the device's memory");
    return LK_OK;
}

static lk_status check_memory(const lk_device *d, lk_error *err)
{
    const struct lk_device_plan *p = &d->plan;
    size_t available = 0;
    TRY(find_free(&available, err));
    uint64_t needed = bytes_of(p, d->abilities.processors, 1);
    if (needed > available)
        return fail(err, LK_ENOMEM,
                    "cuda: %llu rows of %zu numbers and %d threads need %.1f GB, the device has %.1f free: compare in "
                    "shards, or with fewer threads",
                    (unsigned long long)(p->probes.rows + p->galleries[0].rows + p->galleries[1].rows), p->dim, p->lanes,
                    1e-9 * (double)needed, 1e-9 * (double)available);
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
    TRY(check_device(&d->abilities, err));
    TRY(check_memory(d, err));
    size_t limit = d->abilities.shared_limit;
    CUDA(d->abilities.hopper ? scan_hopper_setup() : scan_ampere_setup(limit), "cannot use the device's shared memory");
    CUDA(score_setup(limit), "cannot use the device's shared memory");
    if (!d->abilities.hopper)
        TRY(try_scan(err));
    d->carriers = std::vector<carrier>(CARRIERS);
    for (carrier &c : d->carriers)
        TRY(c.make(err));
    TRY(take_rows(d, &d->probes, &d->plan.probes, err));
    for (int g = 0; g < 2; g++)
        TRY(take_rows(d, &d->galleries[g], &d->plan.galleries[g], err));
    return make_lanes(d, err);
}

/* Behind it the device has the rows. */
static lk_status wait_for_waking(lk_device *d, lk_error *err)
{
    if (d->waking.joinable())
        d->waking.join();
    if (d->status != LK_OK)
        *err = d->error;
    return d->status;
}

static void choose_depth(lk_device *d, size_t depth)
{
    d->depth = (depth + SCAN_CHUNK - 1) / SCAN_CHUNK * SCAN_CHUNK;
}

static lk_status encode_device(lk_device *d, struct lk_device_lengths *out, lk_error *err)
{
    TRY(wait_for_waking(d, err));
    *out = {};
    choose_depth(d, d->dim);
    TRY(encode_side(d, &d->probes, LK_DEVICE_PROBE_SET, &out->longest[0], &out->reach[0], err));
    for (int g = 0; g < 2; g++)
        if (d->galleries[g].rows > 0)
            TRY(encode_side(d, &d->galleries[g], LK_DEVICE_REFERENCE_SET, &out->longest[1 + g], &out->reach[1 + g], err));
    return LK_OK;
}

static lk_status open_side(lk_device *d, side *s, const struct lk_device_setup *setup, const struct lk_device_codes *from,
                           unsigned set_rows, unsigned box_rows, lk_error *err)
{
    if (from->codes != nullptr)
        TRY(upload_codes(d, s, setup->depth, from, set_rows, err));
    return describe_side(d, s, from, box_rows, err);
}

static lk_status open_device(lk_device *d, const struct lk_device_setup *setup, lk_error *err)
{
    TRY(wait_for_waking(d, err));
    choose_depth(d, setup->depth);
    d->slack = setup->slack;
    d->lead_slack = setup->lead_slack;
    d->sum_slack = setup->sum_slack;
    TRY(open_side(d, &d->probes, setup, &setup->probes, LK_DEVICE_PROBE_SET, SCAN_PROBES, err));
    for (int g = 0; g < 2; g++) {
        side *s = &d->galleries[g];
        s->step = setup->step[g];
        d->reach[g] = setup->reach[g];
        d->list_room[g] = setup->list_room[g];
        if (s->rows > 0)
            TRY(open_side(d, s, setup, &setup->galleries[g], LK_DEVICE_REFERENCE_SET, SCAN_REFERENCES, err));
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

/* Two parts and a little room must be there at a time. */
static lk_status count_parts(const struct lk_device_plan *plan, uint64_t *n, lk_error *err)
{
    struct abilities abilities;
    size_t available = 0;
    TRY(check_device(&abilities, err));
    int processors = abilities.processors;
    TRY(find_free(&available, err));
    available -= available / 16;
    *n = 1;
    if (bytes_of(plan, processors, 1) <= available)
        return LK_OK;
    uint64_t alone = bytes_of(plan, processors, UINT64_MAX >> 1), most = plan->galleries[0].rows; /* a row of each gallery */
    if (2 * alone > available)
        return fail(err, LK_ENOMEM,
                    "cuda: %llu probes of %zu numbers and %d threads need %.1f GB twice, the device has %.1f free: compare with "
                    "fewer threads, or on the processor",
                    (unsigned long long)plan->probes.rows, plan->dim, plan->lanes, 1e-9 * (double)alone,
                    1e-9 * (double)available);
    uint64_t low = 1; /* too few; `most` are enough */
    while (most - low > 1) {
        uint64_t middle = low + (most - low) / 2;
        (2 * bytes_of(plan, processors, middle) <= available ? most : low) = middle;
    }
    *n = most;
    return LK_OK;
}

static lk_status parts(const struct lk_device_plan *plan, uint64_t *n, lk_error *err)
{
    return guarded(err, [=] { return count_parts(plan, n, err); });
}

static lk_status wake(struct lk_device **out, const struct lk_device_plan *plan, lk_error *err)
{
    return guarded(err, [=] {
        lk_device *d = *out = new lk_device;
        d->plan = *plan;
        d->dim = plan->dim;
        d->stride = padded(plan->dim);
        d->waking = std::thread(
            [d] { d->status = guarded(&d->error, [d] { return get_ready(d, &d->error); }); });
        return LK_OK;
    });
}

static lk_status encode_woken(struct lk_device *device, struct lk_device_lengths *out, lk_error *err)
{
    return guarded(err, [=] { return encode_device(device, out, err); });
}

static lk_status open_woken(struct lk_device *device, const struct lk_device_setup *setup, lk_error *err)
{
    return guarded(err, [=] { return open_device(device, setup, err); });
}

static lk_status scan_guarded(struct lk_device *device, const struct lk_device_job *job, struct lk_device_found *out,
                              lk_error *err)
{
    return guarded(err, [=] { return scan_job(device, job, out, err); });
}

extern "C" __attribute__((visibility("default"))) const struct lk_device_module likeness_device_module = {
    LK_DEVICE_VERSION, "cuda", parts, wake, encode_woken, open_woken, begin_block, scan_guarded, close_device};
