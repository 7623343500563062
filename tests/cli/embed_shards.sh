# SPDX-License-Identifier: Apache-2.0
# Shards joined are what one run makes, byte for byte; what does not belong together is refused.
. "$TESTS/lib.sh"
tiny_model
pictures photos 2 3
echo damaged >photos/person_00/01.png
printf 'P6\n' >"photos/person_01/new
line, and \"quotes\".jpg"
embed photos -q -o whole >/dev/null || [ $? = 3 ]
for n in 1 2 3 7 11; do # 7 pictures: with 11 shards some are empty
    shards=
    for i in $(seq "$n"); do
        embed photos -q -o "of$n/$i" --shard "$i/$n" >/dev/null || [ $? = 3 ]
        shards="of$n/$i $shards" # any order
    done
    "$LIKENESS" merge $shards -o "joined$n" >/dev/null 2>&1 || [ $? = 3 ]
    same_faces whole "joined$n"
done
stat -c %a joined3 joined3/meta.json joined3/images.csv joined3/embeddings.npy | tr '\n' ' '
echo
ls -A joined3
embed photos -o joined3 || [ $? = 3 ]                  # stands for the single run
"$LIKENESS" merge of3/1 of3/2 of3/3 -o whole || [ $? = 3 ] # and the other way round
fails() {
    code=0
    "$LIKENESS" "$@" || code=$?
    [ $code = 1 ] || echo "exit code $code"
}
fails merge of3/1 of3/3 -o no
fails merge of3/1 of3/2 of3/3 of3/2 -o no
fails merge of3/1 of2/2 -o no
fails merge of3/1 whole -o no
fails merge of3/1 nothing -o no
fails merge of3/1 of3/2 of3/3 -o of3/2
embed photos -q --choose=largest -o other --shard 2/3 >/dev/null
fails merge of3/1 other of3/3 -o no
cp -r of3 cut
truncate -s -1 cut/2/images.csv
fails merge cut/1 cut/2 cut/3 -o no
[ ! -e no/images.csv ]
fails embed --aligned -m tiny/tiny.json photos -o of3/2 --shard 1/3
#out 700 600 600 600 
#out .lock
#out embeddings.npy
#out images.csv
#out meta.json
#out joined3 is up to date: nothing to do
#out 7 images of 2 identities
#out          5 embedded, 48 numbers each, in joined3/embeddings.npy
#out          2 unreadable: reasons in joined3/images.csv
#out whole is up to date: nothing to do
#out 7 images of 2 identities
#out          5 embedded, 48 numbers each, in whole/embeddings.npy
#out          2 unreadable: reasons in whole/images.csv
#err ...
#err likeness: error: shard 2/3 is missing: 2 of 3 shards were given
#err likeness: error: of3/2 and of3/2: both are shard 2/3; give each once
#err likeness: error: of2/2: is shard 2 of 2 (of 7 images), of3/1 is one of 3 (of 7 images); give shards of one division
#err likeness: error: whole: holds all images of its inputs, not a shard of them; shards are made with `likeness embed --shard I/N`
#err likeness: error: nothing: holds no finished FACES directory (no meta.json); is its run done?
#err likeness: error: of3/2: holds a finished result made with other settings: it holds shard 2/3, this run's are all images. Give another output, or --force to replace it
#err likeness: error: other: cannot be joined with of3/1: its choice among faces is 'largest', the other's is 'central'
#err likeness: error: cut/2/images.csv: changed since it was written: its sha256 is *
#err likeness: error: of3/2: holds a finished result made with other settings: it holds shard 2/3, this run's are shard 1/3. Give another output, or --force to replace it
