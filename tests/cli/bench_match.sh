# SPDX-License-Identifier: Apache-2.0
# The benchmark prints its figures, one a line, for made vectors and for given ones, and refuses what it cannot measure.
"$LIKENESS" bench match --probes 300 --references 200 --dim 24 --threads 1 >made.txt
cut -d ' ' -f 1 made.txt | tr '\n' ' '; echo
grep -E '^(probes|references|dim|axes|scanned|scored) ' made.txt
"$LIKENESS" bench match --probes 9000 --references 9000 --dim 24 --cpu portable >scanned.txt # too many to score them all
grep -E '^(instructions|references) ' scanned.txt
awk '$1 == "scanned" && $2 > 90 { print "most pairs scanned" } $1 == "scored" && $2 < 50 { print "few pairs scored" }' scanned.txt
/usr/bin/python3 -c "import numpy as np; np.save('a.npy', np.eye(7, 5, dtype='f4')[:5]); np.save('b.npy', np.eye(3, 5, dtype='f4'))"
"$LIKENESS" bench match a.npy b.npy -q | grep -E '^(probes|references|dim) '
for wrong in "" "embed" "match a.npy" "match a.npy b.npy b.npy"; do
    code=0
    "$LIKENESS" bench $wrong 2>usage.txt || code=$?
    echo "$code $(sed 's/`.*//' usage.txt | head -1)"
done
"$LIKENESS" bench match --cpu abacus
#exit 2
#out instructions threads probes references dim axes seconds preparing pairs equivalent scanned nominated scored scan peak 
#out probes 300
#out references 200
#out dim 24
#out axes 0
#out scanned 0.0000 %
#out scored 100.0000 %
#out instructions portable
#out references 9000
#out most pairs scanned
#out few pairs scored
#out probes 5
#out references 3
#out dim 5
#out 2 likeness bench: expected what to measure: match or rates
#out 2 likeness bench: found 'embed', expected match or rates
#out 2 likeness bench: expected TRAIN behind SYNTH, or neither of them
#out 2 likeness bench: found 'b.npy' behind SYNTH and TRAIN, expected no more
#err likeness bench: --cpu: found 'abacus', expected one of the levels of this machine: *
#err Try *
