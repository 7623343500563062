# SPDX-License-Identifier: Apache-2.0
# What a score is worth by a .bin, by templates and by pairs of persons: tables, files, wrong use, wrong input.
. "$TESTS/lib.sh"
tiny_model
pictures photos 6 4
"$python" "$TESTS/make_bin.py" 2 photos pairs.bin
embed -q pairs.bin -o bin.faces >/dev/null
embed -q photos -o faces >/dev/null
"$LIKENESS" calibrate bin.faces --bin pairs.bin --force-fmr --roc roc.csv -o bin.json
head -1 roc.csv
stat -c %a roc.csv bin.json

# two templates of each person: the first two pictures are one media
"$python" - <<END
people = range(6)
with open("tid.txt", "w") as out:
    for p in people:
        for k in range(4):
            print(f"person_{p:02}/{k:02}.jpg", 2 * p + k // 2, 7 * (k // 2), file=out)
with open("label.txt", "w") as out:
    for a in range(12):
        for b in range(a + 1, 12):
            print(a, b, int(a // 2 == b // 2), file=out)
END
"$LIKENESS" calibrate faces --templates tid.txt --template-pairs label.txt -o templates.json
"$LIKENESS" calibrate faces --from-identities --seed 5 -o identities.json
"$python" - <<END
import json
for name in "bin", "templates", "identities":
    found = json.load(open(name + ".json"))
    print(found["protocol"], found["pairs"], found["templates"], found["sample"])
END

fails() { # arguments of likeness calibrate
    code=0
    "$LIKENESS" calibrate "$@" >/dev/null 2>message || code=$?
    echo "$code $(head -1 message)"
}
fails faces --bin pairs.bin --from-identities
fails faces --templates tid.txt
fails faces --bin pairs.bin
fails faces --bin photos/person_00/00.png
fails faces --templates label.txt --template-pairs label.txt
echo "0 99 1" >>label.txt
fails faces --templates tid.txt --template-pairs label.txt
echo "0 1" >>label.txt
fails faces --templates tid.txt --template-pairs label.txt
echo "person_00/00.png 1" >>tid.txt
fails faces --templates tid.txt --template-pairs label.txt
"$LIKENESS" measure --synthetic faces --train faces --thresholds templates.json -o measure >/dev/null 2>message || echo "$?"
cat message
#out genuine pairs    6
#out impostor pairs   6
#out missing pairs    0
#out accuracy         * % +- * (mean and sample standard deviation over 10 folds)
#out ...
#out    1e-02 * 6  (too few)
#out ...
#out threshold,fmr,fmr_low,fmr_high,fnmr,fnmr_low,fnmr_high
#out 600
#out 600
#out genuine pairs    6
#out impostor pairs   60
#out missing pairs    0
#out templates        12 with a face; 0 of their images have no embedding and are not part of them
#out equal error rate * %
#out ...
#out No thresholds: 60 impostor pairs, and a false match rate of 1e-2 needs 3000 (30 errors).
#out ...
#out These are rates of templates, each made of several images. An audit compares single images, so
#out its commands do not take these thresholds.
#out genuine pairs    36
#out impostor pairs   15
#out missing pairs    0
#out random pairs     with seed 5
#out ...
#out bin pairs.bin None None
#out templates label.txt {'file': 'tid.txt', 'templates': 12, 'images_missing': 0} None
#out identities None None {'seed': 5}
#out 2 likeness calibrate: expected one of --pairs, --bin, --templates and --from-identities, found 2
#out 2 likeness calibrate: expected --templates and --template-pairs together
#out 1 likeness: error: faces: has no picture of pairs.bin; expected paths such as pairs.bin#0*
#out 1 likeness: error: photos/person_00/00.png: no pickle of protocol 2 or later*
#out 1 likeness: error: faces: none of the images in label.txt is there; expected paths that end with names such as '0'
#out 1 likeness: error: label.txt: line 67: template 99 is not in tid.txt
#out 1 likeness: error: label.txt: line 68: found '0 1', expected "template template label" *
#out 1 likeness: error: tid.txt: line 25: found 'person_00/00.png 1', expected "name template media" *
#out 1
#out likeness: error: templates.json: its thresholds are for templates of several images, expected some for single images*
#err error rates in roc.csv
#err thresholds in bin.json
#err thresholds in templates.json
#err thresholds in identities.json
