#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# review.py - compares the statistics of a review with slow versions written from the formulas, and lets simulated
# reviewers of known skill judge pairs of which a known share is true.
"""usage: review.py PATH_OF_REVIEW_PROBE"""
import math
import subprocess
import sys

try:
    import numpy as np
    from scipy import stats
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

probe = sys.argv[1]


def ask(requests):
    """One line of numbers for each request."""
    text = "\n".join(" ".join(str(w) for w in words) for words in requests)
    out = subprocess.run([probe], input=text, check=True, capture_output=True, text=True).stdout
    lines = [[float(x) for x in line.split()] for line in out.splitlines()]
    assert len(lines) == len(requests), (len(lines), len(requests))
    return lines


def near(got, want, tolerance, what):
    same = math.isnan(got) and math.isnan(want)
    assert same or abs(got - want) <= tolerance, f"{what}: got {got!r}, expected {want!r}"


# ---- alpha: all pairs of ratings, one by one ------------------------------------------------------------

def slow_alpha(table, levels):
    """Observed over expected disagreement, from every pair of ratings (Krippendorff 2011)."""
    items = [[int(v) for v in row if v >= 0] for row in table]
    items = [row for row in items if len(row) > 1]
    pooled = [v for row in items for v in row]
    n = len(pooled)
    count = [pooled.count(k) for k in range(levels)]

    def delta(a, b):
        a, b = min(a, b), max(a, b)
        return (sum(count[a:b + 1]) - (count[a] + count[b]) / 2) ** 2 if a != b else 0.0
    observed = sum(delta(a, b) / (len(row) - 1) for row in items for i, a in enumerate(row)
                   for j, b in enumerate(row) if i != j) / n if n else math.nan
    expected = sum(delta(a, b) for i, a in enumerate(pooled) for j, b in enumerate(pooled) if i != j)
    return 1 - observed / (expected / (n * (n - 1))) if n and expected else math.nan


def alpha_request(table, levels):
    return ["alpha", levels, table.shape[1], table.shape[0], *table.flatten()]


def check_alpha():
    rng = np.random.default_rng(3)
    tables = []
    for case in range(30):
        levels, raters, n = int(rng.integers(2, 8)), int(rng.integers(2, 6)), int(rng.integers(2, 25))
        truth = rng.integers(0, levels, n)
        noise = rng.integers(-2, 3, (n, raters)) * (rng.random((n, raters)) < 0.5)
        table = np.clip(truth[:, None] + noise, 0, levels - 1)
        table[rng.random((n, raters)) < 0.15 * (case % 3)] = -1
        tables.append((table, levels))
    tables.append((np.full((5, 3), 2), 7))  # no disagreement is possible
    for (table, levels), got in zip(tables, ask([alpha_request(*t) for t in tables])):
        near(got[0], slow_alpha(table, levels), 1e-12, "alpha")
        assert got[3] == sum((row >= 0).sum() > 1 for row in table)
    # the interval: NumPy's own resampling gives the same within the error of so few
    truth = rng.integers(0, 7, 30)
    table = np.clip(truth[:, None] + rng.integers(-1, 2, (30, 3)), 0, 6)
    again = sorted(slow_alpha(table[rng.integers(0, 30, 30)], 7) for _ in range(300))
    got = ask([alpha_request(table, 7)])[0]
    near(got[1], np.quantile(again, 0.025), 0.05, "alpha, low")
    near(got[2], np.quantile(again, 0.975), 0.03, "alpha, high")


# ---- d' and criterion -------------------------------------------------------------------------------------

def check_detection():
    cases = [(0, 10, 0, 10), (10, 10, 0, 10), (10, 10, 10, 10), (7, 9, 2, 13), (1, 1, 0, 1), (480, 500, 31, 800),
             (0, 0, 3, 5), (4, 5, 0, 0)]
    for (h, s, f, n), got in zip(cases, ask([["detection", *c] for c in cases])):
        if s == 0 or n == 0:
            want = [math.nan, math.nan]
        else:
            zh, zf = stats.norm.ppf((h + 0.5) / (s + 1)), stats.norm.ppf((f + 0.5) / (n + 1))
            want = [zh - zf, -(zh + zf) / 2]
        for g, w in zip(got, want):
            near(g, w, 1e-9, f"detection {h} {s} {f} {n}")


# ---- the share of true leaks --------------------------------------------------------------------------------

def slow_said(answers):
    """Share and effective number of answers, of a list of lists of 0 and 1."""
    answers = [a for a in answers if len(a)]
    shares = np.array([np.mean(a) for a in answers])
    share, n, total = shares.mean(), len(shares), sum(len(a) for a in answers)
    if n < 2 or share in (0, 1):
        return share, n
    variance = shares.var(ddof=1)
    return share, min(max(share * (1 - share) / variance * n if variance > 0 else total, n), total)


def share_request(groups):
    words = ["share"]
    for answers in groups:
        words += [len(answers), *(sum(a) for a in answers), *(len(a) for a in answers)]
    return words


def simulate(rng, theta, skill, n, reviewers=3, missing=0.05):
    """Answers to candidates, decoys and mates. skill: d' and criterion of each reviewer; pairs differ in how alike
    they look, by as much as reviewers differ from one answer to the next, so their answers go together."""
    groups = []
    leaks = rng.random(n[0]) < theta
    for true in (leaks, np.zeros(n[1], bool), np.ones(n[2], bool)):
        looks = np.where(true, 0.5, -0.5)[:, None] * np.array([d for d, _ in skill]) + 0.7 * rng.normal(size=(len(true), 1))
        said = looks + 0.7 * rng.normal(size=(len(true), reviewers)) > np.array([c for _, c in skill])
        gone = rng.random(said.shape) < missing
        groups.append([[int(x) for x, g in zip(row, lost) if not g] for row, lost in zip(said, gone)])
    return groups


def check_share():
    rng = np.random.default_rng(5)
    cases = [simulate(rng, t, [(d, 0.1)] * 3, (60, 20, 20)) for t in (0, 0.2, 0.7) for d in (1.0, 2.5, 6.0)]
    cases.append([[[1, 1]] * 5, [[0, 0]] * 5, [[1, 1]] * 5])
    for groups, got in zip(cases, ask([share_request(g) for g in cases])):
        said = [slow_said(g) for g in groups]
        for i in range(3):
            near(got[3 + 2 * i], said[i][0], 1e-12, "share")
            near(got[4 + 2 * i], said[i][1], 1e-9 * said[i][1], "effective answers")
        c, d, m = (s[0] for s in said)
        near(got[0], min(max((c - d) / (m - d), 0), 1), 1e-12, "theta")
        draws = [rng.beta(s * n + 0.5, (1 - s) * n + 0.5, 400000) for s, n in said]
        fits = draws[2] > draws[1]
        theta = np.clip((draws[0] - draws[1])[fits] / (draws[2] - draws[1])[fits], 0, 1)
        want = np.quantile(theta, [0.025, 0.975]) if fits.mean() >= 0.975 else [0, 1]
        near(got[1], min(want[0], got[0]), 0.015, "theta, low")
        near(got[2], max(want[1], got[0]), 0.015, "theta, high")
    blind = ask([share_request([[[1]], [[1]], [[0]]])])[0]  # decoys look more alike than mates
    assert all(math.isnan(x) for x in blind[:3]), blind


def check_coverage():
    """The planted share lies in the interval about 95 % of the time, whatever the reviewers are worth."""
    rng = np.random.default_rng(11)
    settings = [(0.0, [(3, 0)] * 3), (0.1, [(3, 0.3)] * 3), (0.3, [(2, 0)] * 3), (0.3, [(4, -0.5), (2, 0.5), (1.5, 0)]),
                (0.8, [(2.5, 0)] * 3)]
    runs, covered_all = 120, []
    for theta, skill in settings:
        lines = ask([share_request(simulate(rng, theta, skill, (120, 24, 24))) for _ in range(runs)])
        covered = np.mean([low <= theta <= high for _, low, high, *_ in lines])
        middle = np.median([line[0] for line in lines])
        print(f"planted {theta}, d' {[d for d, _ in skill]}: covered {covered:.3f}, median {middle:.3f}, "
              f"width {np.median([high - low for _, low, high, *_ in lines]):.3f}")
        assert covered >= 0.89, "the interval is too narrow"  # 95 % less three standard errors of 120 runs
        assert abs(middle - theta) <= 0.05, "the estimate is off"
        covered_all.append(covered)
    assert 0.93 <= np.mean(covered_all) <= 0.995, covered_all


check_alpha()
check_detection()
check_share()
check_coverage()
