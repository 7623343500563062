# SPDX-License-Identifier: Apache-2.0
# One person's question, with made pictures: who is in the set is found, who is not is not, and nothing is stored.
. "$TESTS/lib.sh"
tiny_model
pictures all 60 2
mkdir made holdout asked
for i in 00 01 02 03 04 05 06 07 08 09; do mv all/person_$i made/; done
for i in 10 11 12; do mv all/person_$i asked/; done
mv all/* holdout/
embed made -o synthetic -q >/dev/null
embed holdout -o others -q >/dev/null
person() { "$LIKENESS" person --synthetic synthetic --holdout others -m tiny/tiny.json -q "$@"; }
known=$(find made/person_03 -name '*.png' | sort | head -1)
person "$known" -n 2
code=0
person "$known" --limit 0.05 -o out.json >/dev/null || code=$?
echo "limit: $code"
"$python" - <<EOF
import json
r = json.load(open("out.json"))
assert r["kind"] == "person" and r["at_least_as_close"] == 0 and r["persons"] == 47 and abs(r["p"] - 1 / 48) < 1e-12, r
assert r["compared"] == 1 and len(r["closest"]) == 10 and r["closest"][0]["identity"] == "person_03", r
EOF
# Two photos are compared with two images of each person.
# shellcheck disable=SC2046 # names without blanks
person $(find made/person_03 -name '*.png' | sort) -n 1 | sed -n 2p
rm out.json
find . -newer others/meta.json -type f | grep -v '^./tiny' || true # nothing was stored
echo broken >broken.png
code=0
person broken.png "$known" >/dev/null || code=$?
echo "some: $code"
code=0
person broken.png >/dev/null || code=$?
echo "none: $code"
#out 1 of 1 photos used; closest score with 20 synthetic images: 1.0000
#out 0 of 47 persons whom the generator never saw come at least as close, with as many images: p = 0.0208
#out No smaller p-value is possible with so many persons. Look at the images below: this is a lead, not a proof, and a look-alike comes close, too.
#out 1.0000  row 6  made/person_03/*  identity person_03
#out *  identity *
#out limit: 10
#out 0 of 47 persons whom the generator never saw come at least as close, with as many images: p = 0.0208
#out some: 3
#out none: 1
#err ...
#err likeness: error: none of the 1 photos shows a face that can be used
