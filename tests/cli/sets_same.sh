# SPDX-License-Identifier: Apache-2.0
# The same pictures as a folder, tar, compressed tar, zip and shards: the same embeddings and identities, for any
# number of threads.
. "$TESTS/lib.sh"
command -v zip >/dev/null || skip "zip is not installed"
tiny_model
pictures photos 6 5
embed photos -o whole >/dev/null
tar --sort=name -cf set.tar photos
tar --sort=name -C photos -czf set.tar.gz .
(cd photos && find . -name '*.png' | LC_ALL=C sort | zip -q -@ ../set.zip)
for i in 0 1 2; do
    tar --sort=name -C photos -cf set-0$i.tar person_0$((2 * i)) person_0$((2 * i + 1))
done
ls set-0*.tar >list.txt
for set in set.tar set.tar.gz set.zip 'set-{00..02}.tar' @list.txt; do
    for threads in 1 4; do
        rm -rf faces
        embed "$set" -o faces -t $threads >/dev/null || echo "$set: exit code $?"
        cmp whole/embeddings.npy faces/embeddings.npy || echo "$set: other embeddings"
    done
    # row, identity and what follows are the same; the path is that of the container
    cut -d, -f1,3- whole/images.csv >want.csv
    cut -d, -f1,3- faces/images.csv | cmp - want.csv || echo "$set: another table"
done
sed -n 2p faces/images.csv | cut -d, -f2
embed "$set" -o faces # nothing to do
touch -d '2001-01-01' set-01.tar
embed "$set" -o faces
#exit 1
#out set-00.tar!/person_00/00.png
#out faces is up to date: nothing to do
#out 30 images of 6 identities
#out         30 embedded, 48 numbers each, in faces/embeddings.npy
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
#err * images/s; * % of the time went into *
#err likeness: error: faces: holds a finished result made with other settings: its inputs are others: pictures were added, removed, renamed, changed or labelled otherwise since*
