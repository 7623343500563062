/* SPDX-License-Identifier: Apache-2.0 */
/* matchers.c - L9: the same synthetic identities as several matchers see them: who finds whom, and whom at
 * least so many of them find. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "base/fs.h"
#include "formats/csv.h"
#include "stats/conformal.h"

/* ---- what is kept of one measurement ----------------------------------------------------------------- */

static lk_status add_key(struct lk_audit_view *view, const struct lk_audit *a, size_t unit, lk_error *err)
{
    char room[LK_AUDIT_KEY];
    const char *key = lk_audit_identity_key(a->in->synthetic, a->units[unit].identity, room);
    uint32_t number;
    LK_TRY(lk_names_add(&view->keys, key, strlen(key), &number, err));
    LK_NEED(number == unit, err, LK_EFORMAT,
            "matcher %s: two synthetic images without an identity have the path %s; expected different ones",
            view->name, key);
    return LK_OK;
}

lk_status lk_audit_view_make(struct lk_audit_view *view, const char *name, const char *folder,
                             const struct lk_audit *a, lk_error *err)
{
    *view = (struct lk_audit_view){.name = name,
                                   .folder = folder,
                                   .verdict = a->verdict,
                                   .n = a->n_units,
                                   .holdouts = a->n_galleries - 1,
                                   .pull = a->pull,
                                   .tested = lk_audit_has_holdout(a) || a->control_units > 0};
    view->found = lk_calloc(view->n, sizeof *view->found, err);
    view->margin = lk_calloc(view->n, sizeof *view->margin, err);
    view->q = lk_calloc(view->n, sizeof *view->q, err);
    view->p = lk_calloc(view->n, sizeof *view->p, err);
    if (view->found == NULL || view->margin == NULL || view->q == NULL || view->p == NULL)
        return LK_ENOMEM;
    bool compared = view->holdouts > 0;
    uint64_t rivals = compared ? a->competition.losses : a->control_units;
    view->smallest_p = 1 / ((double)rivals + 1) / ((double)view->holdouts + 1);
    for (size_t u = 0; u < view->n; u++) {
        const struct lk_audit_unit *unit = &a->units[u];
        LK_TRY(add_key(view, a, u, err));
        view->margin[u] = unit->margin;
        view->q[u] = compared ? unit->q : unit->q_control;
        view->p[u] = unit->p_control;
        view->found[u] = compared ? unit->found : unit->q_control <= a->in->q;
        view->n_found += view->found[u];
    }
    return compared ? lk_margin_p(view->margin, view->n, view->holdouts, view->p, err) : LK_OK;
}

void lk_audit_matchers_free(struct lk_audit_matchers *m)
{
    for (size_t i = 0; i < m->n; i++) {
        lk_names_free(&m->views[i].keys);
        free(m->views[i].found);
        free(m->views[i].margin);
        free(m->views[i].q);
        free(m->views[i].p);
    }
    free(m->unit);
    free(m->joint_p);
    free(m->joint_q);
    *m = (struct lk_audit_matchers){.n = 0};
}

/* ---- together ---------------------------------------------------------------------------------------- */

/* Units that every matcher has, in the order of the first. */
static lk_status join(struct lk_audit_matchers *m, lk_error *err)
{
    m->unit = lk_calloc(m->views[0].n, m->n * sizeof *m->unit, err);
    if (m->unit == NULL)
        return LK_ENOMEM;
    for (uint32_t u = 0; u < m->views[0].n; u++) {
        const char *key = lk_names_text(&m->views[0].keys, u);
        uint32_t *at = m->unit + m->n_common * m->n;
        bool everywhere = true;
        for (size_t i = 0; i < m->n; i++) {
            at[i] = lk_names_find(&m->views[i].keys, key, strlen(key));
            everywhere = everywhere && at[i] != LK_NO_NAME;
        }
        m->n_common += everywhere;
    }
    LK_NEED(m->n_common > 0, err, LK_EINVAL,
            "the matchers have no synthetic identity in common; expected embeddings of the same pictures");
    return LK_OK;
}

static lk_status agree(struct lk_audit_matchers *m, lk_error *err)
{
    uint8_t *found = lk_calloc(m->n_common, m->n, err);
    if (found == NULL)
        return LK_ENOMEM;
    for (size_t i = 0; i < m->n; i++)
        for (size_t u = 0; u < m->n_common; u++)
            found[i * m->n_common + u] = m->views[i].found[m->unit[u * m->n + i]];
    for (size_t i = 0; i < m->n; i++)
        for (size_t k = 0; k < m->n; k++)
            lk_agreement(found + i * m->n_common, found + k * m->n_common, m->n_common, &m->agreement[i][k]);
    free(found);
    return LK_OK;
}

/* Row r - 1 of joint_p and joint_q: at least r of the matchers. */
static lk_status conjoin(struct lk_audit_matchers *m, lk_error *err)
{
    m->joint_p = lk_calloc(m->n_common, m->n * sizeof *m->joint_p, err);
    m->joint_q = lk_calloc(m->n_common, m->n * sizeof *m->joint_q, err);
    if (m->joint_p == NULL || m->joint_q == NULL)
        return LK_ENOMEM;
    for (size_t r = 1; r <= m->n; r++) {
        double *p = m->joint_p + (r - 1) * m->n_common;
        for (size_t u = 0; u < m->n_common; u++) {
            double each[LK_MAX_MATCHERS];
            for (size_t i = 0; i < m->n; i++)
                each[i] = m->views[i].p[m->unit[u * m->n + i]];
            LK_TRY(lk_partial_conjunction(each, m->n, r, &p[u], err));
        }
        double least[LK_MAX_MATCHERS], least_p;
        for (size_t i = 0; i < m->n; i++)
            least[i] = m->views[i].smallest_p;
        LK_TRY(lk_partial_conjunction(least, m->n, r, &least_p, err));
        m->joint_least[r - 1] = (uint64_t)ceil((double)m->n_common * least_p / m->fdr * (1 - 1e-12));
        LK_TRY(lk_benjamini_hochberg(p, m->n_common, m->fdr, m->joint_q + (r - 1) * m->n_common,
                                     &m->joint[r - 1], err));
    }
    return LK_OK;
}

lk_status lk_audit_matchers_compare(struct lk_audit_matchers *m, lk_error *err)
{
    LK_TRY(join(m, err));
    LK_TRY(agree(m, err));
    m->tested = true;
    for (size_t i = 0; i < m->n; i++)
        m->tested = m->tested && m->views[i].tested;
    return m->tested ? conjoin(m, err) : LK_OK;
}

/* ---- matchers.csv ------------------------------------------------------------------------------------ */

static void put_number(FILE *f, double value)
{
    putc(',', f);
    if (isfinite(value))
        fprintf(f, "%.9g", value);
}

static void write_rows(const struct lk_audit_matchers *m, FILE *f)
{
    fputs("identity", f);
    for (size_t i = 0; i < m->n; i++) {
        const char *name = m->views[i].name;
        fprintf(f, ",margin:%s,q:%s,discovery:%s,p:%s", name, name, name, name);
    }
    for (size_t r = 1; m->tested && r <= m->n; r++)
        fprintf(f, ",p:%zu_of_%zu,q:%zu_of_%zu", r, m->n, r, m->n);
    putc('\n', f);
    for (size_t u = 0; u < m->n_common; u++) {
        const uint32_t *at = m->unit + u * m->n;
        lk_csv_put(f, lk_names_text(&m->views[0].keys, at[0]));
        for (size_t i = 0; i < m->n; i++) {
            const struct lk_audit_view *v = &m->views[i];
            put_number(f, v->margin[at[i]]);
            put_number(f, v->q[at[i]]);
            fprintf(f, ",%d", v->found[at[i]]);
            put_number(f, v->p[at[i]]);
        }
        for (size_t r = 0; m->tested && r < m->n; r++) {
            put_number(f, m->joint_p[r * m->n_common + u]);
            put_number(f, m->joint_q[r * m->n_common + u]);
        }
        putc('\n', f);
    }
}

lk_status lk_audit_matchers_write(const struct lk_audit_matchers *m, const char *folder, lk_error *err)
{
    char *path = lk_path_join(folder, "matchers.csv", err);
    if (path == NULL)
        return LK_ENOMEM;
    struct lk_out out;
    lk_status status = lk_out_open(&out, path, err);
    free(path);
    LK_TRY(status);
    write_rows(m, out.stream);
    status = lk_out_commit(&out, err);
    lk_out_abandon(&out);
    return status;
}
