/* SPDX-License-Identifier: Apache-2.0 */
/* target.h - instruction sets for the body of one file, without compiler flags for the file. */
#ifndef LK_SEARCH_TARGET_H
#define LK_SEARCH_TARGET_H

#define LK_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define LK_TARGET_BEGIN(features) \
    LK_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define LK_TARGET_END LK_PRAGMA(clang attribute pop)
#else
#define LK_TARGET_BEGIN(features) LK_PRAGMA(GCC push_options) LK_PRAGMA(GCC target(features))
#define LK_TARGET_END LK_PRAGMA(GCC pop_options)
#endif

#endif
