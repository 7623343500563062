#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# measure.py - compares `likeness measure` on a small simulation with NumPy: every score, p-value, q-value and interval.
"""usage: measure.py PROGRAM"""
import csv
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from scipy import integrate, special, stats
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

Z = special.ndtri(0.975)
program = os.path.realpath(sys.argv[1])


def call(*words):
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{words}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


def table(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def faces(folder):
    rows = [r["identity"] for r in table(f"{folder}/images.csv")]
    return np.load(f"{folder}/embeddings.npy"), np.array(rows)


def near(got, want, what, tolerance=1e-9):
    if got == "" or got is None:
        got = math.nan
    got, want = float(got), float(want)
    if not (abs(got - want) <= tolerance * max(1, abs(want)) or (math.isnan(got) and math.isnan(want))):
        sys.exit(f"{what}: got {got!r}, expected {want!r}")


def scores(a, b):
    """The definition of a score: float32 products, added up in double."""
    out = np.zeros((len(a), len(b)))
    for i in range(a.shape[1]):
        out += (a[:, i, None] * b[None, :, i]).astype(np.float64)
    return out.astype(np.float32)


def joined(matrix, names, order):
    """The maximum over the rows of each identity."""
    return np.array([matrix[names == n].max(axis=0) for n in order])


def q_values(margin, holdouts):
    sizes = sorted({abs(m) for m in margin if m != 0})
    estimate = {s: (1 + sum(m <= -s for m in margin)) / holdouts / max(1, sum(m >= s for m in margin)) for s in sizes}
    return [min([1.0] + [estimate[s] for s in sizes if s <= m]) if m > 0 else 1.0 for m in margin]


def benjamini_hochberg(p):
    p = np.asarray(p)
    order = np.argsort(p)
    adjusted = np.minimum.accumulate((p[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    out = np.empty(len(p))
    out[order] = np.minimum(adjusted, 1)
    return out


def wilson(share, n):
    half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    middle = share + Z * Z / (2 * n)
    return max(0, (middle - half) / (1 + Z * Z / n)), min(1, (middle + half) / (1 + Z * Z / n))


def cluster(values, groups):
    """Mean, its variance clustered by group, and the design effect."""
    off = values - values.mean()
    single = (off ** 2).sum()
    grouped = sum(off[groups == g].sum() ** 2 for g in np.unique(groups))
    design = max(1, grouped / single) if single > 0 else 1
    return values.mean(), single * design / len(values) ** 2, design


def de_long(train, holdout):
    order = (train[:, None] > holdout[None, :]) + 0.5 * (train[:, None] == holdout[None, :])
    auc = order.mean()
    variance = order.mean(axis=1).var(ddof=1) / len(train) + order.mean(axis=0).var(ddof=1) / len(holdout)
    half = Z * math.sqrt(variance) / (auc * (1 - auc))
    middle = math.log(auc / (1 - auc))
    return auc, 1 / (1 + math.exp(half - middle)), 1 / (1 + math.exp(-half - middle))


def predicted(shape, scale, k, x):
    """The mean of the tail over scale errors that are Gamma distributed with mean 1."""
    kk = k / (1 + 2 * shape)
    tail = stats.genpareto(shape, scale=scale).sf
    return integrate.quad(lambda t: stats.gamma.pdf(t, kk, scale=1 / kk) * tail(x * t), 0, 12, limit=400, epsrel=1e-9)[0]


def check_evalues(out, measures, synthetic, names, names_used, galleries, each):
    """L2: tails of single images over all persons of the hold-outs."""
    used = np.flatnonzero(np.isin(names, names_used))
    held = -np.sort(-np.concatenate(each[1:], axis=1)[used], axis=1)[:, :11].astype(float)
    levels = []
    for k in (10, 5):
        excess = held[:, :k] - held[:, k:k + 1]
        weights = np.arange(k)  # of the largest 0: the share of larger ones
        ratio = (excess * weights / (k - 1)).mean(axis=1) / excess.mean(axis=1)
        levels.append((k, 2 - 1 / (1 - 2 * ratio.mean())))
    l2 = measures["measures"]["L2_evalues"]
    near(l2["shape"], levels[0][1], "shape of the tail", 1e-6)
    near(l2["strangers"], sum(m.shape[1] for m in each[1:]), "strangers")
    near(l2["images"], len(used), "images")
    pairs = table(f"{out}/pairs.csv")
    rows = {int(r): i for i, r in enumerate(used)}
    for p in pairs[::max(1, len(pairs) // 25)]:
        top, score = held[rows[int(p["image"])]], float(p["score"])
        found = []
        for k, shape in levels:
            a0 = (top[:k] - top[k]).mean()
            tail = predicted(shape, a0 * (1 - shape), k, score - top[k]) if score > top[k] else 1
            found.append((k + 1) / (l2["strangers"] + 1) * tail * l2["persons"])
        near(p["e_value"], found[0], "E-value", 1e-4)
        near(p["e_audit"], found[0] * len(used), "E-value over the audit", 1e-4)
        near(p["e_low"], min(found), "E-value, low", 1e-4)
        near(p["e_high"], max(found), "E-value, high", 1e-4)
        near(p["flagged"], found[0] <= 0.01, "flag")
        near(p["extrapolated"], found[0] / l2["persons"] < 0.1 / l2["strangers"], "extrapolated")
    near(l2["pairs_flagged"], sum(float(p["e_value"]) <= 0.01 for p in pairs), "flagged pairs")


def check_matchers(out, first, second):
    """L9 from the tables of both matchers."""
    l9 = json.load(open(f"{out}/measures.json", encoding="utf-8"))["measures"]["L9_matchers"]
    seen = []
    for folder in (first, second):
        rows = {u["identity"]: u for u in table(f"{folder}/identities.csv")}
        lost = np.array([-float(u["margin"]) for u in rows.values() if float(u["margin"]) < 0])
        holdouts = json.load(open(f"{folder}/measures.json", encoding="utf-8"))["matching"]["galleries"] - 1
        p = {i: (1 + (lost >= float(u["margin"])).sum()) / (len(lost) + 1) / (holdouts + 1) if float(u["margin"]) > 0 else 1.0
             for i, u in rows.items()}
        seen.append((rows, p))
    common = [i for i in seen[0][0] if i in seen[1][0]]
    near(l9["units"], len(common), "common units")
    p = np.array([[s[1][i] for s in seen] for i in common])
    found = np.array([[int(s[0][i]["discovery"]) for s in seen] for i in common])
    both, a = found.prod(axis=1).sum(), l9["agreement"][0]
    near(a["found_both"], both, "found by both")
    near(a["jaccard"], both / found.max(axis=1).sum(), "Jaccard index")
    x, y = found.mean(axis=0)
    chance = x * y + (1 - x) * (1 - y)
    near(a["kappa"], ((found[:, 0] == found[:, 1]).mean() - chance) / (1 - chance), "kappa")
    rows = table(f"{out}/matchers.csv")
    if [r["identity"] for r in rows] != common:
        sys.exit("matchers.csv: other identities than expected")
    for r, joined in ((1, np.minimum(1, 2 * p.min(axis=1))), (2, p.max(axis=1))):
        q = benjamini_hochberg(joined)
        for row, want, adjusted in zip(rows, joined, q, strict=True):
            near(row[f"p:{r}_of_2"], want, "joined p-value", 1e-8)
            near(row[f"q:{r}_of_2"], adjusted, "joined q-value", 1e-8)
        near(l9["joint"][r - 1]["discoveries"], (q <= 0.05).sum(), "joined discoveries")
    return both


def check_power(folder, out):
    """L10: planted into the scores anew, the smallest share is found about as often as it says."""
    rng = np.random.default_rng(3)
    data = json.load(open(f"{out}/measures.json", encoding="utf-8"))
    rows = [r for r in data["measures"]["L10_power"]["rows"] if not r["genuine"]]
    units = [u for u in table(f"{out}/identities.csv") if u["discovery"] == "0"]
    best = np.array([[float(u["train"]), float(u["holdout"])] for u in units])
    for row in rows:
        near(row["units"], len(best), "units planted into")
        detected = 0
        for _ in range(300):
            drawn = rng.permuted(best[rng.integers(0, len(best), len(best))], axis=1)
            k = row["planted"]
            drawn[:k, 0] = np.maximum(drawn[:k, 0], row["strength"])
            margin = drawn[:, 0] - drawn[:, 1]
            sizes = np.sort(np.abs(margin[margin != 0]))
            lost, won = np.sort(-margin), np.sort(margin)
            ratio = (1 + len(lost) - np.searchsorted(lost, sizes)) / np.maximum(1, len(won) - np.searchsorted(won, sizes))
            ok = sizes[ratio <= 0.05]
            detected += bool(len(ok)) and (margin[:k] >= ok.min()).any()
        near(row["detected"]["value"], detected / 300, "share of sets detected", 0.13)
    return len(rows)


def check(folder, out, holdouts):
    rng = np.random.default_rng(1)
    measures = json.load(open(f"{out}/measures.json", encoding="utf-8"))
    units, persons = table(f"{out}/identities.csv"), table(f"{out}/persons.csv")
    synthetic, names = faces(f"{folder}/synthetic")
    held, _ = faces(f"{folder}/holdout")
    path = {s: [r["path"] for r in table(f"{folder}/{s}/images.csv")] for s in ("synthetic", "holdout")}
    names_used = [u["identity"] for u in units]
    galleries = []
    for g in range(holdouts + 1):
        data, _ = faces(f"{folder}/{'holdout' if g else 'train'}")
        mine = [p for p in persons if p["gallery"] == (f"holdout{g}" if g else "train")]
        galleries.append((data[[int(p["reference"]) for p in mine]], mine))
    each = [scores(synthetic, data) for data, _ in galleries]
    by_unit = [joined(m, names, names_used) for m in each]
    best = np.array([m.max(axis=1) for m in by_unit]).T.astype(np.float64)

    # units
    ordered = np.sort(best, axis=1)
    margin = (ordered[:, -1] - ordered[:, -2]) * np.where(best.argmax(axis=1) == 0, 1, -1)
    q = q_values(margin, holdouts)
    control, control_names = faces(f"{folder}/control")
    control_best = joined(scores(control, galleries[0][0]), control_names, np.unique(control_names)).max(axis=1)
    p_control = [(1 + (control_best >= t).sum()) / (len(control_best) + 1) for t in best[:, 0]]
    nearest = by_unit[0].argmax(axis=1)
    for i, u in enumerate(units):
        near(u["train"], best[i, 0], "train", 1e-7)
        near(u["holdout"], best[i, 1:].max(), "holdout", 1e-7)
        for g in range(1, holdouts + 1 if holdouts > 1 else 1):
            near(u[f"holdout{g}"], best[i, g], f"hold-out {g}", 1e-7)
        near(u["margin"], margin[i], "margin", 1e-7)
        near(u["q"], q[i], "q", 1e-8)
        near(u["p_control"], p_control[i], "p_control", 1e-8)
        near(u["q_control"], benjamini_hochberg(p_control)[i], "q_control", 1e-8)
        near(u["in_degree"], (nearest == nearest[i]).sum(), "in_degree")
        gallery = int(u["holdout_gallery"].removeprefix("holdout"))
        near(gallery, 1 + best[i, 1:].argmax(), "gallery of the hold-out's best")
        image, reference = int(u["holdout_image"]), int(u["holdout_reference"])
        if (names[image], path["synthetic"][image], path["holdout"][reference]) != (
                u["identity"], u["holdout_image_path"], u["holdout_reference_path"]):
            sys.exit(f"{u['identity']}: the pair behind holdout is of others")
        near(synthetic[image] @ held[reference], u["holdout"], "pair behind holdout", 1e-5)
        if u["person"] != galleries[0][1][nearest[i]]["person"]:
            sys.exit(f"{u['identity']}: nearest person {u['person']}")
    found = sum(x <= 0.05 for x in q)
    near(measures["measures"]["L4_discoveries"]["discoveries"], found, "discoveries")
    near(sum(int(u["discovery"]) for u in units), found, "discovery")

    # persons
    reach = [m[np.isin(names, names_used)].max(axis=0) for m in each]
    held = np.concatenate(reach[1:])
    p_person = [(1 + (held >= m).sum()) / (len(held) + 1) for m in reach[0]]
    q_person = benjamini_hochberg(p_person)
    for g, (_, mine) in enumerate(galleries):
        for i, p in enumerate(mine):
            near(p["score"], reach[g][i], "person's score", 1e-7)
            near(p["p"], p_person[i] if g == 0 else math.nan, "person's p", 1e-8)
            near(p["q"], q_person[i] if g == 0 else math.nan, "person's q", 1e-8)
    side = measures["measures"]["L7_persons"]
    for got, want in zip((side["auc"][k] for k in ("value", "low", "high")), de_long(reach[0], held), strict=True):
        near(got, want, "AUC", 1e-9)
    for rate in side["rates"]:
        allowed = int(len(held) * rate["fpr"] * (1 + 1e-12))
        score = np.sort(held)[::-1][allowed]
        near(rate["tpr"]["value"], (reach[0] > score).mean(), "TPR")
        draws = []
        for _ in range(4000):
            h = np.sort(rng.choice(held, len(held)))[::-1][allowed]
            draws.append((rng.choice(reach[0], len(reach[0])) > h).mean())
        near(rate["tpr"]["low"], np.quantile(draws, 0.025), "TPR, low", 0.02)
        near(rate["tpr"]["high"], np.quantile(draws, 0.975), "TPR, high", 0.02)

    # preference: over nearest persons
    all_persons = np.concatenate([m for m in by_unit], axis=1)
    decides = all_persons.argmax(axis=1)
    share = (decides < len(galleries[0][1])).astype(float)
    pull = measures["measures"]["L3_preference"]
    lam = 1 / (holdouts + 1)
    near(pull["p"], share.mean(), "share that prefers T")
    near(pull["pi"]["value"], (share.mean() - lam) / (1 - lam), "pi")
    n_train, n_held = len(galleries[0][1]), all_persons.shape[1] - len(galleries[0][1])
    counts = np.bincount(decides, minlength=all_persons.shape[1]).astype(float)
    p_train, (in_train, in_held) = share.mean(), np.split(counts, [n_train])
    spread = (1 - p_train) ** 2 * in_train.var() * n_train + p_train ** 2 * in_held.var() * n_held
    near(pull["design_effect"], spread / (len(share) * p_train * (1 - p_train)), "design effect")
    a = in_train[rng.integers(0, n_train, (20000, n_train))].sum(axis=1)
    b = in_held[rng.integers(0, n_held, (20000, n_held))].sum(axis=1)
    drawn = (a / (a + b) - lam) / (1 - lam)
    near(pull["pi"]["low"], np.quantile(drawn, 0.025), "pi, low", 0.02)
    near(pull["pi"]["high"], np.quantile(drawn, 0.975), "pi, high", 0.02)
    labels = np.zeros(all_persons.shape[1], bool)
    labels[: len(galleries[0][1])] = True
    dealt = np.array([rng.permutation(labels)[decides].mean() for _ in range(9999)])
    near(pull["p_value"], (1 + (dealt >= share.mean() - 1e-12).sum()) / 10000, "permutation p-value", 0.02)

    check_evalues(out, measures, synthetic, names, names_used, galleries, each)

    # curves
    near_held = np.concatenate(by_unit[1:], axis=1).argmax(axis=1)
    for point in table(f"{out}/curve.csv"):
        s = np.float32(float(point["score"]))
        train, held_share = (best[:, 0] >= s).astype(float), (best[:, 1:] >= s).mean(axis=1)
        for what, values, by in (("train", train, nearest), ("holdout", held_share, near_held)):
            mean, variance, _ = cluster(values, by)
            low, high = wilson(mean, mean * (1 - mean) / variance if variance > 0 else len(values))
            near(point[what], mean, what, 1e-8)
            near(point[f"{what}_low"], 0 if mean == 0 else low, f"{what}, low", 1e-8)
            near(point[f"{what}_high"], 1 if mean == 1 else high, f"{what}, high", 1e-8)
        excess = train - held_share
        total, n = excess.sum(), len(excess) + 2
        half = Z * math.sqrt((1 + (excess ** 2).sum() - total ** 2 / n) * cluster(excess, decides)[2]) / n
        near(point["excess_low"], max(-1, total / n - half), "excess, low", 1e-8)
        near(point["excess_high"], min(1, total / n + half), "excess, high", 1e-8)
        near(point["control"], (control_best >= s).mean(), "control", 1e-6)
    return found


def shuffled(folder, other):
    """The same sets with their rows in another order."""
    rng = np.random.default_rng(2)
    for name in ("synthetic", "train", "holdout", "control"):
        shutil.copytree(f"{folder}/{name}", f"{other}/{name}")
        data = np.load(f"{folder}/{name}/embeddings.npy")
        with open(f"{folder}/{name}/images.csv", encoding="utf-8") as f:
            header, *lines = f.read().splitlines()
        order = rng.permutation(len(data))
        np.save(f"{other}/{name}/embeddings.npy", data[order])
        with open(f"{other}/{name}/images.csv", "w", encoding="utf-8") as f:
            f.write(header + "\n")
            for row, old in enumerate(order):
                f.write(f"{row},{lines[old].split(',', 1)[1]}\n")


def measured_by(folder, other, keep):
    """Sets with an age and a colour for most images, in `other`; and those of them for which keep(row) holds, in `other`-kept."""
    rng = np.random.default_rng(7)
    for name in ("synthetic", "train", "holdout"):
        data, rows = np.load(f"{folder}/{name}/embeddings.npy"), table(f"{folder}/{name}/images.csv")
        for row in rows:
            row["age"] = "" if rng.random() < 0.4 else round(rng.uniform(5, 40), 1)
            row["group:colour"] = rng.choice(["", "red", "green"])
        for out, kept in ((other, rows), (f"{other}-kept", [r for r in rows if keep(r)])):
            shutil.copytree(f"{folder}/{name}", f"{out}/{name}")
            np.save(f"{out}/{name}/embeddings.npy", data[[int(r["row"]) for r in kept]])
            with open(f"{out}/{name}/images.csv", "w", newline="", encoding="utf-8") as f:
                writer = csv.DictWriter(f, rows[0])
                writer.writeheader()
                writer.writerows({**r, "row": i} for i, r in enumerate(kept))
            meta = json.load(open(f"{out}/{name}/meta.json", encoding="utf-8"))
            meta["counts"].update(images=len(kept), embedded=len(kept), identities=len({r["identity"] for r in kept}))
            with open(f"{out}/{name}/meta.json", "w", encoding="utf-8") as f:
                json.dump(meta, f)


def check_filters(out, kept, folder):
    """What takes part after filters is what a set of these images alone gives, and the others are counted."""
    drop = ("image", "reference", "holdout_image", "holdout_reference", "other_reference", "image_path", "reference_path",
            "holdout_image_path", "holdout_reference_path")
    for name in ("identities.csv", "persons.csv", "pairs.csv", "curve.csv", "doubles.csv"):
        if without_rows(f"{out}/{name}", True, drop) != without_rows(f"{kept}/{name}", True, drop):
            sys.exit(f"{name}: filters change more than the images")
    filters = json.load(open(f"{out}/measures.json", encoding="utf-8"))["filters"]
    for s, name in zip(filters["sets"], ("synthetic", "train", "holdout"), strict=True):
        rows = table(f"{folder}/{name}/images.csv")
        old = [r for r in rows if r["age"] and float(r["age"]) >= 13]
        near(s["left_out"][0]["unknown"], sum(not r["age"] for r in rows), "images without an age")
        near(s["left_out"][0]["no"], sum(bool(r["age"]) for r in rows) - len(old), "images below the age")
        near(s["left_out"][1]["unknown"], sum(not r["group:colour"] for r in old), "images without a colour")
        near(s["left_out"][1]["no"], sum(r["group:colour"] == "green" for r in old), "images of another colour")
        near(s["images"], sum(r["group:colour"] == "red" for r in old), "images that stay")


def check_strata(out, folder):
    """Strata from identities.csv and pairs.csv: who is in them, what was found, pi; intervals only for plausibility."""
    data = json.load(open(f"{out}/measures.json", encoding="utf-8"))
    units, pairs, rows = table(f"{out}/identities.csv"), table(f"{out}/pairs.csv"), table(f"{out}/strata.csv")
    values = {}
    for r in table(f"{folder}/synthetic/images.csv"):
        values.setdefault(r["identity"], []).append(r)
    def colour(i):
        seen = {r["group:colour"] for r in values[i]} - {""}
        return seen.pop() if len(seen) == 1 else "several" if seen else "not known"
    def age(i):
        years = [float(np.float32(r["age"])) for r in values[i] if r["age"]]
        at = np.median(years) if years else None
        return "not known" if at is None else "below 13" if at < 13 else "13 to 17" if at < 18 else "18 and more"
    of = {"age": age, "group:colour": colour}
    expected = [("age", s) for s in ("below 13", "13 to 17", "18 and more", "not known")]
    expected += [("group:colour", s) for s in sorted({colour(u["identity"]) for u in units})]
    if [(r["variable"], r["stratum"]) for r in rows] != expected:
        sys.exit(f"strata: {[(r['variable'], r['stratum']) for r in rows]}, expected {expected}")
    tau = data["measures"]["L4_discoveries"]["tau"]
    if tau is None or not any(int(r["decoys"]) for r in rows):
        sys.exit("strata: no discovery, or no decoy beside them: this test shows too little")
    comparisons = sum(bool(r["pi"]) for r in rows)
    near(data["strata"]["comparisons"], comparisons, "comparisons")
    for r, x in zip(rows, data["strata"]["rows"], strict=True):
        mine = [u for u in units if of[r["variable"]](u["identity"]) == r["stratum"]]
        margin = np.array([float(u["margin"]) for u in mine])
        near(r["units"], len(mine), "units")
        near(r["images"], sum(int(u["images"]) for u in mine), "images")
        near(r["discoveries"], sum(u["discovery"] == "1" for u in mine), "discoveries")
        near(r["decoys"], (-margin >= tau).sum(), "decoys")
        listed = [of[r["variable"]](p["identity"]) == r["stratum"] for p in pairs]
        near(r["pairs"], sum(listed), "pairs")
        near(r["pairs_share"], sum(listed) / len(pairs), "share of pairs", 1e-8)
        near(r["closest_20"], sum(listed[:20]), "closest pairs")
        if (len(mine) >= 30) != bool(r["pi"]):
            sys.exit(f"{r['stratum']}: pi of {len(mine)} units is '{r['pi']}'")
        if r["pi"]:
            p = (margin > 0).mean()
            share = data["measures"]["L3_preference"]["lambda"]
            near(r["pi"], (p - share) / (1 - share), "pi of a stratum", 1e-8)
            near(r["p_adjusted"], min(1, comparisons * float(r["p_value"])), "adjusted p-value", 1e-8)
            near(x["pi"]["low"], r["pi_low"], "low", 1e-8)
            if not float(r["pi_low"]) < float(r["pi"]) < float(r["pi_high"]):
                sys.exit("pi is outside of its interval")


def without_rows(path, key, drop):
    return sorted(tuple(v for k, v in r.items() if k not in drop) for r in table(path)) if key else None


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    call("simulate", "--identities=300", "--persons=150", "--holdouts=2", "--controls=120", "--images=1", "--dim=192",
         "--share=0.2", "--doubles=3", "--seed=4", "-o", "sim")
    sets = ["--synthetic=sim/synthetic", "--train=sim/train", "--holdout=sim/holdout", "--control=sim/control"]
    call("measure", *sets, "-o", "two")
    n = check("sim", "two", 2)
    call("measure", *sets, "--decoys=1", "--same-person=2", "-o", "one")
    check("sim", "one", 1)

    call("simulate", "--identities=300", "--persons=150", "--holdouts=2", "--controls=0", "--images=1", "--dim=48",
         "--share=0.2", "--seed=4", "-o", "low")
    call("measure", *sets, "--matcher=low", *(f"--{s}=low/{s}" for s in ("synthetic", "train", "holdout")), "-o", "several")
    if check_matchers("several", "two", "several/low") == 0:
        sys.exit("the matchers agree on nothing: this test shows too little")
    call("simulate", "--identities=200", "--persons=200", "--controls=0", "--images=1", "--share=0", "--seed=9", "-o", "null")
    call("measure", *(f"--{s}=null/{s}" for s in ("synthetic", "train", "holdout")), "--strength=0.35", "--strength=0.6", "-o", "nothing")
    if check_power("null", "nothing") != 2:
        sys.exit("power: expected two strengths")

    # threads and the order of the input do not matter
    call("measure", *sets, "-t", "5", "-o", "threads")
    for name in os.listdir("two"):
        with open(f"two/{name}", "rb") as a, open(f"threads/{name}", "rb") as b:
            if name.endswith(".csv") and a.read() != b.read():
                sys.exit(f"{name} differs with five threads")
    call("simulate", "--identities=200", "--persons=100", "--controls=0", "--images=3", "--dim=48", "--seed=6", "-o", "sim3")
    call("simulate", "--identities=200", "--persons=100", "--controls=10", "--images=3", "--dim=48", "--seed=6", "-o", "sim4")
    shuffled("sim4", "mixed")
    for folder in ("sim4", "mixed"):
        call("measure", f"--synthetic={folder}/synthetic", f"--train={folder}/train", f"--holdout={folder}/holdout",
             f"--control={folder}/control", "-o", f"out-{folder}")
    rows = ("image", "reference", "holdout_image", "holdout_reference")
    for name, drop in (("identities.csv", rows), ("persons.csv", ("image", "reference")), ("curve.csv", ())):
        if without_rows(f"out-sim4/{name}", True, drop) != without_rows(f"out-mixed/{name}", True, drop):
            sys.exit(f"{name} depends on the order of the rows")
    a, b = (json.load(open(f"{x}/measures.json", encoding="utf-8")) for x in ("out-sim4", "out-mixed"))
    images = a["matching"]["images_each"]
    if len(set(images)) != 1 or a["measures"]["L4_discoveries"] != b["measures"]["L4_discoveries"]:
        sys.exit(f"matching: {images}")
    call("simulate", "--identities=200", "--persons=100", "--controls=0", "--images=3", "--share=0.3", "--seed=8", "-o", "sim5")
    measured_by("sim5", "known", lambda r: r["age"] and float(r["age"]) >= 13 and r["group:colour"] == "red")
    for folder, words in (("known", ("--filter=age>=13", "--filter=group:colour=red")), ("known-kept", ())):
        call("measure", *(f"--{s}={folder}/{s}" for s in ("synthetic", "train", "holdout")), *words, "-o", f"out-{folder}")
    check_filters("out-known", "out-known-kept", "known")
    call("measure", *(f"--{s}=known/{s}" for s in ("synthetic", "train", "holdout")), "--strata=age", "--strata=group:colour",
         "-o", "out-strata")
    check_strata("out-strata", "known")
    if n == 0:
        sys.exit("no discoveries: this test shows too little")
    print(f"all measures agree; {n} discoveries")
