/* SPDX-License-Identifier: Apache-2.0 */
/* assets.h - texts that every page holds, built into the library by scripts/embed_assets.py. */
#ifndef LK_REPORT_ASSETS_H
#define LK_REPORT_ASSETS_H

#include <stddef.h>

struct lk_asset {
    const char *text;
    size_t len;
};

extern const char lk_asset_page_css[];
extern const char lk_asset_parts_css[];
extern const char lk_asset_gallery_css[];
extern const char lk_asset_limits_html[];
extern const char lk_asset_methods_html[];
extern const char lk_asset_study_css[]; /* of the pages about a whole study */
/* The gallery's two, Vega, Vega-Lite, Vega-Embed and the charts', in the order they run. */
extern const struct lk_asset lk_asset_scripts[];
extern const size_t lk_n_asset_scripts;
/* Their hashes, as the page's Content-Security-Policy lists them. */
extern const char lk_asset_script_hashes[];

#endif
