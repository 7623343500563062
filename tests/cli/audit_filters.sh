# SPDX-License-Identifier: Apache-2.0
# Filters and strata of an audit and of a cleaning: in all sets alike, printed, in the report, in the manifest.
. "$TESTS/lib.sh"
tiny_model
pictures all 60 2
mkdir train holdout others
mv all/person_[01]* train/
mv all/person_[23]* holdout/
mv all/person_[45]* others/
"$LIKENESS" plant --train train --others others -n 16 --kinds copy,jpeg -o planted -q >/dev/null
# Of every identity the first picture is of group a; every second identity has a picture of group b, too.
for set in train holdout planted/images; do
    [ $set = planted/images ] && for dir in $set/*; do cp "$dir/$(ls "$dir" | head -1)" "$dir/more.jpg"; done
    (cd $set && find . -name '*.png' -o -name '*.jpg' | sort |
        awk 'BEGIN { print "path,light" } { sub("^./", ""); print $0 "," (NR % 4 == 2 ? "dim" : "bright") }') >labels.csv
    "$LIKENESS" embed --aligned -m tiny/tiny.json $set --labels labels.csv -o faces_$(basename $set) -q >/dev/null
done
sets="--train faces_train --holdout faces_holdout --synthetic faces_images"
"$LIKENESS" audit $sets --filter 'group:light=bright' --strata sharpness -o filtered -q >printed
grep -o "filters, on all sets alike: group:light=bright; they leave out [0-9]* of [0-9]* images, 0 of them" printed
grep -c '^- sharpness ' printed
sed -n 1p printed | grep -q '^verdict' || cat printed
"$python" - <<'END'
import csv, html, json, re
measures, manifest = (json.load(open(f"filtered/{name}.json")) for name in ("measure/measures", "manifest"))
page = html.unescape(open("filtered/report.html").read())
print(manifest["filters"], "measure/strata.csv" in {o["path"] for o in manifest["outputs"]})
assert "that meet <code>group:light=bright</code>" in page
left = [sum(f["no"] for f in s["left_out"]) for s in measures["filters"]["sets"]]
said = re.search(r"They left out(.*?)What is said", page).group(1)
assert [int(n) for n in re.findall(r"(\d+) images of the", said)] == left and all(left), (left, said)
rows = list(csv.DictReader(open("filtered/measure/strata.csv")))
shown = re.findall(r'<tr><th scope="row">sharpness: ([^<]*)<td class="n" data-l="units">(\d+)', page)
assert [(r["stratum"], r["units"]) for r in rows] == shown and len(rows) == 3, (rows, shown)
assert json.load(open("filtered/report.json"))["measured"]["strata"]["rows"][0]["stratum"] == rows[0]["stratum"]
END
"$LIKENESS" verify filtered --sample 0 -q | tail -1
# Without strata the report makes its own charts, and it says nothing of filters.
"$LIKENESS" audit $sets -o plain -q >printed
! grep 'filters\|strata' printed
grep -o 'data-chart="strata"\|Filters were used\|strata.csv' plain/report.html | sort -u
code=0
"$LIKENESS" audit x.ini --filter 'age>=18' >/dev/null 2>message || code=$?
[ $code = 2 ] || { echo "exit code $code"; cat message; }

# A cleaning looks at the images that meet the filter; the others are kept with their identities, and it says so.
code=0
"$LIKENESS" clean $sets --same-person 2 --filter 'group:light=bright' --strata sharpness --margin 0.3 --force -o cleaned -q >printed || code=$?
grep -o 'Only images took part, in all sets, that meet group:light=bright\. [0-9]* images that are kept have no embedding or do not meet the filters' printed || cat printed
"$python" - <<'END'
import csv, json
kept, removed = (list(csv.DictReader(open(f"cleaned/{name}.csv"))) for name in ("kept", "removal"))
light = {r["path"]: r["group:light"] for r in csv.DictReader(open("faces_images/images.csv"))}
assert removed and all((r["compared"] == "1") == (light[r["path"]] == "bright") for r in kept)
gone = {r["identity"] for r in removed}
assert not gone & {r["identity"] for r in kept}
assert "dim" in {light[r["path"]] for r in removed} # with their identities
print(json.load(open("cleaned/clean.json"))["filters"], len(open("cleaned/after/strata.csv").readlines()))
END
#out filters, on all sets alike: group:light=bright; they leave out * of * images, 0 of them
#out 3
#out {'measure/measures.json': ?'group:light=bright'?} True
#out all is as recorded
#out data-chart="strata"
#out Only images took part, in all sets, that meet group:light=bright. * images that are kept have no embedding or do not meet the filters
#out ?'group:light=bright'? 4
