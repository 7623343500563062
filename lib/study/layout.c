/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c - where the files of a study lie in its output folder. */
#include <stdarg.h>
#include <stdio.h>

#include "study/study.h"

__attribute__((format(printf, 2, 3))) static char *place(lk_error *err, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len >= 0)
        return text;
    lk_fail(err, LK_ENOMEM, "out of memory");
    return NULL;
}

char *lk_study_faces_dir(const struct lk_study *s, size_t matcher, size_t set, lk_error *err)
{
    const char *given = lk_study_given_faces(s, set, matcher);
    if (given != NULL)
        return lk_strdup(given, err);
    return place(err, "%s/faces/%s/%s", s->output.text, s->matchers[matcher].name.text,
                 s->sets[set].name.text);
}

char *lk_study_list_file(const struct lk_study *s, size_t set, lk_error *err)
{
    return place(err, "%s/duplicates/%s.csv", s->output.text, s->sets[set].name.text);
}

char *lk_study_calibration_file(const struct lk_study *s, size_t matcher, const char *name, lk_error *err)
{
    return place(err, "%s/calibration/%s/%s", s->output.text, s->matchers[matcher].name.text, name);
}

char *lk_study_thresholds_file(const struct lk_study *s, size_t matcher, lk_error *err)
{
    const char *given = s->matchers[matcher].thresholds.text;
    if (given != NULL || lk_study_calibration_of(s, matcher) == SIZE_MAX)
        return lk_strdup(given != NULL ? given : "", err);
    return lk_study_calibration_file(s, matcher, "thresholds.json", err);
}

char *lk_study_run_path(const struct lk_study *s, size_t train, size_t synthetic, const char *below,
                        lk_error *err)
{
    return place(err, "%s/runs/%s/%s/%s", s->output.text, s->sets[train].name.text,
                 s->sets[synthetic].name.text, below);
}

char *lk_study_match_dir(const struct lk_study *s, size_t train, size_t synthetic, size_t matcher,
                         lk_error *err)
{
    return place(err, "%s/runs/%s/%s/match/%s", s->output.text, s->sets[train].name.text,
                 s->sets[synthetic].name.text, s->matchers[matcher].name.text);
}
