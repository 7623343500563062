# SPDX-License-Identifier: Apache-2.0
# More discoveries than the limit allows: exit code 10, and no other way to it.
. "$TESTS/lib.sh"
tiny_model
pictures all 70 1
mkdir train holdout others
for i in 0 1 2; do mv all/person_$i* train/; done
for i in 3 4 5; do mv all/person_$i* holdout/; done
mv all/person_6* others/
"$LIKENESS" plant --train train --others others -n 28 --kinds copy -o planted -q >/dev/null
audit() {
    "$LIKENESS" audit --aligned -m tiny/tiny.json --train train --holdout holdout --synthetic planted/images -o out -q "$@"
}
audit --limit 100
audit --limit 5
#exit 10
#out verdict: copies shown
#out Copies shown: 28 of *: Leak shown: *
#out report:  out/report.html
#out verdict: copies shown
#out Copies shown: 28 of *: Leak shown: *
#out report:  out/report.html
