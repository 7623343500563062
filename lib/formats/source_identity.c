/* SPDX-License-Identifier: Apache-2.0 */
/* source_identity.c - rules that say which part of a picture's name is the identity. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/source.h"

enum { MAX_DEPTH = 64 };

lk_status lk_identity_rule_parse(const char *text, struct lk_identity_rule *out, lk_error *err)
{
    static const struct {
        const char *word;
        struct lk_identity_rule rule;
        bool argument;
    } RULES[] = {
        {"auto", {.from = LK_IDENTITY_AUTO}, false},     {"folder", {.from = LK_IDENTITY_FOLDER}, true},
        {"parent", {LK_IDENTITY_FOLDER, -1, ""}, false}, {"name", {.from = LK_IDENTITY_NAME}, true},
        {"label", {.from = LK_IDENTITY_LABEL}, false},   {"cls", {.from = LK_IDENTITY_CLS}, false},
        {"json", {.from = LK_IDENTITY_JSON}, true},      {"none", {.from = LK_IDENTITY_NONE}, false},
    };
    size_t len = strcspn(text, ":");
    const char *argument = text[len] == ':' ? text + len + 1 : NULL;
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++) {
        if (strlen(RULES[i].word) != len || memcmp(RULES[i].word, text, len) != 0 ||
            (argument != NULL && !RULES[i].argument))
            continue;
        struct lk_identity_rule rule = RULES[i].rule;
        bool good = true;
        if (rule.from == LK_IDENTITY_FOLDER && argument != NULL) {
            char *end;
            long depth = strtol(argument, &end, 10);
            good = *argument >= '1' && *argument <= '9' && *end == '\0' && depth <= MAX_DEPTH;
            rule.depth = (int)depth - 1;
        } else if (rule.from != LK_IDENTITY_FOLDER && RULES[i].argument) {
            good = argument != NULL && *argument != '\0' && strlen(argument) < sizeof rule.text &&
                   strchr(argument, '/') == NULL;
            if (good)
                strcpy(rule.text, argument);
        }
        if (good) {
            *out = rule;
            return LK_OK;
        }
    }
    return lk_fail(err, LK_EINVAL,
                   "identity: found '%.80s', expected auto, folder, folder:N (N from 1 to %d), parent, "
                   "name:SEPARATOR, label, cls, json:FIELD or none",
                   text, MAX_DEPTH);
}

/* Folder number `depth` of a name, -1 = the last. */
static const char *folder_of(const char *name, int depth, size_t *len)
{
    const char *start = name, *slash;
    for (int i = 0; (slash = strchr(start, '/')) != NULL; i++) {
        bool last = strchr(slash + 1, '/') == NULL;
        if (i == depth || (depth < 0 && last)) {
            *len = (size_t)(slash - start);
            return start;
        }
        start = slash + 1;
    }
    return NULL;
}

/* The file name up to the last separator in it, its ending left out. */
static const char *stem_of(const char *name, const char *separator, size_t *len)
{
    const char *slash = strrchr(name, '/');
    const char *file = slash != NULL ? slash + 1 : name;
    const char *dot = strrchr(file, '.');
    const char *end = dot != NULL && dot != file ? dot : file + strlen(file);
    size_t n = strlen(separator);
    for (const char *p = end; n > 0 && p > file; p--) {
        if ((size_t)(end - p) >= n && memcmp(p, separator, n) == 0) {
            *len = (size_t)(p - file);
            return file;
        }
    }
    return NULL;
}

const char *lk_identity_of_name(const struct lk_identity_rule *rule, const char *name, size_t *len)
{
    const char *found = NULL;
    if (rule->from == LK_IDENTITY_AUTO || rule->from == LK_IDENTITY_FOLDER)
        found = folder_of(name, rule->depth, len);
    else if (rule->from == LK_IDENTITY_NAME)
        found = stem_of(name, rule->text, len);
    if (found == NULL)
        *len = 0;
    return found;
}
