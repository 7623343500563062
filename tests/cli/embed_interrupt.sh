# SPDX-License-Identifier: Apache-2.0
# Ctrl-C stops with exit code 130 and says how to go on; the next run does, to the same bytes.
. "$TESTS/lib.sh"
tiny_model
many_pictures photos 60
embed photos -o whole >/dev/null
"$LIKENESS" embed --aligned -m tiny/tiny.json photos -o faces -t 1 2>message.txt &
pid=$!
wait_for faces/state.part.json
sleep 0.1
kill -INT $pid
code=0
wait $pid || code=$?
echo "exit code $code"
cat message.txt
[ ! -e faces/meta.json ] || echo "finished all the same"
embed photos -o faces -t 2 2>&1
same_faces whole faces
ls -A faces
#out exit code 130
#out likeness: stopped: after * of 6000 images, which are kept in faces; run the same command again to go on
#out faces: going on after * of 6000 images
#out 6000 images of 60 identities, * of them done by an earlier run
#out       6000 embedded, 48 numbers each, in faces/embeddings.npy
#out * images/s; * % of the time went into *
#out .lock
#out embeddings.npy
#out images.csv
#out meta.json
#err * images/s; * % of the time went into *
