/* SPDX-License-Identifier: Apache-2.0 */
/* embed_options.c - the options that say how faces become embeddings, for embed and audit, and which images, for every
 * program that embeds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { KEY_DETECTOR = 0x3001, KEY_ALIGNED, KEY_CHOOSE, KEY_AGE, KEY_EXCLUDE, KEY_FORCE, KEY_DEVICE };

static const struct argp_option options[] = {
    {"model", 'm', "MODEL", 0,
     "recogniser: a name of `likeness models`, or a descriptor file (default: sface)", 1},
    {"detector", KEY_DETECTOR, "MODEL", 0, "face detector (default: blazeface)", 1},
    {"aligned", KEY_ALIGNED, NULL, 0,
     "the images are face crops on the model's template already: no detection", 1},
    {"choose", KEY_CHOOSE, "WHICH", 0, "face to take when there are several: central (default) or largest",
     1},
    {"age", KEY_AGE, "MODEL", 0, "estimate ages with this model (faceres): the column 'age' of images.csv",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    lk_embed_options *embed = state->input;
    switch (key) {
    case 'm':
        embed->model = arg;
        return 0;
    case KEY_DETECTOR:
        embed->detector = arg;
        return 0;
    case KEY_ALIGNED:
        embed->aligned = 1;
        return 0;
    case KEY_CHOOSE:
        if (strcmp(arg, "largest") == 0)
            embed->choice = LK_FACE_LARGEST;
        else if (strcmp(arg, "central") == 0)
            embed->choice = LK_FACE_CENTRAL;
        else
            argp_error(state, "--choose: found '%s', expected largest or central", arg);
        return 0;
    case KEY_AGE:
        embed->age_model = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp embed_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

static const struct argp_option job_options[] = {
    {"output", 'o', "FACES", 0, "folder to write: embeddings.npy, images.csv, meta.json (required)", 1},
    {"exclude", KEY_EXCLUDE, "FILE", 0,
     "leave out the images of a table with the column path, as `likeness duplicates` writes", 1},
    {"force", KEY_FORCE, NULL, 0, "replace a finished result that was made with other settings", 1},
    {"device", KEY_DEVICE, "NAME", 0,
     "run recogniser and age model on cuda, where ONNX Runtime has its provider, in place of the processor (default: cpu)", 1},
    {0},
};

static error_t parse_job(int key, char *arg, struct argp_state *state)
{
    lk_embed_options *embed = state->input;
    switch (key) {
    case 'o':
        embed->output = arg;
        return 0;
    case KEY_EXCLUDE:
        embed->exclude = arg;
        return 0;
    case KEY_FORCE:
        embed->force = 1;
        return 0;
    case KEY_DEVICE:
        if (strcmp(arg, "cpu") != 0 && strcmp(arg, "cuda") != 0)
            argp_error(state, "--device: found '%s', expected cpu or cuda", arg);
        embed->device = arg;
        return 0;
    case ARGP_KEY_ARGS:
        embed->inputs = (const char *const *)(state->argv + state->next);
        embed->n_inputs = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (embed->n_inputs == 0)
            argp_error(state, "expected at least one folder, archive or image to embed");
        if (embed->output == NULL)
            argp_error(state, "expected an output folder: -o FACES");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp embed_job_argp = {job_options, parse_job, NULL, NULL, NULL, NULL, NULL};

void cli_print_faces(const lk_embed_summary *s, const char *output)
{
    if (s->up_to_date)
        printf("%s is up to date: nothing to do\n", output);
    printf("%" PRIu64 " images", s->n_images);
    if (s->n_identities > 0)
        printf(" of %" PRIu64 " identities", s->n_identities);
    if (s->n_resumed > 0 && !s->up_to_date)
        printf(", %" PRIu64 " of them done by an earlier run", s->n_resumed);
    printf("\n%10" PRIu64 " embedded, %d numbers each, in %s/embeddings.npy\n", s->n_embedded, s->dim,
           output);
    if (s->n_no_face > 0)
        printf("%10" PRIu64 " without a face: listed in %s/images.csv, not embedded\n", s->n_no_face, output);
    if (s->n_excluded > 0)
        printf("%10" PRIu64 " excluded by the list: reasons in %s/images.csv\n", s->n_excluded, output);
    if (s->n_unreadable > 0)
        printf("%10" PRIu64 " unreadable: reasons in %s/images.csv\n", s->n_unreadable, output);
}
