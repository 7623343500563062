/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_person.c - likeness person: one person's question to a synthetic set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { KEY_SYNTHETIC = 0x6001, KEY_HOLDOUT, KEY_DETECTOR, KEY_CHOOSE, KEY_LIMIT };

struct person_input {
    struct cli *cli;
    lk_person_options options;
    const char **photos;
    double limit; /* 0 = none */
};

static const struct argp_option options[] = {
    {"synthetic", KEY_SYNTHETIC, "FACES", 0, "the synthetic set, as `likeness embed` made it", 0},
    {"holdout", KEY_HOLDOUT, "FACES", 0, "real people whom the generator never saw, made with the same model",
     0},
    {"nearest", 'n', "N", 0, "list the N closest synthetic images (default: 10)", 0},
    {"limit", KEY_LIMIT, "P", 0, "exit with code 10 when the p-value is at most P", 0},
    {"model", 'm', "MODEL", 0, "recogniser (default: the one that made the synthetic set)", 1},
    {"detector", KEY_DETECTOR, "MODEL", 0, "face detector (default: the one that made the synthetic set)", 1},
    {"choose", KEY_CHOOSE, "WHICH", 0, "face to take when there are several: central (default) or largest",
     1},
    {"output", 'o', "FILE", 0, "store the numbers as JSON; without it nothing is stored", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct person_input *in = state->input;
    lk_person_options *o = &in->options;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = in->cli;
        return 0;
    case KEY_SYNTHETIC:
        o->synthetic = arg;
        return 0;
    case KEY_HOLDOUT:
        o->holdout = arg;
        return 0;
    case 'n':
        o->nearest = cli_number(arg, 1, 1000, "--nearest", state);
        return 0;
    case KEY_LIMIT:
        in->limit = cli_real(arg, 1e-9, 1, "--limit", state);
        return 0;
    case 'm':
        o->model = arg;
        return 0;
    case KEY_DETECTOR:
        o->detector = arg;
        return 0;
    case KEY_CHOOSE:
        if (strcmp(arg, "largest") != 0 && strcmp(arg, "central") != 0)
            argp_error(state, "--choose: found '%s', expected largest or central", arg);
        o->choice = strcmp(arg, "largest") == 0 ? LK_FACE_LARGEST : LK_FACE_CENTRAL;
        return 0;
    case 'o':
        o->output = arg;
        return 0;
    case ARGP_KEY_ARG:
        in->photos[o->n_photos++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->n_photos == 0 || o->synthetic == NULL || o->holdout == NULL)
            argp_error(state, "expected photos of one person, --synthetic and --holdout");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_answer(const lk_person_result *r)
{
    printf("%zu of %zu photos used; closest score with %llu synthetic images: %.4f", r->n_used, r->n_photos,
           (unsigned long long)r->n_synthetic, r->score);
    if (r->n_compared < r->n_used)
        printf(" (by the first %zu)", r->n_compared);
    printf("\n%zu of %zu persons whom the generator never saw come at least as close, with as many images: p "
           "= %.3g\n",
           r->n_at_least, r->n_persons, r->p);
    if (r->n_at_least == 0)
        printf("No smaller p-value is possible with so many persons. Look at the images below: this is a "
               "lead, not a "
               "proof, and a look-alike comes close, too.\n");
    else if (r->p <= 0.05)
        printf("Closer than most; one in %.0f of strangers comes so close. Look at the images below before "
               "believing "
               "anything.\n",
               1 / r->p);
    else
        printf(
            "Nothing remarkable: strangers come as close. This does not say that the person was not used for "
            "training.\n");
    for (size_t i = 0; i < r->n_matches; i++) {
        const lk_person_match *m = &r->matches[i];
        printf("%.4f  row %llu%s%s%s%s\n", m->score, (unsigned long long)m->row, m->path != NULL ? "  " : "",
               m->path != NULL ? m->path : "", m->identity != NULL ? "  identity " : "",
               m->identity != NULL ? m->identity : "");
    }
}

int cmd_person(struct cli *cli, int argc, char **argv)
{
    static const struct argp_child children[] = {{&common_argp, 0, "Common options:", 10}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "PHOTO...",
        "Ask whether a synthetic set comes closer to one person than to people whom its generator never saw.",
        children,
        NULL,
        NULL};
    struct person_input in = {.cli = cli, .photos = calloc((size_t)argc, sizeof *in.photos)};
    if (in.photos == NULL)
        return EXIT_FAILED;
    lk_person_options_init(&in.options);
    cli_parse(&argp, argc, argv, &in);
    in.options.photos = in.photos;
    in.options.command = cli->command;
    int code = cli_start(cli);
    lk_error err;
    lk_person_result r;
    if (code == EXIT_DONE) {
        lk_status status = lk_person(cli->ctx, &in.options, &r, &err);
        if (status != LK_OK) {
            code = cli_fail(cli, status, &err);
        } else {
            print_answer(&r);
            code = in.limit > 0 && r.p <= in.limit ? EXIT_LEAKAGE
                   : r.n_used < r.n_photos         ? EXIT_SOME_UNREADABLE
                                                   : EXIT_DONE;
            lk_person_result_free(&r);
        }
    }
    free(in.photos);
    return code;
}
