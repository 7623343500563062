/* SPDX-License-Identifier: Apache-2.0 */
/* model_file.c - loads a model's file and refuses one that is not what its descriptor says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "formats/json.h"
#include "vision/model.h"

/* ---- the record of a fetched file -------------------------------------------------------------------- */

static lk_status record_path(const struct lk_model *model, char **out, lk_error *err)
{
    struct lk_str path = LK_STR_INIT;
    LK_TRY(lk_str_addf(&path, err, "%s.json", model->path));
    *out = path.text;
    return LK_OK;
}

static lk_status parse_record(const json_t *json, const char *where, struct lk_model_record *out,
                              lk_error *err)
{
    const char *original = NULL, *in_use = NULL;
    LK_TRY(lk_json_string(json, "original_sha256", 1, &original, where, err));
    LK_TRY(lk_json_string(json, "sha256", 1, &in_use, where, err));
    LK_NEED(strlen(original) == 64 && strlen(in_use) == 64, err, LK_EFORMAT,
            "%s: expected hashes of 64 digits", where);
    memcpy(out->original, original, sizeof out->original);
    memcpy(out->in_use, in_use, sizeof out->in_use);
    out->output_diff = NAN;
    if (json_is_number(json_object_get(json, "output_diff")))
        out->output_diff = json_number_value(json_object_get(json, "output_diff"));
    return LK_OK;
}

lk_status lk_model_record_read(const struct lk_model *model, struct lk_model_record *out, bool *found,
                               lk_error *err)
{
    char *path = NULL;
    LK_TRY(record_path(model, &path, err));
    json_t *json = NULL;
    lk_status status = LK_OK;
    *found = lk_path_exists(path);
    if (*found)
        status = lk_json_read(path, &json, err);
    if (*found && status == LK_OK)
        status = parse_record(json, path, out, err);
    json_decref(json);
    free(path);
    return status;
}

lk_status lk_model_record_write(const struct lk_model *model, const struct lk_model_record *record,
                                lk_error *err)
{
    char *path = NULL;
    LK_TRY(record_path(model, &path, err));
    json_t *diff = isnan(record->output_diff) ? json_null() : json_real(record->output_diff);
    json_t *json =
        json_pack("{s:s, s:i, s:s, s:s, s:s, s:o}", "kind", "model", "format", 1, "name", model->name,
                  "original_sha256", record->original, "sha256", record->in_use, "output_diff", diff);
    lk_status status =
        json != NULL ? lk_json_write(path, json, err) : lk_fail(err, LK_ENOMEM, "out of memory");
    json_decref(json);
    free(path);
    return status;
}

/* The file must be the descriptor's original, or what fetching made from that original. */
static lk_status check_hash(const struct lk_model *model, const char *sha256, lk_error *err)
{
    if (model->sha256 == NULL || strcmp(model->sha256, sha256) == 0)
        return LK_OK;
    struct lk_model_record record;
    bool found;
    LK_TRY(lk_model_record_read(model, &record, &found, err));
    if (found && strcmp(record.original, model->sha256) == 0 && strcmp(record.in_use, sha256) == 0)
        return LK_OK;
    return lk_fail(err, LK_EFORMAT, "%s: this is not the file of model %s: found sha256 %s, expected %s; %s",
                   model->path, model->name, sha256, found ? record.in_use : model->sha256,
                   model->npm.package != NULL ? "remove it and fetch it again" : model->source);
}

/* ---- inputs and outputs ------------------------------------------------------------------------------- */

static lk_status add_shape(struct lk_str *text, const int64_t *dims, int n, lk_error *err)
{
    for (int i = 0; i < n; i++)
        LK_TRY(dims[i] < 0 ? lk_str_addf(text, err, "%s?", i > 0 ? "x" : "")
                           : lk_str_addf(text, err, "%s%lld", i > 0 ? "x" : "", (long long)dims[i]));
    return lk_str_addz(text, n == 0 ? "a single number" : "", err);
}

void lk_model_dims(const struct lk_model *model, int64_t dims[4])
{
    const struct lk_input *input = &model->input;
    dims[0] = 1;
    dims[1] = input->nhwc ? input->height : 3;
    dims[2] = input->nhwc ? input->width : input->height;
    dims[3] = input->nhwc ? 3 : input->width;
}

static lk_status wrong_shape(const struct lk_model *model, const struct lk_ort_port *port,
                             const int64_t *wanted, int n_wanted, const char *what, lk_error *err)
{
    struct lk_str found = LK_STR_INIT, expected = LK_STR_INIT;
    lk_status status = add_shape(&found, port->dims, port->n_dims, err);
    if (status == LK_OK)
        status = add_shape(&expected, wanted, n_wanted, err);
    if (status == LK_OK)
        status = lk_fail(err, LK_EFORMAT, "model %s: %s '%s' is %s, the descriptor says %s", model->name,
                         what, port->name, found.text, expected.text);
    lk_str_free(&found);
    lk_str_free(&expected);
    return status;
}

static lk_status check_input(const struct lk_model *model, const struct lk_ort *ort, lk_error *err)
{
    LK_NEED(lk_ort_n_inputs(ort) == 1, err, LK_EFORMAT, "model %s: it has %zu inputs, expected one picture",
            model->name, lk_ort_n_inputs(ort));
    const struct lk_ort_port *port = lk_ort_input(ort, 0);
    LK_NEED(strcmp(port->name, model->input_name) == 0, err, LK_EFORMAT,
            "model %s: its input is '%s', the descriptor says '%s'", model->name, port->name,
            model->input_name);
    LK_NEED(port->is_float, err, LK_EFORMAT, "model %s: input '%s' is not a tensor of 32-bit floats",
            model->name, port->name);
    int64_t wanted[4];
    lk_model_dims(model, wanted);
    bool same = port->n_dims == 4;
    for (int i = 0; same && i < 4; i++)
        same = port->dims[i] == -1 || port->dims[i] == wanted[i];
    return same ? LK_OK : wrong_shape(model, port, wanted, 4, "input", err);
}

lk_status lk_model_output(const struct lk_model *model, const struct lk_ort *ort, size_t *index,
                          lk_error *err)
{
    size_t n = lk_ort_n_outputs(ort);
    for (size_t i = 0; i < n; i++) {
        const struct lk_ort_port *port = lk_ort_output(ort, i);
        if (strcmp(port->name, model->output) != 0)
            continue;
        LK_NEED(port->is_float, err, LK_EFORMAT, "model %s: output '%s' is not a tensor of 32-bit floats",
                model->name, port->name);
        /* 1 x dim, with ones or unknowns anywhere: the number of values is compared again when it runs. */
        bool same = true, whole = false;
        for (int d = 0; d < port->n_dims; d++) {
            same = same && (port->dims[d] == -1 || port->dims[d] == 1 || port->dims[d] == model->dim);
            whole = whole || port->dims[d] == -1 || port->dims[d] == model->dim;
        }
        const int64_t wanted[2] = {1, model->dim};
        if (!same || !whole)
            return wrong_shape(model, port, wanted, 2, "output", err);
        *index = i;
        return LK_OK;
    }
    return lk_fail(err, LK_EFORMAT, "model %s: it has no output '%s'; the first of its %zu outputs is '%s'",
                   model->name, model->output, n, n > 0 ? lk_ort_output(ort, 0)->name : "");
}

/* ---- opening ------------------------------------------------------------------------------------------- */

lk_status lk_model_open_bytes(const struct lk_model *model, const uint8_t *bytes, size_t len,
                              const char *where, const char *device, struct lk_ort **ort, lk_error *err)
{
    struct lk_ort *opened = NULL;
    size_t output;
    LK_TRY(lk_ort_open(&opened, bytes, len, where, device, err));
    lk_status status = check_input(model, opened, err);
    if (status == LK_OK && model->task != LK_TASK_DETECT)
        status = lk_model_output(model, opened, &output, err);
    if (status != LK_OK) {
        lk_ort_free(opened);
        return status;
    }
    *ort = opened;
    return LK_OK;
}

/* Maps the file and checks that it is the descriptor's. */
static lk_status map_checked(const struct lk_model *model, struct lk_map *map, char sha256[65], lk_error *err)
{
    LK_NEED(model->task != LK_TASK_PORTRAITS, err, LK_EINVAL, "%s is a set of pictures, not a model",
            model->name);
    if (!lk_model_present(model)) {
        if (model->npm.package != NULL)
            return lk_fail(err, LK_EIO, "%s: model %s is not there; fetch it with `likeness models fetch %s`",
                           model->path, model->name, model->name);
        return lk_fail(err, LK_EIO, "%s: model %s is not there; put it there: %s", model->path, model->name,
                       model->source);
    }
    LK_TRY(lk_map_open(map, model->path, err));
    lk_status status = map->len > 0 ? lk_hash_bytes(map->bytes, map->len, sha256, err)
                                    : lk_fail(err, LK_EFORMAT, "%s: the file is empty", model->path);
    if (status == LK_OK)
        status = check_hash(model, sha256, err);
    if (status != LK_OK)
        lk_map_close(map);
    return status;
}

lk_status lk_model_verify(const struct lk_model *model, char sha256[65], lk_error *err)
{
    struct lk_map map;
    LK_TRY(map_checked(model, &map, sha256, err));
    lk_map_close(&map);
    return LK_OK;
}

lk_status lk_model_open(const struct lk_model *model, const char *device, struct lk_ort **ort, char sha256[65],
                        lk_error *err)
{
    /* Hashed and loaded from one mapping: what runs is what was checked. */
    struct lk_map map;
    LK_TRY(map_checked(model, &map, sha256, err));
    lk_status status = lk_model_open_bytes(model, map.bytes, map.len, model->path, device, ort, err);
    lk_map_close(&map);
    return status;
}
