# SPDX-License-Identifier: Apache-2.0
# Wrong usage of plant.
. "$TESTS/lib.sh"
pictures train 4 1
pictures others 3 1
for arguments in "--train train -o out" "--train train --others others -o out extra" \
    "--train train --others others -o out --alpha 2" "--train train --others others -o out -n -1" \
    "--train train --others others -o out" "--train train --others others -o out -n 2 --kinds smile" \
    "--train train --others others -o out -n 2 --kinds other" "--train nowhere --others others -o out"; do
    code=0
    "$LIKENESS" plant $arguments 2>message.txt || code=$?
    echo "$code: $(head -n 1 message.txt)"
done
[ ! -e out ] || ls out
#out 2: likeness plant: expected --train DIR, --others DIR and -o DIR
#out 2: likeness plant: found 'extra', expected options only
#out 2: likeness plant: --alpha: found '2', expected a number from 0 to 1
#out 2: likeness plant: --number: found '-1', expected a whole number from 0 to 4294967295
#out 1: likeness: error: train: has 4 identities, expected at least the 10 that are to be planted
#out 1: likeness: error: kinds: found 'smile', expected a comma list of copy, flip, crop, jpeg, blur, colour, other, blend
#out 1: likeness: error: train: no identity with two pictures is left for kind 'other'; *
#out 1: likeness: error: nowhere: *
