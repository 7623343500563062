/* SPDX-License-Identifier: Apache-2.0 */
/* source_record.h - the records of an opened record file as they lie there, labels included, for whoever
 * writes them again. */
#ifndef LK_FORMATS_SOURCE_RECORD_H
#define LK_FORMATS_SOURCE_RECORD_H

#include "formats/record_set.h"
#include "formats/source_backend.h"

/* Of a part whose backend is lk_source_record; picture i of the set is picture i of the part. */
const struct lk_record_set *lk_source_record_set(const struct lk_source_part *part);
/* Whether list.txt beside it names the pictures. */
bool lk_source_record_listed(const struct lk_source_part *part);
/* The whole payload of a picture's record, its parts joined: labels, then the picture. Freed by the caller.
 */
lk_status lk_source_record_payload(const struct lk_source_part *part, size_t index, uint8_t **bytes,
                                   size_t *len, lk_error *err);

#endif
