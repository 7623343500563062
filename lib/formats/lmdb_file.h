/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_file.h - reads LMDB's data.mdb: the records of its main database, every page checked.
 *
 * Not through liblmdb: it trusts the pages of its files and crashes on damaged ones, and a check beforehand
 * would have to follow every page as it does. Reading is all that is done here, without locks; a file that
 * another program writes at the same time may look damaged.
 *
 * The format is that of LMDB 0.9 on 64-bit little-endian machines (data version 1; mdb.c, "Page headers" and
 * "Meta page"): a B+ tree of pages. Every page has its number, flags and the range of free space in front.
 * Meta pages 0 and 1 hold the same for two transactions; the later one counts. Branch and leaf pages hold
 * nodes; values that are too large for a leaf lie in overflow pages of their own. */
#ifndef LK_FORMATS_LMDB_FILE_H
#define LK_FORMATS_LMDB_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Takes one record; its value is at bytes[value] of the file. */
typedef lk_status lk_lmdb_visit_fn(void *arg, const uint8_t *key, size_t key_len, size_t value,
                                   size_t value_len, lk_error *err);

/* Whether the first bytes of a file are LMDB's, be it of a kind that lk_lmdb_walk refuses. */
bool lk_lmdb_is(const uint8_t *bytes, size_t len);

/* Visits every record by rising key (as LMDB orders them: by bytes). LK_EFORMAT when a page is damaged or
 * outside the file, is used twice, or when the number of records is not what the header says. Databases
 * inside the database are passed over. */
lk_status lk_lmdb_walk(const uint8_t *bytes, size_t len, lk_lmdb_visit_fn *visit, void *arg, lk_error *err);

#endif
