#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_bin.py - packs the pictures of a folder as pairs, as InsightFace's lfw2pack.py does, with Python's own pickle.

usage: make_bin.py PROTOCOL FOLDER OUT      every second pair is said to be the same person
"""
import pathlib
import pickle
import sys

pictures = [p.read_bytes() for p in sorted(pathlib.Path(sys.argv[2]).rglob("*.*"))]
pictures = pictures[:len(pictures) // 2 * 2]
same = [i % 2 == 0 for i in range(len(pictures) // 2)]
with open(sys.argv[3], "wb") as f:
    pickle.dump((pictures, same), f, protocol=int(sys.argv[1]))
