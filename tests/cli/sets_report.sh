# SPDX-License-Identifier: Apache-2.0
# An audit of sets in archives: the report shows their pictures, read again from there.
. "$TESTS/lib.sh"
tiny_model
pictures all 9 4
mkdir real held made
mv all/person_00 all/person_01 all/person_02 real
mv all/person_03 all/person_04 all/person_05 held
mv all/person_0? made
cp real/person_00/00.png made/person_06/copy.png
tar -C real -cf real.tar .
tar -C held -czf held.tgz .
(cd made && tar -cf ../made.tar .)
audit() { # names of the three sets
    "$LIKENESS" audit --aligned -m tiny/tiny.json -q --train $1 --holdout $2 --synthetic $3 -o $4 >$4.txt
    grep -c "data:image/jpeg" $4/report.html >$4.n
}
mkdir folders archives
audit real held made folders
audit real.tar held.tgz made.tar archives
cmp folders.n archives.n
[ "$(cat archives.n)" -gt 0 ] || echo "no pictures"
pairs() { # the pictures of the pairs, in any order
    grep -o 'data:image/jpeg;base64,[A-Za-z0-9+/=]*' $1/report.html | sort
}
pairs folders >one.txt
pairs archives >two.txt
[ -s one.txt ] && cmp one.txt two.txt
"$LIKENESS" info archives/match
mv made.tar gone.tar # a picture that is gone is a neutral tile, not an error
rm archives/report.html archives/report.json
"$LIKENESS" report archives/measure --match archives/match -o gone.html -q >/dev/null
[ "$(grep -o 'data:image/jpeg' gone.html | wc -l)" -lt "$(wc -l <two.txt)" ] || echo "pictures of an archive that is gone"
# What is only known as an archive when it is said (--format) is read again as one: an old tar has no mark.
tar --format=v7 -C made -cf old.bin .
"$LIKENESS" embed --aligned -m tiny/tiny.json --format archive old.bin -o faces_old -q >/dev/null
"$LIKENESS" audit --aligned -m tiny/tiny.json -q --train real.tar --holdout held.tgz --synthetic faces_old -o old >/dev/null
pairs old >three.txt
cmp one.txt three.txt
"$LIKENESS" verify old -q >verified || cat verified
"$LIKENESS" review new old/measure -o review.db --reviewers 1 -q >/dev/null 2>review.txt || cat review.txt
! grep 'cannot be read\|not be read' review.txt
#out a result of likeness of the kind 'match'; its meta.json says how it was made
