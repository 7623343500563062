# SPDX-License-Identifier: Apache-2.0
# Archives with something wrong: one bad member is one unreadable image, a cut archive stops the run.
. "$TESTS/lib.sh"
command -v zip >/dev/null || skip "zip is not installed"
tiny_model
pictures photos 2 3
(cd photos && find . -name '*.png' | LC_ALL=C sort | zip -q -0 -@ ../set.zip)
"$python" - <<END
data = bytearray(open("set.zip", "rb").read())
at = data.index(open("photos/person_01/01.png", "rb").read())
data[at + 60] ^= 1
open("set.zip", "wb").write(data)
END
embed set.zip -o faces || echo "exit code $?"
tar -cf set.tar photos
head -c 2000 set.tar >cut.tar
embed cut.tar -o cut || echo "exit code $?"
[ ! -e cut/meta.json ] || echo "a result of a cut archive"
echo secret >photos/person_00/01.png
(cd photos && zip -q -P secret -r ../locked.zip .)
embed locked.zip -o locked
#exit 1
#out 6 images of 2 identities
#out          5 embedded, 48 numbers each, in faces/embeddings.npy
#out          1 unreadable: reasons in faces/images.csv
#out exit code 3
#out exit code 1
#err warning: set.zip!/person_01/01.png: unreadable: damaged: ZIP bad CRC*
#err * images/s; * % of the time went into *
#err likeness: error: cut.tar: damaged behind *
#err warning: locked.zip: 6 pictures are encrypted and cannot be read (first: person_0*
#err warning: locked.zip!/*: unreadable: encrypted, expected a picture
#err ...
#err likeness: error: locked.zip: none of 6 images could be read*
