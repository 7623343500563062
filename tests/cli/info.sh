# SPDX-License-Identifier: Apache-2.0
# What likeness info says about sets of images, results and other things.
. "$TESTS/lib.sh"
tiny_model
pictures photos 2 2
cp photos/person_00/00.png photos/person_01/extra.png
: >photos/person_01/zero.png
tar --sort=name -cf set.tar photos --transform 's,person_00/01,../&,'
embed photos -o faces -q >/dev/null 2>&1 || true
"$LIKENESS" info set.tar --pictures 2
"$LIKENESS" info 'set{,}.tar' --identity none -n 0
"$LIKENESS" info faces
"$LIKENESS" info faces/embeddings.npy
"$LIKENESS" info photos --json >info.json
"$python" - <<END
import json
info = json.load(open("info.json"))
assert info["kind"] == "images" and info["images"] == 6 and info["identities"] == 2, info
assert info["images_per_identity"] == {"min": 2, "median": 3, "max": 4}, info
assert info["inputs"] == [{"path": "photos", "format": "folder", "images": 6}], info
assert [p.get("width") for p in info["pictures"]] == [112] * 5 and info["pictures"][4]["path"].endswith("extra.png")
END
echo text >notes
"$LIKENESS" info notes || echo "exit code $?"
"$LIKENESS" info set.tar --format folder || echo "exit code $?"
"$LIKENESS" info
#exit 2
#out a set of images
#out          6 images
#out          2 identities
#out            images of each identity: at least 2, median 3, at most 4
#out inputs:
#out   set.tar: archive, 6 images
#out first images:
#out   set.tar!/photos/person_00/00.png, of person_00: 112 x 112, * bytes
#out   set.tar!/photos/person_00/01.png, of person_00: 112 x 112, * bytes
#out problems:
#out   set.tar: 1 names lead outside of the archive; taken by what is left without that (first: photos/../person_00/01.png)
#out a set of images
#out         12 images
#out          0 identities
#out inputs:
#out   set.tar: archive, 6 images
#out   set.tar: archive, 6 images
#out problems:
#out   set.tar: 1 names lead outside*
#out   set.tar: 1 names lead outside*
#out a FACES directory
#out          5 embeddings of 48 numbers
#out          6 images
#out          2 identities
#out model: *
#out embeddings without images
#out          5 embeddings of 48 numbers
#out exit code 1
#out exit code 1
#err likeness: error: notes: neither a picture, nor a set of them, nor embeddings (notes: not a file of embeddings that is known*
#err likeness: error: set.tar*
#err ...
