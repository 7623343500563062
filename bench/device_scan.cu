/* SPDX-License-Identifier: Apache-2.0 */
/* device_scan.cu - the rate of the CUDA module's scan alone, on random codes: with floors that nothing reaches, and with
 * floors that about one pair in a thousand does. */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../cuda/device.cuh"

static void check(cudaError_t error, const char *what)
{
    if (error == cudaSuccess)
        return;
    fprintf(stderr, "device_scan: %s: %s\n", what, cudaGetErrorString(error));
    exit(1);
}

static __global__ void fill_codes(int8_t *codes, size_t n, unsigned seed)
{
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += gridDim.x * (size_t)blockDim.x) {
        unsigned long long x = (i + 1) * 0x9e3779b97f4a7c15ull + seed;
        x ^= x >> 29;
        x *= 0xbf58476d1ce4e5b9ull;
        x ^= x >> 32;
        codes[i] = (int8_t)((int)(x & 63) + (int)(x >> 8 & 63) - 63); /* about normal */
    }
}

static __global__ void fill_floats(float *to, float value, size_t n)
{
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += gridDim.x * (size_t)blockDim.x)
        to[i] = value;
}

template <class T> static T *take(size_t n)
{
    T *p = nullptr;
    check(cudaMalloc((void **)&p, n * sizeof(T)), "memory");
    return p;
}

static float *floats(size_t n, float value)
{
    float *p = take<float>(n);
    fill_floats<<<1024, 256>>>(p, value, n);
    return p;
}

static CUtensorMap describe(int8_t *codes, size_t rows, size_t depth, unsigned box_rows)
{
    void *entry = nullptr;
    cudaDriverEntryPointQueryResult found;
    check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault, &found), "driver");
    CUtensorMap map;
    const cuuint64_t sizes[2] = {depth, rows}, strides[1] = {depth};
    const cuuint32_t box[2] = {SCAN_CHUNK, box_rows}, steps[2] = {1, 1};
    if (((decltype(&cuTensorMapEncodeTiled))entry)(&map, CU_TENSOR_MAP_DATA_TYPE_UINT8, 2, codes, sizes, strides, box,
                                                   steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                                                   CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                                                   CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) != CUDA_SUCCESS)
        check(cudaErrorInvalidValue, "tensor map");
    return map;
}

int main(int argc, char **argv)
{
    size_t depth = argc > 1 ? strtoull(argv[1], NULL, 10) : 512, probes = 2048, references = 490623;
    unsigned blocks = argc > 2 ? (unsigned)atoi(argv[2]) : 60, waves = argc > 3 ? (unsigned)atoi(argv[3]) : 4;
    cudaDeviceProp p;
    check(cudaGetDeviceProperties(&p, 0), "device");
    int8_t *x = take<int8_t>(probes * depth), *y = take<int8_t>(references * depth);
    fill_codes<<<1024, 256>>>(x, probes * depth, 1);
    fill_codes<<<1024, 256>>>(y, references * depth, 2);
    CUtensorMap x_map = describe(x, probes, depth, SCAN_PROBES), y_map = describe(y, references, depth, SCAN_REFERENCES);
    check(scan_hopper_setup(), "setup");
    float sd = 25.6f * 25.6f * sqrtf((float)depth); /* of a sum */
    for (int nominating = 0; nominating < 2; nominating++) {
        struct scan_args a = {};
        a.chunks = (unsigned)(depth / SCAN_CHUNK);
        a.references = references;
        a.panels = (references + SCAN_REFERENCES - 1) / SCAN_REFERENCES;
        a.step = 1187;
        a.n_panels = a.panels;
        a.n_probes = (unsigned)probes;
        a.floors = floats(probes, nominating ? 3.1f * sd : 1e9f);
        float *best = floats(references, nominating ? 3.1f * sd : 1e9f);
        a.best = (const int *)best; /* positive floats are their own keys */
        a.x = {floats(probes / 32 + 1, 1), floats(probes / 32 + 1, 0), floats(probes / 32 + 1, 0)};
        a.y = {floats(references / 64 + 1, 1), floats(references / 64 + 1, 0), floats(references / 64 + 1, 0)};
        dim3 grid(probes / SCAN_PROBES, (waves * p.multiProcessorCount + probes / SCAN_PROBES - 1) / (probes / SCAN_PROBES));
        unsigned ctas = grid.x * grid.y, lists = SCAN_LISTS * ctas;
        a.nominated = take<nominee>(NOMINATED_ROOM);
        a.counts = take<unsigned>(lists);
        a.room = NOMINATED_ROOM / lists;
        cudaEvent_t start, end;
        check(cudaEventCreate(&start), "event");
        check(cudaEventCreate(&end), "event");
        std::vector<float> times;
        for (unsigned i = 0; i < blocks; i++) {
            float ms;
            check(cudaEventRecord(start), "record");
            check(scan_hopper_launch(&x_map, &y_map, &a, grid, 0), "scan");
            check(cudaEventRecord(end), "record");
            check(cudaEventSynchronize(end), "scan");
            check(cudaEventElapsedTime(&ms, start, end), "time");
            times.push_back(ms);
        }
        std::vector<unsigned> counts(lists);
        check(cudaMemcpy(counts.data(), a.counts, lists * sizeof(unsigned), cudaMemcpyDeviceToHost), "copy");
        double nominated = 0, pairs = (double)probes * (double)references;
        for (unsigned c : counts)
            nominated += c;
        std::sort(times.begin(), times.end());
        double median = times[times.size() / 2] * 1e-3;
        printf("depth %zu, %u blocks of threads: %.4f ms median (best %.4f), %.1f Top/s, %.4g pairs/s, nominated %.4f %%\n",
               depth, ctas, 1e3 * median, times[0], 2e-12 * pairs * (double)depth / median, pairs / median,
               100 * nominated / pairs);
    }
    return 0;
}
