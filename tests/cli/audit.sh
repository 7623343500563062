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
cmp one/match/meta.json before/match/meta.json # nothing was matched again
[ "$(stat -c %a one/report.html)" = 600 ]

# Embeddings made before serve as well, and without a hold-out there is no verdict.
"$LIKENESS" audit --train one/train --synthetic one/synthetic/embeddings.npy -o two -q >alone
grep -q '^verdict: not interpretable' alone

# A picture that cannot be read is passed over, and the exit code says so.
printf 'no picture' >train/person_00/broken.jpg
code=0
audit -o three -q >/dev/null 2>err || code=$?
[ $code = 3 ] || { echo "exit code $code, expected 3"; cat err; }
grep -q 'broken.jpg' err

# Without people's pictures and names.
audit --holdout holdout -o one --no-faces -q --force >/dev/null || [ $? = 3 ]
! grep -q person_0 one/report.html one/report.json
! grep -q 'data:image' one/report.html

"$LIKENESS" audit --train train -o four
#exit 2
#out verdict: not enough power
#out Not enough power*
#out truth:   0 of 4 planted identities found, 0 of the discoveries were not planted
#out report:  one/report.html
#err train: 10 images, 10 with a face, 0 without, 0 unreadable
#err holdout: 10 images, 10 with a face, 0 without, 0 unreadable
#err synthetic: 14 images, 14 with a face, 0 without, 0 unreadable
#err match: 280 pairs compared, closest *
#err warning: train/person_00/broken.jpg: unreadable: not a JPEG, PNG or WebP picture*
#err likeness audit: expected --train SET, --synthetic SET and -o DIR
#err ...
