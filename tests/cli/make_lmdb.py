#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_lmdb.py - packs the pictures of a folder (one folder below it for each person) as HSFace is, with python3-lmdb and
python3-msgpack; exit code 77 where they are missing.

usage: make_lmdb.py LAYOUT FOLDER OUT       LAYOUT: label, feature (a vector between picture and label), file (OUT is a
                                            file, not a folder)
"""
import pathlib
import sys

try:
    import lmdb
    import msgpack
except ImportError as reason:
    print(f"python3-lmdb or python3-msgpack is not installed: {reason}")
    sys.exit(77)

layout, folder, out = sys.argv[1:4]
people = [sorted(p.iterdir()) for p in sorted(pathlib.Path(folder).iterdir()) if p.is_dir()]
env = lmdb.open(out, map_size=1 << 30, subdir=layout != "file", lock=False)
key = 0
with env.begin(write=True) as txn:
    for person, pictures in enumerate(people):
        for path in pictures:
            value = [path.read_bytes(), person]
            if layout == "feature":
                value.insert(1, bytes(4 * 512))
            txn.put(str(key).encode(), msgpack.packb(value))
            key += 1
    txn.put(b"__keys__", msgpack.packb([str(k).encode() for k in range(key)]))
    txn.put(b"__len__", msgpack.packb(key))
    txn.put(b"__classnum__", msgpack.packb(len(people)))
env.close()
