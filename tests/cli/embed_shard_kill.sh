# SPDX-License-Identifier: Apache-2.0
# A shard that was killed goes on where it stopped; joined with the others it gives the bytes of a single run.
. "$TESTS/lib.sh"
tiny_model
many_pictures photos 30
embed photos -q -o whole >/dev/null
embed photos -q -o first --shard 1/3 >/dev/null
embed photos -q -o third --shard 3/3 >/dev/null
for pause in 0 0.05 0.1; do
    "$LIKENESS" embed --aligned -m tiny/tiny.json photos -o second --shard 2/3 -t 2 >/dev/null 2>&1 &
    pid=$!
    wait_for second/state.part.json
    sleep $pause
    kill -KILL $pid 2>/dev/null || true
    { wait $pid || true; } 2>/dev/null # where the shell says 'Killed'
    [ ! -e second/meta.json ] || break
done
[ -e second/meta.json ] || ! "$LIKENESS" merge first second third -o joined
embed photos -q -o second --shard 2/3 >/dev/null
"$LIKENESS" merge first second third -o joined >/dev/null
same_faces whole joined
#err ...
