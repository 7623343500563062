/* SPDX-License-Identifier: Apache-2.0 */
/* at.c - values of study.json by their way through it. */
#include <stdlib.h>
#include <string.h>

#include "study/compare.h"

const json_t *lk_study_at(const json_t *from, const char *way)
{
    char key[64];
    while (from != NULL && *way != '\0') {
        size_t len = strcspn(way, "/");
        snprintf(key, sizeof key, "%.*s", (int)len, way);
        from =
            json_is_array(from) ? json_array_get(from, strtoul(key, NULL, 10)) : json_object_get(from, key);
        way += len + (way[len] == '/');
    }
    return from;
}

double lk_study_number_at(const json_t *from, const char *way)
{
    const json_t *value = lk_study_at(from, way);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

uint64_t lk_study_count_at(const json_t *from, const char *way)
{
    const json_t *value = lk_study_at(from, way);
    return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

const char *lk_study_text_at(const json_t *from, const char *way)
{
    const char *text = json_string_value(lk_study_at(from, way));
    return text != NULL ? text : "";
}
