/* SPDX-License-Identifier: Apache-2.0 */
/* set_options.c - the options that say what a set of images is, and the presets of published sets. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { KEY_FORMAT = 0x4001, KEY_IDENTITY, KEY_LABELS, KEY_PRESET, WIDTH = 79 };

static const struct argp_option options[] = {
    {"preset", KEY_PRESET, "NAME", 0,
     "what a published set needs of these options: see likeness help presets", 1},
    {"format", KEY_FORMAT, "NAME", 0, "what the inputs are, instead of recognising it (see likeness info)",
     1},
    {"identity", KEY_IDENTITY, "RULE", 0,
     "where the identity is: auto, folder:N, parent, name:SEPARATOR, label, cls, json:FIELD, none", 1},
    {"labels", KEY_LABELS, "FILE", 0, "CSV table: path, identity, groups; overrides identities", 1},
    {0},
};

lk_preset cli_preset(const char *text, const char *option, struct argp_state *state)
{
    char names[300] = "";
    lk_preset preset;
    for (int i = 0; lk_preset_at(i, &preset); i++) {
        if (strcmp(text, preset.name) == 0)
            return preset;
        size_t len = strlen(names);
        snprintf(names + len, sizeof names - len, "%s%s", i > 0 ? ", " : "", preset.name);
    }
    argp_error(state, "%s: found '%s', expected one of %s", option, text, names);
    return (lk_preset){0};
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct set_options *set = state->input;
    switch (key) {
    case KEY_PRESET:
        set->preset = cli_preset(arg, "--preset", state);
        return 0;
    case KEY_FORMAT:
        set->format = arg;
        return 0;
    case KEY_IDENTITY:
        set->identity = arg;
        return 0;
    case KEY_LABELS:
        set->labels = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp set_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

void cli_use_preset(struct cli *cli, struct set_options *set)
{
    if (set->preset.name == NULL)
        return;
    if (set->format == NULL)
        set->format = set->preset.format;
    if (set->identity == NULL)
        set->identity = set->preset.identity;
    if (set->preset.warning != NULL) {
        char text[500];
        snprintf(text, sizeof text, "preset %s: %s", set->preset.name, set->preset.warning);
        term_message(cli, LK_LEVEL_WARNING, text);
    }
}

void cli_embed_set(const struct set_options *set, lk_embed_options *embed)
{
    embed->format = set->format;
    embed->identity = set->identity;
    embed->labels = set->labels;
    if (set->preset.aligned &&
        embed->detector == NULL) /* asking for a detector means that faces are to be found */
        embed->aligned = 1;
}

/* Prints words in lines of WIDTH, with `indent` blanks in front. */
static void print_wrapped(const char *text, size_t indent)
{
    size_t column = 0;
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += (size_t)printf("%*s%.*s", column == 0 ? (int)indent : 1, "", (int)word, text);
        text += word;
        text += strspn(text, " ");
    }
    putchar('\n');
}

void print_presets(void)
{
    lk_preset preset;
    print_wrapped(
        "--preset NAME of embed, info, duplicates and audit sets for a published set of images what the "
        "options --format, --identity and --aligned would, and warns of what is known to go wrong. An "
        "option that is given wins; --detector NAME undoes --aligned. In audit, --preset is about the "
        "synthetic set, --train-preset about the training set and the hold-out.",
        0);
    for (int i = 0; lk_preset_at(i, &preset); i++) {
        printf("\n%s: %s\n", preset.name, preset.title);
        print_wrapped(preset.text, 2);
        printf("  sets: --identity=%s%s%s%s\n", preset.identity, preset.format != NULL ? " --format=" : "",
               preset.format != NULL ? preset.format : "", preset.aligned ? " --aligned" : "");
        if (preset.warning != NULL) {
            char text[500];
            snprintf(text, sizeof text, "warns: %s", preset.warning);
            print_wrapped(text, 2);
        }
    }
}
