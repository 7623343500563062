# SPDX-License-Identifier: Apache-2.0
# DCFace's five extra copies of each identity's picture are found, and left out when embedding.
. "$TESTS/lib.sh"
tiny_model
"$python" "$TESTS/make_pictures.py" dcface made 4 3
"$LIKENESS" duplicates made -o duplicates.csv
head -n 3 duplicates.csv
cut -d , -f 1,2,5 duplicates.csv | tail -n +2 | sort | uniq -c | sed 's/^ *//' | head -n 4
stat -c %a duplicates.csv
embed made --exclude duplicates.csv -o faces
grep ,excluded, faces/images.csv | head -n 2
embed made --exclude duplicates.csv -o faces | head -n 1
embed made -o faces 2>&1 || true
embed made/person_00 --exclude duplicates.csv -o other 2>&1 || true
(cd made && "$LIKENESS" embed --aligned -m ../tiny/tiny.json . --exclude ../duplicates.csv -o ../inside 2>&1) || true
echo path,keep >bad.csv
echo made/person_00/00.png,perhaps >>bad.csv
embed made --exclude bad.csv -o other 2>&1 || true
find made -name '*.png' | sed 1ipath >all.csv
embed made --exclude all.csv -o all
#exit 1
#out 32 images of 4 identities
#out         20 exact duplicates: the same bytes as the picture that is kept
#out          0 near duplicates: *
#out          0 mirrored duplicates
#out          4 groups, in duplicates.csv; 12 images are left without the duplicates
#out group,kind,path,identity,keep,similarity,reason
#out 1,,made/person_00/00.png,person_00,yes,1.0000,
#out 1,exact,made/person_00/identity_0.png,person_00,no,1.0000,exact duplicate of made/person_00/00.png
#out 1 1,,yes
#out 5 1,exact,no
#out 1 2,,yes
#out 5 2,exact,no
#out 600
#out 32 images of 4 identities
#out         12 embedded, 48 numbers each, in faces/embeddings.npy
#out         20 excluded by the list: reasons in faces/images.csv
#out ,made/person_00/identity_0.png,person_00,excluded,0,0,0,*,exact duplicate of made/person_00/00.png
#out ,made/person_00/identity_1.png,person_00,excluded,0,0,0,*,exact duplicate of made/person_00/00.png
#out faces is up to date: nothing to do
#out likeness: error: faces: holds a finished result made with other settings: its list of excluded images is another*
#out duplicates.csv: 15 of its 20 paths are not among the inputs
#out 8 images
#out          3 embedded, *
#out          5 excluded by the list: *
#out * images/s; * % of the time went into *
#out likeness: error: ../duplicates.csv: none of its 20 paths is among the 32 images of the inputs (*
#out likeness: error: bad.csv: line 2, column 'keep': 'perhaps', expected yes or no
#err * images/s; * % of the time went into *
#err likeness: error: made: all 32 images are excluded by all.csv
