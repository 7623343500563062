/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - status names and messages. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *lk_status_name(lk_status status)
{
    switch (status) {
#define NAME_CASE(name, value, text) \
    case LK_##name:                  \
        return #name;
        LK_STATUS_LIST(NAME_CASE)
#undef NAME_CASE
    }
    return "UNKNOWN";
}

const char *lk_status_text(lk_status status)
{
    switch (status) {
#define TEXT_CASE(name, value, text) \
    case LK_##name:                  \
        return text;
        LK_STATUS_LIST(TEXT_CASE)
#undef TEXT_CASE
    }
    return "unknown status";
}

const char *lk_version(void)
{
    return LK_VERSION;
}

const char *lk_verdict_name(lk_verdict verdict)
{
    switch (verdict) {
    case LK_VERDICT_LEAK_SHOWN:
        return "leak shown";
    case LK_VERDICT_COPIES_SHOWN:
        return "copies shown";
    case LK_VERDICT_NOTHING_FOUND:
        return "nothing found";
    case LK_VERDICT_NOT_ENOUGH_POWER:
        return "not enough power";
    case LK_VERDICT_NOT_INTERPRETABLE:
        return "not interpretable";
    }
    return "unknown verdict";
}

void lk_text_clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
}

lk_status lk_fail(lk_error *err, lk_status code, const char *format, ...)
{
    if (err == NULL)
        return code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    lk_text_clean(err->text);
    err->code = code;
    err->sys_errno = 0;
    return code;
}

lk_status lk_fail_sys(lk_error *err, lk_status code, const char *format, ...)
{
    int saved = errno;
    if (saved == ENOMEM)
        code = LK_ENOMEM;
    if (err == NULL)
        return code;
    char reason[128];
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text - sizeof reason, format,
              args); /* a long path must not push it out */
    va_end(args);
    size_t used = strlen(err->text);
    /* GNU strerror_r: thread-safe, and may return a static string instead of the buffer. */
    snprintf(err->text + used, sizeof err->text - used, ": %s", strerror_r(saved, reason, sizeof reason));
    lk_text_clean(err->text);
    err->code = code;
    err->sys_errno = saved;
    return code;
}

void lk_error_prefix(lk_error *err, const char *format, ...)
{
    if (err == NULL)
        return;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", old);
    lk_text_clean(err->text);
}
