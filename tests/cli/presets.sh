# SPDX-License-Identifier: Apache-2.0
# A preset reads DCFace as it is published: identities from list.txt, five extra copies of each found and left out.
. "$TESTS/lib.sh"
tiny_model
"$python" "$TESTS/make_pictures.py" dcface pictures 4 3
mkdir made
"$python" "$TESTS/make_records.py" dcface pictures made/record
"$LIKENESS" duplicates made --preset dcface -o duplicates.csv 2>/dev/null
head -n 3 duplicates.csv
"$LIKENESS" embed -m tiny/tiny.json made --preset dcface --exclude duplicates.csv -o faces
grep -c ,excluded, faces/images.csv
grep -o '"alignment": "[a-z]*"' faces/meta.json
"$LIKENESS" embed -m tiny/tiny.json pictures --preset dcface -o other 2>&1 || true
"$LIKENESS" embed -m tiny/tiny.json pictures --preset dcface --format folder --identity none -o flat 2>/dev/null
"$LIKENESS" embed pictures --preset dcfaces -o other 2>&1 || true
"$LIKENESS" help presets >presets.txt
awk 'length > 100' presets.txt
for name in casia ffhq dcface idiff sface idnet gandiffface digiface hsface; do grep -c "^$name: " presets.txt; done | sort | uniq -c
#out 32 images of 4 identities
#out         20 exact duplicates: the same bytes as the picture that is kept
#out          0 near duplicates: *
#out          0 mirrored duplicates
#out          4 groups, in duplicates.csv; 12 images are left without the duplicates
#out group,kind,path,identity,keep,similarity,reason
#out 1,,*person_00/00.png,person_00,yes,1.0000,
#out 1,exact,*person_00/identity_0.png,person_00,no,1.0000,exact duplicate of *person_00/00.png
#out 32 images of 4 identities
#out         12 embedded, 48 numbers each, in faces/embeddings.npy
#out         20 excluded by the list: reasons in faces/images.csv
#out 20
#out "alignment": "aligned"
#out warning: preset dcface: *
#out likeness: error: pictures: *
#out 32 images
#out         32 embedded, 48 numbers each, in flat/embeddings.npy
#out likeness embed: --preset: found 'dcfaces', expected one of casia, ffhq, *
#out Try *
#out *9 1
#err *warning: preset dcface: every identity holds five extra copies of its identity image: *
#err * images/s; * % of the time went into *
