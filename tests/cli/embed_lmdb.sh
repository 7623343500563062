# SPDX-License-Identifier: Apache-2.0
# An LMDB database that python3-lmdb wrote gives the same bytes as the folder that it was made from.
. "$TESTS/lib.sh"
tiny_model
pictures photos 6 3
"$python" "$TESTS/make_lmdb.py" label photos HSFACE.lmdb || exit $?
"$python" "$TESTS/make_lmdb.py" feature photos feature.lmdb
"$python" "$TESTS/make_lmdb.py" file photos one_file
embed photos -o photos_faces >/dev/null
for set in HSFACE.lmdb feature.lmdb one_file; do
    embed $set -o faces_$set
    cmp photos_faces/embeddings.npy faces_$set/embeddings.npy
done
cut -d, -f1-4 faces_HSFACE.lmdb/images.csv | sed -n 18p
#out 18 images of 6 identities
#out         18 embedded, 48 numbers each, in faces_HSFACE.lmdb/embeddings.npy
#out 18 images of 6 identities
#out         18 embedded, 48 numbers each, in faces_feature.lmdb/embeddings.npy
#out 18 images of 6 identities
#out         18 embedded, 48 numbers each, in faces_one_file/embeddings.npy
#out 16,HSFACE.lmdb/data.mdb#16,5,ok
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
