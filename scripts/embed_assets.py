#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed_assets - turns text files into one C file: parts of the report's page, or what the review's server serves.

  embed_assets.py OUT.c [--text NAME FILE]... [--script FILE LICENCE]...
  embed_assets.py OUT.c --serve PATH FILE [--serve PATH FILE]...

The first form is for lib/report/assets.h, with the hashes by which pages run the scripts: a script gets its licence
file (or none, for '-') as a comment in front, and text that would end a page's element early is refused. The second is
for lib/review/assets.h: the content type is that of the file's suffix."""
import base64
import hashlib
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
         ".js": "text/javascript; charset=utf-8"}


def fail(message):
    sys.exit(f"embed_assets: {message}")


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path}: {error}")


def literal(text):
    """C string literals for text: printable ASCII as it is, the rest in octal, 100 bytes a line."""
    plain = {b: chr(b) for b in range(32, 127)}
    plain.update({ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?"})
    data = text.encode()
    lines = []
    for i in range(0, len(data), 100):
        lines.append('"' + "".join(plain.get(b) or f"\\{b:03o}" for b in data[i:i + 100]) + '"')
    return "\n    ".join(lines) or '""'


def script_text(path, licence):
    text = read(path)
    head = "" if licence == "-" else "/*! " + read(licence).strip() + " */\n"
    if head.count("*/") > 1:
        fail(f"{licence}: holds the end of a comment")
    text = head + text.strip() + "\n"
    for bad in ("</script", "<!--"):
        if bad in text.lower():
            fail(f"{path}: holds '{bad}', which would end or change the page's script element")
    return text


def serve_lines(files):
    """The table of what the review's server serves."""
    lines, entries = [], []
    for i, (path, file) in enumerate(files):
        suffix = os.path.splitext(file)[1]
        if suffix not in TYPES:
            fail(f"{file}: the content type of '{suffix}' is not known")
        lines.append(f"static const char file_{i}[] =\n    {literal(read(file))};\n")
        entries.append(f'{{"{path}", "{TYPES[suffix]}", file_{i}, sizeof file_{i} - 1}}')
    entries = ",\n    ".join(entries)
    lines.append(f"const struct lk_review_asset lk_review_assets[] = {{\n    {entries}}};")
    lines.append(f"const size_t lk_n_review_assets = {len(files)};\n")
    return lines


def page_lines(texts, scripts):
    """The parts of the report's page."""
    out = []
    for name, path in texts:
        text = read(path)
        if "</style" in text.lower():
            fail(f"{path}: holds '</style'")
        out.append(f"const char lk_asset_{name}[] =\n    {literal(text)};\n")
    hashes = []
    for i, (path, licence) in enumerate(scripts):
        text = script_text(path, licence)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes.append(f"'sha256-{digest}'")
        out.append(f"static const char script_{i}[] =\n    {literal(text)};\n")
    entries = ", ".join(f"{{script_{i}, sizeof script_{i} - 1}}" for i in range(len(scripts)))
    out.append(f"const struct lk_asset lk_asset_scripts[] = {{{entries}}};")
    out.append(f"const size_t lk_n_asset_scripts = {len(scripts)};")
    out.append(f'const char lk_asset_script_hashes[] = "{" ".join(hashes)}";\n')
    return out


def main(argv):
    if len(argv) < 2:
        fail("expected the name of the C file to write")
    given, rest = {"--text": [], "--script": [], "--serve": []}, argv[2:]
    while rest:
        if len(rest) < 3 or rest[0] not in given:
            fail(f"unexpected '{rest[0]}'")
        given[rest[0]].append(rest[1:3])
        rest = rest[3:]
    if given["--serve"] and (given["--text"] or given["--script"]):
        fail("--serve is for a file of its own")
    header = "review" if given["--serve"] else "report"
    out = ["/* made by scripts/embed_assets.py */", f'#include "{header}/assets.h"', "",
           '#pragma GCC diagnostic ignored "-Woverlength-strings"', ""]
    out += serve_lines(given["--serve"]) if given["--serve"] else page_lines(given["--text"], given["--script"])
    with open(argv[1], "w", encoding="ascii") as f:
        f.write("\n".join(out))


main(sys.argv)
