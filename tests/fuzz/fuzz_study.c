/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_study.c - any bytes as a study file; what is accepted keeps the promises of study/study.h. */
#include <stdlib.h>
#include <string.h>

#include "study/study.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_names(const struct lk_study *s, const struct lk_study_list *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (lk_study_find_set(s, names->items[i].text) == SIZE_MAX)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_study study;
    lk_error err = {.text = ""};
    if (lk_study_parse(bytes, len, &study, &err) != LK_OK) {
        if (err.text[0] == '\0' || study.n_sets != 0)
            abort();
        return 0;
    }
    if (study.output.text == NULL || study.n_matchers == 0 || study.n_matchers > LK_MAX_MATCHERS)
        abort();
    for (size_t i = 0; i < study.n_sets; i++) {
        const struct lk_study_set *set = &study.sets[i];
        if (lk_study_find_set(&study, set->name.text) != i || strchr(set->name.text, '/') != NULL)
            abort();
        check_names(&study, &set->holdouts);
        check_names(&study, &set->controls);
        check_names(&study, &set->train);
        for (size_t m = 0; m < study.n_matchers; m++)
            if (lk_study_wants(&study, i, m) && set->images.n == 0 &&
                lk_study_given_faces(&study, i, m) == NULL)
                abort();
    }
    lk_study_close(&study);
    return 0;
}
