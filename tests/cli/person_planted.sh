# SPDX-License-Identifier: Apache-2.0
# Real faces: a person of whom a changed photo was planted is found, one who was not is unremarkable.
. "$TESTS/lib.sh"
data=${LIKENESS_DATA:-$TESTS/../../../shared/data}
[ -d "$data/planted/images" ] && [ -d "$data/lfw/images" ] || skip "no real faces in $data"
models=$("$LIKENESS" version | sed -n 's/^models in //p')
[ -e "$models/sface.onnx" ] && [ -e "$models/blazeface.onnx" ] || skip "sface or blazeface is not fetched"
"$python" - "$data" <<'EOF'
import csv, os, shutil, sys
data = os.path.abspath(sys.argv[1])
rows = list(csv.DictReader(open(f"{data}/planted/truth.csv")))
planted = {r["identity"] for r in rows}
others = sorted(p for p in os.listdir(f"{data}/lfw/images") if p not in planted)
os.mkdir("people")
for p in others[::14]:  # about 145 persons; the rest are not in it
    os.mkdir(f"people/{p}")
    for file in sorted(os.listdir(f"{data}/lfw/images/{p}"))[:1]:
        shutil.copyfile(f"{data}/lfw/images/{p}/{file}", f"people/{p}/{file}")
photos = [r["source_image"] for r in rows if r["type"] == "copy"][:3]
strangers = [f"lfw/images/{p}/{p}_0001.jpg" for p in others[7::140]][:8]
open("asked", "w").write("\n".join(photos) + "\n")
open("strangers", "w").write("\n".join(strangers) + "\n")
EOF
"$LIKENESS" embed -q "$data/planted/images" -o synthetic >/dev/null
"$LIKENESS" embed -q people -o holdout >/dev/null
p_of() { # photo
    "$LIKENESS" person -q "$data/$1" --synthetic synthetic --holdout holdout -n 1 | sed -n 's/.*: p = //p'
}
while read -r photo; do p_of "$photo"; done <asked >planted_p
while read -r photo; do p_of "$photo"; done <strangers >stranger_p
"$python" - <<'EOF'
planted = [float(line) for line in open("planted_p")]
strangers = sorted(float(line) for line in open("stranger_p"))
assert len(planted) == 3 and max(planted) < 0.01, planted  # the smallest that so many persons allow
assert len(strangers) == 8 and strangers[0] > 0.02 and 0.2 < strangers[4], strangers
EOF
#err ...
