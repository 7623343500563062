# SPDX-License-Identifier: Apache-2.0
# A review of made pictures: controls, sizes and hashes as docs/formats.md says, known answers give known statistics, a
# change is found, nothing is overwritten.
. "$TESTS/lib.sh"
tiny_model
pictures all 30 3
mkdir train others holdout
mv all/person_0* train/
mv all/person_10 all/person_11 all/person_12 all/person_13 all/person_14 all/person_15 others/
mv all/* holdout/
"$LIKENESS" plant -q --train train --others others -n 4 --kinds copy,flip -o made >/dev/null
for set in train holdout made/images; do embed -q "$set" -o "faces_${set%%/*}" >/dev/null; done
"$LIKENESS" measure -q --synthetic faces_made --train faces_train --holdout faces_holdout --same-person=2 -o measured >/dev/null
review() { # expected exit code, arguments
    want=$1; shift
    code=0
    "$LIKENESS" review "$@" >out.txt 2>err.txt || code=$?
    [ $code = "$want" ] || { echo "exit code $code, expected $want: $*"; cat out.txt err.txt; }
}
review 0 new measured --items 20 -o r.db
grep -q "^r.db: 12 candidates ([0-9]* discoveries), controls: [0-9]* mated, [0-9]* look-alikes, [0-9]* easy, 2 repeats$" out.txt || cat out.txt
[ "$(stat -c %a r.db)" = 600 ] || echo "the review can be read by others"
tokens=$(sed -n 's/^[a-z0-9 ]* \/[a-z]*#//p' out.txt)
for token in $tokens; do ! grep -q "$token" r.db || echo "the review holds a token"; done
# shellcheck disable=SC2086
"$python" "$TESTS/answer_review.py" check r.db $tokens
cp r.db empty.db
review 1 new measured --items 20 -o r.db
grep -q "is there already" err.txt || cat err.txt
cmp r.db empty.db
review 0 stats r.db
grep -q "^The review is not finished" out.txt || cat out.txt
last=$("$python" "$TESTS/answer_review.py" answer r.db)
review 0 stats r.db -o r.json
grep -q "sha256 $last$" out.txt || cat out.txt
grep -q "^reviewer 1: 20 of 20 answers, d' [1-9].*, 100 % of 2 repeats alike$" out.txt || cat out.txt
grep -q "^reviewer 3: .* d' 0.00, criterion -" out.txt || cat out.txt
grep -q "^candidates: 12, the same for all reviewers 0, " out.txt || cat out.txt
grep -q "^no candidate is the same for all reviewers: at most 25.0 %" out.txt || cat out.txt
review 0 stats r.db --json
"$python" - <<'END'
import csv, json, math, os
a, b = json.load(open("r.json")), json.load(open("out.txt"))
a.pop("command"), b.pop("command")
assert a == b
assert (os.stat("r.json").st_mode & 0o777) == 0o600
# of three reviewers two call candidates and mated pairs the same, one the look-alikes
assert math.isclose(a["candidates_same"]["share"], 2 / 3) and math.isclose(a["mated_same"]["share"], 2 / 3)
assert math.isclose(a["decoys_same"]["share"], 1 / 3) and math.isclose(a["theta"]["value"], 1), a["theta"]
assert a["complete"] and a["closed"] is False and a["log"]["broken"] is None and a["log"]["rows"] == 60
assert len(a["cases"]) == 12 and all(c["answers"] == ["3", "0", "1"] and c["unanimous"] is None for c in a["cases"])
END
review 0 export r.db -o answers.csv
"$python" - <<'END'
import csv
rows = list(csv.DictReader(open("answers.csv", encoding="utf-8")))
assert len(rows) == 60 and {r["reviewer"] for r in rows} == {"reviewer 1", "reviewer 2", "reviewer 3"}
assert [r["note"] for r in rows if r["note"]] == ['é, "n"'] and rows[0]["time"].startswith("2023-11-14T22:13:20.")
assert {r["image_side"] for r in rows} == {"left", "right"} and all(int(r["milliseconds"]) == 900 for r in rows)
END
# the same seed shows the same, another one does not; names of screens and tokens are new each time
review 0 new measured --items 20 -o same.db
review 0 new measured --items 20 --seed 2 -o other.db
shown() { "$python" -c "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())" "$1" \
    "SELECT reviewer, position, item, swapped, image, reference FROM screens JOIN items USING(item) ORDER BY 1, 2"; }
[ "$(shown r.db)" = "$(shown same.db)" ] || echo "the same seed shows something else"
[ "$(shown r.db)" != "$(shown other.db)" ] || echo "another seed shows the same"
# candidates from a table; a table of other sets is refused
head -9 measured/pairs.csv >few.csv
review 0 new measured --pairs few.csv --items 20 -o few.db
grep -q "^few.db: [2-8] candidates (0 discoveries)" out.txt || cat out.txt
sed '2s/train\//other\//' few.csv >wrong.csv
review 1 new measured --pairs wrong.csv --items 20 -o wrong.db
grep -q "the table is of other sets" err.txt || cat err.txt
[ ! -e wrong.db ] && [ ! -e wrong.db.tmp ] || ls
# a changed answer, and what is no review
"$python" -c "import sqlite3; d = sqlite3.connect('r.db'); d.execute(\"UPDATE log SET answer = '3' WHERE seq = 25\"); d.commit()"
review 1 stats r.db
grep -q "r.db: row 25 of the answer log does not fit its hash" err.txt || cat err.txt
echo "no review at all" >text.db
review 1 stats text.db
grep -q "found no SQLite file" err.txt || cat err.txt
"$python" -c "import sqlite3; d = sqlite3.connect('foreign.db'); d.execute('CREATE TABLE t(x)'); d.commit()"
review 1 export foreign.db -o no.csv
grep -q "of another program" err.txt || cat err.txt
# usage
review 2 new measured
review 2 new measured --controls 0.6 -o x.db
review 2 stats r.db --seed 3
review 2 export r.db
review 2 frobnicate r.db
review 2 stats
grep -q "expected the file of a review" err.txt || cat err.txt
rm -r train holdout made
review 1 new measured --items 20 -o gone.db
grep -q "no candidate pair can be shown" err.txt || cat err.txt
[ ! -e gone.db ] && [ ! -e gone.db.tmp ] || ls
#out 12 candidate, 2 mated, 2 decoy, 2 easy, 2 repeat
