# SPDX-License-Identifier: Apache-2.0
# The whole way in one command: the same verdict again without redoing anything, refusals, and the exit codes.
. "$TESTS/lib.sh"
tiny_model
pictures all 30 1
mkdir train holdout others
mv all/person_0* train/
mv all/person_1* holdout/
mv all/person_2* others/
"$LIKENESS" plant --train train --others others -n 4 --kinds copy,jpeg -o planted -q >/dev/null
audit() { "$LIKENESS" audit --aligned -m tiny/tiny.json --train train --synthetic planted/images "$@"; }

audit --holdout holdout -o one --truth planted/truth.csv
cp -r one before
audit --holdout holdout -o one --truth planted/truth.csv >again 2>&1
cmp one/report.html before/report.html
cmp one/match/meta.json before/match/meta.json # nothing was matched or measured again
for file in one/measure/*; do [ ! "$file" -nt before/report.html ] || echo "$file was made again"; done
grep -q '^measure: .* (done before)$' again || cat again
[ "$(stat -c %a one/report.html)" = 600 ]

# Other settings are refused, and --force redoes what they change; a table that was changed is made anew.
code=0
audit --holdout holdout -o one --fdr 0.1 -q >/dev/null 2>err || code=$?
[ $code = 1 ] && grep -q 'one/measure: holds finished measures that differ in: fdr; ' err || { echo "exit code $code"; cat err; }
audit --holdout holdout -o one --fdr 0.1 -q --force >/dev/null
grep -q '"fdr": 0.1' one/measure/measures.json || echo "the new rate is not there"
echo damaged >>one/measure/pairs.csv
code=0
"$LIKENESS" report one/measure --match one/match -o damaged.html -q >/dev/null 2>err || code=$?
[ $code = 1 ] && grep -q 'pairs.csv: has changed since it was written' err || { echo "exit code $code"; cat err; }
audit --holdout holdout -o one -q --force >/dev/null
cmp one/measure/pairs.csv before/measure/pairs.csv

# Several hold-outs and controls.
mkdir more half
cp -r holdout/person_1[0-4] half/
cp -r holdout/person_1[5-9] more/
audit --holdout half --holdout more --control others --control others --same-person 2 --seed 7 -o several -q >/dev/null
ls several | tr '\n' ' '
"$python" - <<'END'
import json
made = json.load(open("several/measure/measures.json"))
card = json.load(open("several/report.json"))
assert [s["path"] for s in made["sets"]["holdouts"]] == ["several/holdout", "several/holdout-2"], made["sets"]
assert len(card["sets"]["holdouts"]) == 2 and len(card["sets"]["controls"]) == 2
assert card["measured"]["measures"] == made["measures"] and made["seed"] == 7 and made["settings"]["same_person"] == 2
END

# A MATCH directory of other sets is refused.
code=0
"$LIKENESS" report several/measure --match one/match -q -o other.html >/dev/null 2>err || code=$?
[ $code = 0 ] || { echo "exit code $code: the same synthetic and training set"; cat err; }
"$LIKENESS" match -q one/holdout one/train -o turned >/dev/null
code=0
"$LIKENESS" report one/measure --match turned -q -o other.html >/dev/null 2>err || code=$?
[ $code = 1 ] && grep -q 'turned: its probes are not the synthetic of' err || { echo "exit code $code"; cat err; }

# Embeddings made before serve as well, and without a hold-out there is no verdict on leaks.
"$LIKENESS" audit --train one/train --synthetic one/synthetic/embeddings.npy -o two -q >alone
grep -q '^verdict: not interpretable' alone || cat alone

# A picture that cannot be read is passed over, and the exit code says so.
printf 'no picture' >train/person_00/broken.jpg
code=0
audit -o three -q >/dev/null 2>err || code=$?
[ $code = 3 ] || { echo "exit code $code, expected 3"; cat err; }
grep -q 'broken.jpg' err

# Without people's pictures, names and paths.
audit --holdout holdout -o one --no-faces -q --force >/dev/null || [ $? = 3 ]
for word in person_ planted/ 'one/' holdout/ broken.jpg data:image "$PWD"; do
    if grep -qF -- "$word" one/report.html one/report.json; then echo "'$word' is told"; fi
done
grep -q '"path": null' one/report.json || echo "no path was withheld"

"$LIKENESS" audit --train train -o four
#exit 2
#out verdict: copies shown
#out Copies shown: 4 of 14 *: Not enough power: *
#out truth:   0 of 4 planted identities found, 0 of the discoveries were not planted
#out report:  one/report.html
#out control-1 control-2 holdout holdout-2 manifest.json match measure report.html report.json synthetic train 
#err train: 10 images, 10 with a face, 0 without, 0 unreadable
#err holdout: 10 images, 10 with a face, 0 without, 0 unreadable
#err synthetic: 14 images, 14 with a face, 0 without, 0 unreadable
#err match: 280 pairs compared, closest *
#err measure: 14 units, 10 persons each, 0 left out as doubles
#err warning: train/person_00/broken.jpg: unreadable: not a JPEG, PNG or WebP picture*
#err likeness audit: expected --train SET, --synthetic SET and -o DIR
#err ...
