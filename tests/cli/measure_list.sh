# SPDX-License-Identifier: Apache-2.0
# A list of closest pairs that was made elsewhere: structure, hold-out deficit, files, wrong input.
. "$TESTS/lib.sh"
# The example of docs/methods.md, with the third person in the hold-out.
cat >list.csv <<EOF
probe,probe_identity,reference,reference_identity,score,gallery
A1,A,p1,p,0.60,train
A2,A,p2,p,0.55,train
A3,A,q1,q,0.40,train
B1,B,q1,q,0.50,train
B2,B,q2,q,0.45,train
C1,C,q1,q,0.35,train
D1,D,r1,r,0.30,holdout
EOF
"$LIKENESS" measure --list list.csv --holdout-share 0.25 -o out
cat out/list_persons.csv
"$python" - <<EOF
import json
r = json.load(open("out/list.json"))
assert r["kind"] == "list" and r["format"] == 1 and r["all"]["links"] == 5 and r["all"]["reciprocal"] == 3, r
assert abs(r["all"]["persons"]["effective"] - 25 / 11) < 1e-12 and r["all"]["pair_agreement"] == 0.5, r
assert r["deficit_pairs"]["in_holdout"] == 1 and r["deficit_pairs"]["n"] == 7, r
assert abs(r["deficit_identities"]["pi"] - 0) < 1e-12 and r["deficit_identities"]["n"] == 4, r
assert r["train"]["pairs"] == 6 and r["holdout"]["pair_agreement"] is None, r
EOF
[ "$(stat -c %a out/list.json)" = 600 ]
# The same persons in two galleries are different persons; rows that say no gallery forbid the deficit.
"$LIKENESS" measure --list list.csv --top 4 | head -2
printf 'probe,reference,score\na,x,0.5\nb,x,0.4\n' >plain.csv
"$LIKENESS" measure --list plain.csv | tail -2
# One reference that is close to everything.
"$python" -c 'print("probe,reference,score"); [print(f"s{i},x,0.5") for i in range(12)]' >hub.csv
"$LIKENESS" measure --list hub.csv | tail -1
for wrong in "" "--list absent.csv" "--list list.csv --holdout-share 1" "--list list.csv --top 0" "--list list.csv more"; do
    code=0
    # shellcheck disable=SC2086 # several words
    "$LIKENESS" measure $wrong >/dev/null 2>&1 || code=$?
    echo "$code"
done
#out scores     0.3000 to 0.6000, median 0.4500
#out list       7 pairs of 7 synthetic images of 4 identities
#out persons    3 listed, effective number 2.3; the most linked has 3 of 5 links (60.00 %); 0 hubs with 0.0 %
#out images     5 listed, effective number 3.8; the most linked has 3 of 7 links (42.86 %); 0 hubs with 0.0 %
#out agreement  2 identities with several listed images: 83.3 % of their images have the commonest person;
#out            pairs of images with the same person: 50.00 %, of different identities 29.41 %
#out reciprocal 3 of 4 identities
#out training   6 pairs, pairs of images of one identity with the same person: 50.00 %
#out hold-out   1 pairs
#out deficit    pairs: 1 of 7 in the hold-out, 14.29 % (95 % interval 0.36 to 57.87) where chance gives 25.00 %;
#out            there because of training: 42.9 % (-131.5 to 98.6), p = 0.445
#out deficit    identities: 1 of 4 in the hold-out, 25.00 % (95 % interval 0.63 to 80.59) where chance gives 25.00 %;
#out            there because of training: 0.0 % (-222.4 to 97.5), p = 0.738
#out person,gallery,in_degree,best_score
#out q,train,3,0.5
#out p,train,1,0.600000024
#out r,holdout,1,0.300000012
#out scores     0.4500 to 0.6000, median 0.5000
#out list       4 pairs of 4 synthetic images of 2 identities
#out deficit    none: the list does not tell the training set from a hold-out, so this list cannot say whether its
#out            scores are more than chance
#out hub artefact: most links go to a few persons that are close to everything; such a list shows bad pictures, not leaks
#out 2
#out 1
#out 2
#out 2
#out 2
