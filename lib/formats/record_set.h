/* SPDX-License-Identifier: Apache-2.0 */
/* record_set.h - which records of a record file are pictures, where they are, and whose. */
#ifndef LK_FORMATS_RECORD_SET_H
#define LK_FORMATS_RECORD_SET_H

#include "formats/record_lists.h"
#include "formats/recordio.h"

enum { LK_RECORD_NOTES = 6 };

struct lk_record_set {
    struct lk_record_picture {
        uint64_t offset;
        uint32_t key;  /* as in the index; without one, the number of the record, from 0 */
        int32_t label; /* identity, -1 = none */
    } * pictures;      /* by rising key */
    size_t n, capacity;
    bool has_head;                    /* the first record is InsightFace's, which says where pictures end */
    uint64_t n_bad_labels;            /* of pictures that can be read */
    char notes[LK_RECORD_NOTES][300]; /* what looks wrong, for people */
    size_t n_notes;
};

/* Called now and then while the file is gone through; may stop that. */
typedef lk_status lk_record_pause_fn(void *arg, lk_error *err);

/* Goes through a record file in memory. `index` is that of its .idx, or NULL.
 *
 * With an index its entries count, and whether they fit is tried on a sample of them and at the end of the
 * file; with an index that does not fit or leaves records out (which is noted), or with none, the records are
 * found by magic and length, and after damage by the next magic.
 *
 * InsightFace's files start with a record without picture whose two labels say where pictures end and where
 * identities end; each record between is an identity: its labels are its first picture and the one behind its
 * last. When these are sound, labels come from there and from the first picture of each, so that the file
 * need not be gone through. Else the label of every picture is read.
 *
 * With labels == false nobody wants them (list.txt says the identities): with an index that fits, the records
 * are not looked at then.
 *
 * A record that is damaged or outside the file is listed without label: reading it says why. LK_EFORMAT when
 * there is no picture at all. pause may be NULL. */
lk_status lk_record_set_make(struct lk_record_set *out, const uint8_t *bytes, size_t len,
                             const struct lk_record_table *index, bool labels, lk_record_pause_fn *pause,
                             void *arg, lk_error *err);
void lk_record_set_free(struct lk_record_set *set);

/* The number of the picture with this key; false when there is none. */
bool lk_record_set_find(const struct lk_record_set *set, uint64_t key, size_t *picture);

#endif
