# SPDX-License-Identifier: Apache-2.0
# Shards of a comparison joined are the tables of one run, byte for byte; killed shards go on; what does not belong
# together is refused.
. "$TESTS/lib.sh"
"$LIKENESS" simulate -q --identities=300 --persons=400 --images=3 --seed=5 -o sim >/dev/null
match() { # folder, options
    out=$1
    shift
    "$LIKENESS" match sim/synthetic sim/train --holdout sim/holdout --min-score 0.5 -q -o "$out" "$@"
}
fails() {
    code=0
    "$LIKENESS" "$@" || code=$?
    [ $code = 1 ] || echo "exit code $code"
}
match whole >/dev/null
for n in 1 3 8; do
    shards=
    for i in $(seq "$n"); do
        match "of$n/$i" --shard "$i/$n" -t $((i % 3 + 1)) >/dev/null
        shards="of$n/$i $shards" # any order
    done
    "$LIKENESS" merge -q $shards -o "joined$n" >/dev/null
    [ "$(ls -A whole)" = "$(ls -A "joined$n")" ]
    for table in whole/*.csv; do
        cmp "$table" "joined$n/${table#whole/}"
    done
done
ls -A of3/2
stat -c %a of3/2 of3/2/search.part of3/2/range.part joined3/pairs.csv | tr '\n' ' '
echo
match of3/2 --shard 2/3
"$LIKENESS" merge of3/1 of3/2 of3/3 -o joined3
match whole --force >/dev/null
match joined3 # stands for the single run

# A shard that was killed at any moment.
for moment in 0.01 0.05 0.1; do
    timeout -s KILL $moment "$LIKENESS" match sim/synthetic sim/train --holdout sim/holdout --min-score 0.5 -q -o late --shard 2/3 \
        >/dev/null 2>&1 || :
done
match late --shard 2/3 >/dev/null
"$LIKENESS" merge -q of3/1 late of3/3 -o joined >/dev/null
cmp whole/nearest.csv joined/nearest.csv

# Work of another shard is not taken up, though it is as large.
mkdir mixed
cp of3/1/*.part mixed
match mixed --shard 2/3 >/dev/null
"$LIKENESS" merge -q of3/1 mixed of3/3 -o again >/dev/null
cmp whole/nearest.csv again/nearest.csv
cp -r of3 moved
cp of3/1/*.part moved/2
fails merge moved/1 moved/2 moved/3 -o no

fails merge of3/1 of3/3 -o no
fails merge of3/1 of3/2 of3/3 of3/2 -o no
fails merge of3/1 of8/2 -o no
fails merge of3/1 whole -o no
match other -r 4 --shard 2/3 >/dev/null
fails merge of3/1 other of3/3 -o no
cp -r of3 cut
truncate -s -1 cut/2/search.part
fails merge cut/1 cut/2 cut/3 -o no
sed -i 's/"count": 3/"count": 4000000000/' cut/1/meta.json
fails merge cut/1 cut/2 cut/3 -o no
cp of3/1/meta.json cut/1/meta.json
rm cut/2/search.part
fails merge cut/1 cut/2 cut/3 -o no
code=0
match of3/1 --shard 3/3 || code=$?
[ $code = 1 ]
[ ! -e no/meta.json ]
code=0
match no --shard 4/3 || code=$?
[ $code = 2 ]
match no --shard 1/3 --cache || code=$?
[ $code = 2 ]
#out .lock
#out meta.json
#out range.part
#out search.part
#out 700 600 600 600 
#out 900 synthetic faces compared with * of the training set and * held out: * pairs
#out closest pair in the training set scores *, number 1500 scores *
#out a shard for `likeness merge` in of3/2 (up to date, nothing was to do)
#out 900 synthetic faces compared with * of the training set and * held out: * pairs
#out closest pair in the training set scores *, number 1500 scores *
#out tables in joined3 (up to date, nothing was to do)
#out 900 synthetic faces compared with * of the training set and * held out: * pairs
#out closest pair in the training set scores *, number 1500 scores *
#out tables in joined3 (up to date, nothing was to do)
#err warning: mixed/search.part: belongs to other inputs or settings; the search starts from the beginning
#err likeness: error: moved/2/search.part: belongs to other inputs or settings
#err likeness: error: shard 2/3 is missing: 2 of 3 shards were given
#err likeness: error: of3/2 and of3/2: both are shard 2/3; give each once
#err likeness: error: of8/2: is shard 2 of 8, of3/1 is one of 3; give shards of one division
#err likeness: error: whole: is of kind "match"; expected a folder that `likeness match --shard I/N` made
#err likeness: error: other: does not belong to what of3/1 compared, as it lies there now; it differs in: r (4 there, 10 asked for)
#err likeness: error: cut/2/search.part: is damaged
#err likeness: error: cut/1/meta.json: shard 1 of 4000000000
#err likeness: error: cut/2/search.part: is not there, expected that of a finished search
#err likeness: error: of3/1: holds a finished match that differs in: part (shard 1/3 there, shard 3/3 asked for); give another output, or --force to replace it
#err ...
