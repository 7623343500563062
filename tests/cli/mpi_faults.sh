# SPDX-License-Identifier: Apache-2.0
# likeness-mpi whose work is damaged, whose folder is full or gone, or whose MPI lacks one-sided communication: it says what and
# where, ends, and gives the same bytes when it is started again.
. "$TESTS/lib.sh"
. "$TESTS/mpi_lib.sh"
"$LIKENESS" simulate -q --identities=500 --persons=800 --images=3 --seed=5 -o sim >/dev/null
job() { # output, then what goes before it
    out=$1
    shift
    code=0
    # shellcheck disable=SC2046 # words
    timeout 60 "$@" $(ranks_of 2) "$mpi" match sim/synthetic sim/train --holdout sim/holdout --min-score 0.5 \
        -q -o "$out" >printed 2>said || code=$?
    grep -a "^likeness-mpi: \|^warning" said | sed 's/ on [^ ]*: /: /' | sort | head -1 || :
}
same() {
    [ $code = 0 ] || cat said
    for table in one/*.csv; do
        cmp "$table" "$1/${table#*/}"
    done
    [ ! -e "$1/rank-1-of-2" ] && [ ! -e "$1/rank-2-of-2" ]
}
"$LIKENESS" match sim/synthetic sim/train --holdout sim/holdout --min-score 0.5 -q -o one >/dev/null

# All ranks are done, and a folder stands where a table should be: their work stays.
mkdir -p left/pairs.csv
job left
[ $code = 1 ]
rmdir left/pairs.csv
ls left/rank-2-of-2
cp -r left flipped
"$python" - <<'END'
import os
with open("flipped/rank-2-of-2/search.part", "r+b") as f:
    f.seek(os.path.getsize(f.name) // 2)
    byte = f.read(1)[0]
    f.seek(-1, 1)
    f.write(bytes([byte ^ 4]))
END
cp -r left cut
truncate -s -100 cut/rank-1-of-2/search.part
cp -r left swapped # the other rank's
cp left/rank-1-of-2/* swapped/rank-2-of-2/
cp -r left range
truncate -s 16 range/rank-2-of-2/range.part
for damage in flipped cut swapped range left; do
    echo "$damage"
    job $damage
    same $damage
done

if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs -o size=64k none sim 2>/dev/null; then
    mkdir full
    job full unshare -m sh -c 'mount -t tmpfs -o size=64k none full && "$@"' sh
    [ $code = 1 ] || cat said
    job full
    same full
else
    echo "likeness-mpi: error: rank 0 of 2: full/ was not tried without root: cannot write: No space left on device; put that right and start the job again: it goes on where it was"
fi

mkdir gone
mv gone away # the folder is renamed as soon as the ranks work in theirs
mkdir gone
("$python" - <<'END'
import os, time
until = time.time() + 30
while time.time() < until and not all(map(os.path.exists, ("gone/rank-1-of-2", "gone/rank-2-of-2"))):
    pass
os.rename("gone", "renamed")
END
) &
job gone
wait
[ $code = 1 ] || cat said
rm -rf gone
mv renamed gone
job gone
same gone

export OMPI_MCA_osc=^sm,rdma,ucx,pt2pt # with another MPI this says nothing
job without
same without
#out likeness-mpi: error: rank 0 of 2: left/pairs.csv: cannot remove: Is a directory; put that right and start the job again: it goes on where it was
#out range.part
#out search.part
#out flipped
#out warning: flipped/rank-2-of-2/search.part: is damaged; the search starts from the beginning
#out cut
#out warning: cut/rank-1-of-2/search.part: is damaged; the search starts from the beginning
#out swapped
#out warning: swapped/rank-2-of-2/search.part: *; the search starts from the beginning
#out range
#out warning: range/rank-2-of-2/search.part: does not fit the range.part beside it; the search starts from the beginning
#out left
#out likeness-mpi: error: rank * of 2: full/*: cannot write: No space left on device; put that right and start the job again: it goes on where it was
#out likeness-mpi: error: rank * of 2: gone/*: cannot *; put that right and start the job again: it goes on where it was
