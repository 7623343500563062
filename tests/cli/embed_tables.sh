# SPDX-License-Identifier: Apache-2.0
# The normal case: tables with hashes, the same bytes for any number of threads, nothing to do the second time.
. "$TESTS/lib.sh"
tiny_model
pictures photos 5 4
embed photos -o one -t 1
embed photos -o three -t 3 >/dev/null
same_faces one three
"$python" - <<'END'
import hashlib, json, pathlib
meta = json.loads(pathlib.Path("one/meta.json").read_text())
for name, key in (("images.csv", "images_sha256"), ("embeddings.npy", "embeddings_sha256")):
    assert hashlib.sha256(pathlib.Path("one", name).read_bytes()).hexdigest() == meta[key], name
print(meta["model"]["name"], meta["alignment"], meta["counts"])
END
head -n 2 one/images.csv | cut -d , -f 1-5
ls -A one
stat -c %a one one/meta.json one/images.csv one/embeddings.npy | tr '\n' ' '
echo
embed photos -o one
#out 20 images of 5 identities
#out         20 embedded, 48 numbers each, in one/embeddings.npy
#out tiny aligned {'images': 20, 'embedded': 20, 'no_face': 0, 'unreadable': 0, 'excluded': 0, 'identities': 5}
#out row,path,identity,status,faces
#out 0,photos/person_00/00.png,person_00,ok,1
#out .lock
#out embeddings.npy
#out images.csv
#out meta.json
#out 700 600 600 600 
#out one is up to date: nothing to do
#out 20 images of 5 identities
#out         20 embedded, 48 numbers each, in one/embeddings.npy
#err * images/s; * % of the time went into *
#err * images/s; * % of the time went into *
