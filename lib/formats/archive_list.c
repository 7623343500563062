/* SPDX-License-Identifier: Apache-2.0 */
/* archive_list.c - lists the pictures of an archive: names made harmless, labels beside the pictures, what is
 * passed over. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/image.h"
#include "formats/json.h"
#include "formats/source_archive.h"

enum { MAX_NAME = 4096, MAX_LABEL_BYTES = 1 << 20, MAX_LABEL = 1024, UNPACKED_RATIO = 1000 };
static const uint32_t REPLACED = (uint32_t)1 << 31; /* in a member's size, which is at most 2^28 */

struct listing {
    struct lk_archive_index *index;
    const struct lk_archive_input *input;
    const struct lk_identity_rule *rule;
    struct lk_names *names;
    const lk_ctx *ctx;
    struct archive *archive;
    uint64_t number;    /* of the member, among all */
    struct lk_str name; /* of the member, made harmless */
    /* Labels come before or behind the picture, so they are kept by key until the end. */
    struct lk_names keys;
    uint32_t *key_labels;
    size_t key_capacity;
};

/* ---- names ------------------------------------------------------------------------------------- */

lk_status lk_archive_name(const char *raw, struct lk_str *out, bool *outside, bool *hidden, lk_error *err)
{
    *outside = raw[0] == '/';
    *hidden = false;
    out->len = 0;
    for (const char *p = raw; *p != '\0';) {
        size_t n = strcspn(p, "/");
        bool up = n == 2 && p[0] == '.' && p[1] == '.', here = n == 1 && p[0] == '.';
        *outside |= up;
        if (n > 0 && !up && !here) {
            *hidden |= p[0] == '.';
            if (out->len > 0)
                LK_TRY(lk_str_addz(out, "/", err));
            LK_TRY(lk_str_add(out, p, n, err));
        }
        p += n + (p[n] == '/');
    }
    return LK_OK;
}

struct lk_archive_locale lk_archive_locale_use(void)
{
    struct lk_archive_locale l = {newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), (locale_t)0};
    if (l.utf8 != (locale_t)0)
        l.old = uselocale(l.utf8);
    return l;
}

void lk_archive_locale_leave(struct lk_archive_locale *l)
{
    if (l->utf8 == (locale_t)0)
        return;
    uselocale(l->old);
    freelocale(l->utf8);
}

static bool ends_with(const char *name, const char *ending)
{
    size_t len = strlen(name), n = strlen(ending);
    return len > n && strcasecmp(name + len - n, ending) == 0;
}

bool lk_archive_is_nested(const char *name)
{
    static const char *const ENDINGS[] = {".zip", ".tar", ".tgz", ".gz", ".zst",
                                          ".xz",  ".bz2", ".7z",  ".rar"};
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++)
        if (ends_with(name, ENDINGS[i]))
            return true;
    return false;
}

static lk_status tally(struct listing *l, struct lk_count *count, const char *name, lk_error *err)
{
    if (count->n++ > 0)
        return LK_OK;
    count->first = lk_arena_text(&l->index->arena, name, strlen(name), err);
    return count->first != NULL ? LK_OK : LK_ENOMEM;
}

/* ---- labels beside the pictures (WebDataset) ---------------------------------------------------- */

size_t lk_archive_key_length(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *file = slash != NULL ? slash + 1 : name;
    return (size_t)(file - name) + strcspn(file, ".");
}

static bool wants_label(const struct listing *l, const char *name)
{
    return (l->rule->from == LK_IDENTITY_CLS && ends_with(name, ".cls")) ||
           (l->rule->from == LK_IDENTITY_JSON && ends_with(name, ".json"));
}

/* The identity that a .cls or .json member holds, as text; false = none. */
static bool label_text(const struct lk_identity_rule *rule, const uint8_t *bytes, size_t len,
                       char out[MAX_LABEL])
{
    out[0] = '\0';
    if (rule->from == LK_IDENTITY_JSON) {
        json_t *object = NULL;
        if (lk_json_parse(bytes, len, &object, NULL) != LK_OK)
            return false;
        const json_t *value = json_object_get(object, rule->text);
        if (json_is_integer(value))
            snprintf(out, MAX_LABEL, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_string(value) && json_string_length(value) < MAX_LABEL)
            strcpy(out, json_string_value(value));
        json_decref(object);
        return out[0] != '\0';
    }
    size_t start = 0;
    while (start < len && strchr(" \t\r\n", bytes[start]) != NULL && bytes[start] != '\0')
        start++;
    while (len > start && strchr(" \t\r\n", bytes[len - 1]) != NULL && bytes[len - 1] != '\0')
        len--;
    if (len - start >= MAX_LABEL || memchr(bytes + start, '\0', len - start) != NULL)
        return false;
    memcpy(out, bytes + start, len - start);
    out[len - start] = '\0';
    return len > start;
}

static lk_status take_label(struct listing *l, lk_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    bool fatal = false;
    char text[MAX_LABEL];
    lk_status status = lk_archive_member(l->archive, MAX_LABEL_BYTES, &bytes, &len, &fatal, err);
    if (status == LK_ENOMEM || fatal)
        return status;
    bool good = status == LK_OK && label_text(l->rule, bytes, len, text);
    free(bytes);
    if (!good)
        return tally(l, &l->index->tally.bad_labels, l->name.text, err);
    uint32_t key;
    LK_TRY(lk_names_add(&l->keys, l->name.text, lk_archive_key_length(l->name.text), &key, err));
    LK_TRY(lk_grow(&l->key_labels, &l->key_capacity, l->keys.n, sizeof *l->key_labels, err));
    return lk_names_add(l->names, text, strlen(text), &l->key_labels[key], err);
}

static lk_status join_labels(struct listing *l, lk_error *err)
{
    struct lk_archive_index *index = l->index;
    if ((index->labels = lk_calloc(index->n, sizeof *index->labels, err)) == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < index->n; i++) {
        const char *name = index->members[i].name;
        uint32_t key = lk_names_find(&l->keys, name, lk_archive_key_length(name));
        index->labels[i] = key != LK_NO_NAME ? l->key_labels[key] : LK_NO_NAME;
    }
    return LK_OK;
}

/* ---- members ----------------------------------------------------------------------------------- */

static lk_status take_picture(struct listing *l, struct archive_entry *entry, lk_error *err)
{
    struct lk_archive_index *index = l->index;
    struct lk_member member = {.place = l->number};
    if (archive_entry_is_data_encrypted(entry)) {
        member.trouble = LK_MEMBER_ENCRYPTED;
        LK_TRY(tally(l, &index->tally.encrypted, l->name.text, err));
    } else if (archive_entry_size_is_set(entry) && archive_entry_size(entry) > (int64_t)LK_IMAGE_MAX_BYTES) {
        member.trouble = LK_MEMBER_TOO_LARGE;
        LK_TRY(tally(l, &index->tally.large, l->name.text, err));
    } else if (index->direct) {
        int64_t place = archive_filter_bytes(l->archive, 0), size = archive_entry_size(entry);
        if (place < 0 || size < 0 || archive_entry_sparse_count(entry) > 0) {
            index->direct = false; /* holes are left to libarchive; the places so far are numbers again */
            return LK_EUNSUP;
        }
        member.place = (uint64_t)place;
        member.size = (uint32_t)size;
    }
    LK_TRY(lk_grow(&index->members, &index->capacity, index->n + 1, sizeof *index->members, err));
    member.name = lk_arena_text(&index->arena, l->name.text, l->name.len, err);
    if (member.name == NULL)
        return LK_ENOMEM;
    index->members[index->n++] = member;
    return LK_OK;
}

static lk_status take_member(struct listing *l, struct archive_entry *entry, lk_error *err)
{
    struct lk_archive_tally *t = &l->index->tally;
    const char *raw = archive_entry_pathname(entry);
    if (raw == NULL)
        raw = archive_entry_pathname_utf8(entry);
    if (raw == NULL || *raw == '\0' || strlen(raw) > MAX_NAME)
        return tally(l, &t->names, raw != NULL && *raw != '\0' ? "(very long)" : "(none)", err);
    bool outside, hidden;
    LK_TRY(lk_archive_name(raw, &l->name, &outside, &hidden, err));
    if (archive_entry_filetype(entry) == AE_IFDIR || hidden || l->name.len == 0)
        return LK_OK;
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL)
        return lk_is_picture_name(l->name.text) ? tally(l, &t->special, l->name.text, err) : LK_OK;
    if (lk_is_picture_name(l->name.text)) {
        if (outside)
            LK_TRY(tally(l, &t->outside, raw, err));
        return take_picture(l, entry, err);
    }
    if (wants_label(l, l->name.text))
        return take_label(l, err);
    t->n_others++;
    return lk_archive_is_nested(l->name.text) ? tally(l, &t->nested, l->name.text, err) : LK_OK;
}

/* A compressed archive is unpacked to be listed: what unpacks endlessly must not. */
static lk_status check_growth(const struct listing *l, lk_error *err)
{
    int64_t packed = archive_filter_bytes(l->archive, -1), unpacked = archive_filter_bytes(l->archive, 0);
    LK_NEED(unpacked < (int64_t)1 << 30 || unpacked / UNPACKED_RATIO < packed, err, LK_EFORMAT,
            "unpacks %lld bytes to more than %lld, more than %d to one: not a set of pictures",
            (long long)packed, (long long)unpacked, UNPACKED_RATIO);
    return LK_OK;
}

static lk_status list_members(struct listing *l, lk_error *err)
{
    for (l->number = 0;; l->number++) {
        if (l->ctx != NULL)
            LK_TRY(lk_ctx_check(l->ctx, err));
        struct archive_entry *entry;
        int code = archive_read_next_header(l->archive, &entry);
        bool tar = (archive_format(l->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
        if (code == ARCHIVE_EOF) {
            int64_t last = archive_read_header_position(l->archive);
            l->index->tally.no_end = tar && l->number > 0 && archive_filter_bytes(l->archive, 0) == last;
            return LK_OK;
        }
        const char *reason = archive_error_string(l->archive);
        LK_NEED(code >= ARCHIVE_WARN, err, archive_errno(l->archive) == ENOMEM ? LK_ENOMEM : LK_EFORMAT,
                "damaged behind %" PRIu64 " members and %zu pictures: %s", l->number, l->index->n,
                reason != NULL ? reason : "unknown reason");
        if (l->number == 0)
            l->index->direct = l->index->direct && tar && archive_filter_count(l->archive) == 1;
        LK_TRY(take_member(l, entry, err));
        LK_TRY(check_growth(l, err));
    }
}

/* ---- names that are there twice ----------------------------------------------------------------- */

/* Of members with the same name only the last stays. The table holds member numbers, not names: an index of
 * millions must stay small. */
static lk_status drop_replaced(struct listing *l, lk_error *err)
{
    struct lk_archive_index *index = l->index;
    size_t n_slots = 64, n = 0;
    while (n_slots < 2 * index->n)
        n_slots *= 2;
    LK_NEED(index->n < UINT32_MAX, err, LK_EUNSUP, "more than %u pictures in one archive", UINT32_MAX);
    uint32_t *slots = lk_calloc(n_slots, sizeof *slots, err); /* index + 1; 0 = free */
    if (slots == NULL)
        return LK_ENOMEM;
    lk_status status = LK_OK;
    for (size_t i = 0; i < index->n && status == LK_OK; i++) {
        char *name = index->members[i].name;
        size_t slot = (size_t)lk_text_hash(name, strlen(name)) & (n_slots - 1);
        while (slots[slot] != 0 && strcmp(index->members[slots[slot] - 1].name, name) != 0)
            slot = (slot + 1) & (n_slots - 1);
        if (slots[slot] != 0)
            status = tally(l, &index->tally.again, name, err);
        slots[slot] = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < index->n; i++) {
        char *name = index->members[i].name;
        size_t slot = (size_t)lk_text_hash(name, strlen(name)) & (n_slots - 1);
        while (strcmp(index->members[slots[slot] - 1].name, name) != 0)
            slot = (slot + 1) & (n_slots - 1);
        index->members[i].size |= slots[slot] == i + 1 ? 0 : REPLACED;
    }
    for (size_t i = 0; i < index->n; i++)
        if ((index->members[i].size & REPLACED) == 0)
            index->members[n++] = index->members[i];
    index->n = n;
    free(slots);
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static lk_status list_once(struct listing *l, lk_error *err)
{
    lk_arena_free(&l->index->arena);
    l->index->n = 0;
    l->index->tally = (struct lk_archive_tally){0};
    LK_TRY(lk_archive_open(&l->archive, l->input, err));
    lk_status status = list_members(l, err);
    archive_read_free(l->archive);
    l->archive = NULL;
    return status;
}

/* libarchive skips data without looking at it, also past the end of the file. */
static lk_status check_end(const struct listing *l, lk_error *err)
{
    struct stat st;
    if (!l->index->direct || stat(l->input->path, &st) != 0)
        return LK_OK;
    for (size_t i = 0; i < l->index->n; i++) {
        const struct lk_member *m = &l->index->members[i];
        LK_NEED(m->trouble != LK_MEMBER_FINE || m->place + m->size <= (uint64_t)st.st_size, err, LK_EFORMAT,
                "damaged behind %zu pictures: the file ends inside '%s'", i, m->name);
    }
    return LK_OK;
}

static lk_status list_all(struct listing *l, lk_error *err)
{
    l->index->direct = l->input->path != NULL;
    lk_status status = list_once(l, err);
    if (status == LK_EUNSUP && !l->index->direct) /* found members with holes on the way */
        status = list_once(l, err);
    LK_TRY(status);
    LK_TRY(check_end(l, err));
    LK_TRY(drop_replaced(l, err));
    LK_NEED(l->index->n > 0, err, LK_EFORMAT,
            "no pictures in this archive: expected members ending in .jpg, .jpeg, .png or .webp, found "
            "%" PRIu64 " others",
            l->index->tally.n_others);
    if (l->rule->from == LK_IDENTITY_CLS || l->rule->from == LK_IDENTITY_JSON)
        return join_labels(l, err);
    return LK_OK;
}

lk_status lk_archive_list(struct lk_archive_index *index, const struct lk_archive_input *input,
                          const struct lk_identity_rule *rule, struct lk_names *names, const lk_ctx *ctx,
                          lk_error *err)
{
    *index = (struct lk_archive_index){0};
    struct listing l = {.index = index, .input = input, .rule = rule, .names = names, .ctx = ctx};
    struct lk_archive_locale names_in = lk_archive_locale_use();
    lk_status status = list_all(&l, err);
    lk_archive_locale_leave(&names_in);
    lk_str_free(&l.name);
    lk_names_free(&l.keys);
    free(l.key_labels);
    if (status != LK_OK)
        lk_archive_index_free(index);
    return status;
}

void lk_archive_index_free(struct lk_archive_index *index)
{
    lk_arena_free(&index->arena);
    free(index->members);
    free(index->labels);
    *index = (struct lk_archive_index){0};
}
