# SPDX-License-Identifier: Apache-2.0
# Limits give exit code 10, a finished folder is not replaced, and no verdict says that there is no leak.
"$LIKENESS" simulate --identities 200 --persons 200 --controls 100 --share 0.3 --dim 192 -o sim >/dev/null
"$LIKENESS" simulate --identities 200 --persons 200 --controls 100 --share 0.3 --dim 192 -o again >/dev/null
cmp sim/synthetic/embeddings.npy again/synthetic/embeddings.npy
cmp sim/holdout/images.csv again/holdout/images.csv
sets="--synthetic=sim/synthetic --train=sim/train --holdout=sim/holdout"
run() { # expected exit code, arguments
    want=$1; shift
    code=0
    "$LIKENESS" measure -q "$@" >out.txt 2>err.txt || code=$?
    [ $code = "$want" ] || { echo "exit code $code, expected $want: $*"; cat err.txt; }
}
run 0 $sets -o plain
grep -q "^verdict: leak shown" out.txt || cat out.txt
grep -q "^- Training set and hold-out are of the same source" out.txt || echo "the assumptions are missing"
[ "$(stat -c %a plain/measures.json)" = 600 ] || echo "measures.json can be read by others"
run 0 $sets -o plain
grep -q "^measures in plain (done before)$" out.txt || cat out.txt
run 0 $sets -o fresh
sed '/^measures in/d' out.txt >fresh.txt
run 0 $sets -o plain
sed '/^measures in/d' out.txt | cmp - fresh.txt # what was done before says the same again
run 1 $sets -o plain --fdr 0.1 --seed 2
grep -q "plain: holds finished measures that differ in: fdr, seed; " err.txt || cat err.txt
run 1 $sets --control=sim/control -o plain
grep -q "differ in: the number of controls; " err.txt || cat err.txt
run 1 --synthetic=sim/synthetic --train=sim/holdout --holdout=sim/train -o plain
grep -q "differ in: the training set, a hold-out; " err.txt || cat err.txt
run 0 $sets -o plain --force --max-share 90 --max-discoveries 200
run 10 $sets -o limit --max-discoveries 20
run 10 $sets -o share --max-share 5
run 0 --synthetic=sim/synthetic --train=sim/train --control=sim/control -o alone
grep -q "^verdict: not interpretable" out.txt || cat out.txt
run 2 --synthetic=sim/synthetic --train=sim/train -o limit2 --max-share 1
run 2 --synthetic=sim/synthetic --train=sim/train
run 1 $sets --decoys 300 -o many
run 1 --synthetic=sim/synthetic --train=sim/none --holdout=sim/holdout -o none
"$LIKENESS" simulate --identities 200 --persons 200 --controls 100 --share 0.3 --dim 64 -o other >/dev/null
others="--synthetic=other/synthetic --train=other/train --holdout=other/holdout"
run 0 --matcher one $sets --matcher=two $others -o both
grep -q "^- one: leak shown; " out.txt || cat out.txt
grep -q "^- of [0-9]* units that all have, one finds [1-9][0-9]*, two [1-9][0-9]*, both [1-9][0-9]* (kappa 0.[0-9]*)$" out.txt || cat out.txt
cp out.txt both.txt
run 0 --matcher one $sets --matcher=two $others -o both
sed 's/ (done before)$//' out.txt | cmp - both.txt
grep -q "(done before)" out.txt || cat out.txt
for table in identities persons pairs curve doubles; do cmp both/$table.csv plain/$table.csv; done
[ -e both/two/measures.json ] && [ ! -e both/one ] || ls both
run 1 $sets --matcher two $others -o both
run 1 $sets --matcher ../two $others -o bad
run 1 $sets --matcher first $others -o bad
grep -q "matcher first: given twice" err.txt || cat err.txt
run 1 $sets --matcher two --synthetic=other/synthetic --train=other/train -o bad
grep -q "matcher two has no hold-out, matcher first has one" err.txt || cat err.txt
run 2 $sets --matcher two --synthetic=other/synthetic -o bad
[ ! -e bad ] || ls bad
"$LIKENESS" simulate --identities 60 --persons 60 --controls 0 --share 0 -o null >/dev/null
run 0 --synthetic=null/synthetic --train=null/train --holdout=null/holdout -o small
grep -qi "no leak" out.txt small/measures.json && echo "says that there is no leak"
grep "^verdict" out.txt
grep -o "at least .* % leaked ones ([0-9]*) as alike as two images" out.txt
run 0 --synthetic=null/synthetic --train=null/train --holdout=null/holdout -o weak --same-person=2 --fdr 0.03 --strength 0.2
grep "^verdict" out.txt
"$LIKENESS" simulate --identities 60 --persons 60 --images 1 --controls 0 --share 0 -o single >/dev/null
run 0 --synthetic=single/synthetic --train=single/train --holdout=single/holdout -o single_low --strength 0.1
grep -q "leaks at a cosine of 0.10 would have been found with a probability of 80 % not even if all" out.txt || cat out.txt
run 0 --synthetic=single/synthetic --train=single/train --holdout=single/holdout -o single_high --strength 0.1 --strength 0.7
grep -q "at a cosine of 0.70 would have been found" out.txt || cat out.txt
"$LIKENESS" simulate --identities 30 --persons 30 --controls 0 --share 0 -o few >/dev/null
run 0 --synthetic=few/synthetic --train=few/train --holdout=few/holdout -o few_out
grep "^verdict" out.txt
measure_one() { run "$1" --synthetic="$2/synthetic" --train="$2/train" --holdout="$2/holdout" -o tried "$3"; }
measure_one 2 sim "--filter=age>18 years"
grep -q "filter 'age>18 years': no number stands behind the operator; expected age, " err.txt || cat err.txt
measure_one 1 sim "--filter=age>=18"
grep -q "sim/synthetic: no image has a value of age, so it cannot be judged by it; .likeness embed --age. estimates it" err.txt || cat err.txt
measure_one 1 sim "--strata=group:hair"
grep -q "sim/synthetic: images.csv has no column group:hair" err.txt || cat err.txt
measure_one 2 sim "--strata=hair"
grep -q "strata 'hair': expected age, " err.txt || cat err.txt
mkdir plain_rows
for set in synthetic train holdout; do cp sim/$set/embeddings.npy plain_rows/$set.npy; done
run 1 --synthetic=plain_rows/synthetic.npy --train=plain_rows/train.npy --holdout=plain_rows/holdout.npy -o tried "--filter=yaw<=45"
grep -q "plain_rows/synthetic.npy: a file of embeddings without images.csv" err.txt || cat err.txt
for set in synthetic train holdout; do
    mkdir -p aged/$set
    cp sim/$set/embeddings.npy sim/$set/meta.json aged/$set
    awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "age") at = i } NR > 1 { $at = NR % 4 ? 10 + NR % 30 : "" } 1' \
        sim/$set/images.csv >aged/$set/images.csv
done
"$LIKENESS" measure --synthetic=aged/synthetic --train=aged/train --holdout=aged/holdout -o aged/out "--filter=age>=18" --strata age \
    >out.txt 2>err.txt || cat err.txt
grep -q "aged/train: age>=18 leaves out [1-9][0-9]* images, and [1-9][0-9]* that have no value" err.txt || cat err.txt
grep -q "^filters, on all sets alike: age>=18; they leave out [1-9][0-9]* of 1[0-9]* images, [1-9][0-9]* of them for lack of a value" out.txt || cat out.txt
grep -q "^- age below 13: 0 units, 0 of the 20 closest pairs, 0 discoveries$" out.txt || cat out.txt
grep -q "^- age 18 and more: [0-9]* units, 20 of the 20 closest pairs, [1-9][0-9]* discoveries; share drawn " out.txt || cat out.txt
# A finished one is read, not made again, and says the same; another filter or stratum is another measurement.
aged() {
    "$LIKENESS" measure --synthetic=aged/synthetic --train=aged/train --holdout=aged/holdout -o aged/out "$@"
}
aged "--filter=age>=18" --strata age >again.txt 2>err.txt || cat err.txt
sed 's/ (done before)$//' again.txt | cmp - out.txt
grep -q "(done before)$" again.txt || cat again.txt
aged "--filter=age>=20" --strata age >out.txt 2>err.txt || grep -o "differ in: [a-z]*" err.txt
aged "--filter=age>=18" >out.txt 2>err.txt || grep -o "differ in: [a-z]*" err.txt
run 1 --synthetic=aged/synthetic --train=aged/train --holdout=aged/holdout -o tried "--filter=age>=90"
grep -q "aged/synthetic: no image passes the filters" err.txt || cat err.txt
[ ! -e tried/measures.json ] || echo "a refused run left measures"
#out verdict: nothing found
#out at least 33 % leaked ones (20) as alike as two images
#out verdict: not enough power
#out verdict: not enough power
#out differ in: filters
#out differ in: strata
