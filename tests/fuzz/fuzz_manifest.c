/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_manifest.c - any bytes as the manifest of a small folder: verified, then purged; nothing outside may
 * go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "likeness.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static char root[200]; /* holds folder/ and outside/ */

static void remove_all(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    if (system(command) != 0)
        perror(root);
}

static const char *in_root(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void put(const char *name, const void *bytes, size_t len)
{
    lk_error err;
    if (lk_file_write(in_root(name), bytes, len, &err) != LK_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

/* Two rows of two numbers. */
static void put_embeddings(const char *name)
{
    char file[128 + 16];
    static const char head[] =
        "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
    static const float rows[4] = {1, 0, 0.6f, 0.8f};
    memset(file, ' ', 128);
    memcpy(file, head, sizeof head - 1);
    file[127] = '\n';
    memcpy(file + 128, rows, sizeof rows);
    put(name, file, sizeof file);
}

static void make_folder(void)
{
    static const char *const folders[] = {"folder", "folder/train", "folder/match", "outside"};
    if (root[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(root, sizeof root, "%.100s/likeness-fuzz-XXXXXX", base != NULL ? base : "/tmp");
        if (mkdtemp(root) == NULL)
            abort();
        atexit(remove_all);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        mkdir(in_root(folders[i]), 0700);
    put_embeddings("folder/train/embeddings.npy");
    put_embeddings("outside/embeddings.npy");
    put_text("folder/train/images.csv",
             "row,path,identity,status,faces,width,height,box_x,box_y,box_w,box_h,detector_score,left_eye_x,"
             "left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_right_x,"
             "mouth_right_y,mouth_x,mouth_y,feature_norm,message\n"
             "0,a.png,A,ok,1,9,9,,,,,,,,,,,,,,,,,,1,\n1,b.png,B,ok,1,9,9,,,,,,,,,,,,,,,,,,1,\n");
    put_text("folder/train/meta.json",
             "{\"kind\": \"faces\", \"format\": 1, \"working_directory\": \"/none\"}");
    put_text("folder/match/meta.json", "{\"kind\": \"match\", \"format\": 1}");
    put_text("folder/match/pairs.csv", "rank,score,probe,reference\n1,0.600000024,0,1\n2,0.5,1,0\n");
    put_text("folder/report.json", "{\"kind\": \"report\", \"format\": 1}");
    put_text("folder/report.html", "<img src=\"data:image/png;base64,\">");
    if (access(in_root("folder/link"), F_OK) != 0 && symlink("../outside", in_root("folder/link")) != 0)
        abort();
}

static void on_finding(void *user, const lk_finding *finding)
{
    (void)user;
    if (finding->what == NULL || finding->text == NULL)
        abort();
}

static void on_act(void *user, lk_purge_act act, const char *path, uint64_t bytes)
{
    (void)user, (void)act, (void)path, (void)bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    lk_ctx *ctx = NULL;
    lk_ctx_options options;
    lk_error err;
    make_folder();
    put("folder/manifest.json", bytes, len);
    lk_ctx_options_init(&options);
    options.threads = 1;
    options.model_dir = in_root("none");
    options.data_dir = root;
    if (lk_ctx_new(&ctx, &options, &err) != LK_OK)
        abort();
    char folder[300];
    snprintf(folder, sizeof folder, "%s", in_root("folder"));
    lk_verify_options verify;
    lk_verify_summary found;
    lk_verify_options_init(&verify);
    verify.folder = folder;
    verify.sample = 3;
    lk_verify(ctx, &verify, on_finding, NULL, &found, &err);
    lk_purge_options purge;
    lk_purge_summary purged;
    lk_purge_options_init(&purge);
    purge.folder = folder;
    lk_purge(ctx, &purge, on_act, NULL, &purged, &err);
    lk_ctx_free(ctx);
    if (access(in_root("outside/embeddings.npy"), F_OK) != 0 ||
        access(in_root("folder/match/pairs.csv"), F_OK) != 0)
        abort();
    return 0;
}
