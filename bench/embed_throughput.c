/* SPDX-License-Identifier: Apache-2.0 */
/* embed_throughput.c - what `likeness embed --aligned` reaches of ONNX Runtime alone on the same pictures.
 *
 * usage: embed_throughput MODEL CROPS [IMAGES [ROUNDS [SET]]]
 *
 * CROPS is a folder of aligned 112 x 112 pictures; they are linked under new names until there are IMAGES of
 * them. With SET, an archive of IMAGES such pictures, side A embeds that instead of the links. Side A is
 * lk_embed: listing, reading, decoding, embedding, writing, and loading the model. Side B runs the model on
 * tensors that lie ready in memory, as many sessions as cores, each with one thread, the sessions made and
 * warmed beforehand. Where the model takes several pictures at once there is a side C, which gives them to it
 * as lk_embed does. The sides take turns; the median of the rounds counts. Images per CPU second are printed
 * too: on a machine with other work they are the fairer figure. */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <onnxruntime_c_api.h>

#include "base/clock.h"
#include "base/pool.h"
#include "formats/source.h"
#include "vision/embedder.h"
#include "vision/model.h"

enum { MAX_ROUNDS = 99 };

struct bench {
    lk_ctx *ctx;
    const char *model_name, *set;
    size_t images, rounds;
    char dir[64], pictures[80];
    struct lk_source *crops;
    size_t n_crops;
    struct lk_model *model;
    /* sides B and C */
    const OrtApi *api;
    OrtEnv *env;
    OrtSession **sessions; /* one for each thread */
    OrtMemoryInfo *memory;
    float *tensors;        /* of the distinct crops */
    char *input, *output;
    size_t batch; /* of side C; 1 = there is none */
};

static void die(const lk_error *err)
{
    fprintf(stderr, "embed_throughput: %s\n", err->text);
    exit(1);
}

static void check(const struct bench *b, OrtStatus *status)
{
    if (status == NULL)
        return;
    fprintf(stderr, "embed_throughput: ONNX Runtime: %s\n", b->api->GetErrorMessage(status));
    exit(1);
}

/* Images per second, and per second of processor time. */
struct rate {
    double wall, cpu;
};

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

/* ---- the pictures ------------------------------------------------------------------------------ */

static void link_pictures(struct bench *b, const char *crops)
{
    lk_error err;
    if (lk_source_open(&b->crops, &crops, 1, NULL, &err) != LK_OK)
        die(&err);
    b->n_crops = lk_source_count(b->crops);
    struct lk_str path = LK_STR_INIT;
    strcpy(b->dir, "/tmp/likeness-bench-XXXXXX");
    if (mkdtemp(b->dir) == NULL) {
        perror(b->dir);
        exit(1);
    }
    snprintf(b->pictures, sizeof b->pictures, "%s/in", b->dir);
    if (lk_mkdirs(b->pictures, &err) != LK_OK)
        die(&err);
    for (size_t i = 0; i < b->images; i++) {
        if (lk_source_path(b->crops, i % b->n_crops, &path, &err) != LK_OK)
            die(&err);
        char name[120], *target = realpath(path.text, NULL);
        snprintf(name, sizeof name, "%s/%08zu.png", b->pictures, i);
        if (target == NULL || symlink(target, name) != 0) {
            perror(name);
            exit(1);
        }
        free(target);
    }
    lk_str_free(&path);
}

/* ---- side A ------------------------------------------------------------------------------------ */

static struct rate embed_rate(struct bench *b, size_t round)
{
    char output[120];
    snprintf(output, sizeof output, "%s/out%zu", b->dir, round);
    const char *inputs[] = {b->set != NULL ? b->set : b->pictures};
    lk_embed_options options;
    lk_embed_options_init(&options);
    options.inputs = inputs;
    options.n_inputs = 1;
    options.output = output;
    options.model = b->model_name;
    options.aligned = 1;
    lk_embed_summary summary;
    lk_error err;
    double start = lk_clock_seconds(), cpu = cpu_seconds();
    if (lk_embed(b->ctx, &options, &summary, &err) != LK_OK)
        die(&err);
    double seconds = lk_clock_seconds() - start;
    cpu = cpu_seconds() - cpu;
    if (summary.n_embedded != b->images) {
        fprintf(stderr, "embed_throughput: %" PRIu64 " of %zu pictures embedded; are they aligned crops?\n",
                summary.n_embedded, b->images);
        exit(1);
    }
    return (struct rate){(double)b->images / seconds, (double)b->images / cpu};
}

/* ---- sides B and C ------------------------------------------------------------------------------------ */

static void load_tensors(struct bench *b)
{
    size_t count = LK_INPUT_COUNT(&b->model->input);
    lk_error err;
    b->tensors = lk_alloc_aligned(b->n_crops * count, sizeof *b->tensors, &err);
    for (size_t i = 0; b->tensors != NULL && i < b->n_crops; i++) {
        uint8_t *bytes;
        size_t len;
        struct lk_image image = {0};
        if (lk_source_read(b->crops, i, &bytes, &len, &err) != LK_OK ||
            lk_image_decode(bytes, len, &image, &err) != LK_OK)
            die(&err);
        lk_tensor_fill(&b->model->input, &image, b->tensors + i * count);
        lk_image_free(&image);
        free(bytes);
    }
    if (b->tensors == NULL)
        die(&err);
}

static void open_sessions(struct bench *b)
{
    b->api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    OrtSessionOptions *options;
    check(b, b->api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "bench", &b->env));
    check(b, b->api->CreateSessionOptions(&options));
    check(b, b->api->SetIntraOpNumThreads(options, 1));
    check(b, b->api->SetInterOpNumThreads(options, 1));
    check(b, b->api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
    check(b, b->api->AddSessionConfigEntry(options, "session.set_denormal_as_zero", "1"));
    int threads = lk_ctx_threads(b->ctx);
    b->sessions = calloc((size_t)threads, sizeof(OrtSession *));
    for (int i = 0; i < threads; i++)
        check(b, b->api->CreateSession(b->env, b->model->path, options, &b->sessions[i]));
    b->api->ReleaseSessionOptions(options);
    check(b, b->api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &b->memory));
    OrtAllocator *allocator;
    check(b, b->api->GetAllocatorWithDefaultOptions(&allocator));
    check(b, b->api->SessionGetInputName(b->sessions[0], 0, allocator, &b->input));
    check(b, b->api->SessionGetOutputName(b->sessions[0], 0, allocator, &b->output));
}

/* LK_EMBED_BATCH where the file leaves the number of pictures open. */
static size_t find_batch(const struct bench *b)
{
    OrtTypeInfo *type;
    const OrtTensorTypeAndShapeInfo *tensor;
    int64_t dims[4];
    check(b, b->api->SessionGetInputTypeInfo(b->sessions[0], 0, &type));
    check(b, b->api->CastTypeInfoToTensorInfo(type, &tensor));
    check(b, b->api->GetDimensions(tensor, dims, 4));
    b->api->ReleaseTypeInfo(type);
    return dims[0] == -1 && b->n_crops >= LK_EMBED_BATCH ? LK_EMBED_BATCH : 1;
}

struct runtime {
    const struct bench *bench;
    size_t batch;
};

static lk_status run_one(void *arg, size_t index, int worker, lk_error *err)
{
    (void)err;
    const struct runtime *run = arg;
    const struct bench *b = run->bench;
    size_t count = LK_INPUT_COUNT(&b->model->input),
           first = index * run->batch % (b->n_crops - run->batch + 1);
    int64_t dims[4];
    lk_model_dims(b->model, dims);
    dims[0] = (int64_t)run->batch;
    OrtValue *in = NULL, *out = NULL;
    check(b, b->api->CreateTensorWithDataAsOrtValue(b->memory, b->tensors + first * count,
                                                    run->batch * count * sizeof(float), dims, 4,
                                                    ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &in));
    check(b, b->api->Run(b->sessions[worker], NULL, (const char *const *)&b->input,
                         (const OrtValue *const *)&in, 1, (const char *const *)&b->output, 1, &out));
    b->api->ReleaseValue(in);
    b->api->ReleaseValue(out);
    return LK_OK;
}

static struct rate runtime_rate(struct bench *b, size_t batch, size_t images)
{
    lk_error err;
    struct runtime run = {b, batch};
    size_t n = images / batch;
    double start = lk_clock_seconds(), cpu = cpu_seconds();
    if (lk_pool_for(b->ctx, n, run_one, &run, &err) != LK_OK)
        die(&err);
    return (struct rate){(double)(n * batch) / (lk_clock_seconds() - start),
                         (double)(n * batch) / (cpu_seconds() - cpu)};
}

/* ---- turns ------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
    return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/* Median ratios of side A to a side of the runtime's. */
static void compare(const struct bench *b, const struct rate *embed, const struct rate *runtime, size_t batch)
{
    double a[MAX_ROUNDS], r[MAX_ROUNDS], wall[MAX_ROUNDS], cpu[MAX_ROUNDS];
    for (size_t i = 0; i < b->rounds; i++) {
        a[i] = embed[i].wall;
        r[i] = runtime[i].wall;
        wall[i] = embed[i].wall / runtime[i].wall;
        cpu[i] = embed[i].cpu / runtime[i].cpu;
    }
    printf(
        "median of %zu: embed %.1f images/s, runtime alone in batches of %zu %.1f images/s, %.1f %%; per CPU "
        "second %.1f %% (%s, %d threads, %zu images)\n",
        b->rounds, median(a, b->rounds), batch, median(r, b->rounds), 100 * median(wall, b->rounds),
        100 * median(cpu, b->rounds), b->model->name, lk_ctx_threads(b->ctx), b->images);
}

static void take_turns(struct bench *b)
{
    struct rate embed[MAX_ROUNDS], single[MAX_ROUNDS], batched[MAX_ROUNDS];
    size_t warm = (size_t)lk_ctx_threads(b->ctx) * 4 * b->batch;
    runtime_rate(b, 1, warm);
    runtime_rate(b, b->batch, warm);
    for (size_t i = 0; i < b->rounds; i++) {
        embed[i] = embed_rate(b, i);
        single[i] = runtime_rate(b, 1, b->images);
        printf("round %zu: images/s (per CPU second): embed %.1f (%.1f), runtime alone %.1f (%.1f)", i + 1,
               embed[i].wall, embed[i].cpu, single[i].wall, single[i].cpu);
        if (b->batch > 1) {
            batched[i] = runtime_rate(b, b->batch, b->images);
            printf(", in batches of %zu %.1f (%.1f)", b->batch, batched[i].wall, batched[i].cpu);
        }
        printf("\n");
        fflush(stdout);
    }
    compare(b, embed, single, 1);
    if (b->batch > 1)
        compare(b, embed, batched, b->batch);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: embed_throughput MODEL CROPS [IMAGES [ROUNDS [SET]]]\n");
        return 2;
    }
    struct bench b = {.model_name = argv[1]};
    b.images = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000;
    b.rounds = argc > 4 ? strtoul(argv[4], NULL, 10) : 5;
    b.set = argc > 5 ? argv[5] : NULL;
    if (b.images < 1 || b.rounds < 1 || b.rounds > MAX_ROUNDS) {
        fprintf(stderr, "embed_throughput: expected at least one image and 1 to %d rounds\n", MAX_ROUNDS);
        return 2;
    }
    lk_ctx_options options;
    lk_ctx_options_init(&options);
    lk_error err;
    if (lk_ctx_new(&b.ctx, &options, &err) != LK_OK ||
        lk_model_load(&b.model, b.ctx, b.model_name, &err) != LK_OK)
        die(&err);
    link_pictures(&b, argv[2]);
    load_tensors(&b);
    open_sessions(&b);
    b.batch = find_batch(&b);
    take_turns(&b);
    return nftw(b.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
