# SPDX-License-Identifier: Apache-2.0
# The set without what is removed, as folder, tar and zip: other programs read it, embedding it gives what
# embedding with --exclude gives, and the input stays as it is.
. "$TESTS/lib.sh"
command -v zip >/dev/null || skip "zip is not installed"
. "$TESTS/clean_lib.sh"
printf 'damaged' >"made/$(ls made | head -n 1)/damaged.jpg"
tar --sort=name -cf made.tar made
tar --sort=name -czf made.tar.gz made
zip -q -r made.zip made
find made -name damaged.jpg -delete
find made made.tar made.tar.gz made.zip -type f -exec sha256sum {} + | sort >before.sum
for set in made made.tar made.tar.gz made.zip; do
    code=0
    embed -q $set -o "faces_$set" >/dev/null 2>&1 || code=$?
    [ $code = 0 ] || [ $code = 3 ] || echo "embed $set: exit code $code"
done
clean faces_made folder --copy copied --link linked
again made copied
diff -r copied linked
# What the inputs are was said when they were embedded: a folder that would be taken for a record set.
cp -r made mixed
"$python" "$TESTS/make_records.py" plain made records
cp records/*.rec mixed/train.rec
embed -q --format folder mixed -o faces_mixed >/dev/null
clean faces_mixed mixed_out --copy copied_mixed
diff -r copied copied_mixed
rm -r mixed_out copied_mixed mixed records
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
"$python" - <<'END' || exit $?
import csv, hashlib, pathlib, tarfile, zipfile

def table(path):
    return list(csv.DictReader(open(path)))

# hashes are those of the pictures; kept and removed are what other programs find
removal = table("folder/removal.csv")
assert removal and all(hashlib.sha256(pathlib.Path(r["path"]).read_bytes()).hexdigest() == r["sha256"] for r in removal)
planted = {r["identity"] for r in table("planted/truth.csv") if r["planted"] == "1"}
gone = {r["identity"] for r in removal}
assert planted <= gone and len(gone - planted) <= 3, (planted - gone, gone - planted)
assert {r["criterion"] for r in removal} <= {"copy", "discovery"} and "copy" in {r["criterion"] for r in removal}
kept = {r["path"].removeprefix("made.tar!/made/"): r for r in table("tar/kept.csv") if r["compared"] == "1"}
for archive in (tarfile.open("out.tar"), zipfile.ZipFile("out.zip")):
    names = archive.getnames() if hasattr(archive, "getnames") else archive.namelist()
    inside = {n.removeprefix("made/") for n in names if n.endswith(".jpg") and not n.endswith("damaged.jpg")}
    assert inside == set(kept), inside ^ set(kept)
    for n in inside:
        read = archive.extractfile("made/" + n) if hasattr(archive, "extractfile") else archive.open("made/" + n)
        assert read.read() == pathlib.Path("made", n).read_bytes(), n
assert zipfile.ZipFile("out.zip").testzip() is None
END
# shards keep their names in a folder
half=$(($(ls made | wc -l) / 2))
ls -d made/* | head -n $half | tar -cf shard-0.tar -T -
ls -d made/* | tail -n +$((half + 1)) | tar -cf shard-1.tar -T -
embed -q 'shard-{0,1}.tar' -o faces_shards >/dev/null
clean faces_shards shards --tar shards_out
again 'shard-{0,1}.tar' 'shards_out/shard-{0,1}.tar'
# what a list had left out before stays out
{ echo path; ls copied | head -n 3 | sed 's|.*|made/&/9.jpg|'; } >before.csv
embed -q --exclude before.csv made -o faces_less >/dev/null
clean faces_less less --copy copied_less
again made copied_less
grep -c ',listed without a reason,excluded,,,' less/removal.csv
[ "$(awk -F, '!/"/ && NF != 17' less/removal.csv | wc -l)" = 0 ] || cat less/removal.csv
# outputs that would change the input, or take the place of something else
expect "lies in the input" faces_made bad --copy made/below
expect "lies in the input" faces_made bad --link made
expect "lies in the input" made/../faces_made made/out
expect "lies in the input" faces_made.tar bad --tar made.tar --force
ln made.tar alias.tar
expect "lies in the input" faces_made.tar bad --tar alias.tar --force
rm alias.tar
expect "is there already and holds files" faces_made bad --copy copied --force
expect "is there already" faces_made.tar bad --tar out.tar
expect "expected archives" faces_made bad --tar new.tar
expect "expected record files" faces_made.tar bad --rec new.rec
expect "expected folders" faces_made.tar bad --copy new
# a set that is no longer the one that was embedded
cp -r made moved && embed -q moved -o faces_moved >/dev/null 2>&1 || true
rm -r "moved/$(ls moved | head -n 1)"
expect "embed them again" faces_moved bad --copy new
[ ! -e new ] && [ ! -e new.tar ] && [ ! -e bad/removal.csv ] || ls
find made made.tar made.tar.gz made.zip -type f -exec sha256sum {} + | sort | cmp - before.sum
#out 3
