# SPDX-License-Identifier: Apache-2.0
# likeness-mpi on devices: each rank takes one in turn and searches its part there, to the bytes of one process without.
. "$TESTS/lib.sh"
. "$TESTS/mpi_lib.sh"
LIKENESS_MODULE_DIR=$(dirname "$LIKENESS")/../tests/unit
export LIKENESS_MODULE_DIR
[ -e "$LIKENESS_MODULE_DIR/likeness-fake.so" ] || skip "the fake module was not built"
"$LIKENESS" simulate -q --identities=900 --persons=900 --images=2 --seed=5 -o sim >/dev/null
sets="sim/synthetic sim/train --holdout sim/holdout --min-score 0.55"
"$LIKENESS" match $sets -q -o one >/dev/null
export LIKENESS_TEST_NAME_DEVICE=1
for n in 1 3; do
    # shellcheck disable=SC2046 # words
    CUDA_VISIBLE_DEVICES=4,6 $(ranks_of $n) "$mpi" match $sets --device fake -q -o "by$n" >printed 2>said || cat printed said
    grep -ao 'fake: device [0-9,]*' said | sort
    for table in one/*.csv; do
        cmp "$table" "by$n/${table#*/}"
    done
done
code=0
# shellcheck disable=SC2046
$(ranks_of 2) "$mpi" match $sets --device abacus -q -o none >printed 2>said || code=$?
[ $code = 1 ] || echo "exit code $code"
grep -ao 'rank . of 2 on .*: device abacus: its module is not installed' said | sort -u | sed 's/rank ./rank N/' | head -1
[ ! -e none/meta.json ] || echo "left a result"
#out fake: device 4,6
#out fake: device 4
#out fake: device 4
#out fake: device 6
#out rank N of 2 on *: device abacus: its module is not installed
