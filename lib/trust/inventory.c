/* SPDX-License-Identifier: Apache-2.0 */
/* inventory.c - finds the files that our commands wrote below a folder, by names in folders that are marked
 * as ours, and says which of them hold biometric data. */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/pool.h"
#include "trust/trust.h"

enum { MOST_DEEP = 16 };

/* What marks a folder as made by one of our commands: a JSON file, and its "kind"; folders of a study without
 * a file of their own go by their names. An unfinished FACES directory has no meta.json yet. */
enum folder_kind {
    OF_EMBED,
    OF_EMBED_UNFINISHED,
    OF_MATCH,
    OF_MEASURE,
    OF_REPORT,
    OF_CLEAN,
    OF_STUDY,
    OF_STUDY_SETS,
    OF_STUDY_LISTS,
    OF_CALIBRATION,
    N_FOLDER_KINDS
};
static const struct {
    const char *file, *kind, *name; /* name: of the folder; NULL = any */
} markers[N_FOLDER_KINDS] = {
    [OF_EMBED] = {"meta.json", "faces", NULL},
    [OF_EMBED_UNFINISHED] = {"state.part.json", "faces", NULL},
    [OF_MATCH] = {"meta.json", "match", NULL},
    [OF_MEASURE] = {"measures.json", "measures", NULL},
    [OF_REPORT] = {"report.json", "report", NULL},
    [OF_CLEAN] = {"clean.json", "clean", NULL},
    [OF_STUDY] = {"study.json", "study", NULL},
    [OF_STUDY_SETS] = {"../study.json", "study", "sets"},
    [OF_STUDY_LISTS] = {"../study.json", "study", "duplicates"},
    [OF_CALIBRATION] = {"thresholds.json", "thresholds", NULL},
};

enum holds { NOTHING, NUMBERS, PAGE, FACES }; /* a page holds faces when pictures are in it */

static const struct {
    enum folder_kind in;
    const char *pattern; /* fnmatch */
    enum holds holds;
} known[] = {
    {OF_EMBED, "embeddings.npy", FACES},
    {OF_EMBED, "codes-*.cache", FACES},
    {OF_EMBED, "images.csv", NUMBERS},
    {OF_EMBED, "meta.json", NUMBERS},
    {OF_EMBED_UNFINISHED, "embeddings.part", FACES},
    {OF_EMBED_UNFINISHED, "images.part.csv", NUMBERS},
    {OF_EMBED_UNFINISHED, "state.part.json", NUMBERS},
    {OF_MATCH, "pairs.csv", NUMBERS},
    {OF_MATCH, "holdout_pairs.csv", NUMBERS},
    {OF_MATCH, "nearest.csv", NUMBERS},
    {OF_MATCH, "nearest_identities.csv", NUMBERS},
    {OF_MATCH, "references.csv", NUMBERS},
    {OF_MATCH, "range.csv", NUMBERS},
    {OF_MATCH, "histogram.csv", NUMBERS},
    {OF_MATCH, "meta.json", NUMBERS},
    {OF_MEASURE, "measures.json", NUMBERS},
    {OF_MEASURE, "identities.csv", NUMBERS},
    {OF_MEASURE, "persons.csv", NUMBERS},
    {OF_MEASURE, "pairs.csv", NUMBERS},
    {OF_MEASURE, "curve.csv", NUMBERS},
    {OF_MEASURE, "doubles.csv", NUMBERS},
    {OF_MEASURE, "strata.csv", NUMBERS},
    {OF_MEASURE, "matchers.csv", NUMBERS},
    {OF_REPORT, "report.html", PAGE},
    {OF_REPORT, "report.json", NUMBERS},
    {OF_CLEAN, "clean.json", NUMBERS},
    {OF_CLEAN, "removal.csv", NUMBERS},
    {OF_CLEAN, "kept.csv", NUMBERS},
    {OF_STUDY, "study.json", NUMBERS},
    {OF_STUDY, "study.csv", NUMBERS},
    {OF_STUDY, "study.html", NUMBERS},
    {OF_STUDY_SETS, "*.html", NUMBERS},
    {OF_STUDY_LISTS, "*.csv", NUMBERS},
    {OF_STUDY_LISTS, "*.csv.part", FACES}, /* small pictures of what was read */
    {OF_CALIBRATION, "thresholds.json", NUMBERS},
    {OF_CALIBRATION, "roc.csv", NUMBERS},
};

struct walk {
    struct lk_inventory *inventory;
    lk_ctx *ctx;
    const char *folder;
    const json_t *manifest; /* may be NULL */
};

/* Whether a manifest lists a file, as there or as purged. */
static bool is_listed(const struct walk *w, const char *path)
{
    static const char *const lists[] = {"outputs", "purged"};
    size_t i;
    json_t *entry;
    for (size_t k = 0; k < 2; k++)
        json_array_foreach(json_object_get(w->manifest, lists[k]), i, entry)
        {
            const char *value = json_string_value(json_object_get(entry, "path"));
            if (value != NULL && strcmp(value, path) == 0)
                return true;
        }
    return false;
}

/* Whether the marker file in a folder is one of ours; a file that is damaged marks nothing. */
static bool is_marked(const char *folder, int kind)
{
    lk_error ignored;
    const char *slash = strrchr(folder, '/'), *name = slash != NULL ? slash + 1 : folder;
    if (markers[kind].name != NULL && strcmp(name, markers[kind].name) != 0)
        return false;
    json_t *json = NULL;
    char *path = lk_path_join(folder, markers[kind].file, &ignored);
    bool found = path != NULL && lk_path_exists(path) && lk_json_read(path, &json, &ignored) == LK_OK;
    const char *said = found ? json_string_value(json_object_get(json, "kind")) : NULL;
    found = found && (kind == OF_EMBED_UNFINISHED || (said != NULL && strcmp(said, markers[kind].kind) == 0));
    json_decref(json);
    free(path);
    return found;
}

/* Pictures lie in a page as data: URLs. */
static lk_status has_pictures(const char *path, bool *out, lk_error *err)
{
    static const char sign[] = "data:image/";
    struct lk_map map;
    LK_TRY(lk_map_open(&map, path, err));
    *out = map.len > 0 && memmem(map.bytes, map.len, sign, sizeof sign - 1) != NULL;
    lk_map_close(&map);
    return LK_OK;
}

/* Files that users name hold what tells them to be ours: contact sheets, review databases and pages with
 * pictures, in a folder that is marked. */
enum { DATABASE_SIGN = 1, PAGE_SIGN = 2 };
static const struct {
    const char *pattern;
    size_t at; /* where the sign begins, at the earliest */
    const char *sign;
    size_t len;
} signs[] = {
    {"*.png", 33, "tEXtSoftware\0likeness", 21}, /* behind the header */
    {"*.db", 68, "LKRV", 4},                     /* SQLite's application_id */
    {"*.html", 0, "<meta name=\"generator\" content=\"likeness ", 41},
    {"*.db-wal", 0, "", 0}, /* what SQLite keeps beside it */
    {"*.db-shm", 0, "", 0},
    {"*.db-journal", 0, "", 0},
};

static bool has_sign(const char *path, size_t at, const char *sign, size_t len)
{
    uint8_t head[2048];
    FILE *f = NULL;
    bool opened = lk_stream_open(&f, path, NULL) == LK_OK;
    size_t n = opened ? fread(head, 1, sizeof head, f) : 0;
    if (opened)
        fclose(f);
    return n > at && memmem(head + at, n - at, sign, len) != NULL;
}

static lk_status is_signed(const char *folder, const char *name, bool *out, lk_error *err)
{
    *out = false;
    for (size_t i = 0; i < sizeof signs / sizeof *signs && !*out; i++) {
        if (fnmatch(signs[i].pattern, name, 0) != 0)
            continue;
        struct lk_str path = LK_STR_INIT;
        LK_TRY(lk_str_addf(&path, err, "%s/%s", folder, name));
        size_t k = i;
        if (signs[i].len == 0) { /* the database's sign counts */
            path.text[strlen(path.text) - strlen(strrchr(name, '-'))] = '\0';
            k = DATABASE_SIGN;
        }
        *out = has_sign(path.text, signs[k].at, signs[k].sign, signs[k].len);
        lk_status status = *out && k == PAGE_SIGN ? has_pictures(path.text, out, err) : LK_OK;
        lk_str_free(&path);
        LK_TRY(status);
    }
    return LK_OK;
}

static bool is_marked_at_all(const bool *kinds)
{
    for (int k = 0; k < N_FOLDER_KINDS; k++)
        if (kinds[k])
            return true;
    return false;
}

/* What a file of this name holds in a folder of these kinds (NULL = of any): the most that is known of it. */
static enum holds known_to_hold(const char *name, const bool *kinds)
{
    enum holds most = NOTHING;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if ((kinds == NULL || kinds[known[k].in]) && known[k].holds > most &&
            fnmatch(known[k].pattern, name, 0) == 0)
            most = known[k].holds;
    return most;
}

/* A file is ours by its name and the kind of its folder, or by what tells it. One that a manifest lists needs
 * no marked folder: the mark may have been lost. */
static lk_status find_holds(const struct walk *w, const char *folder, const char *name, const char *path,
                            const bool *kinds, enum holds *out, lk_error *err)
{
    bool listed = is_listed(w, path), found = false;
    *out = known_to_hold(name, listed ? NULL : kinds);
    if (*out == NOTHING && (listed || is_marked_at_all(kinds))) {
        LK_TRY(is_signed(folder, name, &found, err));
        *out = found ? FACES : NOTHING;
    }
    if (*out != PAGE)
        return LK_OK;
    char *whole = lk_path_join(folder, name, err);
    lk_status status = whole != NULL ? has_pictures(whole, &found, err) : LK_ENOMEM;
    *out = found ? FACES : NUMBERS;
    free(whole);
    return status;
}

/* Adds a file when it is ours. `below` is the folder's path below the root, "" = the root. */
static lk_status add_file(struct walk *w, const char *folder, const char *below, const char *name,
                          const bool *kinds, uint64_t bytes, lk_error *err)
{
    struct lk_inventory *in = w->inventory;
    enum holds holds = NOTHING;
    LK_TRY(lk_grow(&in->files, &in->capacity, in->n + 1, sizeof *in->files, err));
    struct lk_trust_file file = {.bytes = bytes};
    file.path = below[0] != '\0' ? lk_path_join(below, name, err) : lk_strdup(name, err);
    if (file.path == NULL)
        return LK_ENOMEM;
    lk_status status = find_holds(w, folder, name, file.path, kinds, &holds, err);
    file.faces = holds == FACES;
    if (status == LK_OK && holds != NOTHING)
        in->files[in->n++] = file;
    else
        free(file.path);
    return status;
}

static lk_status walk_folder(struct walk *w, const char *below, int deep, lk_error *err);

static lk_status walk_entries(struct walk *w, DIR *dir, const char *folder, const char *below, int deep,
                              lk_error *err)
{
    bool kinds[N_FOLDER_KINDS];
    for (int k = 0; k < N_FOLDER_KINDS; k++)
        kinds[k] = is_marked(folder, k);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return errno == 0 ? LK_OK : lk_fail_sys(err, LK_EIO, "%s: cannot list", folder);
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* hidden, or gone since */
        lk_status status = LK_OK;
        if (S_ISREG(st.st_mode))
            status = add_file(w, folder, below, entry->d_name, kinds, (uint64_t)st.st_size, err);
        if (S_ISDIR(st.st_mode) && deep < MOST_DEEP) {
            char *path =
                below[0] != '\0' ? lk_path_join(below, entry->d_name, err) : lk_strdup(entry->d_name, err);
            status = path != NULL ? walk_folder(w, path, deep + 1, err) : LK_ENOMEM;
            free(path);
        }
        LK_TRY(status);
    }
}

static lk_status walk_folder(struct walk *w, const char *below, int deep, lk_error *err)
{
    LK_TRY(lk_ctx_check(w->ctx, err));
    char *folder = lk_path_join(w->folder, below, err);
    if (folder == NULL)
        return LK_ENOMEM;
    DIR *dir = opendir(folder);
    lk_status status = dir != NULL ? walk_entries(w, dir, folder, below, deep, err)
                                   : lk_fail_sys(err, LK_EIO, "%s: cannot list", folder);
    if (dir != NULL)
        closedir(dir);
    free(folder);
    return status;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct lk_trust_file *)a)->path, ((const struct lk_trust_file *)b)->path);
}

lk_status lk_inventory_take(struct lk_inventory *out, lk_ctx *ctx, const char *folder, const json_t *manifest,
                            lk_error *err)
{
    *out = (struct lk_inventory){0};
    struct walk w = {.inventory = out, .ctx = ctx, .folder = folder, .manifest = manifest};
    lk_status status = walk_folder(&w, "", 0, err);
    if (status == LK_OK && out->n > 0)
        qsort(out->files, out->n, sizeof *out->files, by_path);
    if (status != LK_OK)
        lk_inventory_free(out);
    return status;
}

void lk_inventory_free(struct lk_inventory *inventory)
{
    for (size_t i = 0; i < inventory->n; i++)
        free(inventory->files[i].path);
    free(inventory->files);
    *inventory = (struct lk_inventory){0};
}

struct hashing {
    struct lk_inventory *inventory;
    const char *folder;
};

static lk_status hash_item(void *arg, size_t index, int worker, lk_error *err)
{
    (void)worker;
    const struct hashing *h = arg;
    char *path = lk_path_join(h->folder, h->inventory->files[index].path, err);
    lk_status status = path != NULL ? lk_hash_file(path, h->inventory->files[index].sha256, err) : LK_ENOMEM;
    free(path);
    return status;
}

lk_status lk_inventory_hash(struct lk_inventory *inventory, lk_ctx *ctx, const char *folder, lk_error *err)
{
    struct hashing h = {inventory, folder};
    return lk_pool_for(ctx, inventory->n, hash_item, &h, err);
}
