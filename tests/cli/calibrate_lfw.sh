# SPDX-License-Identifier: Apache-2.0
# Pairs of LFW as a .bin, written by Python's pickle, and as pairs.txt give the same rates and accuracy.
. "$TESTS/lib.sh"
data=${LIKENESS_DATA:-$TESTS/../../../shared/data}
[ -f "$data/lfw/pairs_folds1-5.txt" ] || skip "no LFW pictures"
for model in sface blazeface; do
    "$LIKENESS" models list | grep -q "^$model .* yes " || skip "$model is not fetched: likeness models fetch $model"
done 2>/dev/null
"$python" "$TESTS/make_lfw_bin.py" "$data/lfw" 2
"$LIKENESS" embed -q lfw -o lfw.faces -m sface >/dev/null
"$LIKENESS" embed -q lfw.bin -o bin.faces -m sface >/dev/null
"$LIKENESS" calibrate -q lfw.faces --pairs pairs.txt --force-fmr --roc one.csv -o one.json >one.txt
"$LIKENESS" calibrate -q bin.faces --bin lfw.bin --force-fmr --roc two.csv -o two.json >two.txt
diff one.txt two.txt
cmp one.csv two.csv
"$python" - <<END
import json
one, two = (json.load(open(name)) for name in ("one.json", "two.json"))
assert one["accuracy"]["folds"] == 10 and one["accuracy"]["mean"] > 0.9, one["accuracy"]
for key in ("genuine", "impostor", "missing", "eer", "auc", "accuracy", "thresholds"):
    assert one[key] == two[key], (key, one[key], two[key])
END
