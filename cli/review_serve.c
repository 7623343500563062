/* SPDX-License-Identifier: Apache-2.0 */
/* review_serve.c - likeness review serve: runs the server, and prints the links of everybody. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Where the "/#SECRET" or "/adjudicate#SECRET" at the end of a line begins; NULL when the line has none. */
static const char *find_link(char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    char *link = strrchr(line, ' ');
    if (link == NULL || (strncmp(link, " /#", 3) != 0 && strncmp(link, " /adjudicate#", 13) != 0))
        return NULL;
    const char *secret = strchr(link, '#') + 1;
    return strlen(secret) == LK_REVIEW_TOKEN_SIZE - 1 && secret[strspn(secret, "0123456789abcdef")] == '\0'
               ? link + 1
               : NULL;
}

/* Prints the links of a file; -1 when it could not be read, else their number. */
static int print_links(const char *path, int port)
{
    char line[4096];
    int n = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -1;
    while (fgets(line, sizeof line, file) != NULL) {
        const char *link = find_link(line);
        if (link == NULL)
            continue;
        printf("%.*shttp://127.0.0.1:%d%s\n", (int)(link - line), line, port, link);
        n++;
    }
    if (ferror(file))
        n = -1;
    fclose(file);
    return n;
}

static void on_ready(void *user, int port)
{
    struct serve_options *serve = user;
    printf("listening on http://127.0.0.1:%d/\n", port);
    for (size_t i = 0; i < serve->n_links; i++) {
        int n = print_links(serve->links[i], port);
        if (n < 0)
            cli_note(serve->cli, "%s: cannot be read: %s", serve->links[i], strerror(errno));
        else if (n == 0)
            cli_note(serve->cli, "%s: no links found, expected what `likeness review new` printed", serve->links[i]);
    }
    if (serve->n_links == 0)
        cli_note(serve->cli, "Put this address in front of each link that `likeness review new` printed.");
    cli_note(serve->cli, "Ctrl-C ends it; every answer is stored as it comes.");
    fflush(stdout);
}

int run_review_server(struct serve_options *serve)
{
    lk_error err;
    lk_review_serve_options o;
    lk_review_serve_options_init(&o);
    o.store = serve->review;
    o.port = serve->port;
    lk_status status = lk_review_serve(serve->cli->ctx, &o, on_ready, serve, &err);
    return status == LK_OK ? cli_finish_stdout(EXIT_DONE) : cli_fail(serve->cli, status, &err);
}
