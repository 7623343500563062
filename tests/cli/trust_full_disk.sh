# SPDX-License-Identifier: Apache-2.0
# No room (a limit on file size stands for a full disk): an audit and a purge say so, and lose nothing.
. "$TESTS/lib.sh"
tiny_model
pictures all 20 1
mkdir train made
mv all/person_0* train/
mv all/person_1* made/
audit() { "$LIKENESS" audit --aligned -m tiny/tiny.json --train train --synthetic made -o audit "$@"; }
is_whole() { "$LIKENESS" verify audit --sample 0 | tail -n 1; }

code=0
(ulimit -f 200 && audit -q) || code=$?
echo "exit code $code"
[ ! -e audit/manifest.json ] || echo "there is a manifest all the same"
audit -q >/dev/null
is_whole

# A purge without room for its notes takes nothing away.
code=0
(ulimit -f 2 && "$LIKENESS" purge audit --yes -q >/dev/null) || code=$?
echo "exit code $code"
is_whole

# Without room for the page it takes the page with the pictures away, too.
(ulimit -f 100 && "$LIKENESS" purge audit --yes -q) | tail -n 1
find audit -name '*.npy' -o -name '*.html' -o -name '*.tmp'
"$LIKENESS" verify audit --sample 0 >out || [ $? = 3 ]
grep report out
#out exit code 1
#out all is as recorded
#out exit code 1
#out all is as recorded
#out 3 removed, 0 replaced, * with numbers kept
#out purged      report.html: removed, *
#out purged      report.json: replaced by one without faces, *
#err likeness: error: audit/report.*: cannot write: File too large
#err likeness: error: nothing was removed: audit/manifest.json: cannot write: File too large
#err warning: report.html: cannot be made without pictures, so it is removed: audit/report.*: cannot write: File too large
