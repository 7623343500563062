/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - the one file of a blind review: pictures, who sees what in which order, and every answer.
 *
 * A SQLite file of mode 0600 (docs/formats.md). An answer is on the disk before the call that gives it
 * returns. Several processes may have the file open; a store is used by one thread at a time, so a server
 * with several threads opens one for each. What a reviewer can ask for (login, next, picture, answer, undo)
 * tells nothing of kind, score, rank, file or set; what tells it is below "adjudication" and takes the
 * adjudicator. */
#ifndef LK_REVIEW_STORE_H
#define LK_REVIEW_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct lk_review_store;

/* ---- answers ----------------------------------------------------------------------------------------- */

/* -3 (certainly different) .. +3 (certainly the same), or one of these. */
enum lk_review_special { LK_REVIEW_NO_FACE = 10, LK_REVIEW_CHILD = 11, LK_REVIEW_CANNOT_SAY = 12 };

/* "-3" .. "3", "no_face", "child", "cannot_say"; NULL for other numbers. */
const char *lk_review_answer_name(int answer);
/* false when the text is no answer. */
bool lk_review_answer_parse(const char *text, int *answer);

enum {
    LK_REVIEW_CROP = 224,      /* width and height of every crop, pixels */
    LK_REVIEW_ORIGINAL = 640,  /* width and height of every original: it is fitted in, grey beside it */
    LK_REVIEW_MAX_NOTE = 2000, /* bytes of a note */
    LK_REVIEW_REST_EVERY = 100, /* a rest is due after so many pairs */
};

/* ---- making one -------------------------------------------------------------------------------------- */

/* What an item is. A repeat shows the pictures of another item again. */
enum lk_review_kind {
    LK_REVIEW_CANDIDATE, /* what the review is about: synthetic image and training image */
    LK_REVIEW_MATED,     /* two photos of one person of the training set */
    LK_REVIEW_DECOY,     /* synthetic image and its closest hold-out image */
    LK_REVIEW_EASY,      /* two people drawn at random */
    LK_REVIEW_REPEAT,
    LK_REVIEW_N_KINDS
};
const char *lk_review_kind_name(enum lk_review_kind kind); /* "candidate", "mated", ... */

struct lk_review_bytes {
    const uint8_t *bytes;
    size_t len;
};

/* Strings may be NULL, numbers NaN: not known. */
struct lk_review_item {
    enum lk_review_kind kind;
    int64_t repeats;     /* item that a repeat shows again; 0 for others */
    int64_t picture[2];  /* numbers that lk_review_store_add_picture gave; of image and reference */
    const char *path[2]; /* of image and reference, for people */
    const char *name[2]; /* identity of the image, person of the reference */
    double score, e_value;
    bool discovery; /* of the measurement */
};

struct lk_review_plan {
    const char *command; /* recorded; may be NULL */
    uint64_t seed;       /* of order and sides, with each reviewer's number */
};

/* Starts a new review as PATH.tmp; LK_EINVAL when PATH is there already, since answers are never overwritten.
 */
lk_status lk_review_store_create(struct lk_review_store **out, const char *path,
                                 const struct lk_review_plan *plan, lk_error *err);
/* JPEG bytes; numbers count from 1. original.bytes may be NULL for a picture that serves as context only. */
lk_status lk_review_store_add_picture(struct lk_review_store *store, struct lk_review_bytes crop,
                                      struct lk_review_bytes original, int64_t *number, lk_error *err);
lk_status lk_review_store_add_item(struct lk_review_store *store, const struct lk_review_item *item,
                                   int64_t *number, lk_error *err);
/* One more photo of the image's identity (side 0) or of the reference's person (side 1), for the adjudicator.
 */
lk_status lk_review_store_add_context(struct lk_review_store *store, int64_t item, int side, int64_t picture,
                                      const char *path, lk_error *err);
/* Decides order and sides for reviewers "reviewer 1" .. and one "adjudicator", makes their secrets, and puts
 * the file in place. tokens has room for n_reviewers + 1, the adjudicator's last: 32 lower-case hex
 * digits, of which the file knows only the SHA-256. The store may then be used like an opened one. */
lk_status lk_review_store_seal(struct lk_review_store *store, size_t n_reviewers,
                               char (*tokens)[LK_REVIEW_TOKEN_SIZE], lk_error *err);

/* ---- opening one --------------------------------------------------------------------------------------- */

/* LK_EFORMAT for a file that is not a review, is damaged or has anything in it that a review has not. */
lk_status lk_review_store_open(struct lk_review_store **out, const char *path, lk_error *err);
void lk_review_store_free(struct lk_review_store *store); /* an unsealed one is removed */

/* SHA-256 of everything that was decided when the review was made. */
const char *lk_review_store_plan(const struct lk_review_store *store);

struct lk_review_reviewer {
    int64_t number; /* what the calls below take */
    bool adjudicator;
    char name[64];
};
/* LK_EINVAL when no link has this token. */
lk_status lk_review_store_login(struct lk_review_store *store, const char *token,
                                struct lk_review_reviewer *out, lk_error *err);

/* ---- reviewing ----------------------------------------------------------------------------------------- */

/* Screens have random names, which say nothing. "" = none. */
struct lk_review_screen {
    char id[LK_REVIEW_TOKEN_SIZE];       /* to be answered now; "" when everything is answered */
    char upcoming[LK_REVIEW_TOKEN_SIZE]; /* its pictures may be fetched ahead */
    char previous[LK_REVIEW_TOKEN_SIZE]; /* the last answered one, which undo takes back; "" when it cannot */
    uint64_t done, total;
    bool rest_due; /* LK_REVIEW_REST_EVERY pairs have been answered since the last time */
};
lk_status lk_review_store_next(struct lk_review_store *store, int64_t reviewer, struct lk_review_screen *out,
                               lk_error *err);

enum lk_review_side { LK_REVIEW_LEFT, LK_REVIEW_RIGHT };
enum lk_review_what { LK_REVIEW_THE_CROP, LK_REVIEW_THE_ORIGINAL };

/* JPEG bytes of a reviewer's own screen up to the upcoming one; LK_EINVAL for any other. *bytes is freed by
 * the caller. */
lk_status lk_review_store_picture(struct lk_review_store *store, int64_t reviewer, const char *screen,
                                  enum lk_review_side side, enum lk_review_what what, uint8_t **bytes,
                                  size_t *len, lk_error *err);

/* Answers the current screen. The same answer to the screen answered last is LK_OK and changes nothing, so a
 * request may be sent again; LK_EINVAL for another answer to it and for any other screen. note may be NULL.
 */
lk_status lk_review_store_answer(struct lk_review_store *store, int64_t reviewer, const char *screen,
                                 int answer, const char *note, int64_t milliseconds, lk_error *err);

/* Takes the last answer back, which is named by its screen; once, until another answer is given. Doing it
 * again is LK_OK and changes nothing. LK_EINVAL for another screen and after the review was closed. */
lk_status lk_review_store_undo(struct lk_review_store *store, int64_t reviewer, const char *screen,
                               lk_error *err);

/* How far everyone is, without saying who sees what. */
struct lk_review_progress {
    size_t n_reviewers; /* without the adjudicator */
    struct {
        char name[64];
        uint64_t done, total;
    } reviewers[LK_REVIEW_MAX_REVIEWERS];
    bool complete; /* nothing is left to answer */
    bool closed;   /* the adjudicator has seen the cases: nothing can be taken back */
};
lk_status lk_review_store_progress(struct lk_review_store *store, struct lk_review_progress *out,
                                   lk_error *err);

/* ---- adjudication -------------------------------------------------------------------------------------- */

enum lk_review_decision { LK_REVIEW_UNDECIDED, LK_REVIEW_SAME, LK_REVIEW_DIFFERENT, LK_REVIEW_UNCERTAIN };
const char *
lk_review_decision_name(enum lk_review_decision decision); /* NULL, "same", "different", "uncertain" */
bool lk_review_decision_parse(const char *text, enum lk_review_decision *decision);

struct lk_review_case_answer {
    int answer;
    char *note; /* NULL = none */
    int64_t milliseconds;
};

struct lk_review_case {
    int64_t item;
    char *path[2], *name[2]; /* of image and reference; NULL = not known */
    double score, e_value;   /* NaN = not known */
    bool discovery;
    struct lk_review_case_answer answers[LK_REVIEW_MAX_REVIEWERS]; /* in the order of progress's reviewers */
    int unanimous;       /* 1: every reviewer answered above 0; -1: every one below 0; else 0 */
    size_t n_context[2]; /* other photos of the identity, of the person */
    enum lk_review_decision decision;
    char *decision_note; /* NULL = none */
};

struct lk_review_cases {
    size_t n, n_reviewers;
    struct lk_review_case *cases; /* all candidates, in the order of the measurement */
};

/* Closes the review and gives the candidates with everything about them. LK_EINVAL while answers are missing,
 * and for anyone but the adjudicator, as are the calls below. */
lk_status lk_review_store_cases(struct lk_review_store *store, int64_t reviewer, struct lk_review_cases *out,
                                lk_error *err);
void lk_review_cases_free(struct lk_review_cases *cases);

/* Side 0 is the image, 1 the reference. *bytes is freed by the caller. */
lk_status lk_review_store_case_picture(struct lk_review_store *store, int64_t reviewer, int64_t item,
                                       int side, enum lk_review_what what, uint8_t **bytes, size_t *len,
                                       lk_error *err);
/* Crop of another photo, counted from 0. */
lk_status lk_review_store_context_picture(struct lk_review_store *store, int64_t reviewer, int64_t item,
                                          int side, size_t number, uint8_t **bytes, size_t *len,
                                          lk_error *err);
/* Records a decision; the last one for an item counts. */
lk_status lk_review_store_decide(struct lk_review_store *store, int64_t reviewer, int64_t item,
                                 enum lk_review_decision decision, const char *note, lk_error *err);

/* ---- reading all --------------------------------------------------------------------------------------- */

/* An answer that stands. */
struct lk_review_given {
    size_t reviewer;   /* from 0, in the order of progress's reviewers */
    size_t item;       /* from 0, in lk_review_all's items */
    uint64_t position; /* from 1: when the reviewer saw it */
    bool swapped;      /* the image was on the right */
    int answer;
    char *note;                 /* NULL = none */
    int64_t milliseconds, time; /* time: since 1970, in milliseconds */
};

struct lk_review_all {
    char *command; /* of `review new`; NULL = not recorded */
    uint64_t seed;
    size_t n_reviewers, n_items, n_given;
    struct lk_review_progress progress;
    struct lk_review_all_item {
        enum lk_review_kind kind;
        size_t repeats; /* index of the item shown again; SIZE_MAX for others */
        char *path[2], *name[2];
        double score, e_value;
        bool discovery;
        int unanimous; /* 1: every reviewer answered above 0; -1: every one below 0; else 0 */
        enum lk_review_decision decision;
        char *decision_note;
    } * items;
    struct lk_review_given *given; /* by item, then by reviewer */
    char plan_sha256[65];          /* of everything that was decided when the review was made */
    uint64_t log_rows, undone;     /* rows of the answer log; answers taken back */
    char log_sha256[65];           /* of its last row: note it to know later that nothing was cut off */
    char broken[300];              /* "" when every hash fits; else where the first one does not, in words */
};

/* Reads answers and truth, and checks every hash of plan, pictures and answer log. For the owner of the file:
 * statistics and export. */
lk_status lk_review_store_read(struct lk_review_store *store, struct lk_review_all *out, lk_error *err);
void lk_review_all_free(struct lk_review_all *all);

#endif
