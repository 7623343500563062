#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed_assets - turns the report's text files into one C file, with the hashes by which pages run the scripts.

  embed_assets.py OUT.c [--text NAME FILE]... [--script FILE LICENCE]...

A script gets its licence file (or none, for '-') as a comment in front. Text that would end a page's element
early is refused."""
import base64
import hashlib
import sys


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


def main(argv):
    if len(argv) < 2:
        fail("expected the name of the C file to write")
    texts, scripts, rest = [], [], argv[2:]
    while rest:
        if len(rest) < 3 or rest[0] not in ("--text", "--script"):
            fail(f"unexpected '{rest[0]}'")
        (texts if rest[0] == "--text" else scripts).append(rest[1:3])
        rest = rest[3:]
    out = ['/* made by scripts/embed_assets.py */', '#include "report/assets.h"', "",
           '#pragma GCC diagnostic ignored "-Woverlength-strings"', ""]
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
    with open(argv[1], "w", encoding="ascii") as f:
        f.write("\n".join(out))


main(sys.argv)
