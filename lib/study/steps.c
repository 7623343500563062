/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c - does one step of a study as its own command does it, or sees that it is finished. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "formats/source.h"
#include "study/plan.h"

/* ---- what a step is made from -------------------------------------------------------------------------- */

lk_status lk_study_finished(const struct lk_str *text, const char *const *outputs, char key[65],
                            bool *finished, lk_error *err)
{
    char now[65];
    LK_TRY(lk_hash_bytes(text->text, text->len, now, err));
    *finished = strcmp(now, key) == 0;
    for (size_t i = 0; outputs[i] != NULL; i++)
        *finished = *finished && lk_path_exists(outputs[i]);
    for (size_t i = 0; !*finished && outputs[i] != NULL;
         i++) /* their absence says that the step is not done */
        if (unlink(outputs[i]) != 0 && errno != ENOENT && errno != ENOTDIR)
            return lk_fail_sys(err, LK_EIO, "%s: cannot remove", outputs[i]);
    memcpy(key, now, sizeof now);
    return LK_OK;
}

static lk_status add_file(struct lk_str *text, const char *path, lk_error *err)
{
    char hex[65];
    LK_TRY(lk_hash_file(path, hex, err));
    return lk_str_addf(text, err, "%s\n", hex);
}

/* A FACES directory; or a plain file, perhaps with an array's name behind it, and its labels. */
static lk_status add_faces(struct lk_str *text, const char *path, lk_error *err)
{
    struct lk_str name = LK_STR_INIT;
    lk_status status;
    if (lk_path_is_dir(path)) {
        static const char *const parts[] = {"embeddings.npy", "images.csv"};
        status = LK_OK;
        for (size_t i = 0; status == LK_OK && i < 2; i++) {
            char *part = lk_path_join(path, parts[i], err);
            status = part != NULL ? add_file(text, part, err) : LK_ENOMEM;
            free(part);
        }
        return status;
    }
    const char *colon = lk_path_exists(path) ? NULL : strrchr(path, ':');
    status = lk_str_add(&name, path, colon != NULL ? (size_t)(colon - path) : strlen(path), err);
    if (status == LK_OK)
        status = add_file(text, name.text, err);
    if (status == LK_OK && colon != NULL)
        status = lk_str_addz(text, colon, err);
    if (status == LK_OK)
        status = lk_str_addz(&name, ".labels.csv", err);
    if (status == LK_OK && lk_path_exists(name.text))
        status = add_file(text, name.text, err);
    lk_str_free(&name);
    return status;
}

lk_status lk_study_faces_hash(struct lk_study_job *job, size_t matcher, size_t set, const char **out,
                              lk_error *err)
{
    char *hash = job->hashes[matcher * job->study->n_sets + set];
    lk_status status = LK_OK;
    if (hash[0] == '\0') {
        struct lk_str text = LK_STR_INIT;
        char *path = lk_study_faces_dir(job->study, matcher, set, err);
        status = path != NULL ? add_faces(&text, path, err) : LK_ENOMEM;
        if (status == LK_OK)
            status = lk_hash_bytes(text.text, text.len, hash, err);
        lk_str_free(&text);
        free(path);
    }
    if (status == LK_OK)
        *out = hash;
    return status;
}

/* ---- options that several steps need ------------------------------------------------------------------- */

/* What the file says of the set, the rest from its preset. */
static void describe_set(const struct lk_study_set *set, lk_embed_options *o)
{
    lk_preset preset;
    o->format = set->format.text;
    o->identity = set->identity.text;
    o->labels = set->labels.text;
    for (int i = 0; set->preset.text != NULL && lk_preset_at(i, &preset); i++) {
        if (strcmp(preset.name, set->preset.text) != 0)
            continue;
        o->format = o->format != NULL ? o->format : preset.format;
        o->identity = o->identity != NULL ? o->identity : preset.identity;
        o->aligned |= preset.aligned && o->detector == NULL;
    }
}

void lk_study_embed_options(const struct lk_study_job *job, size_t matcher, size_t set, const char **inputs,
                            lk_embed_options *out)
{
    const struct lk_study_matcher *m = &job->study->matchers[matcher];
    const struct lk_study_set *s = &job->study->sets[set];
    lk_embed_options_init(out);
    for (size_t i = 0; i < s->images.n; i++)
        inputs[i] = s->images.items[i].text;
    out->inputs = inputs;
    out->n_inputs = s->images.n;
    out->model = m->model.text;
    out->detector = m->detector.text;
    out->age_model = m->age.text;
    out->aligned = m->aligned.value != 0;
    if (m->choice.text != NULL)
        out->choice = strcmp(m->choice.text, "central") == 0 ? LK_FACE_CENTRAL : LK_FACE_LARGEST;
    out->exclude = s->exclude.text;
    out->force = job->options->force;
    out->command = job->options->command;
    describe_set(s, out);
}

lk_status lk_study_embedder_open(lk_embedder **out, const struct lk_study_job *job, const lk_embed_options *options,
                                 lk_error *err)
{
    lk_embedder_options open;
    lk_embedder_options_init(&open);
    open.model = options->model;
    open.detector = options->detector;
    open.aligned = options->aligned;
    open.age_model = options->age_model;
    return lk_embedder_open(out, job->ctx, &open, err);
}

static const char **new_inputs(const struct lk_study *s, size_t set, lk_error *err)
{
    return lk_calloc(s->sets[set].images.n, sizeof(const char *), err);
}

/* ---- the steps ----------------------------------------------------------------------------------------- */

/* The pictures of a set, by name, size and time of change. */
static lk_status add_images(struct lk_str *text, struct lk_study_job *job, const lk_embed_options *o,
                            lk_error *err)
{
    struct lk_source_options options = {
        .ctx = job->ctx, .quiet = true, .format = o->format, .labels = o->labels};
    struct lk_source *source = NULL;
    char hex[65];
    LK_TRY(lk_identity_rule_parse(o->identity != NULL ? o->identity : "auto", &options.identity, err));
    LK_TRY(lk_source_open(&source, o->inputs, o->n_inputs, &options, err));
    lk_status status = lk_source_hash(source, hex, err);
    lk_source_close(source);
    return status == LK_OK ? lk_str_addf(text, err, "duplicates %s %s\n", lk_version(), hex) : status;
}

static lk_status find_duplicates(struct lk_study_job *job, const struct lk_study_step *step, char key[65],
                                 struct lk_study_note *note, lk_error *err)
{
    struct lk_str text = LK_STR_INIT;
    lk_embed_options set;
    lk_duplicates_options options;
    lk_duplicates_summary done;
    bool finished = false;
    const char **inputs = new_inputs(job->study, step->set, err);
    char *output = lk_study_list_file(job->study, step->set, err);
    lk_status status = inputs != NULL && output != NULL ? LK_OK : LK_ENOMEM;
    lk_duplicates_options_init(&options);
    if (status == LK_OK) {
        lk_study_embed_options(job, 0, step->set, inputs, &set);
        options.inputs = set.inputs;
        options.n_inputs = set.n_inputs;
        options.format = set.format;
        options.identity = set.identity;
        options.labels = set.labels;
        options.output = output;
        status = add_images(&text, job, &set, err);
    }
    if (status == LK_OK)
        status = lk_study_finished(&text, (const char *const[]){output, NULL}, key, &finished, err);
    if (status == LK_OK && !finished) {
        char *slash = strrchr(output, '/');
        *slash = '\0';
        status = lk_mkdirs(output, err);
        *slash = '/';
        if (status == LK_OK)
            status = lk_duplicates(job->ctx, &options, &done, err);
        if (status == LK_OK)
            snprintf(note->text, sizeof note->text,
                     "%" PRIu64 " images, %" PRIu64 " repeat another one and will be left out", done.n_images,
                     done.n_exact + done.n_near + done.n_mirrored);
    }
    lk_str_free(&text);
    free(inputs);
    free(output);
    return status;
}

static lk_status embed(struct lk_study_job *job, const struct lk_study_step *step, struct lk_study_note *note,
                       lk_error *err)
{
    const struct lk_study_set *set = &job->study->sets[step->set];
    lk_embed_options options;
    lk_embed_summary done;
    const char **inputs = new_inputs(job->study, step->set, err);
    char *output = lk_study_faces_dir(job->study, step->matcher, step->set, err);
    char *list = set->duplicates.value != 0 ? lk_study_list_file(job->study, step->set, err) : NULL;
    lk_status status =
        inputs != NULL && output != NULL && (list != NULL || set->duplicates.value == 0) ? LK_OK : LK_ENOMEM;
    if (status == LK_OK) {
        lk_study_embed_options(job, step->matcher, step->set, inputs, &options);
        options.output = output;
        options.exclude = list != NULL ? list : options.exclude;
        status = lk_embed(job->ctx, &options, &done, err);
    }
    if (status == LK_OK) {
        snprintf(note->text, sizeof note->text,
                 "%" PRIu64 " images, %" PRIu64 " with a face, %" PRIu64 " without, %" PRIu64
                 " unreadable, %" PRIu64 " excluded%s",
                 done.n_images, done.n_embedded, done.n_no_face, done.n_unreadable, done.n_excluded,
                 done.up_to_date ? " (done before)" : "");
        job->some_unreadable = job->some_unreadable || done.n_unreadable > 0;
    }
    free(inputs);
    free(output);
    free(list);
    return status;
}

static lk_status add_calibration(struct lk_str *text, struct lk_study_job *job, size_t matcher,
                                 const struct lk_study_set *set, lk_error *err)
{
    const char *hash = NULL;
    size_t number = (size_t)(set - job->study->sets);
    LK_TRY(lk_study_faces_hash(job, matcher, number, &hash, err));
    LK_TRY(lk_str_addf(text, err, "calibrate %s %s %g %.0f\n", lk_version(), hash, set->from_identities.value,
                       lk_study_value(job->study->seed, 1)));
    if (set->pairs.text != NULL)
        LK_TRY(add_file(text, set->pairs.text, err));
    return set->bin.text != NULL ? add_file(text, set->bin.text, err) : LK_OK;
}

static lk_status calibrate(struct lk_study_job *job, const struct lk_study_step *step, char key[65],
                           struct lk_study_note *note, lk_error *err)
{
    const struct lk_study *s = job->study;
    size_t number = lk_study_calibration_of(s, step->matcher);
    const struct lk_study_set *set = &s->sets[number];
    struct lk_str text = LK_STR_INIT;
    bool finished = false;
    char *faces = lk_study_faces_dir(s, step->matcher, number, err);
    char *folder = lk_study_calibration_file(s, step->matcher, "", err);
    char *output = lk_study_calibration_file(s, step->matcher, "thresholds.json", err);
    char *roc = lk_study_calibration_file(s, step->matcher, "roc.csv", err);
    lk_status status = faces != NULL && folder != NULL && output != NULL && roc != NULL ? LK_OK : LK_ENOMEM;
    if (status == LK_OK)
        status = add_calibration(&text, job, step->matcher, set, err);
    if (status == LK_OK)
        status = lk_study_finished(&text, (const char *const[]){output, roc, NULL}, key, &finished, err);
    if (status == LK_OK && !finished)
        status = lk_mkdirs(folder, err);
    if (status == LK_OK && !finished) {
        lk_calibrate_options options;
        lk_calibration done;
        lk_calibrate_options_init(&options);
        options.faces = faces;
        options.pairs = set->pairs.text;
        options.bin = set->bin.text;
        options.from_identities = set->from_identities.value != 0;
        options.seed = (uint64_t)lk_study_value(s->seed, 1);
        options.output = output;
        options.roc = roc;
        options.command = job->options->command;
        status = lk_calibrate(job->ctx, &options, &done, err);
        if (status == LK_OK)
            snprintf(note->text, sizeof note->text,
                     "%" PRIu64 " genuine and %" PRIu64 " impostor pairs, equal error rate %.2f %%",
                     done.n_genuine, done.n_impostor, 100 * done.eer);
    }
    lk_str_free(&text);
    free(faces);
    free(folder);
    free(output);
    free(roc);
    return status;
}

/* The first hold-out stands beside the training set; measure uses all of them. */
static lk_status match(struct lk_study_job *job, const struct lk_study_step *step, struct lk_study_note *note,
                       lk_error *err)
{
    const struct lk_study *s = job->study;
    const struct lk_study_list *holdouts = &s->sets[step->train].holdouts;
    lk_match_options options;
    lk_match_summary done;
    lk_match_options_init(&options);
    char *probes = lk_study_faces_dir(s, step->matcher, step->synthetic, err);
    char *references = lk_study_faces_dir(s, step->matcher, step->train, err);
    char *holdout = holdouts->n > 0 ? lk_study_faces_dir(s, step->matcher,
                                                         lk_study_find_set(s, holdouts->items[0].text), err)
                                    : NULL;
    char *output = lk_study_match_dir(s, step->train, step->synthetic, step->matcher, err);
    lk_status status =
        probes != NULL && references != NULL && output != NULL && (holdout != NULL || holdouts->n == 0)
            ? LK_OK
            : LK_ENOMEM;
    if (status == LK_OK) {
        options.probes = probes;
        options.references = references;
        options.holdout = holdout;
        options.output = output;
        options.k = (uint64_t)lk_study_value(s->k, (double)options.k);
        options.r = (uint64_t)lk_study_value(s->r, (double)options.r);
        options.cpu = s->cpu.text;
        options.device = s->device.text;
        options.cache = 1;
        options.force = job->options->force;
        options.command = job->options->command;
        status = lk_match(job->ctx, &options, &done, err);
    }
    if (status == LK_OK) {
        snprintf(note->text, sizeof note->text, "%" PRIu64 " pairs compared, closest %.3f%s", done.n_pairs,
                 (double)done.best, done.up_to_date ? " (done before)" : "");
        job->some_unreadable = job->some_unreadable || done.n_excluded > 0;
    }
    free(probes);
    free(references);
    free(holdout);
    free(output);
    return status;
}

lk_status lk_study_do(struct lk_study_job *job, const struct lk_study_step *step, char key[65],
                      struct lk_study_note *note, lk_error *err)
{
    snprintf(note->text, sizeof note->text, "done before");
    switch (step->kind) {
    case LK_STUDY_DUPLICATES:
        return find_duplicates(job, step, key, note, err);
    case LK_STUDY_CALIBRATE:
        return calibrate(job, step, key, note, err);
    case LK_STUDY_MEASURE:
        return lk_study_measure(job, step, key, note, err);
    case LK_STUDY_REPORT:
        return lk_study_report(job, step, key, note, err);
    case LK_STUDY_EMBED:
    case LK_STUDY_MATCH:
    case LK_STUDY_COMPARE:
        break;
    }
    strcpy(key, "-"); /* these tell by themselves whether they are finished, or take no time */
    if (step->kind == LK_STUDY_EMBED)
        return embed(job, step, note, err);
    if (step->kind == LK_STUDY_MATCH)
        return match(job, step, note, err);
    snprintf(note->text, sizeof note->text, "%s/study.html", job->study->output.text);
    return lk_study_compare(job, err);
}
