#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# match.sh LIKENESS PYTHON - likeness match at the command line: exit codes, messages, and a run killed at several moments.
set -eu
likeness=$(realpath "$1")
python=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

fail() { echo "FAILED: $1"; [ ! -f err ] || cat err; exit 1; }

# expect CODE COMMAND...: runs it, stdout to `out`, stderr to `err`.
expect() {
    want=$1; shift
    code=0; "$@" >out 2>err || code=$?
    [ "$code" -eq "$want" ] || fail "exit code $code instead of $want: $*"
}
says() { grep -qF -- "$2" "$1" || { cat "$1"; fail "$1 lacks: $2"; }; }

# make NAME ROWS DIM [BAD]: float32 rows with a pattern that repeats seldom; row BAD becomes NaN.
make() {
    "$python" - "$@" <<'PY'
import array, random, sys
name, rows, dim = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(name)
pool = array.array("f", [random.uniform(-1, 1) for _ in range(100003)])
data = array.array("f")
while len(data) < rows * dim:
    start = random.randrange(1000)
    data.extend(pool[start:])
del data[rows * dim:]
if len(sys.argv) > 4:
    data[int(sys.argv[4]) * dim] = float("nan")
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (rows, dim)
with open(name, "wb") as f:
    f.write(b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117).encode() + b"\n" + data.tobytes())
PY
}

make a.npy 40 16
make b.npy 50 16
make bad.npy 50 16 7
make other.npy 50 17

expect 2 "$likeness" match a.npy
says err "expected SYNTH and TRAIN"
expect 2 "$likeness" match a.npy b.npy
says err "expected -o MATCH"
expect 2 "$likeness" match a.npy b.npy c.npy -o m
expect 2 "$likeness" match a.npy b.npy -k 0 -o m
says err "-k: found '0'"
expect 2 "$likeness" match a.npy b.npy --min-score 2 -o m
expect 1 "$likeness" match a.npy missing.npy -o m
says err "missing.npy"
expect 1 "$likeness" match a.npy other.npy -o m
says err "a.npy has vectors of 16 numbers and other.npy of 17"
expect 0 "$likeness" help match
says out "--holdout"

expect 0 "$likeness" match a.npy b.npy -k 5 -r 2 --holdout b.npy -o m
says out "40 synthetic faces compared with 50 of the training set and 50 held out: 4000 pairs"
says out "number 5 scores"
[ "$(stat -c %a m/pairs.csv)" = 600 ] || fail "pairs.csv can be read by others"
[ "$(wc -l <m/pairs.csv)" -eq 6 ] || fail "pairs.csv has not 5 pairs"
[ "$(wc -l <m/nearest.csv)" -eq 161 ] || fail "nearest.csv has not 40 x 2 x 2 lines"
expect 0 "$likeness" match a.npy b.npy -k 5 -r 2 --holdout b.npy -o m
says out "up to date"
expect 1 "$likeness" match a.npy b.npy -k 6 -r 2 --holdout b.npy -o m
says err "differs in: k (5 there, 6 asked for)"
expect 0 "$likeness" match a.npy b.npy -k 6 -r 2 --holdout b.npy -o m --force
expect 3 "$likeness" match a.npy bad.npy -o bad
says err "bad.npy: 1 of 50 rows are left out, being not finite: 7"
expect 1 "$likeness" match a.npy b.npy -o /dev/full/m
says err "/dev/full"

# Every level of this machine gives the same tables, and results of one are up to date for another. More than 2^22 pairs, so that
# the nominating scan is used.
expect 2 "$likeness" match a.npy b.npy --cpu=abacus -o c
says err "--cpu: found 'abacus', expected one of the levels of this machine: auto, "
expect 0 "$likeness" version -v
[ "$(grep -c "chosen: " out)" -eq 1 ] || fail "not one level is chosen"
make u.npy 2100 24
make v.npy 2100 24
expect 0 "$likeness" match u.npy v.npy --min-score 0.9 -q -o cpu_auto
for level in $("$likeness" version -v | awk '/chosen: |usable/ {print $1}'); do
    expect 0 "$likeness" match u.npy v.npy --min-score 0.9 -q --cpu="$level" -o "cpu_$level"
    for table in pairs.csv nearest.csv nearest_identities.csv references.csv range.csv histogram.csv; do
        cmp cpu_auto/$table "cpu_$level/$table" || fail "$table differs with --cpu=$level"
    done
    expect 0 "$likeness" match u.npy v.npy --min-score 0.9 -q --cpu="$level" -o cpu_auto
    says out "up to date"
done

# No room for the tables (a limit on file size stands for a full disk): a message, and the next run finishes.
expect 1 sh -c 'trap "" XFSZ; ulimit -f 8; exec "$@"' sh "$likeness" match a.npy b.npy -k 2000 -o full
says err "full/pairs.csv: cannot write: File too large"
[ ! -e full/meta.json ] || fail "finished all the same"
expect 0 "$likeness" match a.npy b.npy -k 2000 -o full
expect 0 "$likeness" match a.npy b.npy -k 2000 -o roomy
cmp full/pairs.csv roomy/pairs.csv || fail "pairs.csv differs after a full disk"

# Killed at any moment and run again, the tables are the same as of a run that was left alone.
make p.npy 12000 96
make q.npy 12000 96
expect 0 "$likeness" match p.npy q.npy --min-score 0.9 -q -o whole
for moment in 0.05 0.2 0.5 0.8; do
    "$likeness" match p.npy q.npy --min-score 0.9 -q -o killed >out 2>err &
    pid=$!
    sleep $moment
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
done
expect 0 "$likeness" match p.npy q.npy --min-score 0.9 -q -o killed
for table in pairs.csv nearest.csv nearest_identities.csv references.csv range.csv histogram.csv; do
    cmp whole/$table killed/$table || fail "$table differs after kills"
done
[ "$(ls -A whole)" = "$(ls -A killed)" ] || fail "files were left over: $(ls -A killed)"

# A device's module in the processor's place gives the same tables; one that is not there is refused before anything is read.
make d.npy 2200 16
make e.npy 2300 16
export LIKENESS_MODULE_DIR="$(dirname "$likeness")/../tests/unit"
expect 0 "$likeness" match d.npy e.npy --min-score 0.9 -q -o processor
expect 0 "$likeness" match d.npy e.npy --min-score 0.9 -q --device fake -o device
for table in processor/*.csv; do
    cmp "$table" "device/${table#*/}" || fail "$table differs with a device"
done
expect 1 "$likeness" match missing.npy e.npy --device abacus -o none
says err "device abacus: its module is not installed"
expect 0 "$likeness" bench match --probes 2200 --references 2300 --dim 16 --device fake
says out "instructions fake"
if grep -q peak out; then fail "a device has the processor's peak"; fi
expect 1 "$likeness" bench rates --device fake
says err "expected no device"

# Interrupted, it says so.
"$likeness" match p.npy q.npy -q -o stopped >out 2>err &
pid=$!
sleep 0.3
kill -INT $pid 2>/dev/null || true
code=0; wait $pid || code=$?
[ $code -eq 130 ] || [ $code -eq 0 ] || fail "exit code $code after an interrupt"
[ $code -eq 0 ] || says err "run again to go on"
echo "all good"
