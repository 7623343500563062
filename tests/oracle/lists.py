#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# lists.py - compares the measures of lists of pairs with scipy and with slow versions written from the definitions.
"""usage: lists.py PATH_OF_LISTS_PROBE"""
import itertools
import math
import subprocess
import sys
from collections import Counter, defaultdict

try:
    import numpy as np
    from scipy import stats
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

requests, wanted = [], []


def deficit(n, k, lam):
    low = stats.beta.ppf(0.025, k, n - k + 1) if k > 0 else 0.0
    high = stats.beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
    h = k / n if n else math.nan
    requests.append(f"deficit {n} {k} {lam!r}")
    wanted.append([h, low, high, 1 - h / lam, 1 - high / lam, 1 - low / lam, stats.binom.cdf(k, n, lam)])


for n, lam in ((0, 0.5), (1, 0.5), (20, 0.5), (100, 0.04), (1500, 0.3), (10000, 0.5)):
    for k in sorted({0, n // 50, n // 3, n // 2, n}):
        deficit(n, k, lam)


def degrees(links):
    count = Counter(to for _, to in links)
    if not count:
        return [0, 0, 0, 0, 0, 0, 0, 0]
    total, largest = sum(count.values()), max(count.values())
    hubs = [c for c in count.values() if c >= max(10, 10 * total / len(count))]
    return [len(count), total, total**2 / sum(c * c for c in count.values()), largest,
            min(to for to, c in count.items() if c == largest), largest / total, len(hubs), sum(hubs) / total]


def structure(rows):
    """rows: (probe, probe identity, reference, reference identity, score)"""
    def best(key, value):
        found = {}
        for i, row in enumerate(rows):
            if row[key] not in found or row[4] > found[row[key]][0]:
                found[row[key]] = (row[4], row[value])
        return {k: v[1] for k, v in found.items()}
    person, group = best(0, 3), {row[0]: row[1] for row in rows}
    classes = defaultdict(list)
    for probe, who in person.items():
        classes[group[probe]].append(who)
    modal = [max(Counter(c).values()) / len(c) for c in classes.values() if len(c) > 1]
    same, across = [], []
    for a, b in itertools.combinations(sorted(person), 2):
        (same if group[a] == group[b] else across).append(person[a] == person[b])
    outward, inward = best(1, 3), best(3, 1)
    people = degrees({(row[1], row[3]) for row in rows})
    want = [len(person), len(outward), len({(row[1], row[3]) for row in rows}), len(modal),
            np.mean(modal) if modal else math.nan, np.mean(same) if same else math.nan,
            np.mean(across) if across else math.nan, sum(inward[who] == me for me, who in outward.items()),
            int(people[1] >= 10 and (people[5] > 0.5 or people[7] > 0.5))]
    requests.append("structure " + " ".join(str(w) for w in [len(rows), *itertools.chain(*rows)]))
    wanted.append(want + degrees({(row[1], row[2]) for row in rows}) + people)


random = np.random.default_rng(3)
structure([])
for case in range(60):
    n, people = int(random.integers(1, 120)), int(random.integers(1, 40))
    weights = random.random(people) ** (1, 4, 30)[case % 3]
    weights /= weights.sum()
    rows = []
    for _ in range(n):
        probe = int(random.integers(0, 50))
        who = int(random.choice(people, p=weights))
        score = np.float32(random.integers(0, 6)) / 8 if case % 2 else np.float32(random.random())
        rows.append((probe, probe // (1, 3, 7)[case % 3], 3 * who + int(random.integers(0, 3)), who, float(score)))
    structure(rows)

answer = subprocess.run([sys.argv[1]], input="\n".join(requests), capture_output=True, text=True, check=False)
if answer.returncode != 0:
    sys.exit(f"lists_probe failed: {answer.stderr.strip()}")
lines = answer.stdout.splitlines()
for request, line, want in zip(requests, lines, wanted, strict=True):
    got = [float(word) for word in line.split()]
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        if not (abs(g - w) <= 1e-10 * abs(w) + 1e-300 or (math.isnan(g) and math.isnan(w))):
            sys.exit(f"{request[:200]}: number {i} is {g!r}, expected {w!r}")
print(f"{len(lines)} results agree")
