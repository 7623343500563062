# SPDX-License-Identifier: Apache-2.0
# For tests of likeness-mpi: skips where there is no MPI, and has mpirun start more ranks than cores, as root, with no other
# machine and no network (Open MPI 4 and 5).
command -v mpirun >/dev/null || skip "mpirun is not installed"
mpi=$(dirname "$LIKENESS")/../mpi/likeness-mpi
[ -x "$mpi" ] || skip "likeness-mpi was not built"
mpi=$(realpath "$mpi")
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    HWLOC_HIDE_ERRORS=2 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_base_warn_component_unused=0 OMPI_MCA_plm_rsh_agent=/bin/true \
    OMPI_MCA_btl=^tcp
# Open MPI leaves memory of modules that are unloaded again; leaks of ours are looked for in the tests without it.
export ASAN_OPTIONS="detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
ranks_of() { # number: the words that start so many, before the program
    echo "mpirun --host localhost:$1 --bind-to none -n $1"
}
