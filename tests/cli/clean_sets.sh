# SPDX-License-Identifier: Apache-2.0
# The set without what is removed, as folder, tar, zip and record file: other programs read it, embedding it gives what
# embedding with --exclude gives, and the input stays as it is, also when the work is killed.
. "$TESTS/lib.sh"
command -v zip >/dev/null || skip "zip is not installed"
tiny_model
pictures all 78 2
mkdir train holdout others
for i in 0 1 2; do mv all/person_$i* train/; done
for i in 3 4 5; do mv all/person_$i* holdout/; done
mv all/person_[67]* others/
"$LIKENESS" plant -q --train train --others others -n 26 --kinds copy,jpeg -o planted >/dev/null
mv planted/images made
printf 'damaged' >"made/$(ls made | head -n 1)/damaged.jpg"
for dir in made/*; do # two pictures each, so that whole identities go
    cp "$dir/$(ls "$dir" | grep '^[0-9]' | head -n 1)" "$dir/9.jpg"
    echo "$dir" >"$dir/9.cls"
done
embed -q train -o faces_train >/dev/null
embed -q holdout -o faces_holdout >/dev/null
real="--train faces_train --holdout faces_holdout"
clean() { # FACES of the synthetic set, output, other arguments
    synthetic=$1 out=$2
    shift 2
    "$LIKENESS" clean -q --same-person 2 --synthetic "$synthetic" $real -o "$out" "$@" >out.txt
}
pack() { # the same pictures as containers
    tar --sort=name -cf made.tar made
    tar --sort=name -czf made.tar.gz made
    zip -q -r made.zip made
    find made -name damaged.jpg -delete
    for kind in insightface dcface plain; do "$python" "$TESTS/make_records.py" $kind pure "rec_$kind"; done
}
mkdir pure
for dir in made/*; do mkdir "pure/${dir#made/}"; cp "$dir"/[0-9]*.jpg "pure/${dir#made/}/"; done
pack
find made made.tar made.tar.gz made.zip rec_* -type f -exec sha256sum {} + | sort >before.sum
for set in made made.tar made.tar.gz made.zip rec_insightface rec_dcface rec_plain; do
    code=0
    embed -q $set -o "faces_$set" >/dev/null 2>&1 || code=$?
    [ $code = 0 ] || [ $code = 3 ] || echo "embed $set: exit code $code"
done
again() { # what was embedded, set that was written: the same as with the removal list
    code=0
    embed -q --exclude "$out/removal.csv" "$1" -o excluded >/dev/null 2>&1 || code=$?
    [ $code = 0 ] || [ $code = 3 ] || echo "--exclude $1: exit code $code"
    embed -q "$2" -o written >/dev/null 2>&1 || code=$?
    [ $code = 0 ] || [ $code = 3 ] || echo "embed $2: exit code $code"
    cmp excluded/embeddings.npy written/embeddings.npy || echo "$2: other embeddings"
    rm -rf excluded written
}
clean faces_made folder --copy copied --link linked
again made copied
diff -r copied linked
[ "$(find copied linked -name '*.jpg' | wc -l)" -gt 10 ] || ls copied linked
[ -z "$(find copied -type f ! -perm 600)" ] || echo "others can read the copies"
[ -z "$(find linked -type f -links 1)" ] || echo "linked holds files that are no links"
[ -z "$(find . -name '*.part')" ] || find . -name '*.part'
clean faces_made.tar tar --tar out.tar --zip out.zip
again made.tar out.tar
again made.tar out.zip
clean faces_made.tar.gz targz --tar out2.tar
cmp out.tar out2.tar
clean faces_made.zip zip --zip out3.zip
again made.zip out3.zip
mkdir unpacked
tar -C unpacked -xf out.tar
(cd unpacked/made && find . -type f ! -name '*.cls' | sort) >tar.list
(cd copied && find . -type f | sort) | cmp - tar.list
[ "$(find unpacked -name 9.cls | wc -l)" = "$(ls copied | wc -l)" ] || echo "notes of removed pictures are there, or others lack"
for kind in insightface dcface plain; do
    clean faces_rec_$kind rec_out_$kind --rec new_$kind/train.rec 2>err.txt && echo "wrote into a folder that is not there"
    mkdir new_$kind
    clean faces_rec_$kind rec_out_$kind --rec new_$kind/train.rec --force
    again rec_$kind new_$kind/train.rec
done
"$python" - <<'END' || exit $?
import csv, glob, hashlib, io, pathlib, struct, tarfile, zipfile

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

# hashes are those of the pictures; kept and removed are what other programs find
removal = table("folder/removal.csv")
assert removal and all(hashlib.sha256(pathlib.Path(r["path"]).read_bytes()).hexdigest() == r["sha256"] for r in removal)
planted = {r["identity"] for r in table("planted/truth.csv") if r["planted"] == "1"}
gone = {r["identity"] for r in removal}
assert planted <= gone and len(gone - planted) <= 3, (planted - gone, gone - planted)
assert {r["criterion"] for r in removal} <= {"copy", "discovery"} and "copy" in {r["criterion"] for r in removal}
kept = {r["path"].removeprefix("made.tar!/made/"): r for r in table("tar/kept.csv") if r["compared"] == "1"}
for archive, names in ((tarfile.open("out.tar"), None), (zipfile.ZipFile("out.zip"), None)):
    names = archive.getnames() if hasattr(archive, "getnames") else archive.namelist()
    inside = {n.removeprefix("made/") for n in names if n.endswith(".jpg") and not n.endswith("damaged.jpg")}
    assert inside == set(kept), inside ^ set(kept)
    for n in inside:
        read = archive.extractfile("made/" + n) if hasattr(archive, "extractfile") else archive.open("made/" + n)
        assert read.read() == pathlib.Path("made", n).read_bytes(), n
assert zipfile.ZipFile("out.zip").testzip() is None
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
# what a list had left out before stays out
{ echo path; ls copied | head -n 3 | sed 's|.*|made/&/9.jpg|'; } >before.csv
embed -q --exclude before.csv made -o faces_less >/dev/null
clean faces_less less --copy copied_less
again made copied_less
grep -c ',listed without a reason,excluded,,,' less/removal.csv
[ "$(awk -F, '!/"/ && NF != 17' less/removal.csv | wc -l)" = 0 ] || cat less/removal.csv
# outputs that would change the input, or take the place of something else
expect() { # part of the message, arguments of clean
    text=$1
    shift
    if clean "$@" 2>err.txt; then echo "went through: $*"; fi
    grep -q "$text" err.txt || { echo "$*"; cat err.txt; }
}
expect "lies in the input" faces_made bad --copy made/below
expect "lies in the input" faces_made bad --link made
expect "lies in the input" made/../faces_made made/out
expect "lies in the input" faces_made.tar bad --tar made.tar --force
ln made.tar alias.tar
expect "lies in the input" faces_made.tar bad --tar alias.tar --force
rm alias.tar
expect "lies in the input" faces_rec_dcface bad --rec rec_dcface/x.rec --force
expect "is there already and holds files" faces_made bad --copy copied --force
expect "is there already" faces_made.tar bad --tar out.tar
expect "expected archives" faces_made bad --tar new.tar
expect "expected record files" faces_made.tar bad --rec new.rec
expect "expected folders" faces_made.tar bad --copy new
# killed at different moments: the next run goes on, and nothing else lies there
for wait in 0.02 0.1 0.2 0.3; do
    "$LIKENESS" clean -q --same-person 2 --force --synthetic faces_made $real -o killed --copy killed_copy >/dev/null 2>&1 &
    pid=$!
    sleep $wait
    kill -KILL $pid 2>/dev/null || true
    { wait $pid || true; } 2>/dev/null
    [ ! -e killed_copy ] || break
done
[ -e killed_copy ] || clean faces_made killed --copy killed_copy --force
diff -r copied killed_copy
rm -f killed.tar
for wait in 0.02 0.1 0.2 0.3; do
    "$LIKENESS" clean -q --same-person 2 --force --synthetic faces_made.tar $real -o killed --tar killed.tar >/dev/null 2>&1 &
    pid=$!
    sleep $wait
    kill -KILL $pid 2>/dev/null || true
    { wait $pid || true; } 2>/dev/null
    [ ! -e killed.tar ] || cmp out.tar killed.tar
done
clean faces_made.tar killed --tar killed.tar --force
cmp out.tar killed.tar
# a set that is no longer the one that was embedded
cp -r made moved && embed -q moved -o faces_moved >/dev/null 2>&1 || true
rm -r "moved/$(ls moved | head -n 1)"
expect "embed them again" faces_moved bad --copy new
[ ! -e new ] && [ ! -e new.tar ] && [ ! -e bad/removal.csv ] || ls
find made made.tar made.tar.gz made.zip rec_* -type f ! -path 'rec_out*' -exec sha256sum {} + | sort | cmp - before.sum
#out 3
