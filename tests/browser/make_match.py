#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_match - a MATCH directory with FACES directories of made-up vectors, for looking at reports.

  make_match.py OUT PICTURES --identities N --leaks K [--each E] [--no-holdout] [--pairs P]

PICTURES is a folder with JPEGs of faces; they stand for the images in turn and mean nothing. Some names try to
break the page. OUT/known.csv has made-up margins, q-values, E-values, kinds and reviewers' words for known_report;
some are not known."""
import argparse
import csv
import hashlib
import json
from pathlib import Path

import numpy as np

NASTY = "<img src=x onerror=alert(1)>&\"'</script><script>alert(2)</script>"
DIM = 64
FACE_COLUMNS = ("row,path,identity,status,faces,width,height,box_x,box_y,box_w,box_h,detector_score,left_eye_x,"
                "left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_right_x,"
                "mouth_right_y,mouth_x,mouth_y,feature_norm,sharpness,yaw,age,message")
PAIR_COLUMNS = "probe_path,reference_path,probe_identity,reference_identity"
THRESHOLDS = [{"fmr": 0.01, "score": 0.30, "supported": True, "source": "made up for the test"},
              {"fmr": 0.001, "score": 0.39, "supported": True},
              {"fmr": 0.0001, "score": 0.46, "supported": True},
              {"fmr": 0.00001, "score": 0.52, "supported": False}]


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def table(path, header, rows):
    with open(path, "w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


class Faces:
    def __init__(self, out, name, vectors, identities, paths):
        self.vectors, self.identities, self.paths, self.path = vectors, identities, paths, out / name
        self.path.mkdir(parents=True)
        np.save(self.path / "embeddings.npy", vectors)
        points = [48, 54, 80, 54, 64, 72, 51, 88, 77, 88, "", "", 10]
        empty = [""] * 21
        rng = np.random.default_rng(len(name))
        rows = [[i, path, identity, "ok", 1, 128, 128, 14, 14, 100, 100, round(rng.uniform(0.6, 1), 4)] + points +
                [round(rng.uniform(5, 900), 2), round(rng.normal(0, 20), 2), round(rng.uniform(5, 80), 1), ""]
                for i, (path, identity) in enumerate(zip(paths, identities))]
        rows += [["", f"{name}/landscape {k}.jpg", "", "no_face", 0, 640, 480] + empty + [""] for k in range(3)]
        rows += [["", f"{name}/{NASTY}.jpg", "", "unreadable", 0, 0, 0] + empty + [f"ends early: {NASTY}"]]
        table(self.path / "images.csv", FACE_COLUMNS, rows)
        self.hash = sha256(self.path / "embeddings.npy")
        (self.path / "meta.json").write_text(json.dumps({
            "kind": "faces", "format": 1, "command": f"likeness embed {name} -o {name}",
            "working_directory": str(out),
            "model": {"name": "made-up", "sha256": "00" * 32, "licence": "none", "dim": DIM,
                      "thresholds": THRESHOLDS},
            "detector": None, "alignment": "arcface112", "embeddings_sha256": self.hash}))

    def entry(self):
        return {"path": str(self.path), "rows": len(self.vectors), "excluded": [], "dim": DIM,
                "identities": len(set(self.identities)), "embeddings_sha256": self.hash}

    def names(self, i, other, j):
        return [self.paths[i], other.paths[j], self.identities[i], other.identities[j]]


def known(path, n, rng):
    """What a measurement and reviewers may say of each pair. One in ten is not known, and there are equal ones."""
    def some(values):
        return ["" if rng.random() < 0.1 else value for value in values]
    kinds = rng.choice(["same picture", "same picture, mirrored", "other picture", "unknown"], n, p=[.2, .1, .6, .1])
    reviewed = rng.choice(["same person", "different people", "reviewers differ"], n, p=[.3, .5, .2])
    table(path, "rank,margin,q,e_value,kind,reviewed",
          zip(range(1, n + 1), some(f"{x:.3f}" for x in rng.normal(0.1, 0.2, n)),
              some(f"{x:.2g}" for x in rng.uniform(0, 1, n)), some(f"{x:.3g}" for x in 10 ** rng.uniform(-9, 2, n)),
              some(kinds), some(reviewed)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--identities", type=int, required=True)
    parser.add_argument("--leaks", type=int, required=True)
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("--no-holdout", action="store_true")
    parser.add_argument("--pairs", type=int, default=300)
    a = parser.parse_args()
    rng = np.random.default_rng(5)
    pictures = [str(p.resolve()) for p in sorted(a.pictures.rglob("*.jpg"))]
    people = [unit(rng.normal(size=(a.identities, DIM))) for _ in range(3)]
    people[0][:a.leaks] = unit(0.9 * people[1][:a.leaks] + 0.4 * people[0][:a.leaks])
    sets = []
    for name, centres, shift in zip(("synthetic", "training", "holdout"), people, (0, 0, 31)):
        vectors = unit(np.repeat(centres, a.each, 0) + 0.07 * rng.normal(size=(a.identities * a.each, DIM)))
        identities = [f"{name}-{i:04d}" for i in range(a.identities) for _ in range(a.each)]
        paths = [pictures[(i + shift) % len(pictures)] for i in range(a.identities) for _ in range(a.each)]
        if name == "synthetic":
            identities[:a.each] = [NASTY] * a.each
            paths[a.each] = f"/nowhere/{NASTY}{'long' * 30}.jpg"
        sets.append(Faces(a.out, name, vectors, identities, paths))
    synthetic, training, holdout = sets
    scores = {"train": (training, synthetic.vectors.astype(np.float64) @ training.vectors.T)}
    if not a.no_holdout:
        scores["holdout"] = (holdout, synthetic.vectors.astype(np.float64) @ holdout.vectors.T)
    match = a.out / "match"
    match.mkdir()
    nearest = []
    for i in range(len(synthetic.vectors)):
        for gallery, (other, s) in scores.items():
            j = int(np.argmax(s[i]))
            nearest.append([i, gallery, 1, f"{s[i, j]:.9g}", j] + synthetic.names(i, other, j))
    table(match / "nearest.csv", "probe,gallery,rank,score,reference," + PAIR_COLUMNS, nearest)
    s = scores["train"][1]
    best = np.argsort(-s.ravel(), kind="stable")[:a.pairs]
    pairs = []
    for rank, x in enumerate(best, 1):
        i, j = divmod(int(x), s.shape[1])
        pairs.append([rank, f"{s[i, j]:.9g}", i, j] + synthetic.names(i, training, j))
    table(match / "pairs.csv", "rank,score,probe,reference," + PAIR_COLUMNS, pairs)
    known(a.out / "known.csv", a.pairs, rng)
    (match / "meta.json").write_text(json.dumps({
        "kind": "match", "format": 1, "command": "likeness match synthetic training -o match",
        "working_directory": str(a.out.resolve()),
        "probes": synthetic.entry(), "references": training.entry(),
        "holdout": None if a.no_holdout else holdout.entry(),
        "outputs": {name: sha256(match / name) for name in ("pairs.csv", "nearest.csv")}}))
    leaked = [i // a.each < a.leaks for i in range(len(synthetic.identities))]
    table(a.out / "truth.csv", "file,identity,planted,kind,train_identity,train_image,detail",
          [["x.jpg", identity, int(leaked[i]), "", training.identities[i] if leaked[i] else "", "", ""]
           for i, identity in enumerate(synthetic.identities)])


main()
