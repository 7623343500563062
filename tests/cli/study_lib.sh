# SPDX-License-Identifier: Apache-2.0
# study_lib.sh - studies of made vectors and of made pictures with known truth; `. "$TESTS/study_lib.sh"` behind lib.sh.

# Of two training sets A and B: synthetic sets that leaked nothing, 5 and 20 % from A; three matchers are three
# lengths of vectors.
simulated_sets() { # identities
    for d in 128 192 256; do
        for share in 0 0.05 0.2; do
            "$LIKENESS" simulate --identities "$1" --persons "$1" --controls 0 --share $share --dim $d -o a$d-$share -q >/dev/null
        done
        "$LIKENESS" simulate --identities "$1" --persons "$1" --controls 0 --share 0 --dim $d --seed 2 -o b$d -q >/dev/null
    done
}

set_of() { # role, name, folders in front of and behind the length
    echo "[$1 $2]"
    for d in 128 192 256; do echo "faces.sim$d = $3$d$4"; done
}

simulated_study() { # output folder; more of the file comes from standard input
    echo "[study]"
    echo "output = $1"
    for d in 192 128 256; do printf '[matcher sim%s]\ncalibration = real\n' $d; done
    set_of calibration real a -0/train
    set_of train A a -0/train; echo "holdout = A-out"
    set_of holdout A-out a -0/holdout
    set_of train B b /train; echo "holdout = B-out"
    set_of holdout B-out b /holdout
    set_of synthetic null a -0/synthetic
    set_of synthetic five a -0.05/synthetic
    printf 'truth = a192-0.05/truth.csv\nplanted-from = A\n'
    set_of synthetic twenty a -0.2/synthetic
    printf 'truth = a192-0.2/truth.csv\nplanted-from = A\n'
    cat
}

# All results but how long things took.
same_study() { # two output folders
    diff -r -x meta.json -x steps.json -x manifest.json -x .lock "$1" "$2"
}

# Folders train, holdout, others, and a synthetic set planted/images with pictures of six persons of train.
planted_pictures() {
    pictures all 40 2
    mkdir train holdout others
    mv all/person_0* all/person_1* train/
    mv all/person_2* holdout/
    mv all/person_3* others/
    pictures more 10 2
    for person in more/*; do mv "$person" holdout/more_"${person#more/}"; done
    "$LIKENESS" plant --train train --others others -n 6 --kinds copy,jpeg -o planted -q >/dev/null
}
