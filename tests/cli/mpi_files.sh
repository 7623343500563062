# SPDX-License-Identifier: Apache-2.0
# Ranks of likeness-mpi that see different files under the same names find out; copies are fine.
. "$TESTS/lib.sh"
command -v mpirun >/dev/null || skip "mpirun is not installed"
mpi=$(dirname "$LIKENESS")/../mpi/likeness-mpi
[ -x "$mpi" ] || skip "likeness-mpi was not built"
mpi=$(realpath "$mpi")
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    HWLOC_HIDE_ERRORS=2 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_base_warn_component_unused=0 OMPI_MCA_plm_rsh_agent=/bin/true
"$python" -c "
import numpy as np
random = np.random.default_rng(1)
for name in ('synth', 'train', 'holdout'):
    rows = random.standard_normal((4000, 64), dtype='f4')
    np.save(name + '.npy', rows / np.linalg.norm(rows, axis=1, keepdims=True))
rows[7] = np.nan
rows[8] *= 2
np.save('bad.npy', rows)" || skip "NumPy is not installed"
mkdir here there
cp -p ./*.npy here
cp -p ./*.npy there
sets="synth.npy train.npy --holdout holdout.npy"
"$LIKENESS" match $sets -q -o one >/dev/null
"$LIKENESS" match synth.npy bad.npy -q -o one_bad >/dev/null 2>&1 || [ $? = 3 ]
job() { # output; three ranks, the first two in one folder, the last in another
    out=$PWD/$1
    shift
    code=0
    mpirun --host localhost:3 --bind-to none -n 2 sh -c "cd here && exec $mpi match $* -q -o $out" : \
        -n 1 sh -c "cd there && exec $mpi match $* -q -o $out" >printed 2>said || code=$?
    grep -a "^likeness-mpi: error\|^warning" said | sed 's/ on [^ ]*: /: /' || :
}
same() {
    [ $code = "$1" ] || cat said
    for table in "$2"/*.csv; do
        cmp "$table" "$3/${table#*/}"
    done
}
job copies $sets
same 0 one copies
job bad synth.npy bad.npy # what is wrong with rows is said once
same 3 one_bad bad
touch there/*.npy # copies of another time are hashed where they are
job later $sets
same 0 one later

"$python" - <<'END' # a whole array, only shorter
import numpy as np
np.save("there/train.npy", np.load("here/train.npy")[:-1])
END
job shorter $sets
[ $code = 1 ]
cp -p here/train.npy there/train.npy
change() { # file, place: one bit of it
    "$python" -c "
with open('$1', 'r+b') as f:
    f.seek($2)
    byte = f.read(1)[0]
    f.seek($2)
    f.write(bytes([byte ^ 1]))"
}
change there/synth.npy 2000 # in the first piece of the sample
job sampled $sets
[ $code = 1 ]
cp -p here/synth.npy there/synth.npy
change there/synth.npy 10000 # between two pieces
job hashed $sets
[ $code = 1 ]
ls copies
#out warning: bad.npy: 1 of 4000 rows are left out, being not finite: 7
#out likeness-mpi: error: rank 2 of 3: train.npy: has 1023872 bytes here and 1024128 where rank 1 is; all ranks must see the same files
#out likeness-mpi: error: rank 2 of 3: synth.npy: holds other bytes here than where rank 0 is; all ranks must see the same files
#out likeness-mpi: error: rank 2 of 3: synth.npy: has SHA-256 *... here and *... where rank 0 is; all ranks must see the same files
#out histogram.csv
#out holdout_pairs.csv
#out meta.json
#out nearest.csv
#out nearest_identities.csv
#out pairs.csv
#out references.csv
