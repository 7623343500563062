# SPDX-License-Identifier: Apache-2.0
# measure, clean and audit on a device: what the processor finds.
. "$TESTS/lib.sh"
LIKENESS_MODULE_DIR=$(dirname "$LIKENESS")/../tests/unit
export LIKENESS_MODULE_DIR
[ -e "$LIKENESS_MODULE_DIR/likeness-fake.so" ] || skip "the fake module was not built"
same_tables() { # two folders: all but how they were asked for
    diff -r "$1" "$2" | grep '^[<>]' | grep -v '"command"\|"seconds"' || true
}
"$LIKENESS" simulate -q --identities=150 --persons=200 --images=2 --seed=5 -o sim >/dev/null
sets="--synthetic sim/synthetic --train sim/train --holdout sim/holdout"
"$LIKENESS" measure $sets -q -o processor >/dev/null
export LIKENESS_TEST_NAME_DEVICE=1
"$LIKENESS" measure $sets --device fake -q -o fake 2>said >/dev/null
same_tables processor fake
grep -c 'fake: device' said # galleries, doubles in them, doubles among the synthetic identities
if [ -e "$LIKENESS_MODULE_DIR/likeness-emulated.so" ]; then
    "$LIKENESS" measure $sets --device emulated -q -o emulated >/dev/null
    same_tables processor emulated
fi
"$LIKENESS" clean $sets --evalue 0.05 -q -o clean_processor >/dev/null
"$LIKENESS" clean $sets --evalue 0.05 --device fake -q -o clean_fake 2>said >/dev/null
cmp clean_processor/removal.csv clean_fake/removal.csv
grep -q 'fake: device' said || echo "clean does without the device"
# An audit and a study hand it on: so few pairs are not matched on it, but they are measured on it.
tiny_model
pictures all 30 1
mkdir train held made
mv all/person_0* train/
mv all/person_1* held/
mv all/person_2* made/
audit() { "$LIKENESS" audit --aligned -m tiny/tiny.json --train train --holdout held --synthetic made -q "$@" 2>said >/dev/null; }
audit -o audit
audit -o audit_fake --device fake
grep -c 'fake: device' said
cmp audit/measure/pairs.csv audit_fake/measure/pairs.csv
study() { # name, what [match] says
    printf '[study]\noutput = %s\n[matcher sim]\nchoice = central\n[match]\n%s\n[train T]\nfaces.sim = sim/train\nholdout = H\n' "$1" "$2"
    printf '[holdout H]\nfaces.sim = sim/holdout\n[synthetic S]\nfaces.sim = sim/synthetic\n'
}
study study "pairs = 1500" >study.ini
study study_fake "device = fake" >study_fake.ini
"$LIKENESS" audit study.ini -q >/dev/null
"$LIKENESS" audit study_fake.ini -q 2>said >/dev/null
grep -c 'fake: device' said
cmp study/study.csv study_fake/study.csv
# An audit asks the device before it embeds.
code=0
LIKENESS_TEST_NO_DEVICE=1 "$LIKENESS" audit --synthetic nowhere --train nowhere --device fake -q -o none 2>&1 || code=$?
echo $code
[ ! -e none ] || echo "left something"
code=0
"$LIKENESS" measure $sets --device abacus -q -o none 2>&1 || code=$?
echo $code
[ ! -e none ] || echo "left something"
#out 4
#out [1-9]*
#out [1-9]*
#out likeness: error: fake: no device (none found)
#out 1
#out *device abacus: its module is not installed*
#out 1
