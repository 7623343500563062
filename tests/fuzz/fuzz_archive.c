/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_archive.c - any bytes as an archive: names are harmless and unique, and every picture can be asked
 * for, in order, backwards and with labels beside it. */
#include <stdlib.h>
#include <string.h>

#include "formats/image.h"
#include "formats/source_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_name(const char *name)
{
    if (name[0] == '\0' || name[0] == '/' || !lk_is_picture_name(name))
        abort();
    for (const char *p = name; p != NULL; p = strchr(p, '/') != NULL ? strchr(p, '/') + 1 : NULL)
        if (*p == '.' || *p == '/' || *p == '\0') /* hidden, empty, "." or ".." */
            abort();
}

static void check_index(const struct lk_archive_index *index, const struct lk_names *names)
{
    for (size_t i = 0; i < index->n; i++) {
        const struct lk_member *m = &index->members[i];
        check_name(m->name);
        if (index->labels != NULL && index->labels[i] != LK_NO_NAME && index->labels[i] >= names->n)
            abort();
        if (i > 0 && m->place <= index->members[i - 1].place)
            abort();
        for (size_t j = 0; j < i && j < 50; j++)
            if (strcmp(m->name, index->members[j].name) == 0)
                abort();
    }
}

static void read_all(struct lk_archive_stream *stream, size_t n, int backward)
{
    for (size_t i = 0; i < n && i < 20; i++) {
        uint8_t *data;
        size_t size;
        lk_error err = {0};
        lk_status status = lk_archive_stream_read(stream, backward ? n - 1 - i : i, &data, &size, &err);
        if (status == LK_OK) {
            if (size > LK_IMAGE_MAX_BYTES)
                abort();
            free(data);
        } else if (err.text[0] == '\0') {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const rules[] = {"auto", "cls", "json:a"};
    const struct lk_archive_input input = {.bytes = bytes, .len = len};
    struct lk_identity_rule rule;
    struct lk_archive_index index;
    struct lk_names names = {0};
    lk_error err = {0};
    if (lk_identity_rule_parse(rules[len % 3], &rule, &err) != LK_OK)
        abort();
    if (lk_archive_list(&index, &input, &rule, &names, NULL, &err) == LK_OK) {
        struct lk_archive_stream *stream;
        check_index(&index, &names);
        if (index.direct || lk_archive_stream_new(&stream, &index, &input, 4, NULL, &err) != LK_OK)
            abort();
        read_all(stream, index.n, 0);
        read_all(stream, index.n, 1);
        lk_archive_stream_free(stream);
        lk_archive_index_free(&index);
    } else if (err.text[0] == '\0') {
        abort();
    }
    lk_names_free(&names);
    return 0;
}
