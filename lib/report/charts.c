/* SPDX-License-Identifier: Apache-2.0 */
/* charts.c - a chart on the page: its place, its caption, and its table as a file that the page holds. */
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/report.h"

/* As the rest of a data: URL. The chart is drawn from it, too. */
static void put_encoded(FILE *f, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.-_:/";
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr(plain, *p) != NULL)
            putc(*p, f);
        else
            fprintf(f, "%%%02X", (unsigned char)*p);
    }
}

lk_status lk_report_chart(FILE *f, const char *kind, const char *name, const char *label, const char *caption,
                          const char *csv, lk_error *err)
{
    char *clean = lk_utf8_copy(csv, err); /* names of groups come from a table of any bytes */
    if (clean == NULL)
        return LK_ENOMEM;
    fprintf(f, "<figure><figcaption>%s</figcaption>\n<div class=\"chart\" data-chart=\"%s\" data-name=\"%s\" role=\"img\" "
               "aria-label=\"",
            caption, kind, name);
    lk_html_text(f, label);
    fprintf(f,
            "\"><noscript>The chart needs JavaScript; its numbers are in the table behind "
            "<em>CSV</em>.</noscript></div>\n"
            "<p class=\"save\"><a download=\"%s.csv\" aria-label=\"Data of this figure as CSV\" "
            "href=\"data:text/csv;charset=utf-8,",
            name);
    put_encoded(f, clean);
    fputs("\">CSV</a></p></figure>\n", f);
    free(clean);
    return LK_OK;
}
