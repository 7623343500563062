# SPDX-License-Identifier: Apache-2.0
# A study killed at ten random moments, started again each time: the same bytes as without interruption.
. "$TESTS/lib.sh"
. "$TESTS/study_lib.sh"
simulated_sets 40
simulated_study out </dev/null >study.ini
"$LIKENESS" audit study.ini -q >found
mv out whole
start=$(date +%s%N)
"$LIKENESS" audit study.ini -q >found
took=$(($(date +%s%N) - start)) # nanoseconds
mv out whole2
same_study whole whole2
killed=0
for n in $(seq 60); do
    [ $killed -lt 10 ] || break
    "$LIKENESS" audit study.ini -q >/dev/null &
    pid=$!
    # a random moment within a seventh of a whole run, so that ten of them lie all over it
    part=$(awk -v n=$n -v took="$took" 'BEGIN { srand(n + took); printf "%.3f", rand() * took / 7e9 }')
    sleep "$part"
    if kill -KILL $pid 2>/dev/null; then
        wait $pid 2>/dev/null || killed=$((killed + 1))
    else # it was done already: from the start
        wait $pid || true
        rm -rf out
    fi
done
[ $killed = 10 ] || echo "killed $killed times, expected 10"
"$LIKENESS" status out >where || true
grep -q 'nothing runs\|finished' where || cat where
"$LIKENESS" audit study.ini -q >again
diff found again
same_study whole out
