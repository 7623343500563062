#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# power.py - compares the planting and the measures of several matchers with slow versions of their definitions.
"""usage: power.py PATH_OF_POWER_PROBE"""
import math
import subprocess
import sys

try:
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

requests, wanted = [], []
MASK = 2**64 - 1


class Rng:
    """SplitMix64 with Lemire's bounded draw, as base/rng.h."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        while True:
            m = self.next() * n
            if (m & MASK) >= (2**64 - n) % n:
                return m >> 64


def discoveries(rows, q):
    """Positions of the discoveries: the competition of METHODS with K decoys, by its definition."""
    k, margins = len(rows[0]) - 1, []
    for row in rows:
        ordered = sorted(row, reverse=True)
        margin = float(ordered[0]) - float(ordered[1])
        margins.append(margin if row[0] == ordered[0] else -margin)
    allowed = [x for x in sorted({abs(m) for m in margins if m != 0})
               if (1 + sum(m <= -x for m in margins)) / k / max(1, sum(m >= x for m in margins)) <= q]
    return [i for i, m in enumerate(margins) if allowed and m >= allowed[0]]


def power(scores, genuine, q, seed, replicates, planted):
    n, galleries = scores.shape
    detected = found = false_share = 0.0
    for index in range(replicates):
        rng = Rng(Rng((seed + index) & MASK).next())
        rows = []
        for i in range(n):
            row = list(scores[rng.below(n)])
            for g in range(galleries - 1, 0, -1):
                j = rng.below(g + 1)
                row[j], row[g] = row[g], row[j]
            leak = genuine[rng.below(len(genuine))]
            if i < planted:
                row[0] = max(row[0], leak)
            rows.append(row)
        hits = discoveries(rows, q)
        right = sum(i < planted for i in hits)
        detected += right > 0
        found += right / planted if planted else 0
        false_share += (len(hits) - right) / len(hits) if hits else 0
    requests.append(" ".join(map(str, ["power", q, seed, replicates, planted, n, galleries - 1, len(genuine),
                                       *map(float, scores.ravel()), *map(float, genuine)])))
    wanted.append([detected / replicates, found / replicates, false_share / replicates])


random = np.random.default_rng(5)
for case, (n, holdouts, planted, q) in enumerate(((60, 1, 0, 0.2), (60, 1, 12, 0.2), (40, 3, 5, 0.1), (50, 2, 50, 0.05),
                                                  (30, 1, 8, 0.3), (1, 1, 1, 0.5))):
    scores = random.normal(0.3, 0.05, (n, holdouts + 1)).astype(np.float32)
    if case == 4:
        scores = np.round(scores, 1)  # ties
    power(scores, random.normal(0.55, 0.1, 7).astype(np.float32), q, 3 + case, 15, planted)

for _ in range(60):
    n = int(random.integers(1, 9))
    p = random.random(n) ** 3
    r = int(random.integers(1, n + 1))
    requests.append(" ".join(map(str, ["conjunction", r, n, *map(float, p)])))
    wanted.append([min(1.0, (n - r + 1) * float(np.sort(p)[r - 1]))])
for case in range(30):
    n = int(random.integers(1, 60))
    a, b = random.random((2, n)) < (case % 6) / 5
    both, agree = int((a & b).sum()), float((a == b).mean())
    chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    requests.append(" ".join(map(str, ["agreement", n, *map(int, a), *map(int, b)])))
    wanted.append([a.sum(), b.sum(), both, both / (a | b).sum() if (a | b).any() else math.nan,
                   (agree - chance) / (1 - chance) if chance < 1 else math.nan])

answer = subprocess.run([sys.argv[1]], input="\n".join(requests), capture_output=True, text=True, check=False)
if answer.returncode != 0:
    sys.exit(f"power_probe failed: {answer.stderr.strip()}")
lines = answer.stdout.splitlines()
for request, line, want in zip(requests, lines, wanted, strict=True):
    got = [float(word) for word in line.split()]
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        if not (abs(g - w) <= 1e-10 * abs(w) + 1e-14 or (math.isnan(g) and math.isnan(w))):
            sys.exit(f"{request[:120]}: number {i} is {g!r}, expected {w!r}")
print(f"{len(lines)} results agree")
