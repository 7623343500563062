/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - the list of models that the installation knows. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vision/model.h"

static int is_descriptor(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void tell(const struct lk_model *model, lk_model_info_fn *each, void *user)
{
    lk_model_info info = {
        .name = model->name,
        .title = model->title,
        .task = model->task,
        .dim = model->task == LK_TASK_RECOGNISE ? model->dim : 0,
        .licence = model->licence,
        .restricted = model->restricted,
        .source = model->source,
        .fetchable = model->npm.package != NULL,
        .present = lk_model_present(model),
    };
    each(user, &info);
}

lk_status lk_models_list(lk_ctx *ctx, lk_model_info_fn *each, void *user, lk_error *err)
{
    struct lk_str folder = LK_STR_INIT;
    struct dirent **entries = NULL;
    LK_TRY(lk_str_addf(&folder, err, "%s/models", lk_ctx_data_dir(ctx)));
    int n = scandir(folder.text, &entries, is_descriptor, by_bytes);
    lk_status status = LK_OK;
    if (n < 0)
        status = lk_fail_sys(err, LK_EIO,
                             "%s: cannot list the models; LIKENESS_DATA_DIR can name the share/likeness "
                             "folder of the installation",
                             folder.text);
    for (int i = 0; i < n && status == LK_OK; i++) {
        struct lk_model *model = NULL;
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        status = lk_model_load(&model, ctx, entries[i]->d_name, err);
        if (status == LK_OK)
            tell(model, each, user);
        lk_model_free(model);
    }
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    lk_str_free(&folder);
    return status;
}
