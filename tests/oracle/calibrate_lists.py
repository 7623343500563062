#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# calibrate_lists.py - `likeness calibrate` by a .bin, by templates, by pairs of identities, and its table of error rates,
# compared with numpy, scipy and Python's own pickle.
"""usage: calibrate_lists.py PATH_OF_LIKENESS"""
import pickle
import sys
import tempfile

try:
    import numpy as np
    from scipy.stats import beta
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from calibrate_sets import Tool, check, make_people, need, scores, write_faces


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1)[:, None]).astype(np.float32)


# ---- .bin ----------------------------------------------------------------------------------------------


def judge(score, same, fold, n_folds, missing):
    """LFW's protocol by trying every threshold: of each fold the accuracy at the best one of the others."""
    found, found_all = [], []
    for k in range(n_folds):
        others, mine = fold != k, fold == k
        known = np.unique(score[others].astype(np.float64))
        tries = np.concatenate([[-np.inf], (known[1:] + known[:-1]) / 2, [np.inf]])
        right = [((score[others] >= t) == same[others]).sum() for t in tries]
        best = tries[int(np.argmax(right))]
        hits = ((score[mine] >= best) == same[mine]).sum()
        found.append(hits / mine.sum())
        found_all.append(hits / (mine.sum() + missing[k]))
    return np.mean(found), np.std(found, ddof=1), np.mean(found_all)


def write_bin(path, same, protocol):
    with open(path, "wb") as out:
        pickle.dump(([b"picture %d" % i for i in range(2 * len(same))], [bool(x) for x in same]), out, protocol)


def check_bin(tool, random):
    """Two files of pairs in one FACES directory, 97 pairs in folds of 10 and 9, some pictures without a face."""
    n = 97
    same = random.random(n) < 0.5
    vectors = random.normal(size=(2 * n, 8))
    vectors[1::2][same] = vectors[::2][same] + 0.9 * random.normal(size=(same.sum(), 8))
    vectors = unit(vectors)
    faces = random.random(2 * n) > 0.04
    names = [(f"sets/one.bin#{i}", "") for i in range(2 * n)] + [(f"sets/none.bin#{i}", "") for i in range(4)]
    listed = [v if f else None for v, f in zip(vectors, faces)] + list(unit(random.normal(size=(4, 8))))
    order = random.permutation(len(names))  # the order of rows says nothing
    folder = f"{tool.scratch}/bins"
    write_faces(folder, [names[i] for i in order], [listed[i] for i in order])
    for protocol in (2, 4):
        write_bin(f"{tool.scratch}/one.bin", same, protocol)
        found = tool.same_for_threads(folder, "--bin", f"{tool.scratch}/one.bin", "--force-fmr")
        score = scores(vectors, np.arange(0, 2 * n, 2), np.arange(1, 2 * n, 2))
        there = faces[::2] & faces[1::2]
        check(found, score[there & same], score[there & ~same])
        fold = np.concatenate([np.full(len(part), k) for k, part in enumerate(np.array_split(np.arange(n), 10))])
        missing = [int((~there & (fold == k)).sum()) for k in range(10)]
        need(found["missing"] == sum(missing) > 0, f"missing: {found['missing']}")
        wanted = judge(score[there], same[there], fold[there], 10, missing)
        given = found["accuracy"]
        need(given["folds"] == 10 and found["protocol"] == "bin", f"folds: {given}")
        close = [abs(given[k] - w) < 1e-12 for k, w in zip(("mean", "sd", "mean_all"), wanted)]
        need(all(close), f"accuracy: {given}, expected {wanted}")
    write_bin(f"{tool.scratch}/short.bin", same[:5], 4)
    need("has no picture of" in tool.run(folder, "--bin", f"{tool.scratch}/short.bin", fails=True), "another file")
    write_bin(f"{tool.scratch}/one.bin", same[:5], 4)
    need("holds 10 pictures" in tool.run(folder, "--bin", f"{tool.scratch}/one.bin", fails=True), "a shorter file")


# ---- templates -----------------------------------------------------------------------------------------


def make_template(vectors, members):
    """Sum over media of the mean of its images, in the order of media and lines; None without an image."""
    total = np.zeros(vectors[0].shape[0])
    media = sorted({m for m, row in members if row is not None})
    for m in media:
        rows = [row for other, row in members if other == m and row is not None]
        part = np.zeros_like(total)
        for row in rows:
            part += vectors[row].astype(np.float64)
        total += part / len(rows)
    squares = 0.0
    for x in total:
        squares += x * x
    return (total / np.sqrt(squares)).astype(np.float32) if media else None


def check_templates(tool, random):
    """300 templates of 40 persons; more pairs than are read at once."""
    dim, n_templates, n_persons = 16, 300, 40
    centres = random.normal(size=(n_persons, dim))
    names, vectors, table, templates = [], [], [], {}
    ids = np.sort(random.choice(10**6, n_templates, replace=False))
    for number, template in enumerate(ids):
        members = []
        for _ in range(int(random.integers(1, 7))):
            vector = unit(centres[[number % n_persons]] + 1.5 * random.normal(size=(1, dim)))[0]
            face = random.random() > (0.1 if number else 1)  # the first template has no face at all
            media = int(random.integers(3)) * 7
            names.append((f"loose/img/{len(names)}.png", ""))
            vectors.append(vector)
            members.append((media, len(names) - 1 if face else None))
            table.append(f"img/{len(names) - 1}.jpg {template} {media}")
        templates[template] = members
    kept = [make_template(vectors, templates[t]) for t in ids]
    rows = [row for members in templates.values() for _, row in members if row is not None]
    folder = f"{tool.scratch}/templates"
    write_faces(folder, names, [v if i in set(rows) else None for i, v in enumerate(vectors)])
    with open(f"{tool.scratch}/tid.txt", "w", encoding="utf-8") as out:
        out.write("\n".join(table[i] for i in random.permutation(len(table))))
    a, b = random.integers(n_templates, size=(2, 150000))
    same = a % n_persons == b % n_persons
    with open(f"{tool.scratch}/label.txt", "w", encoding="utf-8") as out:
        out.writelines(f"{ids[x]} {ids[y]} {int(s)}\r\n" for x, y, s in zip(a, b, same))
    options = ("--templates", f"{tool.scratch}/tid.txt", "--template-pairs", f"{tool.scratch}/label.txt")
    found = tool.same_for_threads(folder, *options)
    there = np.array([k is not None for k in kept])
    every = np.array([k if k is not None else np.zeros(dim, np.float32) for k in kept])
    score, usable = scores(every, a, b), there[a] & there[b]
    check(found, score[usable & same], score[usable & ~same])
    need(found["missing"] == (~usable).sum() > 0 and not there[0], f"missing: {found['missing']}")
    need(found["protocol"] == "templates", found["protocol"])
    need(found["templates"]["templates"] == there.sum(), found["templates"])
    need(found["templates"]["images_missing"] == len(table) - len(rows), found["templates"])
    need([t["fmr"] for t in found["thresholds"]] == [1e-2, 1e-3], "146,000 impostor pairs support two rates")
    check_table(tool.table(folder, *options), score[usable & same], score[usable & ~same])


# ---- pairs of identities -------------------------------------------------------------------------------

MASK = (1 << 64) - 1


class SplitMix:
    """Steele, Lea & Flood 2014; below() is Lemire 2019."""

    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        while True:
            product = self.next() * n
            if product & MASK >= (-n & MASK) % n:
                return product >> 64


def stream(seed, purpose, replicate):
    first = SplitMix(seed ^ (purpose * 0x9E3779B97F4A7C15 & MASK))
    second = SplitMix(first.next() ^ (replicate * 0xD1342543DE82EF95 & MASK))
    return SplitMix(second.next())


def check_identities(tool, random):
    names, vectors = make_people(random)
    folder = f"{tool.scratch}/people"
    write_faces(folder, names, vectors)
    kept = np.array([v for v in vectors if v is not None])
    person = np.array([n[1] for n, v in zip(names, vectors) if v is not None])
    groups = [np.flatnonzero(person == p) for p in np.unique(person)]
    genuine = np.array([(x, y) for g in groups for i, x in enumerate(g) for y in g[i + 1:]]).T
    seen = set()
    for seed in (1, 2, 77):
        impostor = []
        for i, mine in enumerate(groups):
            numbers = stream(seed, 2, i)
            for theirs in groups[i + 1:]:
                x = mine[numbers.below(len(mine))]
                impostor.append((x, theirs[numbers.below(len(theirs))]))
        found = tool.same_for_threads(folder, "--from-identities", "--seed", str(seed))
        check(found, scores(kept, *genuine), scores(kept, *np.array(impostor).T))
        need(found["sample"] == {"seed": seed} and found["protocol"] == "identities", f"sample: {found['sample']}")
        need(found["impostor"] == len(groups) * (len(groups) - 1) // 2, "one for each pair of identities")
        seen.add(found["eer"])
    need(len(seen) > 1, "every seed gives the same pairs")
    chosen = scores(kept, *genuine), scores(kept, *np.array(impostor).T)
    table = tool.table(folder, "--from-identities", "--seed", "77")
    check_table(table, *chosen)
    need(np.array_equal(np.float32(table["threshold"]), np.unique(chosen[0])), "a line for each genuine score")


# ---- the table of error rates --------------------------------------------------------------------------


def interval(k, n):
    """Clopper & Pearson 1934."""
    low = np.where(k == 0, 0, beta.ppf(0.025, np.maximum(k, 1), n - k + 1))
    return low, np.where(k == n, 1, beta.ppf(0.975, k + 1, np.maximum(n - k, 1)))


def check_table(table, genuine, impostor):
    at = np.float32(table["threshold"])
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    accepted, refused = len(impostor) - np.searchsorted(impostor, at), np.searchsorted(genuine, at)
    need(np.array_equal(table["fmr"], accepted / len(impostor)), "fmr")
    need(np.array_equal(table["fnmr"], refused / len(genuine)), "fnmr")
    for kind, k, n in (("fmr", accepted, len(impostor)), ("fnmr", refused, len(genuine))):
        for side, wanted in zip(("low", "high"), interval(k, n)):
            need(np.allclose(table[f"{kind}_{side}"], wanted, rtol=1e-7, atol=1e-12), f"{kind}_{side}")
    every = np.unique(genuine)
    need(at[0] == every[0] and at[-1] == every[-1] and len(at) <= 1600, "ends of the table")
    # whatever genuine score stands between two lines is near the first of them
    line = np.searchsorted(at, every, "right") - 1
    left_out = every != at[line]
    passed = len(impostor) - np.searchsorted(impostor, every)
    need((np.searchsorted(genuine, every) - refused[line])[left_out].max(initial=0) < 0.001 * len(genuine), "gap in fnmr")
    falls = passed < accepted[line] * 10**(-1 / 50) * (1 - 1e-12)
    need(not (falls & left_out).any(), "gap in fmr")


def main():
    random = np.random.default_rng(11)
    with tempfile.TemporaryDirectory() as scratch:
        tool = Tool(sys.argv[1], scratch)
        check_bin(tool, random)
        check_templates(tool, random)
        check_identities(tool, random)
    print("calibrate agrees")


main()
