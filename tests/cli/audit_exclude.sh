# SPDX-License-Identifier: Apache-2.0
# Duplicates of the synthetic set are left out of an audit, counted in its report, and known to the other steps.
. "$TESTS/lib.sh"
tiny_model
pictures all 20 1
mkdir train holdout
mv all/person_0* train/
mv all/person_1* holdout/
"$python" "$TESTS/make_pictures.py" dcface made 10 2
"$LIKENESS" duplicates -q made -o duplicates.csv >/dev/null
audit() { "$LIKENESS" audit --aligned -m tiny/tiny.json --train train --holdout holdout "$@" --exclude duplicates.csv; }
audit --synthetic made -o one >verdict
head -n 1 verdict
"$python" - <<'END'
import json
sets = json.load(open("one/report.json"))["sets"]
sets["holdout"] = sets["holdouts"][0]
for role in ("synthetic", "training", "holdout"):
    print(role, [sets[role][key] for key in ("images", "no_face", "unreadable", "excluded_by_list", "excluded", "compared")])
END
grep -c 'exact duplicate of made/' one/report.html
grep -o 'Excluded by a list' one/report.html
"$LIKENESS" calibrate one/synthetic --force-fmr | head -n 1
audit --synthetic one/synthetic -o two
#exit 1
#out verdict: *
#out synthetic [[]70, 0, 0, 50, 0, 20]
#out training [[]10, 0, 0, 0, 0, 10]
#out holdout [[]10, 0, 0, 0, 0, 10]
#out [1-9]*
#out Excluded by a list
#out *
#err train: 10 images, 10 with a face, 0 without, 0 unreadable
#err holdout: 10 images, 10 with a face, 0 without, 0 unreadable
#err synthetic: 70 images, 20 with a face, 0 without, 0 unreadable, 50 excluded
#err match: *
#err one/synthetic: *50 excluded by a list are not in it
#err measure: *
#err train: *
#err holdout: *
#err *one/synthetic holds embeddings already: --exclude comes too late for it
