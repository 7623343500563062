# SPDX-License-Identifier: Apache-2.0
# A folder without pictures, and one that is not there: nothing is made.
. "$TESTS/lib.sh"
tiny_model
mkdir papers
echo hello >papers/letter.txt
for input in papers nowhere; do
    code=0
    embed "$input" -o faces 2>message.txt || code=$?
    echo "$code: $(cat message.txt)"
    [ ! -e faces ] || echo "$input left a folder"
done
# A single file is taken at its word, whatever its name: then it is unreadable.
embed papers/letter.txt -o faces
#exit 1
#out 1: likeness: error: papers: no pictures in this folder: *
#out 1: likeness: error: nowhere: *No such file or directory
#err warning: papers/letter.txt: unreadable: not a JPEG, PNG or WebP picture *
#err likeness: error: papers/letter.txt: none of 1 images could be read; *
