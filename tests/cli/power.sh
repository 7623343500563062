# SPDX-License-Identifier: Apache-2.0
# What a comparison would have found: a table, JSON, the same for any number of threads, wrong input.
. "$TESTS/lib.sh"
"$python" - <<EOF
import sys
try:
    import numpy as np
except ImportError:
    sys.exit(77)
random = np.random.default_rng(1)
def faces(rows):
    v = random.normal(size=(rows, 32)).astype(np.float32)
    return v / np.linalg.norm(v, axis=1, keepdims=True)
for name, rows in (("synthetic", 200), ("train", 60), ("holdout", 60)):
    np.save(name + ".npy", faces(rows))
EOF
"$LIKENESS" match -q synthetic.npy train.npy --holdout holdout.npy -o match >/dev/null
"$LIKENESS" power match -s 0.95 -s -0.5 --sets 50 -o one.json -t 1
"$LIKENESS" power match -s 0.95 -s -0.5 --sets 50 -o two.json -t 3 >/dev/null
"$python" - <<EOF
import json
a, b = (json.load(open(n + ".json")) for n in ("one", "two"))
assert a["rows"] == b["rows"], (a, b)
strong, weak = a["rows"]
assert a["kind"] == "power" and a["units"] == 200 and a["resolution"] == 20 and strong["strength"] == 0.95, a
assert 15 <= strong["planted"] <= 25 and strong["detected"] >= 0.8 > weak["detected"], a
assert weak["planted"] == 0 and weak["share"] is None, a
EOF
"$LIKENESS" match -q synthetic.npy train.npy -o without >/dev/null
code=0
"$LIKENESS" power without >/dev/null || code=$?
echo "$code"
code=0
"$LIKENESS" power match --power 1 >/dev/null 2>&1 || code=$?
echo "$code"
#out run       200 identities, 0 discoveries left out; at a false discovery rate of 5 % at least 20 discoveries are needed
#out strength  smallest planted share that is detected
#out 0.95      * % (* identities): detected in * % of the sets (95 % interval * to *), * % of the planted found, * % of the discoveries false
#out -0.50     none: with every identity leaking, * % of the sets are detected, fewer than 80 %
#out 1
#out 2
#err likeness: error: without was made without a hold-out; expected one, as discoveries need it
