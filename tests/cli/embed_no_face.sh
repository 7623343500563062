# SPDX-License-Identifier: Apache-2.0
# Coloured fields hold no face: an error that asks whether they are crops already. Needs the fetched models.
. "$TESTS/lib.sh"
for model in sface blazeface; do
    "$LIKENESS" models list | grep -q "^$model .* yes " || skip "$model is not fetched: likeness models fetch $model"
done 2>/dev/null
pictures photos 1 3
"$LIKENESS" embed photos -o faces
#exit 1
#err warning: photos/person_00/00.png: no face found; listed, not embedded
#err warning: photos/person_00/01.png: no face found; listed, not embedded
#err warning: photos/person_00/02.png: no face found; listed, not embedded
#err likeness: error: photos: no face in any of 3 images (0 unreadable)*--aligned
