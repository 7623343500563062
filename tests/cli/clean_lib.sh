# SPDX-License-Identifier: Apache-2.0
# clean_lib.sh - a set with leaks for the tests of `likeness clean`, behind lib.sh: FACES of real people, made/ with two
# pictures and a note for WebDataset of each identity, planted/truth.csv.
tiny_model
pictures all 78 2
mkdir train holdout others
for i in 0 1 2; do mv all/person_$i* train/; done
for i in 3 4 5; do mv all/person_$i* holdout/; done
mv all/person_[67]* others/
"$LIKENESS" plant -q --train train --others others -n 26 --kinds copy,jpeg -o planted >/dev/null
mv planted/images made
for dir in made/*; do # two pictures each, so that whole identities go
    cp "$dir/$(ls "$dir" | grep '^[0-9]' | head -n 1)" "$dir/9.jpg"
    echo "$dir" >"$dir/9.cls"
done
embed -q train -o faces_train >/dev/null
embed -q holdout -o faces_holdout >/dev/null
real="--train faces_train --holdout faces_holdout"
clean() { # FACES of the synthetic set, output, other arguments
    synthetic=$1 out=$2
    shift 2
    "$LIKENESS" clean -q --same-person 2 --synthetic "$synthetic" $real -o "$out" "$@" >out.txt
}
again() { # what was embedded, set that was written: the same as with the removal list
    code=0
    embed -q --exclude "$out/removal.csv" "$1" -o excluded >/dev/null 2>&1 || code=$?
    [ $code = 0 ] || [ $code = 3 ] || echo "--exclude $1: exit code $code"
    embed -q "$2" -o written >/dev/null 2>&1 || code=$?
    [ $code = 0 ] || [ $code = 3 ] || echo "embed $2: exit code $code"
    cmp excluded/embeddings.npy written/embeddings.npy || echo "$2: other embeddings"
    rm -rf excluded written
}
expect() { # part of the message, arguments of clean
    text=$1
    shift
    if clean "$@" 2>err.txt; then echo "went through: $*"; fi
    grep -q "$text" err.txt || { echo "$*"; cat err.txt; }
}
