# SPDX-License-Identifier: Apache-2.0
# A record file: killed several times at different moments, the next run goes on, to the same bytes.
. "$TESTS/lib.sh"
tiny_model
many_pictures photos 60
"$python" "$TESTS/make_records.py" insightface photos set
embed photos -o whole >/dev/null
for pause in 0 0.05 0.15 0.1 0.3; do
    "$LIKENESS" embed --aligned -m tiny/tiny.json set/train.rec -o faces -t 2 >/dev/null 2>&1 &
    pid=$!
    wait_for faces/state.part.json
    sleep $pause
    kill -KILL $pid 2>/dev/null || true
    { wait $pid || true; } 2>/dev/null # where the shell says 'Killed'
    [ ! -e faces/meta.json ] || break
done
embed set/train.rec -o faces -t 2 2>/dev/null
cmp whole/embeddings.npy faces/embeddings.npy
[ "$(wc -l <faces/images.csv)" -eq 6001 ]
#out 6000 images of 60 identities*
#out       6000 embedded, 48 numbers each, in faces/embeddings.npy
#err * images/s; * % of the time went into *
