# SPDX-License-Identifier: Apache-2.0
# A plan follows from its rates: every term computed again here. Rates are measured, written, read back, and refused when wrong.
. "$TESTS/lib.sh"
cat >rates.json <<'END'
{"kind": "rates", "format": 1, "tool": "by hand", "cpu": "avx2", "threads": 4, "dim": 256, "axes": 96, "k": 1000, "r": 10,
 "scan_pairs_per_second": 1e9, "nominated_seconds": 1e-7, "nominated_per_probe": 20, "nominated_per_reference": 4,
 "nominated_growth": 0.25, "basis_seconds": 0.5, "probe_seconds": 2e-6, "reference_seconds": 3e-6, "sample_seconds": 5e-7,
 "hash_bytes_per_second": 1.5e9, "write_bytes_per_second": 4e8, "check_seconds": 1e-6, "name_seconds": 2e-7,
 "line_seconds": 1e-6, "line_bytes": 40}
END
"$LIKENESS" plan --rates rates.json --probes 50000 --references 80000 --holdout 20000 --json >one.json
"$LIKENESS" plan --rates rates.json --probes 50000 --references 5000000000 --machines 8 --ranks 2 --threads-per-rank 8 \
    --network 2e9 --json >many.json
"$LIKENESS" plan --rates rates.json --probes 50000 --references 800000 --machines 2 --gpu-rate 5e10 --storage 1e8 --json >gpu.json
"$python" - <<'END'
import json, math
def near(found, expected):
    assert abs(found / expected - 1) < 1e-6, (found, expected)
plans = {name: json.load(open(name + ".json")) for name in ("one", "many", "gpu")}
def nominated(m, n):
    turn = 10 / 1e-4
    marginal = 0.25 * 20 * turn ** -0.75
    return m * (20 * min(n, turn) ** 0.25 + max(n - turn, 0) * marginal) + n * 4 * m ** 0.25

p = plans["one"]
s, b = p["seconds"], p["bytes"]
m, n, h = 50000, 80000, 20000
near(s["read"], (m + n + h) * (1024 / 1.5e9 + 1e-6 + 2e-7))
near(s["prepare"], 0.5 + m * 2e-6 + (n + h) * 3e-6 + 5e-7 * (2 ** 20 + 2 ** 20))
compare = m * (n + h) / 1e9 + 1e-7 * (nominated(m, n) + nominated(m, h))
near(s["compare"], compare)
lists, best = 2 * m * 10 * 8, (n + h) * 8
near(b["checkpoint"], lists + best + 1000 * 12)
assert 5 < compare < 10
near(b["saved"], lists / 2 + best + b["checkpoint"])
near(s["save"], b["saved"] / 4e8)
assert s["join"] == b["sent"] == 0
near(s["write"], 1e-6 * (4 * m * 10 + n + h + 2 * 1000))
near(b["mapped"], (m + n + h) * 1024)
near(b["results"], 40 * (4 * m * 10 + n + h + 2 * 1000))
near(s["all"], sum(v for k, v in s.items() if k != "all"))
# 96 of 256 axes: codes of a byte and projections of four
assert (m + n + h) * 96 * 5 + lists + best < b["memory"] < (m + n + h) * 96 * 5 + lists + 3 * best + 4 * 5e6 + 4e6, b

p = plans["many"]  # more references than one search takes
s, b = p["seconds"], p["bytes"]
assert p["pieces"] == 2 and p["processes"] == 16 and p["threads"] == 8
n = 2500000000
near(s["read"], 2 * (n * (1024 / 1.5e9 + 1e-6 / 2) + (m + n) * 2e-7))
near(s["compare"], 2 * (m * n / 16 / 1e9 + 1e-7 * nominated(m, n / 16)) / 2)
near(b["sent"], 2 * (15 * (m * 80 + 12000) + n * 8 * 15 / 16))
near(s["join"], 2 * (4 * (m * 80 + 12000) + n * 8 * 15 / 16) / 2e9)
near(p["pairs"], m * 5e9)

p = plans["gpu"]
near(p["seconds"]["compare"], m * 400000 / 5e10)
near(p["seconds"]["read"], 800000 * (1024 / 1e8 + 1e-6) + (50000 + 800000) * 2e-7) # the probes are looked at by the other process meanwhile
END
"$LIKENESS" plan --rates rates.json --probes 500000 --references 490623

/usr/bin/python3 -c "
import numpy as np
random = np.random.default_rng(1)
np.save('a.npy', random.standard_normal((600, 24), dtype='f4'))"
TMPDIR=. "$LIKENESS" bench rates a.npy a.npy -q -t 1 -o measured.json | cut -d ' ' -f 1 | tr '\n' ' '
echo
ls -d likeness-* 2>/dev/null || :
"$LIKENESS" plan --rates measured.json --probes 1000 --references 1000 --json |
    "$python" -c "import json, sys; p = json.load(sys.stdin); assert p['dim'] == 24 and all(v >= 0 for v in p['seconds'].values()), p"

# Names of given sets are read and written; the same vectors without names have shorter lines.
"$LIKENESS" simulate -q --identities=200 --persons=200 --images=3 -o sim >/dev/null
TMPDIR=. "$LIKENESS" bench rates sim/synthetic sim/train -q -t 1 -o named.json >/dev/null
TMPDIR=. "$LIKENESS" bench rates sim/synthetic/embeddings.npy sim/train/embeddings.npy -q -t 1 -o plain.json >/dev/null
"$python" - <<'END'
import json
named, plain = (json.load(open(name)) for name in ("named.json", "plain.json"))
assert named["name_seconds"] > 0 and plain["line_bytes"] > 20, (named, plain)
assert named["line_bytes"] > plain["line_bytes"] + 5, (named["line_bytes"], plain["line_bytes"])
END
refused() {
    code=0
    "$LIKENESS" plan --probes 10 --references 10 "$@" || code=$?
    echo "exit code $code"
}
refused --rates rates.json --dim 512
sed 's/"rates"/"faces"/' rates.json >wrong.json
refused --rates wrong.json
sed 's/1e9/0/' rates.json >wrong.json
refused --rates wrong.json
sed 's/"r": 10/"r": 70000/' rates.json >wrong.json
refused --rates wrong.json
refused --rates rates.json --machines 11
refused --rates rates.json more 2>/dev/null
"$LIKENESS" bench match -o x || exit $?
#exit 2
#out 500000 probes, 490623 references of 256 numbers: 2.453e+11 pairs
#out 1 machine, 1 process on each, 4 threads in each
#out rates of 4 threads, avx2, 96 axes
#out 
#out reading, hashing, checking  1.9 s
#out preparing                   3.5 s
#out comparing                   4.* min, * pairs a second
#out saving unfinished work      * s
#out joining                     0.0 s
#out writing tables              10.5 s
#out in all                      * min
#out 
#out memory of a process         * MB, and 1.01 GB of its files where there is room
#out sent to the first process   0 kB
#out unfinished work             43.9 MB of each process at its end, * written by all
#out results                     * MB
#out instructions threads dim axes scan nominated nominated nominated choosing preparing preparing sampled hashing checking reading writing line 
#out exit code 1
#out exit code 1
#out exit code 1
#out exit code 1
#out exit code 1
#out exit code 2
#err likeness: error: rates.json: measured with vectors of 256 numbers, --dim asks for 512; measure again with `likeness bench rates --dim 512`
#err likeness: error: wrong.json: "kind" is "faces", expected "rates", as `likeness bench rates -o` writes
#err likeness: error: wrong.json: "scan_pairs_per_second" is 0, expected a number above 0
#err likeness: error: wrong.json: "r" is 70000, expected 1 to 65536
#err likeness: error: 10 references cannot be divided among 11 processes
#err likeness bench: --output goes with rates only
#err Try *
