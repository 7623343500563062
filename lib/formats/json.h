/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - JSON files through jansson, with file names in the messages, and atomic writing. */
#ifndef LK_FORMATS_JSON_H
#define LK_FORMATS_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* Parses an object; duplicate keys are refused. *out is released with json_decref. */
lk_status lk_json_parse(const uint8_t *bytes, size_t len, json_t **out, lk_error *err);
lk_status lk_json_read(const char *path, json_t **out, lk_error *err); /* at most 64 MiB */
/* Indented by 2, keys in the order they were set, a newline at the end. */
lk_status lk_json_write(const char *path, const json_t *value, lk_error *err);

/* A string value from bytes that may not be UTF-8 (file names, command lines): every byte that does not
 * belong to a character becomes U+FFFD. New reference; NULL when memory is out. */
json_t *lk_json_text(const char *text);

/* Parts of an object that is being made. New references; what cannot be made is NULL. */
json_t *lk_json_text_or_null(const char *text); /* null for NULL */
json_t *lk_json_number(double value);           /* null for what is not finite */
json_t *lk_json_count(uint64_t value);
json_t *lk_json_estimate(double value, double low, double high); /* an object with these three */
/* Sets a member and takes its value; *failed becomes true when that, or making the value, failed. */
void lk_json_set(json_t *object, const char *key, json_t *value, bool *failed);

/* Member of an object with its type checked; `where` names the file for the message. A missing optional
 * member leaves *out alone. */
lk_status lk_json_string(const json_t *object, const char *key, int required, const char **out,
                         const char *where, lk_error *err);
lk_status lk_json_real(const json_t *object, const char *key, int required, double *out, const char *where,
                       lk_error *err);
lk_status lk_json_integer(const json_t *object, const char *key, int required, int64_t *out,
                          const char *where, lk_error *err);

#endif
