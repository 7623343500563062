/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_hdf5_read.c - finds the dataset of vectors in an HDF5 file and copies its numbers and labels. */
#define H5_USE_110_API /* the same calls from HDF5 1.10 to 1.14 */
#include <hdf5.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/vectors_hdf5.h"

enum { MAX_DATASETS = 10000, MAX_CHUNK = 256 << 20, BLOCK = 64 << 20, TEXT_ROWS = 4096, MAX_TEXT = 4096 };

struct dataset {
    char *name;
    int n_dims;
    hsize_t shape[2];
    struct lk_layout layout;
    lk_error why; /* why it is no matrix of vectors; code 0 = it is one */
};

struct file {
    hid_t id;
    struct dataset *items;
    size_t n, capacity;
    lk_error *err;
};

/* ---- types ---------------------------------------------------------------------------------------- */

/* Half precision as h5py and NumPy have it; HDF5 1.10 has no name for it. */
static bool is_half(hid_t type, bool big)
{
    hid_t half = H5Tcopy(big ? H5T_IEEE_F32BE : H5T_IEEE_F32LE);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    bool is = H5Tequal(type, half) > 0;
    H5Tclose(half);
    return is;
}

/* Size of an IEEE float in bytes, or 0 for another type. */
static int float_bytes(hid_t type, bool *big)
{
    *big = false;
    if (H5Tequal(type, H5T_IEEE_F32LE) > 0)
        return 4;
    if (H5Tequal(type, H5T_IEEE_F64LE) > 0)
        return 8;
    if (is_half(type, false))
        return 2;
    *big = true;
    if (H5Tequal(type, H5T_IEEE_F32BE) > 0)
        return 4;
    if (H5Tequal(type, H5T_IEEE_F64BE) > 0)
        return 8;
    return is_half(type, true) ? 2 : 0;
}

/* ---- what may be read ----------------------------------------------------------------------------- */

static lk_status check_filters(hid_t plist, lk_error *err)
{
    int n = H5Pget_nfilters(plist);
    for (int i = 0; i < n; i++) {
        unsigned flags = 0, config = 0;
        size_t n_values = 0;
        char name[64] = "";
        H5Z_filter_t id =
            H5Pget_filter2(plist, (unsigned)i, &flags, &n_values, NULL, sizeof name, name, &config);
        LK_NEED(id == H5Z_FILTER_DEFLATE || id == H5Z_FILTER_SHUFFLE || id == H5Z_FILTER_FLETCHER32, err,
                LK_EUNSUP,
                "it is packed with the HDF5 filter %d (%.40s), only gzip, shuffle and fletcher32 are read; "
                "`h5repack -f GZIP=1` makes such a file",
                (int)id, name);
    }
    return LK_OK;
}

/* Data in other files are not followed: a file of embeddings is one file. */
static lk_status check_storage(hid_t set, hid_t plist, uint64_t bytes, uint64_t item_bytes, lk_error *err)
{
    H5D_layout_t layout = H5Pget_layout(plist);
    LK_NEED(layout == H5D_COMPACT || layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED, err, LK_EUNSUP,
            "it is put together from other datasets, which is not followed");
    LK_NEED(layout != H5D_CONTIGUOUS || H5Pget_external_count(plist) == 0, err, LK_EUNSUP,
            "its data lie in other files, which are not followed");
    if (layout == H5D_CHUNKED) {
        hsize_t chunk[H5S_MAX_RANK];
        uint64_t size = item_bytes;
        int n = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
        for (int i = 0; i < n && size <= MAX_CHUNK; i++)
            if (__builtin_mul_overflow(size, (uint64_t)chunk[i], &size))
                size = UINT64_MAX;
        LK_NEED(n > 0 && size <= MAX_CHUNK, err, LK_EUNSUP,
                "it is stored in pieces of %" PRIu64 " bytes, expected at most %d", size, MAX_CHUNK);
    }
    LK_TRY(lk_check_unpacked(bytes, H5Dget_storage_size(set), err));
    return check_filters(plist, err);
}

static lk_status check_matrix(struct dataset *d, hid_t set, hid_t type, lk_error *err)
{
    bool big;
    int size = float_bytes(type, &big);
    uint64_t bytes;
    LK_NEED(d->n_dims == 2, err, LK_EFORMAT, "it has %d dimensions, expected 2: one row for each vector",
            d->n_dims);
    LK_NEED(size > 0, err, LK_EFORMAT, "its numbers are not floats of 2, 4 or 8 bytes");
    LK_NEED(d->shape[1] >= 1 && d->shape[1] <= LK_MAX_DIM, err, LK_EFORMAT,
            "vectors of %" PRIu64 " numbers, expected 1 to %d", (uint64_t)d->shape[1], LK_MAX_DIM);
    LK_NEED(!__builtin_mul_overflow((uint64_t)d->shape[0], (uint64_t)d->shape[1] * (uint64_t)size, &bytes),
            err, LK_EFORMAT, "%" PRIu64 " rows are beyond any file", (uint64_t)d->shape[0]);
    d->layout =
        (struct lk_layout){.item_bytes = size, .big_endian = big, .rows = d->shape[0], .dim = d->shape[1]};
    hid_t plist = H5Dget_create_plist(set);
    lk_status status = plist >= 0 ? check_storage(set, plist, bytes, (uint64_t)size, err)
                                  : lk_fail(err, LK_EFORMAT, "its properties cannot be read");
    if (plist >= 0)
        H5Pclose(plist);
    return status;
}

static void describe(struct dataset *d, hid_t set)
{
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    d->n_dims = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    if (d->n_dims == 1 || d->n_dims == 2)
        H5Sget_simple_extent_dims(space, d->shape, NULL);
    if (space < 0 || type < 0)
        lk_fail(&d->why, LK_EFORMAT, "its shape and type cannot be read");
    else
        check_matrix(d, set, type, &d->why);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
}

/* Called for every object that a hard link leads to, once: links to other files are not followed. */
static herr_t visit(hid_t root, const char *name, const H5O_info_t *info, void *user)
{
    struct file *f = user;
    if (info->type != H5O_TYPE_DATASET || strlen(name) >= LK_HDF5_NAME)
        return 0;
    if (f->n == MAX_DATASETS) {
        lk_fail(f->err, LK_EFORMAT, "the file has more than %d datasets", MAX_DATASETS);
        return -1;
    }
    if (lk_grow(&f->items, &f->capacity, f->n + 1, sizeof *f->items, f->err) != LK_OK)
        return -1;
    struct dataset *d = &f->items[f->n];
    *d = (struct dataset){.name = lk_strdup(name, f->err)};
    if (d->name == NULL)
        return -1;
    f->n++;
    hid_t set = H5Dopen2(root, name, H5P_DEFAULT);
    if (set < 0) {
        lk_fail(&d->why, LK_EFORMAT, "it cannot be opened");
        return 0;
    }
    describe(d, set);
    H5Dclose(set);
    return 0;
}

/* The dataset that was asked for, or the only one of vectors. */
static lk_status choose(const struct file *f, const char *name, const struct dataset **out, lk_error *err)
{
    const struct dataset *found = NULL;
    size_t n = 0, len = 0;
    char all[400] = "";
    name += name[0] == '/';
    for (size_t i = 0; i < f->n; i++) {
        const struct dataset *d = &f->items[i];
        bool is = name[0] != '\0' ? strcmp(d->name, name) == 0 : d->why.code == LK_OK;
        found = is ? d : found;
        n += is;
        if (len < 300)
            len += (size_t)snprintf(all + len, sizeof all - len, "%s%.60s", i > 0 ? ", " : "", d->name);
    }
    LK_NEED(f->n > 0, err, LK_EFORMAT, "the file holds no datasets");
    LK_NEED(n > 0 || name[0] == '\0', err, LK_EFORMAT, "no dataset '%.100s'; there are: %s", name, all);
    if (n == 0 && f->n == 1)
        return lk_fail(err, f->items[0].why.code, "dataset '%.60s': %s", f->items[0].name,
                       f->items[0].why.text);
    LK_NEED(n > 0, err, LK_EFORMAT, "none of the datasets is two-dimensional and of floats; there are: %s",
            all);
    LK_NEED(n == 1, err, LK_EFORMAT, "%zu datasets could be meant; say which as FILE:DATASET; there are: %s",
            n, all);
    LK_NEED(found->why.code == LK_OK, err, found->why.code, "dataset '%.60s': %s", found->name,
            found->why.text);
    *out = found;
    return LK_OK;
}

/* ---- the numbers ---------------------------------------------------------------------------------- */

/* Rows to read at once: whole pieces of a dataset in pieces, so that each is unpacked once. */
static uint64_t rows_at_once(hid_t set, const struct lk_layout *l)
{
    uint64_t row_bytes = l->dim * (uint64_t)l->item_bytes, at_once = BLOCK / row_bytes + 1;
    hid_t plist = H5Dget_create_plist(set);
    hsize_t chunk[2] = {0, 0};
    if (plist >= 0 && H5Pget_layout(plist) == H5D_CHUNKED && H5Pget_chunk(plist, 2, chunk) == 2 &&
        chunk[0] > 0 && chunk[0] <= at_once * 4)
        at_once = chunk[0] >= at_once ? chunk[0] : at_once - at_once % chunk[0];
    if (plist >= 0)
        H5Pclose(plist);
    return at_once < l->rows ? at_once : l->rows;
}

static lk_status read_rows(hid_t set, hid_t space, hid_t type, const hsize_t *start, const hsize_t *count,
                           int n_dims, void *to, lk_error *err)
{
    hid_t memory = H5Screate_simple(n_dims, count, NULL);
    bool good = memory >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                H5Dread(set, type, memory, space, H5P_DEFAULT, to) >= 0;
    if (memory >= 0)
        H5Sclose(memory);
    LK_NEED(good, err, LK_EFORMAT,
            "the data of rows %" PRIu64 " to %" PRIu64 " cannot be read: damaged or cut off",
            (uint64_t)start[0], (uint64_t)(start[0] + count[0] - 1));
    return LK_OK;
}

static lk_status copy_numbers(hid_t set, hid_t space, hid_t type, const struct lk_layout *l,
                              struct lk_scratch *scratch, struct lk_hdf5_result *result, lk_error *err)
{
    uint64_t row_bytes = l->dim * (uint64_t)l->item_bytes, at_once = rows_at_once(set, l);
    uint8_t *block = lk_calloc((size_t)at_once, (size_t)row_bytes, err);
    lk_status status = block != NULL ? LK_OK : LK_ENOMEM;
    for (uint64_t row = 0; status == LK_OK && row < l->rows; row += at_once) {
        uint64_t n = l->rows - row < at_once ? l->rows - row : at_once;
        const hsize_t start[2] = {row, 0}, count[2] = {n, l->dim};
        status = read_rows(set, space, type, start, count, 2, block, err);
        if (status == LK_OK)
            status = lk_scratch_write(scratch, block, (size_t)(n * row_bytes), err);
        atomic_store(&result->done, (row + n) * row_bytes);
    }
    free(block);
    return status;
}

/* ---- labels --------------------------------------------------------------------------------------- */

static lk_status write_text(struct lk_scratch *scratch, const char *text, size_t room, lk_error *err)
{
    size_t len = text != NULL ? strnlen(text, room) : 0;
    while (len > 0 && text[len - 1] == ' ')
        len--; /* Fortran's padding */
    if (len > 0)
        LK_TRY(lk_scratch_write(scratch, text, len, err));
    return lk_scratch_write(scratch, "", 1, err);
}

static lk_status write_item(struct lk_scratch *scratch, const uint8_t *item, H5T_class_t class, bool variable,
                            size_t size, lk_error *err)
{
    char text[32];
    if (class == H5T_INTEGER) {
        long long value;
        memcpy(&value, item, sizeof value);
        snprintf(text, sizeof text, "%lld", value);
        return write_text(scratch, text, sizeof text, err);
    }
    if (!variable)
        return write_text(scratch, (const char *)item, size, err);
    const char *at;
    memcpy(&at, item, sizeof at);
    return write_text(scratch, at, MAX_TEXT, err);
}

/* One text for each row; false when the dataset is not of that form. */
static bool copy_texts(hid_t set, hid_t space, uint64_t rows, struct lk_scratch *scratch, lk_error *err)
{
    hid_t type = H5Dget_type(set);
    H5T_class_t class = H5Tget_class(type);
    bool variable = class == H5T_STRING && H5Tis_variable_str(type) > 0;
    size_t size = class == H5T_INTEGER ? sizeof(long long) : H5Tget_size(type);
    hsize_t n_items = 0;
    bool fits = (class == H5T_INTEGER || class == H5T_STRING) && size >= 1 && size <= MAX_TEXT &&
                H5Sget_simple_extent_ndims(space) == 1 &&
                H5Sget_simple_extent_dims(space, &n_items, NULL) == 1 && n_items == rows;
    uint8_t *block = fits ? lk_calloc(TEXT_ROWS, size, err) : NULL;
    hid_t memory = class == H5T_INTEGER ? H5T_NATIVE_LLONG : type;
    bool good = block != NULL;
    for (hsize_t row = 0; good && row < rows; row += TEXT_ROWS) {
        hsize_t n = rows - row < TEXT_ROWS ? rows - row : TEXT_ROWS;
        good = read_rows(set, space, memory, &row, &n, 1, block, err) == LK_OK;
        for (hsize_t i = 0; good && i < n; i++)
            good = write_item(scratch, block + i * size, class, variable, size, err) == LK_OK;
        hid_t used = variable ? H5Screate_simple(1, &n, NULL) : -1;
        if (used >= 0) {
            H5Dvlen_reclaim(type, used, H5P_DEFAULT, block);
            H5Sclose(used);
            memset(block, 0, TEXT_ROWS * size);
        }
    }
    free(block);
    H5Tclose(type);
    return good;
}

static bool copy_label_set(const struct file *f, const struct dataset *d, uint64_t rows,
                           struct lk_scratch *scratch)
{
    lk_error ignored;
    hid_t set = H5Dopen2(f->id, d->name, H5P_DEFAULT);
    if (set < 0)
        return false;
    hid_t space = H5Dget_space(set), plist = H5Dget_create_plist(set), type = H5Dget_type(set);
    size_t size = type >= 0 ? H5Tget_size(type) : 0;
    bool good = space >= 0 && plist >= 0 && size >= 1 && size <= MAX_TEXT &&
                check_storage(set, plist, rows * size, size, &ignored) == LK_OK &&
                copy_texts(set, space, rows, scratch, &ignored);
    if (type >= 0)
        H5Tclose(type);
    if (plist >= 0)
        H5Pclose(plist);
    if (space >= 0)
        H5Sclose(space);
    H5Dclose(set);
    return good;
}

/* Identities and paths stand beside the vectors, in the same group. */
static void copy_labels(const struct file *f, const struct dataset *chosen,
                        struct lk_hdf5_scratches *scratches, struct lk_hdf5_result *result)
{
    const char *slash = strrchr(chosen->name, '/');
    size_t group = slash != NULL ? (size_t)(slash - chosen->name) + 1 : 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct dataset *d = &f->items[i];
        const char *name = d->name + group;
        if (d == chosen || d->why.code == LK_OK || strncmp(d->name, chosen->name, group) != 0 ||
            strchr(name, '/') != NULL)
            continue;
        bool identities = lk_is_identity_name(name), paths = !identities && lk_is_path_name(name);
        bool *has = identities ? &result->has_identities : &result->has_paths;
        struct lk_scratch *scratch = identities ? &scratches->identities : &scratches->paths;
        if (!identities && !paths)
            continue;
        if (!*has && copy_label_set(f, d, chosen->layout.rows, scratch)) {
            *has = true;
        } else {
            snprintf(result->left_aside, sizeof result->left_aside, "%s", d->name);
            if (!*has && (ftruncate(scratch->fd, 0) != 0 || lseek(scratch->fd, 0, SEEK_SET) != 0))
                *has = false;
        }
    }
}

/* ---- all of it ------------------------------------------------------------------------------------ */

static lk_status read_open(struct file *f, const char *array, struct lk_hdf5_scratches *scratches,
                           struct lk_hdf5_result *result, lk_error *err)
{
    const struct dataset *chosen = NULL;
    f->err = err;
    lk_fail(err, LK_EFORMAT, "the list of datasets cannot be read: the file is damaged");
    if (H5Ovisit(f->id, H5_INDEX_NAME, H5_ITER_INC, visit, f) < 0)
        return err->code;
    LK_TRY(choose(f, array, &chosen, err));
    result->layout = chosen->layout;
    result->total = chosen->layout.rows * chosen->layout.dim * (uint64_t)chosen->layout.item_bytes;
    snprintf(result->array, sizeof result->array, "%s", chosen->name);
    hid_t set = H5Dopen2(f->id, chosen->name, H5P_DEFAULT);
    LK_NEED(set >= 0, err, LK_EFORMAT, "dataset '%.60s' cannot be opened", chosen->name);
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    lk_status status = copy_numbers(set, space, type, &chosen->layout, &scratches->data, result, err);
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(set);
    if (status == LK_OK)
        copy_labels(f, chosen, scratches, result);
    return status;
}

static lk_status read_file(const char *path, const char *array, struct lk_hdf5_scratches *scratches,
                           struct lk_hdf5_result *result, lk_error *err)
{
    struct file f = {.id = -1};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* it would print */
    H5PLset_loading_state(0);              /* no code from elsewhere */
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(access, 0, 1); /* nothing is written, and network file systems often cannot lock */
    f.id = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    LK_NEED(f.id >= 0, err, LK_EFORMAT, "the HDF5 library cannot open it: damaged or cut off");
    lk_status status = read_open(&f, array, scratches, result, err);
    for (size_t i = 0; i < f.n; i++)
        free(f.items[i].name);
    free(f.items);
    H5Fclose(f.id);
    return status;
}

void lk_hdf5_read_here(const char *path, const char *array, struct lk_hdf5_scratches *scratches,
                       struct lk_hdf5_result *result)
{
    result->status = read_file(path, array, scratches, result, &result->err);
    result->finished = true;
}
