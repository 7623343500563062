#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""review_expected - are the statistics and the table of a review those of the answers that were given to it?

usage: review_expected ANSWERS.json REVIEW.json ANSWERS.csv

ANSWERS.json is what the browser test clicked; the numbers of REVIEW.json are computed from it anew, by the formulas of
docs/methods.md.
"""
import csv
import json
import sys
from statistics import NormalDist, mean

given = json.load(open(sys.argv[1]))
review = json.load(open(sys.argv[2]))
table = list(csv.DictReader(open(sys.argv[3], newline="")))
z = NormalDist().inv_cdf
REVIEWERS = sorted({g["reviewer"] for g in given})
on_scale = {(g["reviewer"], g["item"]): int(g["answer"]) for g in given if g["answer"].lstrip("-").isdigit()}
items = {g["item"]: g for g in given}
problems = 0


def near(got, want, what):
    global problems
    if got is None or abs(got - want) > 1e-9:
        problems += 1
        print(f"not ok - {what}: {got}, computed from the answers {want}")


def of_kind(kind):
    return [i for i in items if items[i]["kind"] == kind]


def alpha(chosen):
    rows = [[on_scale[r, i] for r in REVIEWERS if (r, i) in on_scale] for i in chosen]
    rows = [row for row in rows if len(row) > 1]
    pooled = [v for row in rows for v in row]
    n = len(pooled)

    def distance(a, b):
        a, b = min(a, b), max(a, b)
        return (sum(a <= v <= b for v in pooled) - (pooled.count(a) + pooled.count(b)) / 2) ** 2 if a != b else 0

    observed = sum(distance(a, b) / (len(row) - 1) for row in rows for i, a in enumerate(row)
                   for j, b in enumerate(row) if i != j) / n
    return 1 - observed / (sum(distance(a, b) for a in pooled for b in pooled) / (n * (n - 1)))


def share(kind):
    said = [[on_scale[r, i] > 0 for r in REVIEWERS if (r, i) in on_scale] for i in of_kind(kind)]
    return mean(mean(row) for row in said if row)


def sign(value):
    return (value > 0) - (value < 0)


for r, found in zip(REVIEWERS, review["reviewers"]):
    mated = [on_scale[r, i] > 0 for i in of_kind("mated") if (r, i) in on_scale]
    noise = [on_scale[r, i] > 0 for i in of_kind("decoy") if (r, i) in on_scale]
    hit, alarm = z((sum(mated) + 0.5) / (len(mated) + 1)), z((sum(noise) + 0.5) / (len(noise) + 1))
    near(found["d_prime"], hit - alarm, f"d' of reviewer {r}")
    near(found["criterion"], -(hit + alarm) / 2, f"criterion of reviewer {r}")
    twice = [(i, items[i]["repeats"]) for i in of_kind("repeat")]
    twice = [(a, b) for a, b in twice if (r, a) in on_scale and (r, b) in on_scale]
    alike = mean(sign(on_scale[r, a]) == sign(on_scale[r, b]) for a, b in twice)
    near(found["consistency"], alike, f"consistency of reviewer {r}")
    for special in ("no_face", "child", "cannot_say"):
        near(found[special], sum(g["answer"] == special for g in given if g["reviewer"] == r), f"{special} of {r}")
    near(found["answers"], sum(g["reviewer"] == r for g in given), f"answers of reviewer {r}")

near(review["alpha"]["value"], alpha([i for i in items if items[i]["kind"] != "repeat"]), "alpha")
near(review["alpha_candidates"]["value"], alpha(of_kind("candidate")), "alpha of the candidates")
said, noise, mated = share("candidate"), share("decoy"), share("mated")
near(review["theta"]["value"], min(max((said - noise) / (mated - noise), 0), 1), "share of true leaks")
for word, wanted in (("same", 1), ("different", -1)):
    everybody = [i for i in of_kind("candidate") if all(sign(on_scale.get((r, i), 0)) == wanted for r in REVIEWERS)]
    near(sum(c["unanimous"] == word for c in review["cases"]), len(everybody), f"candidates that all call {word}")
adjudicated = sorted(c["adjudicated"] for c in review["cases"] if c["adjudicated"])
if adjudicated != ["different", "same"] or not review["closed"]:
    problems += 1
    print(f"not ok - decisions {adjudicated}, closed {review['closed']}")

stored = {(row["reviewer"], row["position"]): row["answer"] for row in table}
clicked = {(f"reviewer {g['reviewer']}", str(g["position"])): g["answer"] for g in given}
if stored != clicked or len(table) != len(given):
    problems += 1
    print(f"not ok - {len(table)} answers are stored, {len(given)} were given; they differ at "
          f"{sorted(k for k in stored.keys() | clicked.keys() if stored.get(k) != clicked.get(k))[:5]}")
notes = sorted(row["note"] for row in table if row["note"])
if notes != ["1 2 3 nose, x", "both with a scar"]:
    problems += 1
    print(f"not ok - notes {notes}")
print(f"review: statistics of {len(given)} answers computed anew, {problems} problems")
sys.exit(problems > 0)
