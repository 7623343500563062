#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# stats.py - compares lib/stats with scipy and with slow versions written from the formulas.
"""usage: stats.py PATH_OF_STATS_PROBE"""
import math
import subprocess
import sys
from decimal import Decimal, getcontext

try:
    import numpy as np
    from scipy import special, stats
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

requests, checks = [], []


def ask(words, check):
    """Queues one request; check(list of numbers) raises when the answer is wrong."""
    requests.append(" ".join(str(w) for w in words))
    checks.append(check)


def near(got, want, relative, what):
    if not abs(got - want) <= relative * abs(want) + 1e-300:
        raise AssertionError(f"{what}: got {got!r}, expected {want!r}")


def same(got, want, what):
    if not (got == want or (math.isnan(got) and math.isnan(want))):
        raise AssertionError(f"{what}: got {got!r}, expected {want!r}")


def floats(values):
    return [repr(float(v)) for v in values]


# ---- proportions: relative difference 1e-10 ---------------------------------------------------------

def check_interval(name, k, n):
    if name == "wilson":
        z = special.ndtri(0.975)
        middle, half = k + z * z / 2, z * math.sqrt(k * (n - k) / n + z * z / 4)
        want = [(middle - half) / (n + z * z), (middle + half) / (n + z * z)]
    else:
        want = [stats.beta.ppf(0.025, k, n - k + 1), stats.beta.ppf(0.975, k + 1, n - k)]
    if k == 0:
        want[0] = 0.0
    if k == n:
        want[1] = 1.0

    def check(got):
        for g, w in zip(got, want, strict=True):
            near(g, w, 1e-10, f"{name} {k} of {n}")
    ask([name, k, n], check)


def below(k, n, p):
    """P(X <= k) in 50 digits."""
    p = Decimal(p)
    term = total = (1 - p) ** n
    for i in range(k):
        term *= (n - i) * p / ((i + 1) * (1 - p))
        total += term
    return total


def check_rare(k, n):
    """Few errors of very many pairs: scipy 1.10 itself is off by 3e-10 here, so the limits are put into
    their definition."""
    def check(got):
        for limit, count, tail in ((got[0], k - 1, Decimal("0.975")), (got[1], k, Decimal("0.025"))):
            if count < 0:
                same(limit, 0.0, "low limit of none")
            elif not below(count, n, limit * (1 + 1e-11)) < tail < below(count, n, limit * (1 - 1e-11)):
                raise AssertionError(f"clopper_pearson {k} of {n}: {limit!r} is not the limit")
    ask(["clopper_pearson", k, n], check)


getcontext().prec = 50
for n in (10**7, 2 * 10**8):
    for k in (0, 1, 2, 3, 10, 30, 200, 2000):
        check_rare(k, n)

for n in (1, 2, 3, 7, 20, 100, 1000, 12345, 10**6):
    for k in sorted({0, 1, 2, 3, 10, 30, 1000, n // 100, n // 10, n // 3, n // 2, n - n // 7, n - 1, n}):
        if 0 <= k <= n:
            check_interval("clopper_pearson", k, n)
            check_interval("wilson", k, n)

for n, p in ((10, 0.5), (100, 0.5), (801, 0.5), (5000, 0.3), (10**6, 1e-4), (10**6, 0.5)):
    sd = math.sqrt(n * p * (1 - p))
    for k in (0, 1, round(n * p), round(n * p + 2 * sd), round(n * p - 3 * sd)):
        def check_tail(got, want=stats.binom.sf(k - 1, n, p), what=f"tail {k} {n} {p}"):
            near(got[0], want, 1e-10, what)
        ask(["tail", k, n, p], check_tail)


# ---- competition: equal -----------------------------------------------------------------------------

def slow_compete(w, q):
    sizes = sorted({abs(x) for x in w if x != 0})
    estimate = {s: (1 + sum(x <= -s for x in w)) / max(1, sum(x >= s for x in w)) for s in sizes}
    tau = min((s for s in sizes if estimate[s] <= q), default=math.nan)
    q_values = [min([1.0] + [estimate[s] for s in sizes if s <= x]) if x > 0 else 1.0 for x in w]
    return [sum(x >= tau for x in w), tau, sum(x <= -tau for x in w)] + q_values


def compete(t, h, q):
    with np.errstate(invalid="ignore"):
        w = np.where(t == h, 0, t.astype(np.float64) - h.astype(np.float64))
    want = slow_compete(w.tolist(), q)

    def check(got):
        for i, (g, x) in enumerate(zip(got, want, strict=True)):
            same(g, x, f"compete, number {i}")
    ask(["compete", q, len(t), *floats(t), *floats(h)], check)


random = np.random.default_rng(1)
for case in range(60):
    n = int(random.integers(1, 120))
    t = random.normal(0.3, 0.1, n).astype(np.float32)
    h = random.normal(0.3, 0.1, n).astype(np.float32)
    t[: n // 3] += np.float32(0.3 * (case % 3))
    if case % 4 == 0:  # many ties
        t, h = np.round(t, 1), np.round(h, 1)
    if case % 5 == 0:  # units without any score
        t[random.random(n) < 0.2] = -np.inf
        h[random.random(n) < 0.2] = -np.inf
    compete(t, h, (0.05, 0.1, 0.3)[case % 3])


# ---- error rates: equal -----------------------------------------------------------------------------

def slow_eer(genuine, impostor):
    """The crossing of the two stairs, looked for at every score."""
    for v in np.unique(np.concatenate([genuine, impostor])):
        before = ((genuine < v).sum() / len(genuine), (impostor >= v).sum() / len(impostor))
        after = ((genuine <= v).sum() / len(genuine), (impostor > v).sum() / len(impostor))
        if after[0] >= after[1]:
            return (max(before[0], after[1]) + min(after[0], before[1])) / 2
    raise AssertionError("the stairs always cross")


def roc(genuine, impostor, fmr):
    order = genuine[:, None].astype(np.float64) - impostor[None, :]
    auc = (2 * int((order > 0).sum()) + int((order == 0).sum())) / (2 * order.size)
    for v in np.unique(impostor):  # the smallest float32 above a score that keeps the rate
        score = np.nextafter(v, np.float32(np.inf))
        if (impostor >= score).sum() / len(impostor) <= fmr:
            break
    want = [slow_eer(genuine, impostor), auc, float(score), (genuine >= score).sum() / len(genuine)]

    def check(got):
        for g, w, what in zip(got, want, ("eer", "auc", "threshold", "tar"), strict=True):
            same(g, float(w), f"roc, {what}")
    ask(["roc", fmr, len(genuine), len(impostor), *floats(genuine), *floats(impostor)], check)


def folds(scores, genuine, fold, n_folds):
    accuracies = []
    for f in range(n_folds):
        s, g = scores[fold != f].astype(np.float64), genuine[fold != f]
        distinct = np.unique(s)
        candidates = [-np.inf, *((distinct[1:] + distinct[:-1]) / 2), np.inf]
        right = [int(((s >= c) == g).sum()) for c in candidates]
        threshold = candidates[int(np.argmax(right))]
        mine = fold == f
        right = int(((scores[mine].astype(np.float64) >= threshold) == genuine[mine]).sum())
        accuracies.append(right / int(mine.sum()))
    want = [np.mean(accuracies), np.std(accuracies, ddof=1)]

    def check(got):
        for g, w, what in zip(got, want, ("mean", "sd"), strict=True):
            if abs(g - w) > 1e-14:
                raise AssertionError(f"folds, {what}: got {g!r}, expected {w!r}")
    rows = [w for s, g, f in zip(floats(scores), genuine, fold) for w in (s, int(g), int(f))]
    ask(["folds", n_folds, len(scores), *rows], check)


for case in range(60):
    n_genuine, n_impostor = int(random.integers(1, 200)), int(random.integers(1, 300))
    genuine = random.normal(0.5, 0.15, n_genuine).astype(np.float32)
    impostor = random.normal(0.1 * (case % 6), 0.15, n_impostor).astype(np.float32)
    if case % 2 == 0:
        genuine, impostor = np.round(genuine, 1), np.round(impostor, 1)
    roc(genuine, impostor, (0.01, 0.1, 0.25, 0.5)[case % 4])
    n_folds = int(random.integers(2, 11))
    size = 2 * n_folds * int(random.integers(1, 20))
    labels = random.random(size) < 0.5
    scores = np.where(labels, random.normal(0.5, 0.2, size), random.normal(0.2, 0.2, size)).astype(np.float32)
    folds(np.round(scores, 1) if case % 2 else scores, labels, np.arange(size) % n_folds, n_folds)

answer = subprocess.run([sys.argv[1]], input="\n".join(requests), capture_output=True, text=True, check=False)
if answer.returncode != 0:
    sys.exit(f"stats_probe failed: {answer.stderr.strip()}")
lines = answer.stdout.splitlines()
for line, check in zip(lines, checks, strict=True):
    check([float(word) for word in line.split()])
print(f"{len(lines)} results agree")
