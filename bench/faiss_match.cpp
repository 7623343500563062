/* SPDX-License-Identifier: Apache-2.0 */
/* faiss_match.cpp - what the search is compared with: Faiss IndexFlatIP, k = 1, on a BLAS that uses the machine.
 *
 * usage: faiss_match PROBES.npy REFERENCES.npy THREADS LEVEL [FIRST_PROBES [OUT]]
 *   LEVEL  best or avx2: the instructions OpenBLAS may use
 *   OUT    gets, for each probe, int64 reference and float32 score, as two arrays one after the other */
#include <faiss/IndexFlat.h>
#include <faiss/utils/distances.h>
#include <omp.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" {
void sgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const float *alpha,
            const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c, const int *ldc);
void openblas_set_num_threads(int threads);
char *openblas_get_corename(void);
char *openblas_get_config(void);
}

namespace {

struct Matrix {
    size_t rows = 0, dim = 0;
    std::vector<float> data;
};

/* A .npy file of float32 rows, its first `most` rows. */
Matrix read_npy(const std::string &path, size_t most)
{
    std::ifstream in(path, std::ios::binary);
    char start[10];
    in.read(start, sizeof start);
    if (!in || std::memcmp(start, "\x93NUMPY\x01", 7) != 0)
        throw std::runtime_error(path + ": not a .npy file of version 1");
    std::string header(static_cast<unsigned char>(start[8]) | static_cast<unsigned char>(start[9]) << 8, ' ');
    in.read(header.data(), static_cast<std::streamsize>(header.size()));
    Matrix m;
    size_t at = header.find("'shape': (");
    if (header.find("'<f4'") == std::string::npos || header.find("'fortran_order': False") == std::string::npos ||
        at == std::string::npos || std::sscanf(header.c_str() + at + 10, "%zu, %zu", &m.rows, &m.dim) != 2)
        throw std::runtime_error(path + ": expected rows of float32");
    m.rows = std::min(m.rows, most);
    m.data.resize(m.rows * m.dim);
    in.read(reinterpret_cast<char *>(m.data.data()), static_cast<std::streamsize>(m.data.size() * sizeof(float)));
    if (!in)
        throw std::runtime_error(path + ": ends too early");
    return m;
}

double seconds()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/* The matrix product that Faiss asks for, block by block, alone: what this BLAS can do here. Best of 20. */
double sgemm_gflops(size_t dim)
{
    int m = 1024, n = 4096, k = static_cast<int>(dim);
    std::vector<float> a(size_t(m) * dim), b(size_t(n) * dim), c(size_t(m) * size_t(n));
    std::minstd_rand random(1);
    for (auto *v : {&a, &b})
        for (auto &x : *v)
            x = float(random()) / float(random.max()) - 0.5f;
    const float one = 1, zero = 0;
    double best = 1e9;
    for (int i = 0; i < 20; i++) {
        double start = seconds();
        sgemm_("T", "N", &m, &n, &k, &one, a.data(), &k, b.data(), &k, &zero, c.data(), &m);
        best = std::min(best, seconds() - start);
    }
    return 2.0 * m * n * k / best / 1e9;
}

/* OpenBLAS chooses its kernels when it is loaded, and Debian 12's knows no recent processor: so the choice is made for it, and the program
 * starts again. Idle OpenMP threads must not spin while OpenBLAS has threads of its own at work. */
void choose_core(char **argv, const std::string &level)
{
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    const char *core = level == "best" && avx512 ? "SKYLAKEX" : "HASWELL";
    const char *set = std::getenv("OPENBLAS_CORETYPE");
    if (set != nullptr && std::strcmp(set, core) == 0)
        return;
    setenv("OPENBLAS_CORETYPE", core, 1);
    setenv("OMP_WAIT_POLICY", "passive", 0);
    execv("/proc/self/exe", argv);
    throw std::runtime_error("cannot start again with OPENBLAS_CORETYPE set");
}

void run(int argc, char **argv)
{
    int threads = std::atoi(argv[3]);
    choose_core(argv, argv[4]);
    omp_set_num_threads(threads);
    openblas_set_num_threads(threads);
    Matrix probes = read_npy(argv[1], argc > 5 && std::atoll(argv[5]) > 0 ? size_t(std::atoll(argv[5])) : SIZE_MAX);
    Matrix references = read_npy(argv[2], SIZE_MAX);
    if (probes.dim != references.dim)
        throw std::runtime_error("probes and references differ in length");
    double gflops = sgemm_gflops(probes.dim);
    faiss::IndexFlatIP index(static_cast<faiss::Index::idx_t>(references.dim));
    index.add(static_cast<faiss::Index::idx_t>(references.rows), references.data.data());
    std::vector<float> scores(probes.rows);
    std::vector<faiss::Index::idx_t> found(probes.rows);
    double start = seconds();
    index.search(static_cast<faiss::Index::idx_t>(probes.rows), probes.data.data(), 1, scores.data(), found.data());
    double took = seconds() - start;
    double pairs = double(probes.rows) * double(references.rows);
    std::printf("faiss probes %zu references %zu dim %zu threads %d core %s seconds %.3f pairs_per_second %.4g search_gflops %.1f "
                "sgemm_gflops %.1f\n",
                probes.rows, references.rows, probes.dim, threads, openblas_get_corename(), took, pairs / took,
                2e-9 * pairs * double(probes.dim) / took, gflops);
    if (argc > 6) {
        std::ofstream out(argv[6], std::ios::binary);
        out.write(reinterpret_cast<const char *>(found.data()), static_cast<std::streamsize>(found.size() * sizeof found[0]));
        out.write(reinterpret_cast<const char *>(scores.data()), static_cast<std::streamsize>(scores.size() * sizeof scores[0]));
        if (!out.flush())
            throw std::runtime_error(std::string(argv[6]) + ": cannot write");
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 5) {
        std::fprintf(stderr, "usage: faiss_match PROBES.npy REFERENCES.npy THREADS best|avx2 [FIRST_PROBES [OUT]]\n");
        return 2;
    }
    try {
        run(argc, argv);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "faiss_match: error: %s\n", e.what());
        return 1;
    }
    return 0;
}
