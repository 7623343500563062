# SPDX-License-Identifier: Apache-2.0
# A network that takes several faces at once, one that takes one, one that mixes them up: the same bytes.
. "$TESTS/lib.sh"
pictures photos 12 12
echo "no picture" >photos/person_03/broken.png
for batch in one free mixes; do
    rm -rf tiny
    tiny_model $batch
    embed photos -q -o $batch-1 -t 1 >/dev/null || [ $? = 3 ]
    embed photos -q -o $batch-3 -t 3 >/dev/null || [ $? = 3 ]
    same_faces one-1 $batch-1
    same_faces one-1 $batch-3
done
embed photos -q -o first --shard 1/2 >/dev/null || [ $? = 3 ] # too few for groups
embed photos -q -o second --shard 2/2 >/dev/null
"$LIKENESS" merge -q first second -o joined >/dev/null || [ $? = 3 ]
same_faces one-1 joined
#err ...
