#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_sets - FACES directories of made-up vectors, truth.csv, review.json and known.csv, for looking at reports.

  make_sets.py OUT PICTURES --identities N --leaks K [--each E] [--noise X] [--pairs P]

Writes OUT/synthetic, training, holdout, second, control. PICTURES is a folder with JPEGs of faces; they stand for the
images in turn and mean nothing. Some names try to break the page. --noise makes the same sets as a worse matcher sees
them. known.csv has made-up margins, q-values, E-values, kinds and reviewers' words of P pairs for known_report; some
are not known."""
import argparse
import csv
import hashlib
import json
from pathlib import Path

import numpy as np

NASTY = "<img src=x onerror=alert(1)>&\"'</script><script>alert(2)</script>"
DIM = 96
COLUMNS = ("row,path,identity,status,faces,width,height,box_x,box_y,box_w,box_h,detector_score,left_eye_x,"
           "left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_right_x,"
           "mouth_right_y,mouth_x,mouth_y,feature_norm,sharpness,yaw,age,message,group:source")
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


def write_faces(out, name, vectors, identities, paths, rng, model):
    folder = out / name
    folder.mkdir(parents=True)
    np.save(folder / "embeddings.npy", vectors)
    points = [48, 54, 80, 54, 64, 72, 51, 88, 77, 88, "", "", 10]
    rows = []
    for i, (path, identity) in enumerate(zip(paths, identities)):
        strata = [f"{rng.gamma(4, 20):.1f}", f"{rng.normal(0, 18):.1f}", f"{rng.gamma(6, 5):.1f}"]
        found = [1, 128, 128, 14, 14, 100, 100, round(rng.uniform(0.6, 1), 4)]
        rows.append([i, path, identity, "ok"] + found + points + strata + ["", ("web, \u201cportraits\u201d", "film")[i % 3 == 0]])
    empty = [""] * 17 + ["", "", "", ""]
    rows += [["", f"{name}/landscape {k}.jpg", "", "no_face", 0, 640, 480] + empty + ["", ""] for k in range(3)]
    rows += [["", f"{name}/{NASTY}.jpg", "", "unreadable", 0, 0, 0] + empty + [f"ends early: {NASTY}", ""]]
    table(folder / "images.csv", COLUMNS, rows)
    (folder / "meta.json").write_text(json.dumps({
        "kind": "faces", "format": 1, "command": f"likeness embed {name} -o {name}", "working_directory": str(out),
        "model": {"name": model, "sha256": hashlib.sha256(model.encode()).hexdigest(), "licence": "none", "dim": DIM,
                  "thresholds": THRESHOLDS},
        "detector": None, "alignment": "arcface112", "embeddings_sha256": sha256(folder / "embeddings.npy"),
        "images_sha256": sha256(folder / "images.csv")}))


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
    parser.add_argument("--each", type=int, default=2)
    parser.add_argument("--noise", type=float, default=0)
    parser.add_argument("--pairs", type=int, default=0)
    a = parser.parse_args()
    out = a.out.resolve()
    rng = np.random.default_rng(5)
    pictures = [str(p.resolve()) for p in sorted(a.pictures.rglob("*.jpg"))]
    names = ("synthetic", "training", "holdout", "second", "control")
    people = [unit(rng.normal(size=(a.identities, DIM))) for _ in names]
    people[0][:a.leaks] = unit(0.9 * people[1][:a.leaks] + 0.45 * people[0][:a.leaks])
    model = "made-up" if a.noise == 0 else "made-up-2"
    for number, (name, centres) in enumerate(zip(names, people)):
        vectors = unit(np.repeat(centres, a.each, 0) + 0.06 * rng.normal(size=(a.identities * a.each, DIM)))
        if a.noise > 0:
            vectors = unit(vectors + a.noise * rng.normal(size=vectors.shape))
        identities = [f"{name}-{i:04d}" for i in range(a.identities) for _ in range(a.each)]
        paths = [pictures[(i + 31 * number) % len(pictures)] for i in range(a.identities) for _ in range(a.each)]
        if name == "synthetic":
            identities[:a.each] = [NASTY] * a.each
            paths[a.each] = f"/nowhere/{NASTY}{'long' * 30}.jpg"
        write_faces(out, name, vectors, identities, paths, rng, model)
        if name == "synthetic":
            made = identities
    table(out / "truth.csv", "file,identity,planted,kind,train_identity,train_image,detail",
          [["x.jpg", identity, int(i // a.each < a.leaks), "", f"training-{i // a.each:04d}", "", ""]
           for i, identity in enumerate(made)])
    known(out / "known.csv", a.pairs, rng)
    answers = [("same", None), (None, "same"), ("different", None), (None, "different"), (None, None)]
    (out / "review.json").write_text(json.dumps({
        "kind": "review", "format": 1,
        "reviewers": [{"name": name, "answers": 120, "d_prime": d, "criterion": c, "consistency": s}
                      for name, d, c, s in (("Anna", 2.1, 0.12, 0.93), (NASTY, 1.4, -0.4, 0.81), ("Cem", 1.8, 0.3, 0.9))],
        "alpha": {"value": 0.71, "low": 0.62, "high": 0.79}, "theta": {"value": 0.41, "low": 0.28, "high": 0.55},
        "cases": [{"image": f"/x/{i}.jpg", "reference": f"/y/{i}.jpg", "identity": NASTY, "person": NASTY, "unanimous": answers[i % 5][0],
                   "adjudicated": answers[i % 5][1]} for i in range(60)]}))


main()
