#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# tail.py - compares the tails and E-values of lib/stats with scipy and slow formulas.
"""usage: tail.py PATH_OF_TAIL_PROBE"""
import math
import subprocess
import sys

try:
    import numpy as np
    from scipy import optimize, stats
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

requests, checks = [], []


def ask(words, check):
    requests.append(" ".join(repr(float(w)) if isinstance(w, (float, np.floating)) else str(w) for w in words))
    checks.append(check)


def near(got, want, relative, what, absolute=1e-300):
    if not abs(got - want) <= relative * abs(want) + absolute:
        raise AssertionError(f"{what}: got {got!r}, expected {want!r}")


# ---- the generalised Pareto distribution -----------------------------------------------------------------


NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)


def predicted(shape, scale, k, x):
    """The mean of scipy's tail over a Gamma distributed scale, by Gauss and Legendre's quadrature."""
    kk, z = k / (1 + 2 * shape), x / scale
    if z <= 0:
        return 1.0
    gamma = stats.gamma(kk, scale=1 / kk)
    end = min(gamma.isf(1e-18), -1 / (shape * z) if shape < 0 else math.inf)

    def integrand(tau):
        return gamma.pdf(tau) * stats.genpareto.sf(z * tau, shape)
    # where the product is largest, found on a grid of its logarithm
    grid = np.geomspace(1e-12, 1, 1001) * end
    with np.errstate(divide="ignore"):
        logs = gamma.logpdf(grid) + stats.genpareto.logsf(z * grid, shape)
    top = grid[np.nanargmax(logs + np.log(grid))]
    cuts = sorted({1e-14 * end, 1e-9 * end, 1e-4 * end, end, *(c for c in (top * f for f in (0.05, 0.2, 0.5, 0.8, 1, 1.2, 1.6, 2.5, 5)) if c < end)})
    total = 0.0
    for low, high in zip(np.log(cuts), np.log(cuts)[1:]):  # over the logarithm: at 0 there may be a power below 1
        tau = np.exp(low + (high - low) / 2 * (1 + NODES))
        total += (high - low) / 2 * (WEIGHTS * integrand(tau) * tau).sum()
    return total


for shape in (-0.45, -0.2, -1e-4, 0.0, 0.1, 0.4):
    for k in (2, 9, 100):
        for x in (0.0, 0.001, 0.3, 1.0, 3.0, 40.0):
            scale = 0.7

            def check(got, shape=shape, k=k, x=x, scale=scale):
                near(got[0], stats.genpareto.sf(x / scale, shape), 1e-10, f"tail {shape} {x}")
                near(got[1], predicted(shape, scale, k, x), 1e-9, f"prediction {shape} {k} {x}")
                if got[1] < got[0] * (1 - 1e-12) and x > 4 * scale:
                    raise AssertionError(f"prediction {shape} {k} {x} is below the tail")
            ask(["gpd", shape, scale, k, x], check)

random = np.random.default_rng(11)


def loglikelihood(shape, scale, x):
    inside = 1 + shape * x / scale
    if inside.min() <= 0:
        return -math.inf
    return -len(x) * math.log(scale) - (x.sum() / scale if shape == 0 else (1 + 1 / shape) * np.log(inside).sum())


def fit(x):
    near(loglikelihood(0.1, 2.0, x), stats.genpareto.logpdf(x, 0.1, scale=2.0).sum(), 1e-10, "log likelihood")

    def check(got):
        n, s = len(x), np.sort(x)
        weights = (n - 1 - np.arange(n)) / (n - 1)
        a0, a1 = s.mean(), (weights * s).mean()
        near(got[0], 2 - a0 / (a0 - 2 * a1), 1e-10, "shape by moments", 1e-12)
        near(got[1], 2 * a0 * a1 / (a0 - 2 * a1), 1e-10, "scale by moments")
        shape, scale = got[2], got[3]
        best = loglikelihood(shape, scale, x)
        # no other shape and scale found by scipy is more likely
        starts = [(0.1, s.mean()), (-0.2, s.mean() * 1.2), (max(min(got[0], 0.4), -0.4), got[1])]
        for start in starts:
            def cost(at):
                if not (-0.5 <= at[0] <= 1) or at[1] <= 0:
                    return math.inf
                value = -loglikelihood(at[0], at[1], x)
                return value if math.isfinite(value) else math.inf
            other = optimize.minimize(cost, start, method="Nelder-Mead",
                                      options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000})
            if -other.fun > best + 1e-8 * abs(best) + 1e-9:
                raise AssertionError(f"likelihood: {best} at {shape}, {scale}; scipy has {-other.fun} at {other.x}")
        if -0.4999 < shape < 0.9999:  # inside, both derivatives vanish
            y = 1 + shape * x / scale
            theta = shape / scale
            if abs(theta) * x.max() > 1e-4:
                near(shape, np.log(y).mean(), 1e-10, "shape of the likelihood equation", 1e-12)
                near((1 + shape) * (x / scale / y).mean(), 1.0, 1e-8, "scale of the likelihood equation")
    ask(["fit", len(x), *map(float, x)], check)


for case in range(20):
    n = int(random.integers(5, 400))
    shape = (-0.3, -0.1, 0.0, 0.2, 0.6)[case % 5]
    fit(stats.genpareto.rvs(shape, scale=10.0 ** (case % 4 - 2), size=n, random_state=random))
fit(np.array([0.0, 0.4, 1.0]))
fit(random.random(50))  # shape -1: the likelihood ends at its lowest shape

# ---- E-values ---------------------------------------------------------------------------------------------


def slow_evalues(top, k, holdout, references, scores):
    levels = []
    while not levels or k >= 5:
        x = top[:, :k].astype(np.float64) - top[:, k:k + 1].astype(np.float64)
        if len(x) * k >= 200:
            weights = np.arange(k) / (k - 1)  # of a falling list: the share of larger values
            ratio = ((x * weights).mean(1) / x.mean(1)).mean()
            shape = min(max(2 - 1 / (1 - 2 * ratio), -0.49), 0.49)
        else:
            shape = 0.0
        p = [(k + 1) / (holdout + 1) * predicted(shape, row.mean() * (1 - shape), k, float(s) - float(u))
             if s > u else (k + 1) / (holdout + 1)
             for row, s, u in zip(x, scores, top[:, k])]
        levels.append((shape, np.array(p)))
        k //= 2
    return levels


def evalues(probes, k, holdout, references):
    scores = np.sort(random.normal(0, 0.1, (probes, holdout)).astype(np.float32), axis=1)[:, ::-1]
    top = scores[:, :k + 1]
    asked = random.uniform(0.1, 0.7, probes)
    levels = slow_evalues(top, k, holdout, references, asked)

    def check(got):
        if probes * k >= 200:
            near(got[0], levels[0][0], 1e-9, "common shape")
            x = top[:, :k].astype(np.float64) - top[:, k:].astype(np.float64)
            x = (x / x.mean(1, keepdims=True)).ravel()
            fits = [optimize.minimize(lambda at: -loglikelihood(at[0], at[1], x) if at[1] > 0 else math.inf, start,
                                      method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
                    for start in ((0.05, 1.0), (-0.15, 1.2))]
            near(got[1], min(fits, key=lambda f: f.fun).x[0], 1e-4, "common shape by likelihood", 1e-5)
        rows = np.array(got[2:]).reshape(probes, 6)
        e = np.array([p for _, p in levels]) * references
        for name, g, w in (("e", rows[:, 0], e[0]), ("low", rows[:, 1], e.min(0)), ("high", rows[:, 2], e.max(0)),
                           ("audit", rows[:, 5], e[0] * probes)):
            for i in range(probes):
                near(g[i], w[i], 1e-8, f"E-value {i}, {name}")
        if (rows[:, 3] != (levels[0][1] < 0.1 / holdout)).any() or (rows[:, 4] != (e[0] <= 0.01)).any():
            raise AssertionError("E-values: marks differ")
    ask(["evalues", probes, k, holdout, references, 1, *map(float, top.ravel()), *map(float, asked)], check)


evalues(25, 9, 300, 1000)
evalues(15, 20, 500, 10000)
evalues(8, 9, 300, 1000)  # too few to estimate a shape

answer = subprocess.run([sys.argv[1]], input="\n".join(requests), capture_output=True, text=True, check=False)
if answer.returncode != 0:
    sys.exit(f"tail_probe failed: {answer.stderr.strip()}")
lines = answer.stdout.splitlines()
for line, check in zip(lines, checks, strict=True):
    check([float(word) for word in line.split()])
print(f"{len(lines)} results agree")
