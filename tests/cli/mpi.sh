# SPDX-License-Identifier: Apache-2.0
# likeness-mpi by several processes: the bytes of one process, also after a rank was killed at any moment.
. "$TESTS/lib.sh"
command -v mpirun >/dev/null || skip "mpirun is not installed"
mpi=$(dirname "$LIKENESS")/../mpi/likeness-mpi
[ -x "$mpi" ] || skip "likeness-mpi was not built"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    HWLOC_HIDE_ERRORS=2 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_base_warn_component_unused=0 OMPI_MCA_plm_rsh_agent=/bin/true
ranks() { # number, command of likeness-mpi; without what hwloc says of a container
    n=$1
    shift
    code=0
    mpirun --host localhost:"$n" --bind-to none -n "$n" "$mpi" "$@" 2>ranks.said || code=$?
    grep -av hwloc ranks.said >&2 || :
    return $code
}
kill_one() { # of the processes that write to this folder
    "$python" - "$1" <<'END'
import os, random, signal, sys
ranks = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
    except OSError:
        continue
    if words[0].endswith(b"likeness-mpi") and sys.argv[1].encode() in words:
        ranks.append(int(pid))
if ranks:
    os.kill(random.choice(ranks), signal.SIGKILL)
END
}
same_match() { # two MATCH directories
    [ "$(ls -A "$1")" = "$(ls -A "$2")" ] || ls -A "$2"
    for table in "$1"/*.csv; do
        cmp "$table" "$2/${table#*/}"
    done
}
"$LIKENESS" simulate -q --identities=500 --persons=800 --images=3 --seed=5 -o sim >/dev/null
sets="sim/synthetic sim/train --holdout sim/holdout --min-score 0.5"
"$LIKENESS" match $sets -q -o one >/dev/null
for n in 1 2 5; do
    ranks $n match $sets -q -o "by$n" >printed 2>&1 || cat printed
    same_match one "by$n"
done
cat printed
ranks 2 match $sets -q -o by2 | tail -1
"$LIKENESS" match sim/synthetic sim/train -k 3 -q -o small >/dev/null # without a hold-out, with a short list
ranks 3 match sim/synthetic sim/train -k 3 -q -o small3 >/dev/null
same_match small small3

# Any rank killed at any moment, and the job started again.
for moment in 0.3 0.5 0.7; do
    ranks 3 match $sets -q -o killed >/dev/null 2>&1 &
    job=$!
    sleep $moment
    kill_one killed
    wait $job || :
done
ranks 3 match $sets -q -o killed >/dev/null
same_match one killed

# The message says which rank.
code=0
ranks 2 match $sets -q -k 5 -o by2 >/dev/null 2>said || code=$?
[ $code = 1 ]
grep "likeness-mpi: error: rank 0 of 2 on .*: by2: holds a finished match that differs in: k (1500 there, 5 asked for)" said

tiny_model
pictures photos 3 5
echo damaged >photos/person_00/01.png
embed photos -q -o whole >/dev/null || [ $? = 3 ]
ranks 3 embed --aligned -m tiny/tiny.json photos -q --batches=7 -o joined >printed 2>/dev/null || [ $? = 3 ]
cat printed
same_faces whole joined
ls -A | grep batches || :
#out 1500 synthetic faces compared with 2*
#out closest pair in the training set scores *, number 1500 scores *
#out tables in by5
#out tables in by2 (up to date, nothing was to do)
#out likeness-mpi: error: rank 0 of 2 on *: by2: holds a finished match that differs in: k (1500 there, 5 asked for); give another output, or --force to replace it
#err warning: photos/person_00/01.png: unreadable*
#out 15 images of 3 identities
#out         14 embedded, 48 numbers each, in joined/embeddings.npy
#out          1 unreadable: reasons in joined/images.csv
