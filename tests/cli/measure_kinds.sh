# SPDX-License-Identifier: Apache-2.0
# Copies of training pictures are a proof: found without a hold-out, mirrored ones told apart, and left open where a
# picture cannot be read any more.
. "$TESTS/lib.sh"
tiny_model
pictures all 24 2
mkdir train others holdout
mv all/person_0* train/
mv all/person_10 all/person_11 all/person_12 all/person_13 all/person_14 all/person_15 others/
mv all/* holdout/
"$LIKENESS" plant -q --train train --others others -n 4 --kinds copy,flip -o made >/dev/null
for set in train holdout made/images; do embed -q "$set" -o "faces_${set%%/*}" >/dev/null; done
measure() { "$LIKENESS" measure -q --synthetic faces_made --train faces_train "$@"; }
measure -o alone >out.txt
grep -q "^verdict: copies shown" out.txt || cat out.txt
grep -q "^Copies shown: 4 of 10 synthetic identities hold a picture" out.txt || cat out.txt
grep -q "(proof): 4; " out.txt || cat out.txt
measure --holdout faces_holdout -o held >out.txt
grep -q "^verdict: copies shown" out.txt || cat out.txt
measure_none() { # set that holds none of the training pictures
    "$LIKENESS" measure -q --synthetic faces_holdout --train faces_train -o "$1" >out.txt
    grep -q "^verdict: not interpretable" out.txt || cat out.txt
}
measure_none other
"$python" - <<'END' || exit $?
import csv, json
truth = {r["file"]: r for r in csv.DictReader(open("made/truth.csv"))}
pairs = list(csv.DictReader(open("alone/pairs.csv")))
assert len(pairs) == len({(p["image"], p["reference"]) for p in pairs}) and all(p["e_value"] == "" for p in pairs)
kinds = {"copy": "same picture", "flip": "same picture, mirrored"}
seen = 0
for p in pairs:
    t = truth[p["image_path"].split("images/", 1)[1]]
    own = t["planted"] == "1" and "train/" + t["train_image"] == p["reference_path"]
    assert p["kind"] == (kinds[t["kind"]] if own else "other picture"), p
    seen += own
kinds = json.load(open("alone/measures.json"))["measures"]["L8_kinds"]
assert seen == kinds["images_copied"] == kinds["closest_pairs"]["same picture"] + kinds["closest_pairs"]["same picture, mirrored"] >= 4
assert all(float(p["e_value"]) > 0 and p["flagged"] in "01" for p in csv.DictReader(open("held/pairs.csv")))
END
rm train/person_00/*
find made/images -type f | while read -r file; do echo damaged >"$file"; done
measure -o gone >out.txt
grep -q "^verdict: not interpretable" out.txt || cat out.txt
cut -d, -f4 gone/pairs.csv | sort | uniq -c | sed 's/^ *//'
#out 400 
#out 1 kind
