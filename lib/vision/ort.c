/* SPDX-License-Identifier: Apache-2.0 */
/* ort.c - ONNX Runtime through its C API: one thread per run, errors as text, no telemetry, no log. */
#include "vision/ort.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/mem.h"

/* The function table only ever grows at its end, so the version that we were written for is asked for; an
 * older library than that gives NULL. */
#define WANTED_API (ORT_API_VERSION < 21 ? ORT_API_VERSION : 21)

struct lk_ort {
    const OrtApi *api;
    OrtEnv *env; /* the runtime counts its users and has just one */
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtAllocator *allocator; /* the runtime's own; not freed */
    struct lk_ort_port *inputs, *outputs;
    size_t n_inputs, n_outputs;
    char *where;
    atomic_int owners;
};

/* ---- denormal numbers ------------------------------------------------------------------------------ */

/* Some published networks hold denormal weights or produce denormal activations, on which processors are ten
 * times slower. The runtime's option flushes them to zero only in the thread that makes the very first
 * session, and leaves that thread changed; so the mode is set around each call here and put back: the numbers
 * do not depend on the thread, and the caller's arithmetic is its own. */
#if defined(__x86_64__)
typedef unsigned fp_mode;
static fp_mode fp_flush(void)
{
    fp_mode old = _mm_getcsr();
    _mm_setcsr(old | 0x8040); /* flush to zero, denormals are zero */
    return old;
}
static void fp_restore(fp_mode old)
{
    _mm_setcsr(old);
}
#elif defined(__aarch64__)
typedef uint64_t fp_mode;
static fp_mode fp_flush(void)
{
    fp_mode old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0" : : "r"(old | ((uint64_t)1 << 24)));
    return old;
}
static void fp_restore(fp_mode old)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(old));
}
#else
typedef int fp_mode;
static fp_mode fp_flush(void)
{
    return 0;
}
static void fp_restore(fp_mode old)
{
    (void)old;
}
#endif

/* ---- errors ----------------------------------------------------------------------------------------- */

/* Turns a runtime status into ours; the status is released. NULL is success. */
static lk_status took(const struct lk_ort *ort, OrtStatus *status, lk_status code, lk_error *err)
{
    if (status == NULL)
        return LK_OK;
    lk_fail(err, code, "%s: ONNX Runtime says: %s", ort->where, ort->api->GetErrorMessage(status));
    ort->api->ReleaseStatus(status);
    return code;
}

#define ORT_TRY(call) LK_TRY(took(ort, (call), LK_EBACKEND, err))

/* What fails comes back as a status with its text; the log would say it a second time, on stderr. */
static void ORT_API_CALL drop_log(void *param, OrtLoggingLevel severity, const char *category, const char *id,
                                  const char *place, const char *text)
{
    (void)param, (void)severity, (void)category, (void)id, (void)place, (void)text;
}

/* ---- loading ---------------------------------------------------------------------------------------- */

const char *lk_ort_version(void)
{
    return OrtGetApiBase()->GetVersionString();
}

static lk_status get_api(struct lk_ort *ort, lk_error *err)
{
    const OrtApiBase *base = OrtGetApiBase();
    ort->api = base->GetApi(WANTED_API);
    LK_NEED(ort->api != NULL, err, LK_EBACKEND,
            "ONNX Runtime %s is too old: this program was built for version 1.%d or later of the library",
            base->GetVersionString(), WANTED_API);
    return LK_OK;
}

static lk_status set_options(struct lk_ort *ort, OrtSessionOptions *options, lk_error *err)
{
    const OrtApi *api = ort->api;
    ORT_TRY(api->SetIntraOpNumThreads(options, 1));
    ORT_TRY(api->SetInterOpNumThreads(options, 1));
    ORT_TRY(api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
    ORT_TRY(api->AddSessionConfigEntry(options, "session.set_denormal_as_zero", "1"));
    return LK_OK;
}

lk_status lk_ort_check_device(const char *device, lk_error *err)
{
    LK_NEED(device == NULL || strcmp(device, "cpu") == 0 || strcmp(device, "cuda") == 0, err, LK_EINVAL,
            "device: found '%s', expected cpu or cuda", device);
    return LK_OK;
}

/* The same numbers each time, and sums in float32 as on the processor; not its bits, though. */
static lk_status set_cuda(struct lk_ort *ort, OrtSessionOptions *options, lk_error *err)
{
    static const char *const keys[] = {"use_tf32", "cudnn_conv_algo_search"}, *const values[] = {"0", "HEURISTIC"};
    const OrtApi *api = ort->api;
    OrtCUDAProviderOptionsV2 *cuda = NULL;
    OrtStatus *failed = api->CreateCUDAProviderOptions(&cuda);
    if (failed == NULL)
        failed = api->UpdateCUDAProviderOptions(cuda, keys, values, 2);
    if (failed == NULL)
        failed = api->SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda);
    if (cuda != NULL)
        api->ReleaseCUDAProviderOptions(cuda);
    if (failed == NULL)
        return took(ort, api->SetDeterministicCompute(options, true), LK_EBACKEND, err);
    lk_fail(err, LK_EUNSUP, "device cuda: ONNX Runtime %s here cannot use it: %s", lk_ort_version(),
            api->GetErrorMessage(failed));
    api->ReleaseStatus(failed);
    return LK_EUNSUP;
}

static lk_status create_session(struct lk_ort *ort, const uint8_t *bytes, size_t len, const char *device,
                                lk_error *err)
{
    const OrtApi *api = ort->api;
    OrtSessionOptions *options = NULL;
    ORT_TRY(api->CreateEnvWithCustomLogger(drop_log, NULL, ORT_LOGGING_LEVEL_ERROR, "likeness", &ort->env));
    ORT_TRY(api->DisableTelemetryEvents(ort->env));
    ORT_TRY(api->CreateSessionOptions(&options));
    lk_status status = set_options(ort, options, err);
    if (status == LK_OK && device != NULL && strcmp(device, "cuda") == 0)
        status = set_cuda(ort, options, err);
    if (status == LK_OK) {
        fp_mode mode = fp_flush();
        OrtStatus *made = api->CreateSessionFromArray(ort->env, bytes, len, options, &ort->session);
        fp_restore(mode);
        status = took(ort, made, LK_EFORMAT, err);
    }
    api->ReleaseSessionOptions(options);
    LK_TRY(status);
    ORT_TRY(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &ort->memory));
    ORT_TRY(api->GetAllocatorWithDefaultOptions(&ort->allocator));
    return LK_OK;
}

/* Fills in type and shape of a port. */
static lk_status describe_type(const struct lk_ort *ort, const OrtTypeInfo *type, struct lk_ort_port *port,
                               lk_error *err)
{
    const OrtApi *api = ort->api;
    const OrtTensorTypeAndShapeInfo *tensor = NULL;
    ORT_TRY(api->CastTypeInfoToTensorInfo(type, &tensor));
    if (tensor == NULL)
        return LK_OK; /* a sequence or map: is_float stays false */
    ONNXTensorElementDataType element;
    size_t n_dims;
    ORT_TRY(api->GetTensorElementType(tensor, &element));
    ORT_TRY(api->GetDimensionsCount(tensor, &n_dims));
    if (n_dims > LK_ORT_MAX_DIMS)
        return LK_OK;
    ORT_TRY(api->GetDimensions(tensor, port->dims, n_dims));
    port->n_dims = (int)n_dims;
    port->is_float = element == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    return LK_OK;
}

static lk_status describe_port(const struct lk_ort *ort, bool input, size_t index, struct lk_ort_port *port,
                               lk_error *err)
{
    const OrtApi *api = ort->api;
    char *name = NULL;
    ORT_TRY(input ? api->SessionGetInputName(ort->session, index, ort->allocator, &name)
                  : api->SessionGetOutputName(ort->session, index, ort->allocator, &name));
    port->name = lk_strdup(name, err);
    OrtStatus *freed = api->AllocatorFree(ort->allocator, name);
    if (port->name == NULL) {
        api->ReleaseStatus(freed);
        return LK_ENOMEM;
    }
    ORT_TRY(freed);
    OrtTypeInfo *type = NULL;
    ORT_TRY(input ? api->SessionGetInputTypeInfo(ort->session, index, &type)
                  : api->SessionGetOutputTypeInfo(ort->session, index, &type));
    lk_status status = describe_type(ort, type, port, err);
    api->ReleaseTypeInfo(type);
    return status;
}

static lk_status describe_ports(struct lk_ort *ort, lk_error *err)
{
    const OrtApi *api = ort->api;
    size_t n_inputs, n_outputs;
    ORT_TRY(api->SessionGetInputCount(ort->session, &n_inputs));
    ORT_TRY(api->SessionGetOutputCount(ort->session, &n_outputs));
    ort->inputs = lk_calloc(n_inputs, sizeof *ort->inputs, err);
    ort->outputs = lk_calloc(n_outputs, sizeof *ort->outputs, err);
    if (ort->inputs == NULL || ort->outputs == NULL)
        return LK_ENOMEM;
    ort->n_inputs = n_inputs;
    ort->n_outputs = n_outputs;
    for (size_t i = 0; i < n_inputs; i++)
        LK_TRY(describe_port(ort, true, i, &ort->inputs[i], err));
    for (size_t i = 0; i < n_outputs; i++)
        LK_TRY(describe_port(ort, false, i, &ort->outputs[i], err));
    return LK_OK;
}

lk_status lk_ort_open(struct lk_ort **out, const uint8_t *bytes, size_t len, const char *where, const char *device,
                      lk_error *err)
{
    LK_TRY(lk_ort_check_device(device, err));
    struct lk_ort *ort = lk_calloc(1, sizeof *ort, err);
    if (ort == NULL)
        return LK_ENOMEM;
    atomic_init(&ort->owners, 1);
    ort->where = lk_strdup(where, err);
    lk_status status = ort->where != NULL ? get_api(ort, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = create_session(ort, bytes, len, device, err);
    if (status == LK_OK)
        status = describe_ports(ort, err);
    if (status != LK_OK) {
        lk_ort_free(ort);
        return status;
    }
    *out = ort;
    return LK_OK;
}

struct lk_ort *lk_ort_share(struct lk_ort *ort)
{
    atomic_fetch_add(&ort->owners, 1);
    return ort;
}

static void free_ports(struct lk_ort_port *ports, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((char *)ports[i].name);
    free(ports);
}

void lk_ort_free(struct lk_ort *ort)
{
    if (ort == NULL || atomic_fetch_sub(&ort->owners, 1) > 1)
        return;
    free_ports(ort->inputs, ort->n_inputs);
    free_ports(ort->outputs, ort->n_outputs);
    if (ort->api != NULL) {
        ort->api->ReleaseMemoryInfo(ort->memory);
        ort->api->ReleaseSession(ort->session);
        ort->api->ReleaseEnv(ort->env);
    }
    free(ort->where);
    free(ort);
}

size_t lk_ort_n_inputs(const struct lk_ort *ort)
{
    return ort->n_inputs;
}

size_t lk_ort_n_outputs(const struct lk_ort *ort)
{
    return ort->n_outputs;
}

const struct lk_ort_port *lk_ort_input(const struct lk_ort *ort, size_t index)
{
    return &ort->inputs[index];
}

const struct lk_ort_port *lk_ort_output(const struct lk_ort *ort, size_t index)
{
    return &ort->outputs[index];
}

/* ---- running ---------------------------------------------------------------------------------------- */

static lk_status read_output(struct lk_ort *ort, OrtValue *value, struct lk_ort_tensor *out, lk_error *err)
{
    const OrtApi *api = ort->api;
    OrtTensorTypeAndShapeInfo *shape = NULL;
    void *data;
    ORT_TRY(api->GetTensorMutableData(value, &data));
    ORT_TRY(api->GetTensorTypeAndShape(value, &shape));
    lk_status status = took(ort, api->GetTensorShapeElementCount(shape, &out->count), LK_EBACKEND, err);
    api->ReleaseTensorTypeAndShapeInfo(shape);
    out->data = data;
    return status;
}

lk_status lk_ort_run(struct lk_ort *ort, const float *data, const int64_t *dims, int n_dims,
                     const size_t *outputs, size_t n_outputs, struct lk_ort_result *result, lk_error *err)
{
    const OrtApi *api = ort->api;
    const char *names[LK_ORT_MAX_OUTPUTS];
    OrtValue *input = NULL, *values[LK_ORT_MAX_OUTPUTS] = {NULL};
    size_t count = 1;
    for (int i = 0; i < n_dims; i++)
        count *= (size_t)dims[i];
    for (size_t i = 0; i < n_outputs; i++)
        names[i] = ort->outputs[outputs[i]].name;
    /* The runtime takes a non-const pointer and only reads from it. */
    ORT_TRY(api->CreateTensorWithDataAsOrtValue(ort->memory, (void *)(uintptr_t)data, count * sizeof *data,
                                                dims, (size_t)n_dims, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                                &input));
    fp_mode mode = fp_flush();
    OrtStatus *ran = api->Run(ort->session, NULL, &ort->inputs[0].name, (const OrtValue *const *)&input, 1,
                              names, n_outputs, values);
    fp_restore(mode);
    api->ReleaseValue(input);
    LK_TRY(took(ort, ran, LK_EBACKEND, err));

    memset(result, 0, sizeof *result);
    result->ort = ort;
    result->n = n_outputs;
    for (size_t i = 0; i < n_outputs; i++)
        result->values[i] = values[i];
    for (size_t i = 0; i < n_outputs; i++) {
        lk_status status = read_output(ort, values[i], &result->outputs[i], err);
        if (status != LK_OK) {
            lk_ort_result_free(result);
            return status;
        }
    }
    return LK_OK;
}

void lk_ort_result_free(struct lk_ort_result *result)
{
    for (size_t i = 0; i < result->n; i++)
        result->ort->api->ReleaseValue(result->values[i]);
    result->n = 0;
}
