#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_lfw_bin.py - the first pairs of LFW's five folds as ten folds, in the current folder: pairs.txt, the same as
lfw.bin (as InsightFace's lfw2pack.py writes it), and their pictures in lfw/.

usage: make_lfw_bin.py FOLDER_WITH_LFW N      N pairs of each kind in each of the ten folds
"""
import pathlib
import pickle
import sys

lfw, n = pathlib.Path(sys.argv[1]), int(sys.argv[2])
lines = (lfw / "pairs_folds1-5.txt").read_text(encoding="utf-8").splitlines()
folds, each = map(int, lines[0].split("\t"))
text, pictures, same = [f"{2 * folds}\t{n}"], [], []
for fold in range(2 * folds):
    for genuine in (True, False):
        start = 1 + fold // 2 * 2 * each + fold % 2 * n + (0 if genuine else each)
        for line in lines[start:start + n]:
            text.append(line)
            same.append(genuine)
            f = line.split("\t")
            for name, number in ((f[0], f[1]), (f[0], f[2]) if genuine else (f[2], f[3])):
                path = pathlib.Path(name, f"{name}_{int(number):04}.jpg")
                data = (lfw / "images" / path).read_bytes()
                (pathlib.Path("lfw") / name).mkdir(parents=True, exist_ok=True)
                pathlib.Path("lfw", path).write_bytes(data)
                pictures.append(data)
pathlib.Path("pairs.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
with open("lfw.bin", "wb") as out:
    pickle.dump((pictures, same), out, protocol=4)
