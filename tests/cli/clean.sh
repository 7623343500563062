# SPDX-License-Identifier: Apache-2.0
# Cleaning of vectors with a known truth: leaks go, the guarantee holds when it is computed again, a budget is kept,
# other matchers look on, the input stays as it is.
. "$TESTS/lib.sh"
"$LIKENESS" simulate --identities 200 --persons 200 --controls 100 --share 0.3 --dim 192 -o sim >/dev/null
"$LIKENESS" simulate --identities 200 --persons 200 --controls 100 --share 0.3 --dim 128 -o other >/dev/null
find sim other -type f ! -name .lock -exec sha256sum {} + | sort >before.sum
sets="--synthetic=sim/synthetic --train=sim/train --holdout=sim/holdout"
others="--synthetic=other/synthetic --train=other/train --holdout=other/holdout"
run() { # expected exit code, arguments
    want=$1; shift
    code=0
    "$LIKENESS" clean -q "$@" >out.txt 2>err.txt || code=$?
    [ $code = "$want" ] || { echo "exit code $code, expected $want: $*"; cat err.txt; }
}
run 0 $sets -o fdr
run 0 --matcher one $sets --matcher two $others -o both --threads 3
cmp fdr/removal.csv both/removal.csv
grep -q "^- two: discoveries before [1-9][0-9]*, after [0-9]* (of those before, [0-9]* are kept); share" out.txt || cat out.txt
[ -e both/before/two/measures.json ] && [ -e both/after/two/identities.csv ] || ls both/before both/after
[ "$(stat -c %a fdr/clean.json fdr/removal.csv fdr/kept.csv | sort -u)" = 600 ] || echo "others can read what was written"
run 1 $sets -o fdr
grep -q "holds a cleaning already" err.txt || cat err.txt
run 0 $sets -o margin --margin 0.2
run 0 $sets -o fdr --force
cmp fdr/removal.csv both/removal.csv
run 0 $sets -o evalue --evalue 0.0001
run 10 $sets -o budget --budget 10
grep -q "^budget: 10 identities, 10 spent" out.txt || cat out.txt
grep -q "^guarantee: No guarantee: the budget of 10 identities is spent, and [1-9][0-9]* that" out.txt || cat out.txt
run 10 $sets -o share --budget 5%
cmp budget/removal.csv share/removal.csv
run 0 --synthetic sim/synthetic --train sim/train --control sim/control -o control --fdr 0.2
"$python" - <<'END' || exit $?
import csv, json
try:
    import numpy as np
except ImportError:
    raise SystemExit(0)

def table(path):
    return list(csv.DictReader(open(path)))

def vectors(name):
    rows = [r for r in table(f"sim/{name}/images.csv")]
    return np.load(f"sim/{name}/embeddings.npy").astype(float), [r["identity"] for r in rows]

truth = {r["identity"] for r in table("sim/truth.csv") if r["planted"] == "1"}
images = table("sim/synthetic/images.csv")
s, names = vectors("synthetic")
t, persons = vectors("train")
h, _ = vectors("holdout")
lead_t, lead_h = {}, {}
for name, x, y in zip(names, (s @ t.T).max(1), (s @ h.T).max(1)):
    lead_t[name], lead_h[name] = max(lead_t.get(name, -2), x), max(lead_h.get(name, -2), y)
for folder in ("fdr", "both", "margin", "evalue", "budget", "control"):
    removal, kept, clean = table(f"{folder}/removal.csv"), table(f"{folder}/kept.csv"), json.load(open(f"{folder}/clean.json"))
    # every image stands in one list, whole identities go
    assert sorted(r["path"] for r in removal + kept) == sorted(r["path"] for r in images), folder
    gone, stay = {r["identity"] for r in removal}, {r["identity"] for r in kept}
    assert not gone & stay and len(gone) == clean["removal"]["removed"], folder
    assert clean["removal"]["images_kept"] == len(kept), (folder, len(kept), clean["removal"])
    for r in removal:
        assert abs(float(r["score"]) - lead_t[r["identity"]]) < 1e-5 or folder == "evalue", r
        if folder != "control":
            # all persons of the hold-out take part but for doubles, so their best can only be lower
            assert float(r["holdout"]) <= lead_h[r["identity"]] + 1e-5, r
        image, reference = int(r["image"]), int(r["reference"])
        assert names[image] == r["identity"] and persons[reference] == r["person"], r
        assert abs(float(s[image] @ t[reference]) - float(r["score"])) < 1e-5, r
        assert r["reason"] and r["sha256"] == "" and 1 <= int(r["round"]) <= clean["removal"]["rounds"], r
    if folder == "budget":
        assert not clean["guarantee"]["holds"] and clean["removal"]["left"] > 0 and len(gone) == 10
        continue
    assert clean["guarantee"]["holds"], folder
    if folder in ("fdr", "both", "margin"):
        # nobody who stays reaches tau, also against the whole hold-out
        assert max(lead_t[n] - lead_h[n] for n in stay) < clean["criterion"]["tau"]
        found, false = len(gone & truth) / len(truth), len(gone - truth) / len(gone)
        assert found > 0.8 and false < 0.15, (folder, found, false)
    measures = json.load(open(f"{folder}/after/measures.json"))
    assert measures["sets"]["synthetic"]["removed"] == len(gone)
    assert json.load(open(f"{folder}/before/measures.json"))["sets"]["synthetic"]["removed"] == 0
first, second = json.load(open("both/clean.json"))["matchers"]
assert second["name"] == "two" and second["after"]["pi"]["value"] < second["before"]["pi"]["value"]
residual = json.load(open("both/clean.json"))["residual"]
assert residual["genuine"]["missed"] <= residual["genuine"]["leaks"]
want = residual["pi"]["value"] * residual["genuine"]["missed"] / residual["genuine"]["leaks"]
assert abs(residual["genuine"]["share"]["value"] - want) < 1e-12
assert residual["other_matchers"]["missed"] == second["discoveries_kept"]
END
# embeddings made elsewhere, with and without labels
for name in synthetic train holdout; do
    cp sim/$name/embeddings.npy $name.npy
    cut -d, -f2,3 sim/$name/images.csv >$name.npy.labels.csv
done
run 0 --synthetic=synthetic.npy --train=train.npy --holdout=holdout.npy -o plain
[ "$(cut -d, -f2 plain/removal.csv | sort -u)" = "$(cut -d, -f2 fdr/removal.csv | sort -u)" ] || echo "others went"
rm ./*.labels.csv
run 0 --synthetic=synthetic.npy --train=train.npy --holdout=holdout.npy -o rows --force
[ "$(head -n 2 rows/removal.csv | tail -n 1 | cut -d, -f1,2)" = "," ] || head -n 2 rows/removal.csv
[ "$(cat rows/removal.csv rows/kept.csv | cut -d, -f3 | sort -nu | wc -l)" = 400 ] || wc -l rows/*.csv
# nothing leaked, nothing found: no guarantee, and no word that there is no leak
"$LIKENESS" simulate --identities 60 --persons 60 --controls 0 --share 0 -o null >/dev/null
run 0 --synthetic=null/synthetic --train=null/train --holdout=null/holdout -o nothing
grep -q "^guarantee: Nothing was found at a false discovery rate of 5 %" out.txt || cat out.txt
[ "$(wc -l <nothing/removal.csv)" = 1 ] || cat nothing/removal.csv
# a hold-out of another source is no measure
"$LIKENESS" simulate --identities 200 --persons 200 --controls 0 --shift 1 --share 0.1 -o shifted >/dev/null
shifted="--synthetic=shifted/synthetic --train=shifted/train --holdout=shifted/holdout"
run 1 $shifted -o refused
grep -q "the measurement cannot be interpreted" err.txt || cat err.txt
[ ! -e refused/removal.csv ] || ls refused
# what cannot be done is refused before anything is written
run 1 $sets -o sim/synthetic/below
run 1 $sets -o new --tar sim/holdout/set.tar
grep -q "is no FACES directory\|cannot\|does not exist\|no such\|embed them again\|No such" err.txt || cat err.txt
run 1 --synthetic=sim/synthetic --train=sim/train -o alone
grep -q "found no hold-out and no controls" err.txt || cat err.txt
run 1 --synthetic=sim/synthetic --train=sim/train --control=sim/control -o alone2 --margin 0.1
run 2 $sets -o new --margin 0.1 --evalue 0.01
run 2 $sets -o new --budget 101%
run 2 $sets
[ ! -e new ] || ls new
find sim other -type f ! -name .lock -exec sha256sum {} + | sort | cmp - before.sum
