# SPDX-License-Identifier: Apache-2.0
# The demonstration on real faces: what was planted is found.
. "$TESTS/lib.sh"
models=$("$LIKENESS" version | sed -n 's/^models in //p')
for needed in sface.onnx blazeface.onnx portraits; do
    [ -e "$models/$needed" ] || skip "$models/$needed is missing: \`likeness models fetch --accept-licence sface blazeface portraits\`"
done
"$TESTS/../../scripts/demo" "$LIKENESS" "$PWD/demo" >log 2>err || { cat log err; exit 1; }
grep '^verdict:' log
found=$(sed -n 's/^truth:   \([0-9]*\) of 23 planted.*/\1/p' log)
false=$(sed -n 's/.* found, \([0-9]*\) of the discoveries.*/\1/p' log)
[ "$found" -ge 20 ] && [ "$false" -le 2 ] || { cat log; exit 1; }
"$TESTS/../../scripts/demo" "$LIKENESS" "$PWD/demo" >again 2>/dev/null # nothing is done twice
sed -n '/^verdict/,$p' log >first
sed -n '/^verdict/,$p' again | cmp - first
#out verdict: copies shown
