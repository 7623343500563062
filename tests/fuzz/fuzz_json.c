/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c - any bytes as a descriptor or meta.json: parsed, its members taken as every type; as text. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void take_members(const json_t *object)
{
    const char *key;
    json_t *value;
    lk_error err;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        const char *text = NULL;
        double real;
        int64_t number;
        for (int required = 0; required < 2; required++) {
            lk_json_string(object, key, required, &text, "meta.json", &err);
            lk_json_real(object, key, required, &real, "meta.json", &err);
            lk_json_integer(object, key, required, &number, "meta.json", &err);
        }
        if (json_is_object(value))
            take_members(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    json_t *value = NULL;
    lk_error err;
    if (lk_json_parse(bytes, len, &value, &err) == LK_OK) {
        take_members(value);
        json_decref(value);
    }
    /* Any text at all must give a string that JSON can hold, and valid text must come through unchanged. */
    char *text = lk_calloc(len + 1, 1, NULL);
    if (text == NULL)
        return 0;
    memcpy(text, bytes, len);
    json_t *clean = lk_json_text(text), *plain = json_string(text);
    if (clean == NULL || (plain != NULL && !json_equal(plain, clean)))
        abort();
    json_decref(clean);
    json_decref(plain);
    free(text);
    return 0;
}
