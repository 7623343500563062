/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.h - a private temporary file that is written from start to end and then mapped: room for what would
 * not fit into memory. */
#ifndef LK_BASE_SPOOL_H
#define LK_BASE_SPOOL_H

#include "base/fs.h"

/* Lies in $TMPDIR, else in /var/tmp, with mode 0600 and without a name: it is gone when it is closed, in
 * whatever way the process ends. Start from LK_SCRATCH_INIT. */
struct lk_scratch {
    int fd;
};
#define LK_SCRATCH_INIT ((struct lk_scratch){-1})

lk_status lk_scratch_open(struct lk_scratch *scratch, lk_error *err);
/* Writes straight to the file, without a buffer: give it blocks. */
lk_status lk_scratch_write(struct lk_scratch *scratch, const void *bytes, size_t len, lk_error *err);
/* Maps what was written and closes the scratch file. The file lives until lk_map_close. */
lk_status lk_scratch_map(struct lk_scratch *scratch, struct lk_map *map, lk_error *err);
void lk_scratch_close(struct lk_scratch *scratch); /* harmless after lk_scratch_map */

#endif
