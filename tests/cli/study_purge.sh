# SPDX-License-Identifier: Apache-2.0
# A study's folder is purged as a whole: no embedding and no picture is left below it, every number stays, and both can
# be checked afterwards.
. "$TESTS/lib.sh"
tiny_model
pictures all 40 2
mkdir train holdout others
mv all/person_0* all/person_1* train/
mv all/person_2* holdout/
mv all/person_3* others/
pictures more 10 2
for person in more/*; do mv "$person" holdout/more_"${person#more/}"; done
"$LIKENESS" plant --train train --others others -n 6 --kinds copy,jpeg -o planted -q >/dev/null
cat >study.ini <<'END'
[study]
output = out
[matcher tiny]
model = tiny/tiny.json
aligned = yes
calibration = pairs
[matcher twin]
model = tiny/tiny.json
aligned = yes
calibration = pairs
[train real]
images = train
holdout = out-of-it
[train other]
images = others
holdout = out-of-it
[holdout out-of-it]
images = holdout
[calibration pairs]
images = holdout
from-identities = yes
[synthetic made]
images = planted/images
truth = planted/truth.csv
planted-from = real
duplicates = yes
END
"$LIKENESS" audit study.ini -q >/dev/null
"$LIKENESS" verify out --sample 0 -q | tail -1
"$python" - <<'END'
import json
manifest = json.load(open("out/manifest.json"))
listed = {entry["path"]: entry for entry in manifest["outputs"]}
for path in ("sets/made.html", "study.html", "duplicates/made.csv", "calibration/tiny/thresholds.json", "calibration/twin/roc.csv",
             "runs/real/made/report.html", "runs/other/made/report.json", "runs/real/made/measure/twin/identities.csv"):
    if path not in listed:
        print(path, "is not listed")
print(*sorted(entry["page"] for entry in manifest["reports"]))
END
expect() { # exit code, words that must be printed
    code=0
    "$LIKENESS" verify out -q >found 2>&1 || code=$?
    [ $code = "$1" ] && grep -q -- "$2" found || { echo "exit code $code, expected $1 and '$2'"; cat found; }
}
for file in sets/made.html duplicates/made.csv calibration/tiny/roc.csv; do
    cp out/$file kept
    echo >>out/$file; expect 1 "^changed  *$file: sha256 is "
    cp kept out/$file
done
# What later runs may leave: a page under another name, a contact sheet, small pictures of a list that was interrupted.
cp -r out copy
"$LIKENESS" report out/runs/real/made/measure -o out/runs/real/made/again.html --contact-sheet out/runs/real/made/closest.png -q >/dev/null
printf 'pictures' >out/duplicates/made.csv.part
"$LIKENESS" report out/runs/real/made/measure -o out/runs/real/made/bare.html --no-faces -q >/dev/null
"$LIKENESS" purge out --yes -q | tail -1
ls out/runs/real/made out/duplicates

# All that is left, byte by byte: no embedding, in no form, and no picture.
"$python" - <<'END'
import base64, pathlib
import numpy as np
vectors = np.concatenate([np.load(path) for path in pathlib.Path("copy/faces").rglob("embeddings.npy")])
rows = {row[:6].tobytes() for row in vectors}
signs = rows | {base64.b64encode(row[:6].tobytes()) for row in vectors}
signs |= {"{:.6f}, {:.6f}".format(*row[:2]).encode() for row in vectors}
signs |= {b"data:image", b"\x93NUMPY", b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"/9j/", b"iVBORw0KGgo", b"UklGR"}
seen = 0
for path in pathlib.Path("out").rglob("*"):
    if path.is_file():
        seen += 1
        held = path.read_bytes()
        found = [sign for sign in signs if sign in held]
        if found:
            print(path, "holds", found[0])
whole = b"".join(path.read_bytes() for path in pathlib.Path("copy").rglob("*") if path.is_file())
print(seen > 60, all(row in whole for row in rows)) # the search does find what is there
END
# The pages are those without faces: they name nobody. The numbers are what they were.
! grep -l '\(person\|more\)_[0-9]' out/runs/*/*/report.html out/runs/*/*/report.json out/study.html out/sets/*
for file in $(cd copy && find . -name '*.csv' -o -name 'measures.json' -o -name 'study.json' -o -name 'thresholds.json'); do
    cmp "out/$file" "copy/$file"
done
expect 3 '^purged  *faces/tiny/made/embeddings.npy: removed, 20'
grep -c '^purged  *runs/[a-z]*/made/report.html: replaced by one without faces' found
! grep '^changed\|^missing\|^extra' found
grep -q '^same  *files: [0-9]* files have the recorded hash$' found || cat found
echo >>out/runs/other/made/measure/persons.csv
expect 1 '^changed  *runs/other/made/measure/persons.csv: sha256 is '
cp copy/runs/other/made/measure/persons.csv out/runs/other/made/measure/
cp copy/faces/tiny/made/embeddings.npy out/faces/tiny/made/
expect 1 '^extra  *faces/tiny/made/embeddings.npy: was purged and is there again'
"$LIKENESS" purge out --yes -q | tail -1
expect 3 '^purged  *runs/real/made/report.html: replaced by one without faces'
# While the study runs, its folder is left alone.
flock out/.lock "$LIKENESS" purge out --yes >/dev/null 2>message || sed 's/.*error: //' message
#out all is as recorded
#out runs/other/made/report.html runs/real/made/report.html
#out * removed, 2 replaced, * with numbers kept
#out out/duplicates:
#out made.csv
#out
#out out/runs/real/made:
#out again.json
#out bare.html
#out bare.json
#out match
#out measure
#out report.html
#out report.json
#out True True
#out 2
#out 1 removed, 0 replaced, * with numbers kept
#out out: another run is writing into this folder*
