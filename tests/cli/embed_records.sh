# SPDX-License-Identifier: Apache-2.0
# Record files, pairs of InsightFace and LMDB give the same bytes as the folder that they were made from; and a report
# shows their pictures.
. "$TESTS/lib.sh"
tiny_model
pictures photos 6 3
embed photos -o photos_faces >/dev/null
for kind in insightface plain arrays dcface bare parts; do
    "$python" "$TESTS/make_records.py" $kind photos sets/$kind
    embed sets/$kind -o faces_$kind
    cmp photos_faces/embeddings.npy faces_$kind/embeddings.npy
done
cut -d, -f1-4 faces_insightface/images.csv | sed -n 2p
cut -d, -f1-4 faces_dcface/images.csv | sed -n 2p
for protocol in 2 3 4; do
    "$python" "$TESTS/make_bin.py" $protocol photos sets/$protocol.bin
    embed sets/$protocol.bin -o faces_$protocol
    cmp photos_faces/embeddings.npy faces_$protocol/embeddings.npy
done
cut -d, -f1-4 faces_4/images.csv | sed -n 3p
"$LIKENESS" measure --synthetic faces_insightface --train faces_dcface --same-person 2 -o measure 2>/dev/null >&2
"$LIKENESS" report measure -o report.html >/dev/null 2>&1
[ "$(grep -o 'data:image/jpeg' report.html | wc -l)" -ge 30 ]
#out 18 images of 6 identities
#out         18 embedded, 48 numbers each, in faces_insightface/embeddings.npy
#out 18 images of 6 identities
#out         18 embedded, 48 numbers each, in faces_plain/embeddings.npy
#out 18 images of 6 identities
#out         18 embedded, 48 numbers each, in faces_arrays/embeddings.npy
#out 18 images of 6 identities
#out         18 embedded, 48 numbers each, in faces_dcface/embeddings.npy
#out 18 images of 6 identities
#out         18 embedded, 48 numbers each, in faces_bare/embeddings.npy
#out 18 images of 6 identities
#out         18 embedded, 48 numbers each, in faces_parts/embeddings.npy
#out 0,sets/insightface/train.rec#1,0,ok
#out 0,sets/dcface/file.rec#person_00/00.png,person_00,ok
#out 18 images
#out         18 embedded, 48 numbers each, in faces_2/embeddings.npy
#out 18 images
#out         18 embedded, 48 numbers each, in faces_3/embeddings.npy
#out 18 images
#out         18 embedded, 48 numbers each, in faces_4/embeddings.npy
#out 1,sets/4.bin#1,,ok
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
