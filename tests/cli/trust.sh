# SPDX-License-Identifier: Apache-2.0
# The manifest of an audit: written once, checked, and kept up to date by a purge that takes faces and nothing else.
. "$TESTS/lib.sh"
tiny_model
pictures all 30 1
mkdir train holdout others
mv all/person_0* train/
mv all/person_1* holdout/
mv all/person_2* others/
"$LIKENESS" plant --train train --others others -n 4 --kinds copy,jpeg -o planted -q >/dev/null
audit() {
    "$LIKENESS" audit --aligned -m tiny/tiny.json --train train --holdout holdout --synthetic planted/images \
        --truth planted/truth.csv -q "$@" >/dev/null
}
expect() { # exit code, words that must be printed, folder, more options of verify
    want=$1 words=$2; shift 2
    code=0
    "$LIKENESS" verify "$@" >out 2>&1 || code=$?
    [ $code = "$want" ] && grep -q -- "$words" out || { echo "exit code $code, expected $want and '$words'"; cat out; }
}

audit -o one
find one ! -type d ! -perm 600 # every output belongs to its owner alone
find one -type d ! -perm 700
cp one/manifest.json before.json
audit -o one
cmp one/manifest.json before.json # nothing has changed, so the manifest has not
expect 0 '^all is as recorded$' one
grep -q '^same  *train: 10 sampled faces embedded again give the same vectors, bit for bit$' out || cat out
grep -q '^same  *match/pairs.csv: 50 sampled pairs scored again' out || cat out

# From another place, moved, and by its hashes alone.
cp -r one moved
(cd / && "$LIKENESS" verify "$OLDPWD/moved" --sample 0 -q) | tail -n 1

# One thing after the other.
change() { rm -rf two; cp -r one two; }
change; sed -i 's/^1,0/1,1/' two/match/pairs.csv; expect 1 '^changed  *match/pairs.csv: sha256 is ' two
change; sed -i 's/^1,[0-9.]*,/1,0.25,/' two/match/pairs.csv; expect 1 '^changed  *match/pairs.csv: 1 of [0-9]* sampled pairs scored again give another score, such as that of line 2$' two --sample 10000
change; printf 'x' >>two/report.json; expect 1 '^changed  *report.json: sha256 is ' two
change; rm two/match/nearest.csv; expect 1 '^missing  *match/nearest.csv: ' two
change; : >two/match/range.csv; expect 1 '^extra  *match/range.csv: ' two
change; rm two/report.json; mkfifo two/report.json
expect 1 '^changed  *report.json: .*expected a regular file, found a FIFO' two # and is not waited for
change; : >two/notes.txt; expect 0 '^all is as recorded$' two
change; printf '\200?' | dd of=two/train/embeddings.npy bs=1 seek=138 conv=notrunc 2>/dev/null
expect 1 '^changed  *train: 1 of 10 sampled faces embedded again give other vectors' two
grep -q '^changed  *train/embeddings.npy' out || cat out
change; cp -p two/train/meta.json two/holdout/meta.json; expect 1 '^changed  *holdout/meta.json' two
change; echo '{"kind": "manifest"' >two/manifest.json; expect 1 'manifest.json: ' two
rm two/manifest.json; expect 1 'expected a folder that likeness audit finished' two
"$python" - <<'END'
import json
m = json.load(open("one/manifest.json"))
m["uses"][0]["embeddings_sha256"] = "0" * 64
json.dump(m, open("two/manifest.json", "w"))
END
expect 1 '^changed  *match/meta.json: was made from other embeddings than those of synthetic$' two

# Inputs: a changed one differs, one that is gone cannot be checked.
cp -p planted/truth.csv truth.csv
echo >>planted/truth.csv; expect 1 '^changed  */.*/planted/truth.csv: sha256 is ' one
rm planted/truth.csv; expect 3 '^not checked /.*/planted/truth.csv: this input is not there any more$' one
cp -p truth.csv planted/truth.csv; expect 0 '^all is' one
picture=train/person_03/$(ls train/person_03)
cp -p "$picture" kept
cp -p train/person_04/* "$picture"; expect 1 '^changed  *train: 1 of 10 sampled pictures have other bytes than recorded: train/person_03/' one
cp kept "$picture"; expect 3 '^not checked train: files of its pictures were written since' one
rm "$picture"; expect 1 '^changed  *train: 1 of its 10 pictures are not there any more$' one
cp -p kept "$picture"
mv train elsewhere; expect 3 '^not checked train: its 10 pictures are not there any more$' one; mv elsewhere train
mv tiny gone; expect 3 '^not checked tiny: model: ' one; mv gone tiny
printf x >>tiny/tiny.onnx
expect 1 '^changed  *tiny: model: sha256 of its file is ' one
grep -q '^not checked train: its vectors: ' out || cat out

# The purge asks, takes nothing that is not ours, follows no link, and can be checked afterwards.
: >one/train/codes-avx2.cache # as a later `match --cache` leaves it
mkdir outside
cp one/train/embeddings.npy outside/
ln -s ../outside one/linked
mkdir one/mine
cp one/train/embeddings.npy one/mine/
code=0
"$LIKENESS" purge one >plan 2>err || code=$?
[ $code = 2 ] || echo "exit code $code without --yes, expected 2"
cat plan err
[ -e one/train/embeddings.npy ] || echo "removed without being asked to"
"$LIKENESS" purge one --yes -q | tail -n 1
ls outside one/mine
find one -name 'embeddings.npy' -o -name '*.cache'
! grep -q 'data:image' one/report.html || echo "the report still has pictures"
! grep -q person_0 one/report.json || echo "report.json still has names"
[ -z "$(find one ! -type l ! -type d ! -perm 600 ! -path 'one/mine/*')" ] || find one -ls
tiny_model
expect 3 '^purged  *train/embeddings.npy: removed, 20' one
! grep -q '^missing\|^changed\|^extra' out || cat out
cp outside/embeddings.npy one/train/; expect 1 '^extra  *train/embeddings.npy: was purged and is there again' one
rm one/train/meta.json # without the mark of its folder it is still ours, since the manifest lists what was there
"$LIKENESS" purge one --yes | tail -n 1
"$LIKENESS" purge planted
#exit 1
#out all is as recorded
#out removes   holdout/embeddings.npy (* bytes)
#out replaces  report.html by a page without pictures, paths and names
#out removes   synthetic/embeddings.npy (* bytes)
#out removes   train/codes-avx2.cache (0 bytes)
#out removes   train/embeddings.npy (* bytes)
#out likeness purge: nothing was removed: expected --yes, for there is no terminal to ask on
#out 4 removed, 1 replaced, * with numbers kept
#out one/mine:
#out embeddings.npy
#out
#out outside:
#out embeddings.npy
#out one/mine/embeddings.npy
#out 1 removed, 0 replaced, * with numbers kept
#err likeness: error: planted/manifest.json: not there; expected a folder that likeness audit finished*
