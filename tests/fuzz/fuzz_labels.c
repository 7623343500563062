/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_labels.c - any bytes as a labels file; every line that is accepted can be found again. */
#include <stdlib.h>
#include <string.h>

#include "formats/source_labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct lk_labels labels;
    lk_error err;
    if (lk_labels_parse(bytes, len, &labels, &err) != LK_OK)
        return 0;
    if (labels.paths.n == 0 || labels.n_groups > LK_MAX_GROUPS ||
        (!labels.has_identities && labels.n_groups == 0))
        abort();
    for (uint32_t line = 0; line < labels.paths.n; line++) {
        const char *path = lk_names_text(&labels.paths, line);
        uint32_t identity = labels.identities[line];
        if (path[0] == '\0' || lk_labels_line(&labels, "", path, path) != line ||
            (identity != LK_NO_NAME && identity >= labels.texts.n))
            abort();
        for (size_t g = 0; g < labels.n_groups; g++) {
            uint32_t value = labels.groups[line * labels.n_groups + g];
            if (value != LK_NO_NAME && lk_names_text(&labels.texts, value)[0] == '\0')
                abort();
        }
    }
    lk_labels_free(&labels);
    return 0;
}
