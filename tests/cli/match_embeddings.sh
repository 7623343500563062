# SPDX-License-Identifier: Apache-2.0
# Embeddings made elsewhere: a disk that is full while they are converted, an audit of them, a report without pictures.
. "$TESTS/lib.sh"
"$python" - <<'PY' || skip "NumPy is not installed (python3-numpy)"
import numpy as np
rng = np.random.default_rng(1)
for name in ("synth", "train", "holdout"):
    np.savez(name + ".npz", vectors=rng.normal(size=(60, 16)), labels=np.arange(60) // 3, other=np.ones((2, 3)))
PY
code=0
sh -c 'trap "" XFSZ; ulimit -f 8; exec "$@"' sh "$LIKENESS" match synth.npz:vectors train.npz:vectors -o full 2>full.txt || code=$?
echo "$code $(grep -c "cannot write a temporary file there (set TMPDIR to a folder with room): File too large" full.txt)"
[ ! -e full ] || echo "a folder was made"
"$LIKENESS" audit -q --train train.npz:vectors --holdout holdout.npz:vectors --synthetic synth.npz:vectors -o audit >audit.txt
head -1 audit.txt
"$LIKENESS" report -q audit/measure --match audit/match -o again.html | head -1
grep -o '"identities": [0-9]*' audit/match/meta.json | sort | uniq -c | tr -s ' '
grep -c "plain vectors without pictures were compared" again.html
#out 1 1
#out verdict: not enough power
#out Not enough power: *
#out  3 "identities": 20
#out 3
