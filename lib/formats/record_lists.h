/* SPDX-License-Identifier: Apache-2.0 */
/* record_lists.h - the text files beside a record file: .idx, list.txt, .lst, property. */
#ifndef LK_FORMATS_RECORD_LISTS_H
#define LK_FORMATS_RECORD_LISTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What a list says about each record. */
struct lk_record_table {
    struct lk_record_entry {
        uint64_t key, value;
    } * entries; /* by rising key, each key once: of lines with the same key the lowest value counts */
    size_t n, capacity;
    size_t n_twins; /* lines that do not count */
};
void lk_record_table_free(struct lk_record_table *table);
/* The entry with this key, or NULL. */
const struct lk_record_entry *lk_record_table_find(const struct lk_record_table *table, uint64_t key);

/* FILE.idx: a line "key TAB offset" for each record. value = offset. LK_EFORMAT names the first bad line. */
lk_status lk_record_index_parse(struct lk_record_table *out, const uint8_t *bytes, size_t len, lk_error *err);

/* list.txt: a line "key TAB path" for each record; more fields are passed over. value = where the path starts
 * in `bytes`; its length by lk_record_path_length. */
lk_status lk_record_paths_parse(struct lk_record_table *out, const uint8_t *bytes, size_t len, lk_error *err);
size_t lk_record_path_length(const uint8_t *bytes, size_t len, size_t at);

/* FILE.lst: lines "key TAB label... TAB path" (MXNet's im2rec), or "flag TAB path TAB label..." (InsightFace;
 * line i, counted from 1, is about record i). value = the first label, LK_RECORD_NO_LABEL when it is no
 * number from 0 to 2^31 - 1. */
#define LK_RECORD_NO_LABEL UINT64_MAX
lk_status lk_record_labels_parse(struct lk_record_table *out, const uint8_t *bytes, size_t len,
                                 lk_error *err);

/* property: "identities,height,width". */
lk_status lk_record_property_parse(uint64_t *identities, const uint8_t *bytes, size_t len, lk_error *err);

#endif
