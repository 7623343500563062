#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed_memory.sh - peak memory of `likeness embed` on 1,000 and on 10,000 images; the second should be within 10 %.
#
# usage: embed_memory.sh LIKENESS MODEL CROPS [SMALL LARGE]     (aligned crops; MODEL as for embed -m)
set -eu
likeness=$1 model=$2 crops=$(cd "$3" && pwd) small=${4:-1000} large=${5:-10000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

peak() { # number of images: prints the peak in KiB
    mkdir -p "$work/in$1"
    i=0
    while [ $i -lt "$1" ]; do
        for crop in "$crops"/*; do
            [ $i -lt "$1" ] || break
            i=$((i + 1))
            echo "$crop $work/in$1/$i.png"
        done
    done | xargs -n 2 -P 1 ln -s
    python3 - "$likeness" embed --aligned -m "$model" "$work/in$1" -o "$work/out$1" <<'END'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
}

a=$(peak "$small") b=$(peak "$large")
echo "$small images: $a KiB; $large images: $b KiB; growth $(echo "$a $b" | awk '{printf "%.1f", 100 * ($2 / $1 - 1)}') %"
