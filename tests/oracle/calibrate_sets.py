# SPDX-License-Identifier: Apache-2.0
"""calibrate_sets.py - what the oracles of `likeness calibrate` share: made FACES directories, the program, rates."""
import hashlib
import json
import os
import subprocess

import numpy as np

COLUMNS = """row path identity status faces width height box_x box_y box_w box_h detector_score left_eye_x
left_eye_y right_eye_x right_eye_y nose_x nose_y mouth_left_x mouth_left_y mouth_right_x
mouth_right_y mouth_x mouth_y feature_norm message""".split()


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def write_faces(folder, names, vectors):
    """names: (path, identity), vectors: one row each, or None for an image without a face."""
    os.makedirs(folder)
    rows = [v for v in vectors if v is not None]
    np.save(f"{folder}/embeddings.npy", np.array(rows, dtype="<f4"))
    with open(f"{folder}/images.csv", "w", encoding="utf-8") as out:
        print(",".join(COLUMNS), file=out)
        row = 0
        for (path, identity), vector in zip(names, vectors, strict=True):
            values = dict.fromkeys(COLUMNS, "")
            values.update(path=path, identity=identity, width=112, height=112, status="no_face", faces=0)
            if vector is not None:
                values.update(row=row, status="ok", faces=1, feature_norm=1)
                row += 1
            print(",".join(str(values[c]) for c in COLUMNS), file=out)
    identities = {i for (_, i), v in zip(names, vectors) if v is not None}
    meta = {"kind": "faces", "format": 1, "tool": "0.1.0", "command": "", "working_directory": "/",
            "inputs": [], "detector": None, "alignment": "aligned", "face_choice": "largest",
            "model": {"name": "made", "sha256": "0" * 64, "licence": "none", "dim": len(rows[0]),
                      "thresholds": []},
            "counts": {"images": len(names), "embedded": len(rows), "no_face": len(names) - len(rows),
                       "unreadable": 0, "identities": len(identities)},
            "seconds": 0, "images_sha256": sha256(f"{folder}/images.csv"),
            "embeddings_sha256": sha256(f"{folder}/embeddings.npy")}
    with open(f"{folder}/meta.json", "w", encoding="utf-8") as out:
        json.dump(meta, out)


def scores(vectors, a, b):
    """Products and sums in double in index order, rounded to float32."""
    total = np.zeros(len(a))
    for d in range(vectors.shape[1]):
        total += vectors[a, d].astype(np.float64) * vectors[b, d].astype(np.float64)
    return total.astype(np.float32)


def expected_eer(genuine, impostor):
    """Both stairs before and after every score; the first step after which FNMR is not below FMR."""
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    at = np.unique(np.concatenate([genuine, impostor]))
    fnmr = [np.searchsorted(genuine, at, side) / len(genuine) for side in ("left", "right")]
    accepted = [len(impostor) - np.searchsorted(impostor, at, side) for side in ("left", "right")]
    fmr = [count / len(impostor) for count in accepted]
    step = int(np.argmax(fnmr[1] >= fmr[1]))
    return (max(fnmr[0][step], fmr[1][step]) + min(fnmr[1][step], fmr[0][step])) / 2


def need(condition, what):
    if not condition:
        raise AssertionError(what)


class Tool:
    """Runs `likeness calibrate` in a scratch folder."""

    def __init__(self, program, scratch):
        self.program, self.scratch = os.path.abspath(program), scratch

    def run(self, folder, *options, fails=False):
        command = [self.program, "calibrate", folder, "-q", *options]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        need((result.returncode != 0) == fails, f"exit code {result.returncode}: {result.stderr}")
        return result.stderr if fails else result.stdout

    def table(self, folder, *options):
        """The table of --roc, one row for each line."""
        self.run(folder, "--roc", f"{self.scratch}/roc.csv", *options)
        return np.genfromtxt(f"{self.scratch}/roc.csv", delimiter=",", names=True)

    def thresholds(self, folder, *options):
        """What it prints, and thresholds.json."""
        text = self.run(folder, "-o", f"{self.scratch}/t.json", *options)
        with open(f"{self.scratch}/t.json", encoding="utf-8") as f:
            found = json.load(f)
        found.pop("command")
        return text, found

    def same_for_threads(self, folder, *options):
        found = [self.thresholds(folder, "-t", threads, *options)[1] for threads in ("1", "3")]
        need(found[0] == found[1], "one and three threads differ")
        return found[0]


def check(found, genuine, impostor):
    need((found["genuine"], found["impostor"]) == (len(genuine), len(impostor)), f"numbers of pairs: {found}")
    need(found["eer"] == expected_eer(genuine, impostor), f"eer: {found['eer']}")
    ordered = np.sort(impostor)
    rank = sum(np.searchsorted(ordered, genuine, side).sum() for side in ("left", "right"))
    need(abs(found["auc"] - rank / 2 / len(genuine) / len(impostor)) <= 1e-15, f"auc: {found['auc']}")
    for t in found["thresholds"]:
        score = np.float32(t["score"])
        below = np.nextafter(score, np.float32(-1))
        need((impostor >= score).mean() <= t["fmr"] < (impostor >= below).mean(), f"threshold: {t}")
        need(t["tar"] == (genuine >= score).mean(), f"tar: {t}")


def make_people(random):
    """150 persons with 1 to 6 images; some images without a face."""
    names, vectors = [], []
    for person in range(150):
        centre = random.normal(size=32)
        for image in range(1 + person % 6):
            vector = centre + random.normal(size=32) * 1.2
            vector = (vector / np.linalg.norm(vector)).astype(np.float32)
            stem = f"P_{person:03}_{image + 1:04}"
            names.append((f"set/P_{person:03}/{stem}.{('jpg', 'png')[image % 2]}", f"P_{person:03}"))
            vectors.append(None if random.random() < 0.03 else vector)
    return names, vectors
