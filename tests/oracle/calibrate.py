#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# calibrate.py - makes FACES directories, runs `likeness calibrate` on them, and compares with slow numpy versions.
"""usage: calibrate.py PATH_OF_LIKENESS"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

COLUMNS = ("row,path,identity,status,faces,width,height,box_x,box_y,box_w,box_h,detector_score,left_eye_x,left_eye_y,"
           "right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_right_x,mouth_right_y,mouth_x,mouth_y,"
           "feature_norm,message").split(",")


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
            values.update(path=path, identity=identity, width=112, height=112)
            if vector is None:
                values.update(status="no_face", faces=0)
            else:
                values.update(row=row, status="ok", faces=1, feature_norm=1)
                row += 1
            print(",".join(str(values[c]) for c in COLUMNS), file=out)

    def sha(name):
        with open(f"{folder}/{name}", "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()
    meta = {"kind": "faces", "format": 1, "tool": "0.1.0", "command": "", "working_directory": "/", "inputs": [],
            "model": {"name": "made", "sha256": "0" * 64, "licence": "none", "dim": len(rows[0]), "thresholds": []},
            "detector": None, "alignment": "aligned", "face_choice": "largest",
            "counts": {"images": len(names), "embedded": len(rows), "no_face": len(names) - len(rows), "unreadable": 0,
                       "identities": len({i for (_, i), v in zip(names, vectors) if v is not None and i})},
            "seconds": 0, "images_sha256": sha("images.csv"), "embeddings_sha256": sha("embeddings.npy")}
    with open(f"{folder}/meta.json", "w", encoding="utf-8") as out:
        json.dump(meta, out)


def scores(vectors, a, b):
    """Products and sums in double in index order, rounded to float32."""
    total = np.zeros(len(a))
    for d in range(vectors.shape[1]):
        total += vectors[a, d].astype(np.float64) * vectors[b, d].astype(np.float64)
    return total.astype(np.float32)


def slow_eer(genuine, impostor):
    for v in np.unique(np.concatenate([genuine, impostor])):
        before = ((genuine < v).sum() / len(genuine), (impostor >= v).sum() / len(impostor))
        after = ((genuine <= v).sum() / len(genuine), (impostor > v).sum() / len(impostor))
        if after[0] >= after[1]:
            return (max(before[0], after[1]) + min(after[0], before[1])) / 2
    raise AssertionError("the stairs always cross")


def run(program, folder, *options, fails=False):
    result = subprocess.run([program, "calibrate", folder, "-q", *options], capture_output=True, text=True, check=False)
    if (result.returncode != 0) != fails:
        raise AssertionError(f"exit code {result.returncode}: {result.stderr}{result.stdout}")
    return result.stderr if fails else result.stdout


def check(found, genuine, impostor):
    if (found["genuine"], found["impostor"]) != (len(genuine), len(impostor)):
        raise AssertionError(f"pairs: {found['genuine']}, {found['impostor']}")
    if found["eer"] != slow_eer(genuine, impostor):
        raise AssertionError(f"eer: {found['eer']}, expected {slow_eer(genuine, impostor)}")
    rank = np.searchsorted(np.sort(impostor), genuine, "left") + np.searchsorted(np.sort(impostor), genuine, "right")
    if abs(found["auc"] - rank.sum() / 2 / len(genuine) / len(impostor)) > 1e-15:
        raise AssertionError(f"auc: {found['auc']}")
    expected = [f for f in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6) if len(impostor) * f >= 29.9999999]
    if [t["fmr"] for t in found["thresholds"]] != expected:
        raise AssertionError(f"rates: {found['thresholds']}")
    for t in found["thresholds"]:
        score = np.float32(t["score"])
        below = np.nextafter(score, np.float32(-1))
        if not (impostor >= score).mean() <= t["fmr"] < (impostor >= below).mean():
            raise AssertionError(f"threshold: {t}")
        if t["tar"] != (genuine >= score).mean():
            raise AssertionError(f"tar: {t}")


def main():
    program = os.path.abspath(sys.argv[1])
    random = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as scratch:
        # 150 persons with 1 to 6 images; some images without a face.
        names, vectors = [], []
        for person in range(150):
            centre = random.normal(size=32)
            for image in range(1 + person % 6):
                vector = centre + random.normal(size=32) * 1.2
                vector = (vector / np.linalg.norm(vector)).astype(np.float32)
                names.append((f"set/P_{person:03}/P_{person:03}_{image + 1:04}.{('jpg', 'png')[image % 2]}", f"P_{person:03}"))
                vectors.append(None if random.random() < 0.03 else vector)
        faces = f"{scratch}/faces"
        write_faces(faces, names, vectors)
        kept = np.array([v for v in vectors if v is not None])
        person = np.array([n[1] for n, v in zip(names, vectors) if v is not None])
        a, b = np.triu_indices(len(kept), 1)
        every = scores(kept, a, b)
        genuine, impostor = every[person[a] == person[b]], every[person[a] != person[b]]

        outputs = []
        for threads in ("1", "3"):
            run(program, faces, "-t", threads, "-o", f"{scratch}/t.json")
            with open(f"{scratch}/t.json", encoding="utf-8") as f:
                outputs.append(json.load(f))
            outputs[-1].pop("command")
        if outputs[0] != outputs[1]:
            raise AssertionError("one and three threads differ")
        check(outputs[0], genuine, impostor)

        # A pairs file of 3 folds; pairs with an image without a face, or with none at all, are missing.
        row = {n[0].split("/")[-1].split(".")[0]: i for i, n in enumerate(n for n, v in zip(names, vectors) if v is not None)}
        lines, g, i = ["3\t40"], [], []
        for _ in range(3):
            for wanted in (True, False):
                for _ in range(40):
                    p, q = (int(x) for x in random.choice(150, 2, replace=False))
                    if wanted:
                        p = q = 6 * int(random.integers(25)) + 5
                    x, y = 1 + int(random.integers(6 if wanted else 1)), 1 + int(random.integers(6 if wanted else 1))
                    lines.append(f"P_{p:03}\t{x}\t{y}" if wanted else f"P_{p:03}\t{x}\tP_{q:03}\t{y}")
                    ends = (row.get(f"P_{p:03}_{x:04}"), row.get(f"P_{q:03}_{y:04}"))
                    if None not in ends:
                        (g if wanted else i).append(ends)
        with open(f"{scratch}/pairs.txt", "w", encoding="utf-8") as out:
            out.write("\r\n".join(lines) + "\r\n")
        text = run(program, faces, "--pairs", f"{scratch}/pairs.txt", "--force-fmr", "-o", f"{scratch}/p.json")
        with open(f"{scratch}/p.json", encoding="utf-8") as f:
            found = json.load(f)
        if len(found["thresholds"]) != 5 or any(t["supported"] for t in found["thresholds"]):
            raise AssertionError("forced thresholds")
        found["thresholds"] = []
        check(found, scores(kept, *np.array(g).T), scores(kept, *np.array(i).T))
        if found["missing"] != 240 - len(g) - len(i) or found["missing"] == 0 or found["accuracy"]["folds"] != 3:
            raise AssertionError(f"missing: {found['missing']}")
        if not found["accuracy"]["mean_all"] < found["accuracy"]["mean"] or "missing pairs" not in text:
            raise AssertionError("accuracy with missing pairs")

        # More images than are compared in full: one random pair for each pair of identities.
        n_persons = 400
        labels = np.arange(20400) % n_persons
        many = random.normal(size=(n_persons, 4))[labels] + random.normal(size=(len(labels), 4))
        many = (many / np.linalg.norm(many, axis=1)[:, None]).astype(np.float32)
        write_faces(f"{scratch}/many", [(f"m/{p}/{k}.jpg", str(p)) for k, p in enumerate(labels)], list(many))
        outputs = []
        for threads in ("1", "3"):
            run(program, f"{scratch}/many", "-t", threads, "-o", f"{scratch}/t.json")
            with open(f"{scratch}/t.json", encoding="utf-8") as f:
                outputs.append(json.load(f))
            outputs[-1].pop("command")
        found = outputs[0]
        if outputs[0] != outputs[1] or found["sample"] is None or found["impostor"] != n_persons * (n_persons - 1) // 2:
            raise AssertionError(f"sampled: {found}")
        if not 0.5 < found["auc"] < 1 or found["genuine"] != n_persons * 51 * 50 // 2:
            raise AssertionError(f"sampled: {found}")

        # Messages name the file and what was expected.
        for options, words in ((["--pairs", "/dev/null"], "regular file"), (["--pairs", f"{scratch}/t.json"], "line 1")):
            if words not in run(program, faces, *options, fails=True):
                raise AssertionError(f"message for {options}")
        np.save(f"{scratch}/plain.npy", kept)
        if "one folder per person" not in run(program, f"{scratch}/plain.npy", fails=True):
            raise AssertionError("message for a plain .npy")
    print("calibrate agrees")


main()
