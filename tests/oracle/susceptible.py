#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# susceptible.py - compares stats/susceptible.h with NumPy, scipy and slow formulas.
"""usage: susceptible.py PATH_OF_SUSCEPTIBLE_PROBE"""
import math
import subprocess
import sys

try:
    import numpy as np
    from scipy import stats
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

requests, checks = [], []


def ask(words, check):
    requests.append(" ".join(map(str, words)))
    checks.append(check)


def near(got, want, what, relative=1e-9):
    if not (math.isnan(got) and math.isnan(want)) and not abs(got - want) <= relative * abs(want) + 1e-13:
        raise AssertionError(f"{what}: got {got!r}, expected {want!r}")


def two(a, b):
    def check(got):
        for start, x in ((0, a), (8, b)):
            x = x.astype(np.float64)
            sd = x.std(ddof=1) if len(x) > 1 else math.nan
            want = [len(x), x.mean(), sd, *np.quantile(x, [0.05, 0.25, 0.5, 0.75, 0.95])]
            for i, w in enumerate(want):
                near(got[start + i], w, f"describe {len(x)}, number {i}")
        da, db = a.astype(np.float64), b.astype(np.float64)
        spread = math.sqrt((da.var(ddof=1) + db.var(ddof=1)) / 2) if min(len(a), len(b)) > 1 else math.nan
        near(got[16], (da.mean() - db.mean()) / spread if spread > 0 else math.nan, "d'")
        near(got[17], stats.ks_2samp(da, db).statistic, "KS distance")
    ask(["two", len(a), len(b), *(repr(float(x)) for x in (*a, *b))], check)


def cochran(found):
    """found: units x matchers; the statistic by its other form, over deviations from the mean."""
    k = found.shape[1]
    columns, rows = found.sum(0), found.sum(1)
    below = (rows * (k - rows)).sum()

    def check(got):
        q = k * (k - 1) * ((columns - columns.mean()) ** 2).sum() / below if below else 0
        near(got[0], q, "Cochran's Q")
        near(got[1], k - 1, "degrees of freedom")
        near(got[2], stats.chi2.sf(q, k - 1) if below else 1, "p", 1e-8)
    ask(["cochran", k, len(found), *found.T.ravel().astype(int)], check)


random = np.random.default_rng(5)
for case in range(40):
    n, m = int(random.integers(1, 200)), int(random.integers(1, 300))
    a = random.normal(0.3, 0.1, n).astype(np.float32)
    b = random.normal(0.3 + 0.1 * (case % 3), 0.2, m).astype(np.float32)
    two(np.round(a, 1), np.round(b, 1)) if case % 2 else two(a, b)  # ties, and none
for k in range(2, 9):
    for shift in (0, 0.1, 0.6):
        cochran(random.random((60, k)) < 0.2 + shift * np.arange(k) / k)
cochran(np.zeros((9, 3)))
cochran(np.ones((9, 4)))

answer = subprocess.run([sys.argv[1]], input="\n".join(requests), capture_output=True, text=True, check=False)
if answer.returncode != 0:
    sys.exit(f"susceptible_probe failed: {answer.stderr.strip()}")
lines = answer.stdout.splitlines()
for line, check in zip(lines, checks, strict=True):
    check([float(word) for word in line.split()])
print(f"{len(lines)} results agree")
