/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.h - what the fuzz targets for files of embeddings share: reads everything of an accepted file, and
 * checks it. */
#ifndef LK_FUZZ_VECTORS_H
#define LK_FUZZ_VECTORS_H

#include <stdlib.h>
#include <string.h>

#include "formats/vectors.h"

static inline void check_texts(const struct lk_texts *texts, uint64_t rows)
{
    if (texts->items == NULL)
        return;
    if (texts->n != rows)
        abort();
    for (uint64_t i = 0; i < rows; i++)
        if (texts->items[i] != NULL && strlen(texts->items[i]) == 0)
            abort(); /* nothing is NULL */
}

static inline void use_vectors(struct lk_vectors *v)
{
    const struct lk_matrix *m = &v->matrix;
    if (m->dim < 1 || m->dim > LK_MAX_DIM || m->map.len < m->rows * m->dim * sizeof(float))
        abort();
    float sum = 0;
    for (uint64_t i = 0; i < m->rows * m->dim; i++)
        sum += m->data[i];
    volatile float seen = sum; /* so that the reading is not left out */
    (void)seen;
    check_texts(&v->paths, m->rows);
    check_texts(&v->identities, m->rows);
    lk_vectors_close(v);
}

#endif
