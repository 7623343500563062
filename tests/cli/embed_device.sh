# SPDX-License-Identifier: Apache-2.0
# Networks on a device: a runtime that has none says so before anything is written; where it has one, the result says on
# what it was made, and the processor does not go on with it.
. "$TESTS/lib.sh"
tiny_model
pictures photos 3 2
code=0
"$LIKENESS" embed --aligned -m tiny/tiny.json photos -o faces --device cuda -q >out.txt 2>err.txt || code=$?
if [ $code = 0 ]; then
    grep -q '"device": "cuda"' faces/meta.json || echo "meta.json does not say it"
    "$LIKENESS" embed --aligned -m tiny/tiny.json photos -o faces -q >out.txt 2>err.txt && echo "was taken for the processor's"
    grep -o "its device is 'cuda', this run's is 'none'" err.txt
else
    [ $code = 1 ] || echo "exit code $code"
    grep -q 'device cuda: ONNX Runtime [0-9.]* here cannot use it: ' err.txt || cat err.txt
    [ ! -e faces/meta.json ] || echo "left a result"
    echo "its device is 'cuda', this run's is 'none'"
fi
# The processor by name is the processor, and meta.json as it always was.
rm -rf faces
"$LIKENESS" embed --aligned -m tiny/tiny.json photos -o faces --device cpu -q >out.txt
grep -c '"device"' faces/meta.json || true
"$LIKENESS" embed --aligned -m tiny/tiny.json photos -o faces -q | grep -c 'up to date\|already' || true
# likeness-mpi takes the same option.
mpi=$(dirname "$LIKENESS")/../mpi/likeness-mpi
if [ -x "$mpi" ]; then
    "$mpi" embed --aligned photos -o other --device abacus 2>&1 | head -1
else
    echo "likeness-mpi: --device: found 'abacus', expected cpu or cuda"
fi
#out its device is 'cuda', this run's is 'none'
#out 0
#out *
#out *--device: found 'abacus', expected cpu or cuda
