/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - reads model descriptors and finds their files. */
#include "vision/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "formats/json.h"

/* Largest side of a network's input; its tensor stays below 200 MB. */
#define MAX_SIDE 4096
#define MAX_DIM 65536

/* ---- members of the descriptor ---------------------------------------------------------------------- */

static lk_status get_bool(const json_t *object, const char *key, bool fallback, bool *out, const char *where,
                          lk_error *err)
{
    const json_t *value = json_object_get(object, key);
    LK_NEED(value == NULL || json_is_boolean(value), err, LK_EFORMAT, "%s: '%s': expected true or false",
            where, key);
    *out = value != NULL ? json_is_true(value) : fallback;
    return LK_OK;
}

/* A string that may be null or missing. */
static lk_status get_nullable(const json_t *object, const char *key, const char **out, const char *where,
                              lk_error *err)
{
    *out = NULL;
    return json_is_null(json_object_get(object, key)) ? LK_OK
                                                      : lk_json_string(object, key, 0, out, where, err);
}

static lk_status get_object(const json_t *object, const char *key, const json_t **out, const char *where,
                            lk_error *err)
{
    const json_t *value = json_object_get(object, key);
    LK_NEED(value == NULL || json_is_null(value) || json_is_object(value), err, LK_EFORMAT,
            "%s: '%s': expected an object or null", where, key);
    *out = json_is_object(value) ? value : NULL;
    return LK_OK;
}

/* One of the words of a NULL-ended list, as its index. */
static lk_status get_word(const json_t *object, const char *key, const char *const *words, int *out,
                          const char *where, lk_error *err)
{
    const char *found = NULL;
    LK_TRY(lk_json_string(object, key, 1, &found, where, err));
    struct lk_str list = LK_STR_INIT;
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(found, words[i]) == 0) {
            *out = i;
            lk_str_free(&list);
            return LK_OK;
        }
        LK_TRY(lk_str_addf(&list, err, "%s%s", i > 0 ? ", " : "", words[i]));
    }
    lk_fail(err, LK_EFORMAT, "%s: '%s': found '%s', expected one of: %s", where, key, found, list.text);
    lk_str_free(&list);
    return LK_EFORMAT;
}

static lk_status get_side(const json_t *object, const char *key, int64_t most, int *out, const char *where,
                          lk_error *err)
{
    int64_t value = 0;
    LK_TRY(lk_json_integer(object, key, 1, &value, where, err));
    LK_NEED(value >= 1 && value <= most, err, LK_EFORMAT, "%s: '%s': found %lld, expected 1 to %lld", where,
            key, (long long)value, (long long)most);
    *out = (int)value;
    return LK_OK;
}

static lk_status get_triple(const json_t *object, const char *key, float out[3], const char *where,
                            lk_error *err)
{
    const json_t *list = json_object_get(object, key);
    bool good = json_is_array(list) && json_array_size(list) == 3;
    for (size_t i = 0; good && i < 3; i++) {
        const json_t *number = json_array_get(list, i);
        good = json_is_number(number) && isfinite(json_number_value(number));
        out[i] = (float)json_number_value(number);
    }
    LK_NEED(good, err, LK_EFORMAT, "%s: '%s': expected a list of three numbers, for red, green and blue",
            where, key);
    return LK_OK;
}

static bool is_sha256(const char *text)
{
    return strlen(text) == 64 && text[strspn(text, "0123456789abcdef")] == '\0';
}

/* ---- parts of the descriptor ------------------------------------------------------------------------- */

static lk_status parse_input(struct lk_model *model, lk_error *err)
{
    static const char *const layouts[] = {"nchw", "nhwc", NULL};
    static const char *const channels[] = {"rgb", "bgr", NULL};
    const json_t *object = NULL;
    LK_TRY(get_object(model->json, "input", &object, model->where, err));
    LK_NEED(object != NULL, err, LK_EFORMAT, "%s: there is no 'input'", model->where);
    int layout = 0, order = 0;
    struct lk_input *input = &model->input;
    LK_TRY(lk_json_string(object, "name", 1, &model->input_name, model->where, err));
    LK_TRY(get_side(object, "width", MAX_SIDE, &input->width, model->where, err));
    LK_TRY(get_side(object, "height", MAX_SIDE, &input->height, model->where, err));
    LK_TRY(get_word(object, "layout", layouts, &layout, model->where, err));
    LK_TRY(get_word(object, "channels", channels, &order, model->where, err));
    LK_TRY(get_triple(object, "mean", input->mean, model->where, err));
    LK_TRY(get_triple(object, "scale", input->scale, model->where, err));
    input->nhwc = layout == 1;
    input->bgr = order == 1;
    return LK_OK;
}

static lk_status parse_npm(struct lk_model *model, lk_error *err)
{
    const json_t *object = NULL;
    struct lk_npm *npm = &model->npm;
    LK_TRY(get_object(model->json, "npm", &object, model->where, err));
    if (object == NULL)
        return LK_OK;
    LK_TRY(lk_json_string(object, "package", 1, &npm->package, model->where, err));
    LK_TRY(lk_json_string(object, "version", 1, &npm->version, model->where, err));
    LK_TRY(lk_json_string(object, "integrity", 1, &npm->integrity, model->where, err));
    LK_TRY(lk_json_string(object, "path", 1, &npm->path, model->where, err));
    LK_TRY(get_nullable(object, "licence_file", &npm->licence_file, model->where, err));
    LK_TRY(get_nullable(object, "weights", &npm->weights, model->where, err));
    LK_NEED(npm->weights != NULL || !model->tfjs, err, LK_EFORMAT,
            "%s: 'npm': expected 'weights', the file beside a graph model", model->where);
    LK_NEED(model->sha256 != NULL || model->task == LK_TASK_PORTRAITS, err, LK_EFORMAT,
            "%s: 'sha256': expected the hash of the file, since it is fetched", model->where);
    return LK_OK;
}

static lk_status parse_recogniser(struct lk_model *model, lk_error *err)
{
    static const char *const templates[] = {"arcface112", NULL};
    int word;
    LK_TRY(lk_json_string(model->json, "output", 1, &model->output, model->where, err));
    LK_TRY(get_side(model->json, "dim", MAX_DIM, &model->dim, model->where, err));
    LK_TRY(get_word(model->json, "template", templates, &word, model->where, err));
    LK_NEED(model->input.width == model->input.height, err, LK_EFORMAT,
            "%s: 'input' is %d x %d; the template arcface112 is square", model->where, model->input.width,
            model->input.height);
    model->thresholds = json_object_get(model->json, "thresholds");
    LK_NEED(json_is_array(model->thresholds), err, LK_EFORMAT, "%s: 'thresholds': expected a list",
            model->where);
    return LK_OK;
}

static lk_status parse_age(struct lk_model *model, lk_error *err)
{
    int64_t first = 0;
    LK_TRY(lk_json_string(model->json, "output", 1, &model->output, model->where, err));
    LK_TRY(get_side(model->json, "dim", 200, &model->dim, model->where, err));
    LK_TRY(lk_json_integer(model->json, "first_year", 1, &first, model->where, err));
    LK_NEED(first >= 0 && first <= 200, err, LK_EFORMAT, "%s: 'first_year': found %lld, expected 0 to 200",
            model->where, (long long)first);
    model->first_year = (int)first;
    return LK_OK;
}

static lk_status parse_detector(struct lk_model *model, lk_error *err)
{
    static const char *const decoders[] = {"retinaface", "blazeface", "scrfd", "yunet", NULL};
    int decoder = 0;
    double min_score = 0;
    LK_TRY(get_word(model->json, "decoder", decoders, &decoder, model->where, err));
    LK_TRY(lk_json_real(model->json, "min_score", 1, &min_score, model->where, err));
    LK_NEED(min_score > 0 && min_score < 1, err, LK_EFORMAT,
            "%s: 'min_score': found %g, expected between 0 and 1", model->where, min_score);
    model->decoder = (enum lk_decoder_kind)decoder;
    model->min_score = (float)min_score;
    return LK_OK;
}

/* Models in another format than ONNX. */
static lk_status parse_conversion(struct lk_model *model, lk_error *err)
{
    static const char *const formats[] = {"tfjs", NULL};
    int format = 0;
    if (json_object_get(model->json, "convert") == NULL ||
        json_is_null(json_object_get(model->json, "convert")))
        return LK_OK;
    LK_TRY(get_word(model->json, "convert", formats, &format, model->where, err));
    LK_TRY(lk_json_string(model->json, "weights_sha256", 1, &model->weights_sha256, model->where, err));
    LK_NEED(is_sha256(model->weights_sha256), err, LK_EFORMAT,
            "%s: 'weights_sha256': found '%s', expected 64 lower-case hexadecimal digits", model->where,
            model->weights_sha256);
    LK_NEED(!model->clean, err, LK_EFORMAT, "%s: 'clean': expected false for a model that is converted",
            model->where);
    model->tfjs = true;
    return LK_OK;
}

static lk_status parse(struct lk_model *model, lk_error *err)
{
    static const char *const tasks[] = {"recognise", "detect", "portraits", "age", NULL};
    int task = 0;
    LK_TRY(lk_json_string(model->json, "name", 1, &model->name, model->where, err));
    LK_NEED(model->name[0] != '\0' && model->name[0] != '.' && strchr(model->name, '/') == NULL, err,
            LK_EFORMAT, "%s: 'name': found '%s', expected a plain name", model->where, model->name);
    LK_TRY(lk_json_string(model->json, "title", 1, &model->title, model->where, err));
    LK_TRY(get_word(model->json, "task", tasks, &task, model->where, err));
    model->task = (lk_model_task)task;
    LK_TRY(lk_json_string(model->json, "licence", 1, &model->licence, model->where, err));
    LK_TRY(get_bool(model->json, "restricted", true, &model->restricted, model->where, err));
    LK_TRY(lk_json_string(model->json, "source", 1, &model->source, model->where, err));
    LK_TRY(lk_json_string(model->json, "file", 1, &model->file, model->where, err));
    LK_TRY(get_nullable(model->json, "sha256", &model->sha256, model->where, err));
    LK_NEED(model->sha256 == NULL || is_sha256(model->sha256), err, LK_EFORMAT,
            "%s: 'sha256': found '%s', expected 64 lower-case hexadecimal digits or null", model->where,
            model->sha256);
    LK_TRY(get_bool(model->json, "clean", false, &model->clean, model->where, err));
    LK_TRY(parse_conversion(model, err));
    LK_TRY(parse_npm(model, err));
    if (model->task == LK_TASK_PORTRAITS)
        return LK_OK;
    LK_TRY(parse_input(model, err));
    return model->task == LK_TASK_DETECT ? parse_detector(model, err)
           : model->task == LK_TASK_AGE  ? parse_age(model, err)
                                         : parse_recogniser(model, err);
}

/* ---- where descriptor and file lie ------------------------------------------------------------------- */

static bool is_path(const char *name)
{
    size_t len = strlen(name);
    return strchr(name, '/') != NULL || (len > 5 && strcmp(name + len - 5, ".json") == 0);
}

/* A registry entry's file lies in the model directory. One of a descriptor given by path lies beside the
 * descriptor; where it does not, a plain name is looked up in the model directory too, so that a changed copy
 * of a registry entry works. */
static lk_status find_file(struct lk_model *model, const lk_ctx *ctx, bool by_path, lk_error *err)
{
    if (model->file[0] == '/') {
        model->path = lk_strdup(model->file, err);
        return model->path != NULL ? LK_OK : LK_ENOMEM;
    }
    if (by_path) {
        const char *slash = strrchr(model->where, '/');
        char *folder = slash != NULL ? strndup(model->where, (size_t)(slash - model->where) + 1) : strdup("");
        LK_NEED(folder != NULL, err, LK_ENOMEM, "out of memory");
        model->path =
            folder[0] != '\0' ? lk_path_join(folder, model->file, err) : lk_strdup(model->file, err);
        free(folder);
        if (model->path == NULL)
            return LK_ENOMEM;
        if (lk_path_exists(model->path) || strchr(model->file, '/') != NULL)
            return LK_OK;
        char *fetched = lk_path_join(lk_ctx_model_dir(ctx), model->file, err);
        if (fetched == NULL)
            return LK_ENOMEM;
        if (lk_path_exists(fetched)) {
            free(model->path);
            model->path = fetched;
        } else {
            free(fetched);
        }
        return LK_OK;
    }
    model->path = lk_path_join(lk_ctx_model_dir(ctx), model->file, err);
    return model->path != NULL ? LK_OK : LK_ENOMEM;
}

static lk_status registry_path(const lk_ctx *ctx, const char *name, char **out, lk_error *err)
{
    struct lk_str path = LK_STR_INIT;
    lk_status status = lk_str_addf(&path, err, "%s/models/%s.json", lk_ctx_data_dir(ctx), name);
    if (status == LK_OK && !lk_path_exists(path.text)) {
        struct lk_str folder = LK_STR_INIT;
        status = lk_str_addf(&folder, err, "%s/models", lk_ctx_data_dir(ctx));
        if (status == LK_OK && !lk_path_is_dir(folder.text))
            status = lk_fail(err, LK_EINVAL,
                             "%s: there are no model descriptors here; set LIKENESS_DATA_DIR to the "
                             "share/likeness folder of the installation",
                             folder.text);
        else if (status == LK_OK)
            status = lk_fail(err, LK_EINVAL,
                             "there is no model '%s'; `likeness models list` names those there are, "
                             "and the path of a descriptor (.json) works too",
                             name);
        lk_str_free(&folder);
    }
    if (status != LK_OK) {
        lk_str_free(&path);
        return status;
    }
    *out = path.text;
    return LK_OK;
}

lk_status lk_model_load(struct lk_model **out, const lk_ctx *ctx, const char *name, lk_error *err)
{
    struct lk_model *model = lk_calloc(1, sizeof *model, err);
    if (model == NULL)
        return LK_ENOMEM;
    atomic_init(&model->owners, 1);
    lk_status status = LK_OK;
    if (!is_path(name))
        status = registry_path(ctx, name, &model->where, err);
    else if ((model->where = lk_strdup(name, err)) == NULL)
        status = LK_ENOMEM;
    if (status == LK_OK)
        status = lk_json_read(model->where, &model->json, err);
    if (status == LK_OK && is_path(name) && (model->descriptor = realpath(name, NULL)) == NULL)
        status = lk_fail_sys(err, LK_EIO, "%s: cannot find its folder", name);
    if (status == LK_OK)
        status = parse(model, err);
    if (status == LK_OK)
        status = find_file(model, ctx, is_path(name), err);
    if (status != LK_OK) {
        lk_model_free(model);
        return status;
    }
    *out = model;
    return LK_OK;
}

struct lk_model *lk_model_share(struct lk_model *model)
{
    atomic_fetch_add(&model->owners, 1);
    return model;
}

void lk_model_free(struct lk_model *model)
{
    if (model == NULL || atomic_fetch_sub(&model->owners, 1) > 1)
        return;
    json_decref(model->json);
    free(model->where);
    free(model->descriptor);
    free(model->path);
    free(model);
}

bool lk_model_present(const struct lk_model *model)
{
    return lk_path_exists(model->path);
}
