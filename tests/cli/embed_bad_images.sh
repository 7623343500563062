# SPDX-License-Identifier: Apache-2.0
# Damaged pictures are named with what was found, the rest is embedded, and the exit code is 3.
. "$TESTS/lib.sh"
tiny_model
pictures photos 2 2
"$LIKENESS" plant --train photos --others photos -n 1 --kinds copy -o jpegs >/dev/null
head -c 500 "$(find jpegs/images -name '*.jpg' | sort | head -n 1)" >photos/cut.jpg
: >photos/empty.png
echo "this is no picture" >photos/text.jpg
"$python" "$TESTS/make_pictures.py" bomb photos/bomb.png 30000
[ "$(stat -c %s photos/bomb.png)" -lt 200000 ]
embed photos -o faces -t 2
#exit 3
#out 8 images of 2 identities
#out          4 embedded, 48 numbers each, in faces/embeddings.npy
#out          4 unreadable: reasons in faces/images.csv
#err warning: photos/bomb.png: unreadable: *30000*30000*
#err warning: photos/cut.jpg: unreadable: *
#err warning: photos/empty.png: unreadable: *
#err warning: photos/text.jpg: unreadable: *
#err * images/s; * % of the time went into *
