# SPDX-License-Identifier: Apache-2.0
# No room for the tables (a limit on file size stands for a full disk): a message, what is finished is kept.
. "$TESTS/lib.sh"
tiny_model
many_pictures photos 10
embed photos -o whole >/dev/null
code=0
(ulimit -f 100 && embed photos -o faces) || code=$?
echo "exit code $code"
[ ! -e faces/meta.json ] || echo "finished all the same"
embed photos -o faces 2>&1
same_faces whole faces
#out exit code 1
#out faces: going on after * of 1000 images
#out 1000 images of 10 identities, * of them done by an earlier run
#out       1000 embedded, 48 numbers each, in faces/embeddings.npy
#out * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err likeness: error: after * of 1000 images, which are kept: faces/*.part*: cannot write: File too large
