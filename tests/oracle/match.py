#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""match.py LIKENESS - `likeness match` against a slow NumPy version of its definition: order and scores of every product,
equal to the last bit, for several numbers of threads."""
import csv
import filecmp
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("numpy is not installed")
    sys.exit(77)

LIKENESS = sys.argv[1]
BINS = 400
ALL_EXACT = 1 << 22
MASK = (1 << 64) - 1


def scores(a, b):
    """float32 products summed in double in index order, rounded to float32, -0 made 0."""
    total = np.zeros((len(a), len(b)))
    for i in range(a.shape[1]):
        total += a[:, i, None].astype(np.float64) * b[None, :, i].astype(np.float64)
    return total.astype(np.float32) + np.float32(0)


def clean(rows):
    """Rows that take part, each of unit length, and their numbers in the file."""
    with np.errstate(invalid="ignore", over="ignore"):
        squares = np.zeros(len(rows))
        for i in range(rows.shape[1]):
            squares += rows[:, i].astype(np.float64) ** 2
        length = np.sqrt(squares)
    keep = np.flatnonzero(np.isfinite(length) & (length > 0))
    out = rows[keep].copy()
    scale = np.abs(length[keep] - 1) > 1e-5
    out[scale] = (rows[keep][scale].astype(np.float64) / length[keep][scale, None]).astype(np.float32)
    return out, keep


def bins(s):
    return np.clip(np.floor(200.0 * s.astype(np.float64) + 200.0), 0, BINS - 1).astype(int)


def splitmix(seed, n):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def high_product(x, n):
    """Upper 64 bits of x * n for n < 2^32. A draw that Lemire's method would reject is too rare to meet here: checked."""
    low, high = x & np.uint64(0xFFFFFFFF), x >> np.uint64(32)
    middle = high * np.uint64(n) + (low * np.uint64(n) >> np.uint64(32))
    with np.errstate(over="ignore"):
        assert ((x * np.uint64(n)) >= np.uint64((-n & MASK) % n)).all()
    return (middle >> np.uint64(32)).astype(np.int64)


def sample(a, b, seed):
    size = min(1 << 22, (len(a) * len(b) + 255) // 256)
    counts = np.zeros(BINS, int)
    for chunk in range((size + 65535) // 65536):
        n = min(65536, size - chunk * 65536)
        draws = splitmix(seed + chunk, 2 * n)
        p, r = high_product(draws[0::2], len(a)), high_product(draws[1::2], len(b))
        total = np.zeros(n)
        for i in range(a.shape[1]):
            total += a[p, i].astype(np.float64) * b[r, i].astype(np.float64)
        counts += np.bincount(bins(total.astype(np.float32)), minlength=BINS)
    return counts, size


def closest(s, k):
    """Places of the k highest scores, highest first, of equal ones the lower place first."""
    places = np.flatnonzero(s >= np.partition(s, -k)[-k]) if k < len(s) else np.arange(len(s))
    return places[np.lexsort((places, -s[places]))][:k]


class Gallery:
    """Every product for one gallery, as rows of text."""

    def __init__(self, name, probes, rows, p_ids, ids, k, r, min_score, p_keep, keep):
        self.name, self.keep, self.ids = name, keep, ids
        m, n = len(probes), len(rows)
        s = scores(probes, rows)
        self.scores = s
        order = closest(s.ravel(), k)
        self.pairs = [(str(i + 1), "%.9g" % s.flat[j], str(p_keep[j // n]), str(keep[j % n]), p_ids[p_keep[j // n]],
                       ids[keep[j % n]]) for i, j in enumerate(order)]
        self.nearest, self.identities, self.range = {}, {}, {}
        for p in range(m):
            order = closest(s[p], r if not any(ids) else n)
            self.nearest[p] = [(str(p_keep[p]), name, str(i + 1), "%.9g" % s[p, j], str(keep[j]), p_ids[p_keep[p]], ids[keep[j]])
                               for i, j in enumerate(order[:r])]
            seen, found = set(), []
            for j in order:
                label = ids[keep[j]] or j
                if label not in seen:
                    seen.add(label)
                    found.append((str(p_keep[p]), name, str(len(found) + 1), "%.9g" % s[p, j], ids[keep[j]], str(keep[j])))
                if len(found) == r:
                    break
            self.identities[p] = found
            if min_score is not None:
                self.range[p] = [(str(p_keep[p]), name, str(keep[j]), "%.9g" % s[p, j])
                                 for j in np.flatnonzero(s[p].astype(np.float64) >= min_score)]
        best = np.argmax(s, axis=0)
        self.references = [(str(keep[j]), name, "%.9g" % s[best[j], j], str(p_keep[best[j]]), ids[keep[j]], p_ids[p_keep[best[j]]])
                           for j in range(n)]
        self.exact = np.bincount(bins(s).ravel(), minlength=BINS)


def write_faces(path, rows, ids):
    """A plain .npy without identities, else a FACES folder."""
    if ids is None:
        np.save(path + ".npy", rows)
        return path + ".npy"
    os.mkdir(path)
    np.save(path + "/embeddings.npy", rows)
    header = ("row,path,identity,status,faces,width,height,box_x,box_y,box_w,box_h,detector_score,left_eye_x,left_eye_y,"
              "right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_right_x,mouth_right_y,mouth_x,mouth_y,"
              "feature_norm,message")
    with open(path + "/images.csv", "w") as f:
        print(header, file=f)
        for i in range(len(rows)):
            print(f"{i},\"in,put/{i}.jpg\",{ids[i]},ok,1,112,112,0,0,112,112,,,,,,,,,,,,,,1,", file=f)
    with open(path + "/meta.json", "w") as f:
        json.dump({"kind": "faces", "format": 1, "tool": "test", "command": None, "working_directory": os.getcwd(), "inputs": [],
                   "model": {"name": "test", "sha256": "ab" * 32, "dim": rows.shape[1]},
                   "counts": {"images": len(rows), "embedded": len(rows)}}, f)
    return path


def table(path):
    with open(path, newline="") as f:
        return [tuple(row) for row in csv.reader(f)][1:]


def same(what, got, wanted):
    if got == wanted:
        return
    for i, (g, w) in enumerate(zip(got, wanted)):
        if g != w:
            raise SystemExit(f"FAILED {what}: line {i}: found {g}, expected {w}")
    raise SystemExit(f"FAILED {what}: {len(got)} lines, expected {len(wanted)}")


def check_histogram(what, out, meta, galleries, probes, refs):
    pairs = sum(g.scores.size for g in galleries)
    samples = [sample(probes, rows, seed) for rows, seed in
               zip(refs, (meta["sample"]["seed"], meta["sample"]["holdout_seed"]))]
    first = 0
    for counts, size in samples if pairs > ALL_EXACT else []:
        above = np.cumsum(counts[::-1])[::-1]
        first = max(first, next((b for b in range(BINS) if above[b] * 10000 <= size), BINS))
    assert meta["exact_from"] == (first - 200) / 200, (what, meta["exact_from"], first)
    assert meta["sample"]["size"] == samples[0][1]
    same(what + " histogram", table(out + "/histogram.csv"),
         [(g.name, "%.3f" % ((b - 200) / 200), "%.3f" % ((b - 199) / 200), str(counts[b]), str(g.exact[b]) if b >= first else "")
          for g, (counts, _) in zip(galleries, samples) for b in range(BINS)])


def check_tables(what, out, galleries, probes, plain, min_score):
    """plain: columns of paths are checked to follow the rows, and are then left out."""
    def without_paths(rows, at, probe, reference):
        for row in rows:
            want = ("", "") if plain else (f"in,put/{row[probe]}.jpg", f"in,put/{row[reference]}.jpg")
            assert row[at:at + 2] == want, (what, row)
        return [row[:at] + row[at + 2:] for row in rows]

    m = range(len(probes))
    same(what + " pairs", without_paths(table(out + "/pairs.csv"), 4, 2, 3), galleries[0].pairs)
    if len(galleries) > 1:
        same(what + " holdout_pairs", without_paths(table(out + "/holdout_pairs.csv"), 4, 2, 3), galleries[1].pairs)
    same(what + " nearest", without_paths(table(out + "/nearest.csv"), 5, 0, 4), [x for p in m for g in galleries for x in g.nearest[p]])
    same(what + " nearest_identities", table(out + "/nearest_identities.csv"),
         [x for p in m for g in galleries for x in g.identities[p]])
    same(what + " references", table(out + "/references.csv"), [x for g in galleries for x in g.references])
    if min_score is not None:
        same(what + " range", table(out + "/range.csv"), [x for p in m for g in galleries for x in g.range[p]])


def run_case(what, probes, refs, holdout=None, k=1500, r=10, min_score=None, labels=0, threads=(1, 2, 7), rng=None):
    with tempfile.TemporaryDirectory() as tmp:
        sets = [s for s in (probes, refs, holdout) if s is not None]
        names = None
        if labels:
            names = [["" if x == 0 else f"person {x}" for x in rng.integers(0, labels + 1, len(s))] for s in sets]
        paths = [write_faces(f"{tmp}/{n}", s, names[i] if names else None) for i, (n, s) in enumerate(zip("prh", sets))]
        names = names or [[""] * len(s) for s in sets]
        cleaned = [clean(s) for s in sets]
        galleries = [Gallery(("train", "holdout")[g], cleaned[0][0], cleaned[g + 1][0], names[0], names[g + 1], k, r, min_score,
                             cleaned[0][1], cleaned[g + 1][1]) for g in range(len(sets) - 1)]
        excluded = sum(len(s) - len(c[1]) for s, c in zip(sets, cleaned))
        for t in threads:
            out = f"{tmp}/out{t}"
            command = [LIKENESS, "match", paths[0], paths[1], "-k", str(k), "-r", str(r), "-t", str(t), "-o", out, "-q"]
            command += ["--holdout", paths[2]] if holdout is not None else []
            command += ["--min-score", str(min_score)] if min_score is not None else []
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == (3 if excluded else 0), (what, done)
            with open(out + "/meta.json") as f:
                meta = json.load(f)
            if t == threads[0]:
                check_tables(what, out, galleries, cleaned[0][0], not labels, min_score)
                check_histogram(what, out, meta, galleries, cleaned[0][0], [c[0] for c in cleaned[1:]])
                assert meta["probes"]["excluded"] == sorted(set(range(len(probes))) - set(cleaned[0][1].tolist()))
                first = meta
                continue
            for name in first["outputs"]:
                assert filecmp.cmp(f"{tmp}/out{threads[0]}/{name}", f"{out}/{name}", shallow=False), (what, t, name)
            for key in set(first) - {"seconds", "command"}:
                assert meta[key] == first[key], (what, t, key)
            assert sorted(os.listdir(out)) == sorted(os.listdir(f"{tmp}/out{threads[0]}")) == sorted(
                list(first["outputs"]) + ["meta.json", ".lock"]), (what, os.listdir(out))
        print("ok", what, flush=True)


def random_rows(rng, n, d):
    rows = rng.standard_normal((n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)


def tied_rows(rng, n, d):
    """Exactly unit rows whose scores are multiples of a quarter: four entries of a half, or one of one."""
    rows = np.zeros((n, d), np.float32)
    for row in rows:
        if d >= 4:
            row[rng.choice(min(d, 12), 4, replace=False)] = rng.choice([-0.5, 0.5], 4)
        else:
            row[rng.integers(d)] = rng.choice([-1, 1])
    return rows


def main():
    rng = np.random.default_rng(20241025)
    for d in (1, 3, 127, 128, 512):
        run_case(f"random d={d}", random_rows(rng, 90, d), random_rows(rng, 301, d), random_rows(rng, 150, d), k=500, r=7,
                 min_score=0.05, labels=40, rng=rng)
        run_case(f"tied d={d}", tied_rows(rng, 70, d), tied_rows(rng, 260, d), k=300, r=9, min_score=0.25, labels=15, rng=rng)
    a = random_rows(rng, 40, 64)
    run_case("duplicated", a[rng.integers(0, 40, 100)], a[rng.integers(0, 40, 300)], a[rng.integers(0, 40, 90)], k=1000,
             min_score=0.999, labels=9, rng=rng)
    run_case("constant", np.full((33, 16), 0.25, np.float32), np.full((140, 16), 0.25, np.float32), k=100, min_score=-1)
    run_case("k beyond all pairs, r beyond the gallery", random_rows(rng, 12, 32), random_rows(rng, 5, 32), random_rows(rng, 3, 32),
             k=10**9, r=65536, labels=3, rng=rng)
    run_case("single rows", random_rows(rng, 1, 128), random_rows(rng, 1, 128), random_rows(rng, 1, 128), k=1, r=1)
    bad = 10 * rng.standard_normal((60, 20)).astype(np.float32)
    bad[3] = 0
    bad[17, 5], bad[18, 0], bad[59, 19] = np.nan, np.inf, -np.inf
    bad[20] *= 1e30
    bad[21] *= np.float32(1e-39)
    run_case("rows to leave out and to scale", bad, bad[::-1].copy(), bad[10:40], k=200, min_score=0.3, labels=8, rng=rng)
    run_case("half precision, doubles", random_rows(rng, 30, 48).astype(np.float16).astype(np.float32), random_rows(rng, 50, 48))
    run_case("sampled bulk", random_rows(rng, 1500, 3), random_rows(rng, 50000, 3), k=2000, r=2, threads=(2, 1))


main()
