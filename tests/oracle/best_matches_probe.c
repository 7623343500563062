/* SPDX-License-Identifier: Apache-2.0 */
/* best_matches_probe.c - for best_matches.py: prints the pairs of each list as JSON lines, or why it is
 * refused. */
#include <jansson.h>
#include <stdio.h>

#include "formats/best_matches.h"

static void print_match(const struct lk_best_match *m)
{
    json_t *line = json_pack("[s,s,f,s?,s?,i]", m->probe, m->reference, m->score, m->probe_identity,
                             m->reference_identity, (int)m->gallery);
    json_dumpf(line, stdout, JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(line);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct lk_best_matches list;
        lk_error err;
        if (lk_best_matches_read(argv[i], &list, &err) != LK_OK) {
            printf("refused %s\n", err.text);
            continue;
        }
        for (size_t k = 0; k < list.n; k++)
            print_match(&list.items[k]);
        lk_best_matches_free(&list);
    }
    return 0;
}
