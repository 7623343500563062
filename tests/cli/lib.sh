# SPDX-License-Identifier: Apache-2.0
# lib.sh - what the command-line tests share; `. "$TESTS/lib.sh"`.

python=/usr/bin/python3 # Debian's own, which sees python3-onnx
[ -x "$python" ] || python=python3

skip() { # reason
    echo "$1"
    exit 77
}

# The recogniser of the tests, as tiny/tiny.json.
tiny_model() { # batch, see the script
    "$python" "$TESTS/make_tiny_model.py" tiny "$@" || exit $?
}

pictures() { # folder, people, pictures of each
    "$python" "$TESTS/make_pictures.py" fields "$1" "$2" "$3"
}

# A hundred pictures under so many names that embedding them takes seconds.
many_pictures() { # folder, people
    pictures seeds 1 100
    for i in $(seq 100 $((99 + $2))); do
        mkdir -p "$1/person_$i"
        ln seeds/person_00/*.png "$1/person_$i/"
    done
}

embed() { # arguments of likeness embed
    "$LIKENESS" embed --aligned -m tiny/tiny.json "$@"
}

same_faces() { # two FACES directories
    cmp "$1/embeddings.npy" "$2/embeddings.npy"
    cmp "$1/images.csv" "$2/images.csv"
}

wait_for() { # file that a run in the background makes
    for _ in $(seq 6000); do
        [ -e "$1" ] && return
        sleep 0.01
    done
    echo "$1 did not appear"
    exit 1
}
