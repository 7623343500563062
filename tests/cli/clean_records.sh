# SPDX-License-Identifier: Apache-2.0
# Record files without what is removed: a reader of the byte layout alone finds the records that are kept, embedding
# them gives what embedding with --exclude gives, and the input stays as it is.
. "$TESTS/lib.sh"
. "$TESTS/clean_lib.sh"
find made -name '*.cls' -delete
for kind in insightface dcface plain; do "$python" "$TESTS/make_records.py" $kind made "rec_$kind"; done
find rec_* -type f -exec sha256sum {} + | sort >before.sum
for kind in insightface dcface plain; do embed -q rec_$kind -o faces_rec_$kind >/dev/null; done
for kind in insightface dcface plain; do
    clean faces_rec_$kind rec_out_$kind --rec new_$kind/train.rec 2>err.txt && echo "wrote into a folder that is not there"
    mkdir new_$kind
    clean faces_rec_$kind rec_out_$kind --rec new_$kind/train.rec --force
    again rec_$kind new_$kind/train.rec
done
"$python" - <<'END' || exit $?
import csv, glob, pathlib, struct

def table(path):
    return list(csv.DictReader(open(path)))

def records(path):
    """Keys and payloads by the index, from the byte layout alone."""
    data = pathlib.Path(path).read_bytes()
    for line in open(path.replace(".rec", ".idx")):
        key, at = map(int, line.split("\t"))
        payload = b""
        while True:
            magic, word = struct.unpack_from("<II", data, at)
            assert magic == 0xCED7230A
            kind, n = word >> 29, word & (1 << 29) - 1
            payload += (struct.pack("<I", magic) if kind > 1 else b"") + data[at + 8:at + 8 + n]
            at += 8 + n + -n % 4
            if kind in (0, 3):
                break
        yield key, payload

def picture(payload):
    flag, label = struct.unpack_from("<If", payload)
    labels = struct.unpack_from("<%df" % flag, payload, 24)
    return label, labels, payload[24 + 4 * flag:]

# record files: the same pictures with the same labels, in order; InsightFace's counted anew
for kind in ("insightface", "dcface", "plain"):
    old, new = list(records(glob.glob(f"rec_{kind}/*.rec")[0])), list(records(f"new_{kind}/train.rec"))
    listed = {r["path"]: r for r in table(f"rec_out_{kind}/kept.csv")}
    pictures = [(k, *picture(p)) for k, p in new if picture(p)[2]]
    assert len(pictures) == len(listed) > 10, (kind, len(pictures), len(listed))
    there = [picture(p)[::2] for _, p in old if picture(p)[2]]
    at = 0
    for key, label, labels, bytes_ in pictures: # a subsequence of the old ones
        while there[at] != (label, bytes_):
            at += 1
        at += 1
    if kind == "insightface":
        head, rest = picture(new[0][1])[1], new[len(pictures) + 1:]
        assert [k for k, _ in new] == list(range(len(new)))
        assert head == (len(pictures) + 1, len(new)), head
        ranges = [picture(p)[1] for _, p in rest]
        assert ranges[0][0] == 1 and ranges[-1][1] == len(pictures) + 1
        assert all(a[1] == b[0] for a, b in zip(ranges, ranges[1:]))
        for low, high in ranges:
            assert len({picture(new[k][1])[0] for k in range(int(low), int(high))}) == 1
    elif kind == "dcface":
        lines = dict(line.rstrip("\n").split("\t") for line in open("new_dcface/list.txt"))
        old_lines = dict(line.rstrip("\n").split("\t") for line in open("rec_dcface/list.txt"))
        assert {k: old_lines[k] for k in lines} == lines and len(lines) == len(pictures)
END
expect "lies in the input" faces_rec_dcface bad --rec rec_dcface/x.rec --force
expect "is there already" faces_rec_plain bad --rec new_plain/train.rec
find rec_* -type f ! -path 'rec_out*' -exec sha256sum {} + | sort | cmp - before.sum
