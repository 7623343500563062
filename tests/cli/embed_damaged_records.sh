# SPDX-License-Identifier: Apache-2.0
# A record that is damaged is named and the rest embedded (exit code 3); a container that is none stops the run.
. "$TESTS/lib.sh"
tiny_model
pictures photos 2 2
"$python" "$TESTS/make_records.py" plain photos cut
truncate -s -100 cut/train.rec
"$python" "$TESTS/make_records.py" plain photos other
printf '0\t4\n1\t700\n2\t1300\n3\t1700\n' >other/train.idx
code=0
embed cut -o faces || code=$?
[ $code -eq 3 ]
embed other -o other_faces
printf '\200\003cos\nsystem\n.' >attack.bin
code=0
embed attack.bin -o attack || code=$?
[ $code -eq 1 ]
#out 4 images of 2 identities
#out          3 embedded, 48 numbers each, in faces/embeddings.npy
#out          1 unreadable: reasons in faces/images.csv
#out 4 images of 2 identities
#out          4 embedded, 48 numbers each, in other_faces/embeddings.npy
#err warning: cut/train.rec#3: unreadable: the record at byte * is cut off: it takes at least * bytes, found *
#err * images/s; * % of the time went into *
#err warning: other/train.rec: the index does not fit: of 4 entries tried, *; the records are found by their magic numbers instead
#err * images/s; * % of the time went into *
#err likeness: error: attack.bin: opcode 0x63 at byte 2: it names a function, which is never called; expected a pickle of a list of pictures and a list of booleans
