# SPDX-License-Identifier: Apache-2.0
# Embedding from archives, stopped by Ctrl-C and killed at different moments: the next run goes on, to the same bytes.
. "$TESTS/lib.sh"
tiny_model
many_pictures photos 20
tar --sort=name --hard-dereference -cf set.tar photos
gzip -k1 set.tar
for set in set.tar set.tar.gz; do
    rm -rf whole faces
    embed $set -o whole -q >/dev/null
    for signal in KILL INT KILL; do
        "$LIKENESS" embed --aligned -m tiny/tiny.json $set -o faces -t 2 >/dev/null 2>&1 &
        pid=$!
        wait_for faces/state.part.json
        sleep 0.2
        kill -$signal $pid 2>/dev/null || true
        { wait $pid || true; } 2>/dev/null
        [ ! -e faces/meta.json ] || break
    done
    embed $set -o faces -t 2 >/dev/null 2>&1
    same_faces whole faces
done
