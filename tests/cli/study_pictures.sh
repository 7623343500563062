# SPDX-License-Identifier: Apache-2.0
# A study from pictures: embedded once, duplicates left out; a changed input, a missing file and a full disk in the
# middle give a clear message, and nothing that is finished is lost.
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
cp planted/images/"$(ls planted/images | head -1)"/*.jpg .
for one in *.jpg; do cp "$one" planted/images/"$(ls planted/images | head -1)"/again.jpg; break; done
study() { # more of the file from standard input
    cat >study.ini <<'END'
[study]
output = out
[matcher tiny]
model = tiny/tiny.json
aligned = yes
[matcher twin]
model = tiny/tiny.json
aligned = yes
choice = largest
[train real]
images = train
holdout = out-of-it
[holdout out-of-it]
images = holdout
[synthetic made]
images = planted/images
truth = planted/truth.csv
duplicates = yes
END
    cat >>study.ini
}
run() { # expected exit code, arguments
    want=$1; shift
    code=0
    "$LIKENESS" audit study.ini -t 2 -q "$@" >out.txt 2>err.txt || code=$?
    [ $code = "$want" ] || { echo "exit code $code, expected $want: $*"; cat err.txt; }
}
# A missing file is found before anything is done.
study <<'END'
[synthetic gone]
images = gone
END
run 1
sed 's/.*study.ini: //' err.txt
[ ! -e out ] || echo "something was done"

# So is a model, here of the second matcher.
study </dev/null
sed -i 's/^\[matcher twin\]$/&\nage = nobody/' study.ini
run 1
sed 's/.*study.ini: //; s/;.*//' err.txt
ls out/faces 2>/dev/null || true

# A full disk while a set is embedded (a limit on file size stands for it), then room again.
study </dev/null
"$LIKENESS" audit study.ini --dry-run >/dev/null 2>&1
(ulimit -f 16 && "$LIKENESS" audit study.ini -t 2 -q) >/dev/null 2>err.txt && echo "there was room" || true
sed 's/.*error: //' err.txt
"$LIKENESS" status out | grep -c '^failed'
run 0
[ -e out/duplicates/made.csv ]
grep -q ',excluded,' out/faces/tiny/made/images.csv || echo "the repeated picture was not left out"
cmp out/faces/tiny/made/embeddings.npy out/faces/twin/made/embeddings.npy
grep -ho '"face_choice": "[a-z]*"' out/faces/tiny/made/meta.json out/faces/twin/made/meta.json
"$LIKENESS" verify out -q >verified || cat verified
cp -r out before

# A picture that has changed since: refused, and nothing is lost; embedded again when asked for.
person=$(ls train | head -1)
picture=$(ls "train/$person" | head -1)
cp "train/$person/$picture" saved
cp "$(find train -name '*.png' | tail -1)" "train/$person/$picture"
touch -d '2001-01-01' "train/$person/$picture"
run 1
sed 's/.*error: //; s/real: [^ ]*out\/faces\/tiny\/real:/real: FOLDER:/; s/others:.*/others/' err.txt
diff -r -x steps.json out before
run 0 --force
cmp -s out/faces/tiny/real/embeddings.npy before/faces/tiny/real/embeddings.npy && echo "was not embedded again"
cmp -s out/runs/real/made/measure/measures.json before/runs/real/made/measure/measures.json && echo "was not measured again"

# A table that is damaged in the middle is made again.
rm out/faces/twin/made/images.csv
run 0
# A picture that cannot be read is passed over, and the exit code says so.
printf 'no picture' >"train/$person/broken.jpg"
run 3 --force
# Stopped with Ctrl-C it waits for the next run.
rm -rf out
"$LIKENESS" audit study.ini -t 1 -q >/dev/null 2>err.txt &
pid=$!
wait_for out/steps.json
kill -INT $pid
wait $pid && code=0 || code=$?
[ $code = 130 ] || [ $code = 3 ] || { echo "exit code $code"; cat err.txt; }
[ $code = 3 ] || "$LIKENESS" status out | head -1 | grep -q 'stopped, nothing runs' || "$LIKENESS" status out
run 3
#out line 20: ?synthetic gone?: images: *gone is not there
#out line 6: ?matcher twin?: there is no model 'nobody'
#out step 1 of 12, duplicates made: *made.csv.part: cannot write: File too large
#out 1
#out "face_choice": "central"
#out "face_choice": "largest"
#out step 2 of 12, embed tiny real: FOLDER: holds a finished result made with other settings: its inputs are others
