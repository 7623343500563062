#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# calibrate.py - makes FACES directories, runs `likeness calibrate` on them, compares with numpy.
"""usage: calibrate.py PATH_OF_LIKENESS"""
import os
import sys
import tempfile

try:
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from calibrate_sets import Tool, check, make_people, need, scores, write_faces


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
