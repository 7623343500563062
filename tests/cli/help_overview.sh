# SPDX-License-Identifier: Apache-2.0
# The overview goes to standard output when asked for, else to standard error with exit code 2.
"$LIKENESS" --help >asked.txt
code=0
"$LIKENESS" 2>not_asked.txt || code=$?
cmp asked.txt not_asked.txt
[ $code = 2 ] || echo "exit code $code"
grep -c "130 interrupted" asked.txt
awk 'length > 100' asked.txt
"$LIKENESS" frobnicate
#exit 2
#out 1
#err likeness: error: there is no command 'frobnicate'; `likeness help` lists them
