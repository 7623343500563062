#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# calibrate.py - makes FACES directories, runs `likeness calibrate` on them, compares with numpy.
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

    def thresholds(self, folder, *options):
        """What it prints, and thresholds.json."""
        text = self.run(folder, "-o", f"{self.scratch}/t.json", *options)
        with open(f"{self.scratch}/t.json", encoding="utf-8") as f:
            found = json.load(f)
        found.pop("command")
        return text, found

    def same_for_threads(self, folder):
        found = [self.thresholds(folder, "-t", threads)[1] for threads in ("1", "3")]
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


def check_all(tool, faces, names, vectors):
    kept = np.array([v for v in vectors if v is not None])
    person = np.array([n[1] for n, v in zip(names, vectors) if v is not None])
    a, b = np.triu_indices(len(kept), 1)
    every, same = scores(kept, a, b), person[a] == person[b]
    found = tool.same_for_threads(faces)
    check(found, every[same], every[~same])
    need([t["fmr"] for t in found["thresholds"]] == [1e-2, 1e-3], "130,000 impostor pairs support two rates")


def check_listed(tool, faces, names, vectors, random):
    """Three folds; pairs with an image without a face, or that is not there, are missing."""
    kept = np.array([v for v in vectors if v is not None])
    stems = [os.path.basename(n[0])[:-4] for n, v in zip(names, vectors) if v is not None]
    row = {stem: i for i, stem in enumerate(stems)}
    lines, ends = ["3\t40"], {True: [], False: []}
    for genuine in ([True] * 40 + [False] * 40) * 3:
        p, q = (int(x) for x in random.choice(150, 2, replace=False))
        if genuine:
            p = q = 6 * int(random.integers(25)) + 5
        x, y = (1 + int(random.integers(6 if genuine else 1)) for _ in range(2))
        lines.append(f"P_{p:03}\t{x}\t{y}" if genuine else f"P_{p:03}\t{x}\tP_{q:03}\t{y}")
        pair = (row.get(f"P_{p:03}_{x:04}"), row.get(f"P_{q:03}_{y:04}"))
        if None not in pair:
            ends[genuine].append(pair)
    with open(f"{tool.scratch}/pairs.txt", "w", encoding="utf-8") as out:
        out.write("\r\n".join(lines) + "\r\n")
    text, found = tool.thresholds(faces, "--pairs", f"{tool.scratch}/pairs.txt", "--force-fmr")
    need([t["supported"] for t in found["thresholds"]] == [False] * 5, "forced thresholds")
    check(found, *(scores(kept, *np.array(ends[kind]).T) for kind in (True, False)))
    missing = 240 - len(ends[True]) - len(ends[False])
    need(found["missing"] == missing > 0 and "missing pairs" in text, f"missing: {found['missing']}")
    accuracy = found["accuracy"]
    need(accuracy["folds"] == 3 and accuracy["mean_all"] < accuracy["mean"], f"accuracy: {accuracy}")


def check_sampled(tool, random):
    """More images than are compared in full: one random pair for each pair of identities."""
    n_persons = 2000
    labels = np.arange(20002) % n_persons
    many = random.normal(size=(n_persons, 4))[labels] + random.normal(size=(len(labels), 4))
    many = (many / np.linalg.norm(many, axis=1)[:, None]).astype(np.float32)
    folder = f"{tool.scratch}/many"
    write_faces(folder, [(f"m/{p}/{k}.jpg", str(p)) for k, p in enumerate(labels)], list(many))
    found = tool.same_for_threads(folder)
    need(found["sample"] == {"seed": 1}, f"sample: {found['sample']}")
    need(found["impostor"] == n_persons * (n_persons - 1) // 2, f"impostor: {found['impostor']}")
    need(found["genuine"] == n_persons * 45 + 2 * 10, f"genuine: {found['genuine']}")
    a, b = random.integers(len(many), size=(2, 500000))
    every, same = scores(many, a, b), labels[a] == labels[b]
    other = np.sort(every[~same])[-len(every) // 100:]
    near = [t["score"] for t in found["thresholds"] if t["fmr"] == 1e-2][0]
    need(abs(near - other[0]) < 0.002, f"threshold of a sample: {near}, of another sample: {other[0]}")


def check_messages(tool, faces, vectors):
    np.save(f"{tool.scratch}/plain.npy", np.array([v for v in vectors if v is not None]))
    cases = (((faces, "--pairs", "/dev/null"), "regular file"),
             ((faces, "--pairs", f"{tool.scratch}/t.json"), "line 1"),
             ((f"{tool.scratch}/plain.npy",), "one folder per person"))
    for arguments, words in cases:
        need(words in tool.run(*arguments, fails=True), f"message for {arguments}")


def main():
    random = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as scratch:
        tool, faces = Tool(sys.argv[1], scratch), f"{scratch}/faces"
        names, vectors = make_people(random)
        write_faces(faces, names, vectors)
        check_all(tool, faces, names, vectors)
        check_listed(tool, faces, names, vectors, random)
        check_sampled(tool, random)
        check_messages(tool, faces, vectors)
    print("calibrate agrees")


main()
