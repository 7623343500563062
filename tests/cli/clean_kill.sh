# SPDX-License-Identifier: Apache-2.0
# Cleaning that is killed while a set is written: the next run does the rest, and the input stays as it is.
. "$TESTS/lib.sh"
. "$TESTS/clean_lib.sh"
tar --sort=name -cf made.tar made
find made made.tar -type f -exec sha256sum {} + | sort >before.sum
for set in made made.tar; do embed -q $set -o "faces_$set" >/dev/null; done
clean faces_made folder --copy copied
clean faces_made.tar tar --tar out.tar
kill_in_the_middle() { # FACES of the synthetic set, option
    for i in 1 2; do
        rm -rf killed/removal.csv "${2#*=}" # the latter where the kill came too late
        "$LIKENESS" clean -q --same-person 2 --force --synthetic "$1" $real -o killed "$2" >/dev/null 2>&1 &
        pid=$!
        wait_for killed/removal.csv
        kill -KILL $pid 2>/dev/null || true
        { wait $pid || true; } 2>/dev/null
    done
}
kill_in_the_middle faces_made --copy=killed_copy
[ -e killed_copy ] || clean faces_made killed --copy killed_copy --force
diff -r copied killed_copy
kill_in_the_middle faces_made.tar --tar=killed.tar
[ ! -e killed.tar ] || cmp out.tar killed.tar
clean faces_made.tar killed --tar killed.tar --force
cmp out.tar killed.tar
find made made.tar -type f -exec sha256sum {} + | sort | cmp - before.sum
