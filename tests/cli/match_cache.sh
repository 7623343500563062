# SPDX-License-Identifier: Apache-2.0
# Codes kept beside the embeddings: where, what is said, and the same tables with and without them.
. "$TESTS/lib.sh"

# make NAME ROWS DIM [unit]: float32 rows with a pattern that repeats seldom.
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
    for i in range(0, len(data), dim):
        length = sum(x * x for x in data[i:i + dim]) ** 0.5
        data[i:i + dim] = array.array("f", [x / length for x in data[i:i + dim]])
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (rows, dim)
with open(name, "wb") as f:
    f.write(b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117).encode() + b"\n" + data.tobytes())
PY
}
match() { # folder, options
    out=$1
    shift
    "$LIKENESS" match u.npy v.npy --holdout w.npy --min-score 0.9 --cpu=portable -o "$out" "$@" >printed 2>said || {
        cat said
        exit 1
    }
    [ "$out" = without ] || for table in pairs.csv holdout_pairs.csv nearest.csv nearest_identities.csv references.csv \
        range.csv histogram.csv; do
        cmp "without/$table" "$out/$table"
    done
}
says() {
    grep -qF -- "$1" said || {
        echo "not said: $1"
        cat said
        exit 1
    }
}

# More than 2^22 pairs, so that there are codes. Rows of v are taken as they are, those of w are scaled.
make u.npy 2300 20
make v.npy 2300 20 unit
make w.npy 900 20
match without
[ ! -e v.npy.codes-portable.cache ]
match first --cache
says "codes of the training set: written to v.npy.codes-portable.cache"
says "codes of the hold-out: written to w.npy.codes-portable.cache"
[ "$(stat -c %a v.npy.codes-portable.cache)" = 600 ]
# The header and the hash, as docs/formats.md has them.
"$python" - v.npy.codes-portable.cache v.npy <<'PY'
import hashlib, struct, sys
data = open(sys.argv[1], "rb").read()
(magic, order, form, version, level, rows_hash, dim, rows, used, depth, panel_rows, share, projected, fine, skew, longest, reach,
 fine_error, size) = struct.unpack("@16sII32s16s64s4Q4I2d2fQ", data[:216])
assert (magic, order, form, level) == (b"likeness codes\n\0", 0x01020304, 1, b"portable" + bytes(8)), data[:60]
assert (dim, rows, depth, panel_rows, share, size) == (20, 2300, (used + 3) // 4 * 4, 16, 1, len(data)), data[136:216]
assert hashlib.sha256(data[:-64]).hexdigest().encode() == data[-64:]
assert abs(longest - 1) < 1e-6 and 0 < reach < 1.1 and 0 <= skew < 1e-4
axes = struct.unpack_from("@%df" % (dim * depth), data, 256) if projected else ()
for a in range(used if projected else 0):
    assert abs(sum(axes[k * depth + a] ** 2 for k in range(dim)) - 1) < 1e-5
PY
match second --cache -t 3
says "codes of the training set: from v.npy.codes-portable.cache"
says "codes of the hold-out: from w.npy.codes-portable.cache"
! grep -q written said
cp v.npy.codes-portable.cache kept
truncate -s 1000 v.npy.codes-portable.cache
match cut --cache
says "v.npy.codes-portable.cache: is damaged"
says "codes of the training set: written to"
cmp kept v.npy.codes-portable.cache
# Embeddings that changed behind the cache.
"$python" -c 'f = open("w.npy", "r+b"); f.seek(-3, 2); f.write(b"\x40")'
rm -r without
match without
match changed --cache
says "w.npy.codes-portable.cache: was made from other embeddings"
"$python" -c 'f = open("v.npy", "r+b"); f.seek(-3, 2); f.write(b"\x01")'
rm -r without
match without
match changed_too --cache
says "v.npy.codes-portable.cache: was made from other embeddings"
# A cache that cannot be written is no failure.
rm v.npy.codes-portable.cache
mkdir v.npy.codes-portable.cache.tmp
match unwritten --cache
says "v.npy.codes-portable.cache.tmp: cannot write"
says "the codes of the training set are not kept"

# A FACES directory keeps its own.
tiny_model
pictures made 3 2
embed made -o faces -q >/dev/null
"$LIKENESS" match faces faces --cache -o small -q >/dev/null
[ -z "$(find faces -name '*.cache')" ] # few pairs: nothing is encoded
