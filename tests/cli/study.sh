# SPDX-License-Identifier: Apache-2.0
# A whole study with known truth: plan, findings, status, what is made once, limits, and a study without names.
. "$TESTS/lib.sh"
. "$TESTS/study_lib.sh"
simulated_sets 120
simulated_study out </dev/null >study.ini
"$LIKENESS" audit study.ini --dry-run >plan 2>&1
grep -q '^34 of 34 steps to do: about .* at most about [0-9]* MB of memory' plan || cat plan
[ ! -e out ] || echo "--dry-run made something"
"$LIKENESS" audit study.ini -q >found
grep -A 1 '^twenty with A$' found
grep -A 1 '^twenty with B$' found
grep -c 'truth: 0 of 0 planted found, 0 false' found # five and twenty with B, by three matchers
[ "$(wc -l <out/study.csv)" = 19 ] || cat out/study.csv
[ "$(stat -c %a out/study.html)" = 600 ]
grep -q 'twenty' out/sets/twenty.html
! grep -q 'http' out/study.html out/sets/*.html
"$LIKENESS" status out | head -2

# Nothing is done again, and everything is the same.
cp -r out before
"$LIKENESS" audit study.ini >again 2>notes
diff found again
grep -c 'done before' notes
same_study out before
# A table that got lost is made again.
rm out/runs/A/five/measure/sim128/measures.json
"$LIKENESS" audit study.ini -q >again
same_study out before
# Another setting: what depends on it is made again, matches are not.
simulated_study out >study.ini <<'END'
[measure]
fdr = 0.2
[limits]
discoveries = 3
END
code=0
"$LIKENESS" audit study.ini >found 2>notes || code=$?
[ $code = 10 ] || echo "exit code $code, expected 10"
grep -o '[0-9] of 6 runs above a limit: [a-z]* with A' notes
grep 'match sim192 A null' notes
grep 'measure A null' notes | cut -d: -f1
# While a process holds the folder, another run keeps out, and status says so.
flock out/.lock "$LIKENESS" status out | head -1
flock out/.lock "$LIKENESS" audit study.ini >/dev/null 2>notes || sed 's/.*: another/another/' notes
# The example of the manual can be read: what it lacks is the pictures.
"$LIKENESS" audit "$TESTS/../../docs/study.ini.example" >/dev/null 2>notes || grep -o 'images: [^ ]* is not there' notes | sed 's/ .*docs/ docs/'
# A device whose module is not there is refused before anything is done.
simulated_study early >absent.ini <<'END'
[match]
device = abacus
END
"$LIKENESS" audit absent.ini -q 2>notes || sed 's/.*absent.ini: //; s/ (.*//' notes
"$LIKENESS" audit --train a192-0/train --synthetic a192-0/synthetic -o early-audit --device abacus -q 2>notes || sed 's/ (.*//' notes
ls early/faces early-audit 2>/dev/null || true
# Options that a study file does not go with; a folder without a study.
"$LIKENESS" audit study.ini --train before >/dev/null 2>notes || echo "exit code $?"
"$LIKENESS" status a192-0
#exit 1
#out twenty with A
#out   sim192 * leak shown; 2* of 119 found; share drawn *; truth: 24 of 24 planted found, * false
#out twenty with B
#out   sim192 * 0 of 119 found; *; truth: 0 of 0 planted found, 0 false
#out 6
#out study */study.ini: 34 of 34 steps done; finished
#out done     calibrate sim192 (*)
#out 33
#out * of 6 runs above a limit: * with A
#out *match sim192 A null: * pairs compared, closest * (done before)
#out *measure A null
#out study */study.ini: 34 of 34 steps done; running
#out another run is writing into this folder; wait for it, or give another output
#out images: docs/lfw is not there
#out line *: ?match?: device abacus: its module is not installed
#out likeness: error: device abacus: its module is not installed
#out exit code 2
#err likeness: error: a192-0: holds no study: expected steps.json in it
