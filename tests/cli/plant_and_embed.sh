# SPDX-License-Identifier: Apache-2.0
# A planted set can be embedded, the same seed gives the same bytes, and plain copies lie next to their originals.
. "$TESTS/lib.sh"
tiny_model
pictures train 8 2
"$python" "$TESTS/make_pictures.py" fields all 14 2
mkdir others
mv all/person_08 all/person_09 all/person_1* others/
plant() { "$LIKENESS" plant --train train --others others -n 4 --kinds copy,flip,jpeg,colour "$@"; }
plant -o a -t 1
plant -o b -t 4 >/dev/null
diff -r a b
embed train -o train_faces >/dev/null
embed a/images -o faces
"$python" - <<'END' || exit $?
import csv, sys
try:
    import numpy
except ImportError:
    print("python3-numpy is not installed")
    sys.exit(77)
load = lambda name: (numpy.load(f"{name}/embeddings.npy"), [r["path"] for r in csv.DictReader(open(f"{name}/images.csv"))])
(train, train_paths), (faces, face_paths) = load("train_faces"), load("faces")
for line in csv.DictReader(open("a/truth.csv")):
    best = (train @ faces[face_paths.index("a/images/" + line["file"])]).argmax()
    if line["kind"] in ("copy", "jpeg") and line["planted"] == "1":
        assert train_paths[best] == "train/" + line["train_image"], line
END
#out a/images: 4 identities planted from train, 6 others
#out a/truth.csv says which
#out 20 images of 10 identities
#out         20 embedded, 48 numbers each, in faces/embeddings.npy
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
