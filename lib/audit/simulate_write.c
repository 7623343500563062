/* SPDX-License-Identifier: Apache-2.0 */
/* simulate_write.c - made people as FACES directories with the truth beside them: lk_simulate. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/simulate.h"
#include "base/hash.h"
#include "formats/faces.h"
#include "formats/json.h"

void lk_simulate_options_init(lk_simulate_options *options)
{
    *options = (lk_simulate_options){.units = 800,
                                     .persons = 800,
                                     .holdouts = 1,
                                     .controls = 800,
                                     .images = 2,
                                     .dim = 256,
                                     .share = 0.05,
                                     .children = 0.1,
                                     .junk = 0.02,
                                     .hubs = 0.005,
                                     .seed = 1};
}

static const char *const folders[LK_N_SIM_ROLES] = {"synthetic", "train", "holdout", "control"};

static void name_person(char name[32], enum lk_sim_role role, uint32_t person)
{
    snprintf(name, 32, "%c%07" PRIu32, "sthc"[role], person);
}

static lk_status write_vectors(const struct lk_sim_set *s, uint64_t dim, const char *path, lk_error *err)
{
    struct lk_out out;
    LK_TRY(lk_out_open(&out, path, err));
    lk_status status = lk_npy_write_header(out.stream, s->rows, dim, err);
    if (status == LK_OK) {
        fwrite(s->data, sizeof *s->data, (size_t)(s->rows * dim), out.stream);
        status = lk_out_commit(&out, err);
    }
    lk_out_abandon(&out);
    return status;
}

static lk_status write_images(const struct lk_sim_set *s, enum lk_sim_role role, const char *path,
                              lk_error *err)
{
    struct lk_out out;
    char name[32], file[80];
    LK_TRY(lk_out_open(&out, path, err));
    fprintf(out.stream, "%s\n", lk_faces_csv_header);
    for (uint64_t row = 0, image = 0; row < s->rows; row++, image++) {
        if (row > 0 && s->person[row] != s->person[row - 1])
            image = 0;
        name_person(name, role, s->person[row]);
        snprintf(file, sizeof file, "%s/%s/%" PRIu64 ".jpg", folders[role], name, image);
        struct lk_face_image line = {.row = (int64_t)row,
                                     .path = file,
                                     .identity = name,
                                     .status = LK_FACE_EMBEDDED,
                                     .n_faces = 1,
                                     .width = 112,
                                     .height = 112,
                                     .norm = NAN,
                                     .sharpness = NAN,
                                     .yaw = NAN,
                                     .age = NAN};
        lk_faces_csv_write(out.stream, &line);
    }
    lk_status status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}

static lk_status write_meta(const struct lk_sim_set *s, uint64_t dim, const lk_simulate_options *o,
                            const char *path, const char *images_hash, const char *vectors_hash,
                            lk_error *err)
{
    char *here = getcwd(NULL, 0);
    json_t *meta = json_pack(
        "{s:s, s:i, s:o, s:o, s:o, s:[], s:{s:s, s:n, s:s, s:I, s:[]}, s:n, s:s, s:{s:I, s:I, s:i, s:i, "
        "s:I}, s:s, s:s}",
        "kind", "faces", "format", 1, "tool", json_sprintf("likeness %s", lk_version()), "command",
        o->command != NULL ? lk_json_text(o->command) : json_null(), "working_directory",
        lk_json_text(here != NULL ? here : "/"), "inputs", "model", "name", "simulated", "sha256", "licence",
        "none", "dim", (json_int_t)dim, "thresholds", "detector", "alignment", "aligned", "counts", "images",
        (json_int_t)s->rows, "embedded", (json_int_t)s->rows, "no_face", 0, "unreadable", 0, "identities",
        (json_int_t)s->n_persons, "images_sha256", images_hash, "embeddings_sha256", vectors_hash);
    free(here);
    LK_NEED(meta != NULL, err, LK_ENOMEM, "%s: out of memory", path);
    lk_status status = lk_json_write(path, meta, err);
    json_decref(meta);
    return status;
}

static lk_status write_set(const struct lk_sim *sim, enum lk_sim_role role, const lk_simulate_options *o,
                           lk_error *err)
{
    const struct lk_sim_set *s = &sim->sets[role];
    char images_hash[65], vectors_hash[65];
    char *folder = lk_path_join(o->output, folders[role], err);
    char *vectors = folder != NULL ? lk_path_join(folder, "embeddings.npy", err) : NULL;
    char *images = folder != NULL ? lk_path_join(folder, "images.csv", err) : NULL;
    char *meta = folder != NULL ? lk_path_join(folder, "meta.json", err) : NULL;
    lk_status status = vectors != NULL && images != NULL && meta != NULL ? lk_mkdirs(folder, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = write_vectors(s, sim->dim, vectors, err);
    if (status == LK_OK)
        status = write_images(s, role, images, err);
    if (status == LK_OK)
        status = lk_hash_file(images, images_hash, err);
    if (status == LK_OK)
        status = lk_hash_file(vectors, vectors_hash, err);
    if (status == LK_OK)
        status = write_meta(s, sim->dim, o, meta, images_hash, vectors_hash, err);
    free(folder);
    free(vectors);
    free(images);
    free(meta);
    return status;
}

/* The columns of the truth.csv of lk_plant; `file` names the identity's first image. */
static lk_status write_truth(const struct lk_sim *sim, const char *output, uint64_t *n_planted, lk_error *err)
{
    struct lk_out out;
    char *path = lk_path_join(output, "truth.csv", err);
    if (path == NULL)
        return LK_ENOMEM;
    lk_status status = lk_out_open(&out, path, err);
    free(path);
    LK_TRY(status);
    fputs("file,identity,planted,kind,train_identity,train_image,detail\n", out.stream);
    for (uint32_t u = 0; u < sim->sets[LK_SIM_SYNTHETIC].n_persons; u++) {
        char name[32], person[32] = "";
        bool planted = sim->planted[u] != UINT32_MAX;
        name_person(name, LK_SIM_SYNTHETIC, u);
        if (planted)
            name_person(person, LK_SIM_TRAIN, sim->planted[u]);
        fprintf(out.stream, "%s/0.jpg,%s,%d,%s,%s,,\n", name, name, planted, planted ? "other" : "", person);
        *n_planted += planted;
    }
    status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}

static lk_status write_all(lk_ctx *ctx, const struct lk_sim *sim, const lk_simulate_options *o,
                           uint64_t *n_planted, lk_error *err)
{
    int lock = -1;
    char *truth = lk_path_join(o->output, "truth.csv", err);
    lk_status status = truth != NULL ? lk_mkdirs(o->output, err) : LK_ENOMEM;
    if (status == LK_OK)
        status = lk_lock_take(&lock, o->output, err);
    if (status == LK_OK && lk_path_exists(truth) && !o->force)
        status = lk_fail(err, LK_EINVAL,
                         "%s: holds a simulation already; give another output, or --force to replace it",
                         o->output);
    for (int role = 0; status == LK_OK && role < LK_N_SIM_ROLES; role++) {
        status = lk_ctx_check(ctx, err);
        if (status == LK_OK && sim->sets[role].rows > 0)
            status = write_set(sim, (enum lk_sim_role)role, o, err);
    }
    if (status == LK_OK) /* last, so that it says that the others are there */
        status = write_truth(sim, o->output, n_planted, err);
    lk_lock_release(lock);
    free(truth);
    return status;
}

lk_status lk_simulate(lk_ctx *ctx, const lk_simulate_options *options, lk_simulate_summary *out,
                      lk_error *err)
{
    LK_NEED(options->output != NULL, err, LK_EINVAL, "simulate needs an output folder");
    struct lk_sim sim;
    LK_TRY(lk_sim_make(&sim, options, err));
    lk_simulate_summary summary = {.n_units = options->units};
    lk_status status = write_all(ctx, &sim, options, &summary.n_planted, err);
    lk_sim_free(&sim);
    if (status == LK_OK)
        *out = summary;
    return status;
}
