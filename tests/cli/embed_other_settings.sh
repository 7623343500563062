# SPDX-License-Identifier: Apache-2.0
# A finished result is not replaced by one of other settings, unless asked to.
. "$TESTS/lib.sh"
tiny_model
pictures photos 2 2
embed photos -o faces >/dev/null
cp -r faces before
pictures photos 3 2
code=0
embed photos -o faces || code=$?
echo "exit code $code"
same_faces faces before
embed photos -o faces --force
#out exit code 1
#out 6 images of 3 identities
#out          6 embedded, 48 numbers each, in faces/embeddings.npy
#err * images/s; * % of the time went into *
#err likeness: error: faces: holds a finished result made with other settings: its inputs are others: *--force*
#err * images/s; * % of the time went into *
