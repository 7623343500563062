# SPDX-License-Identifier: Apache-2.0
# A second run into the same folder is refused, and the first is not disturbed.
. "$TESTS/lib.sh"
tiny_model
many_pictures photos 60
"$LIKENESS" embed --aligned -m tiny/tiny.json photos -o faces -t 1 >first.txt 2>&1 &
pid=$!
wait_for faces/state.part.json
code=0
embed photos -o faces || code=$?
echo "exit code $code"
wait $pid
cat first.txt
#out exit code 1
#out 6000 images of 60 identities
#out       6000 embedded, 48 numbers each, in faces/embeddings.npy
#out * images/s; * % of the time went into *
#err likeness: error: faces: another run is writing into this folder; wait for it, or give another output
