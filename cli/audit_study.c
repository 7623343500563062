/* SPDX-License-Identifier: Apache-2.0 */
/* audit_study.c - likeness audit STUDY.INI: a whole study, or what it would take. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli.h"

static int plan(struct cli *cli, const lk_study_options *options)
{
    char *text = NULL;
    lk_error err;
    lk_status status = lk_study_plan(cli->ctx, options, &text, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    fputs(text, stdout);
    free(text);
    return EXIT_DONE;
}

/* What all this was made from, for `likeness verify` and `likeness purge`. */
static int write_manifest(struct cli *cli, const lk_study_options *options, const char *folder,
                          int64_t started, int code)
{
    lk_manifest_options o;
    lk_manifest_summary summary;
    lk_error err;
    lk_manifest_options_init(&o);
    o.folder = folder;
    o.inputs = &options->file;
    o.n_inputs = 1;
    o.started = started;
    o.command = cli->command;
    lk_status status = lk_manifest(cli->ctx, &o, &summary, &err);
    return status == LK_OK ? code : cli_fail(cli, status, &err);
}

int audit_study(struct cli *cli, lk_study_options *options, bool dry_run)
{
    lk_study_summary summary;
    lk_error err;
    options->command = cli->command;
    int64_t started = (int64_t)time(NULL);
    if (dry_run)
        return plan(cli, options);
    lk_status status = lk_study(cli->ctx, options, &summary, &err);
    if (status != LK_OK)
        return cli_fail(cli, status, &err);
    printf("%sreport:  %s/study.html\n", summary.text, summary.output);
    free(summary.text);
    int code = summary.some_unreadable ? EXIT_SOME_UNREADABLE : EXIT_DONE;
    if (summary.n_exceeded > 0) {
        cli_note(cli, "%" PRIu64 " of %" PRIu64 " runs above a limit: %s", summary.n_exceeded, summary.n_runs,
                 summary.exceeded);
        code = EXIT_LEAKAGE;
    }
    return write_manifest(cli, options, summary.output, started, code);
}
