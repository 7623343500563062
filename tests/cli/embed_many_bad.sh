# SPDX-License-Identifier: Apache-2.0
# Many damaged pictures: ten in detail, then a count; --quiet leaves out notes, never what is wrong.
. "$TESTS/lib.sh"
tiny_model
pictures photos 1 1
for i in $(seq 10 39); do echo "no picture" >photos/bad_$i.jpg; done
embed photos -o faces -q
#exit 3
#out 31 images of 1 identities
#out          1 embedded, 48 numbers each, in faces/embeddings.npy
#out         30 unreadable: reasons in faces/images.csv
#err warning: photos/bad_10.jpg: unreadable: *
#err ...
#err warning: photos/bad_19.jpg: unreadable: *
#err warning: and 20 more images unreadable: see images.csv
