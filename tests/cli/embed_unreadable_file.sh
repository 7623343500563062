# SPDX-License-Identifier: Apache-2.0
# A file without read permission is unreadable, not the end of the run.
. "$TESTS/lib.sh"
[ "$(id -u)" != 0 ] || skip "root may read everything"
tiny_model
pictures photos 1 3
chmod 0 photos/person_00/01.png
embed photos -o faces
#exit 3
#out 3 images of 1 identities
#out          2 embedded, 48 numbers each, in faces/embeddings.npy
#out          1 unreadable: reasons in faces/images.csv
#err warning: photos/person_00/01.png: unreadable: *Permission denied
