# SPDX-License-Identifier: Apache-2.0
# Inputs that a stranger gets wrong: each message names what was found, where, and what was expected.
. "$TESTS/lib.sh"
tiny_model
mkdir empty
echo text >notes
printf '# shards\n\nset/none.tar\n' >list.txt
pictures photos 1 2
tries() { # command and its arguments
    code=0
    "$@" 2>message.txt || code=$?
    echo "$code: $(cat message.txt)"
}
tries embed @list.txt -o faces
tries embed photos -o notes
tries embed photos -o notes/faces
tries "$LIKENESS" report empty -o page.html
tries "$LIKENESS" power nowhere
tries "$LIKENESS" duplicates photos -q -o empty
tries "$LIKENESS" duplicates photos -q -o nowhere/list.csv
# The same people as training set and hold-out show nothing; a matcher's name becomes a folder beside tables.
"$LIKENESS" simulate --identities 8 --persons 8 --controls 0 --dim 16 -o made -q >/dev/null
cp -r made/holdout copy
sets="measure --synthetic made/synthetic --train made/train"
tries "$LIKENESS" $sets --holdout made/train -o measured
tries "$LIKENESS" $sets --holdout made/holdout --holdout copy -o measured
tries "$LIKENESS" $sets --matcher pairs.csv --synthetic made/synthetic --train made/train -o measured
# A FIFO that nobody writes to is refused, not waited for.
mkfifo pipe
refused() { # arguments
    code=0
    timeout 20 "$LIKENESS" "$@" >message.txt 2>&1 || code=$?
    [ $code = 1 ] && grep -q 'a FIFO\|a special file' message.txt || { echo "exit code $code: $*"; cat message.txt; }
}
settings="--aligned -m tiny/tiny.json"
refused embed $settings photos --labels pipe -o faces
refused embed $settings photos --exclude pipe -o faces
refused embed $settings pipe -o faces
refused embed $settings @pipe -o faces
refused embed --aligned -m "$PWD/pipe" photos -o faces
refused audit pipe
refused match pipe pipe -o match
refused measure --train pipe --synthetic pipe -o measure
refused measure --list pipe -o measure
refused review stats pipe
mkdir faces
ln pipe faces/meta.json
refused embed $settings photos -o faces
# A regular file is one under the name of an open file, too.
printf 'path\nphotos/person_00/00.png\n' >gone.csv
"$LIKENESS" embed $settings photos --exclude /dev/stdin -q -o without <gone.csv | grep -c "1 excluded"
#out 1: likeness: error: list.txt: line 3: nothing is at 'set/none.tar', expected a path in each line
#out 1: likeness: error: notes: cannot make this folder: a file has its name
#out 1: likeness: error: notes: cannot make this folder: a file has its name
#out 1: likeness: error: empty: no finished MEASURE directory (no measures.json), expected one as `likeness measure` writes
#out 1: likeness: error: nowhere: no finished MATCH directory (no meta.json), expected one as `likeness match` writes
#out 1: likeness: error: empty: found a folder, expected the name of a file to write
#out 1: likeness: error: nowhere/list.csv*: cannot write: No such file or directory
#out 1: likeness: error: holdout made/train: has the embeddings of the training set, made/train; expected people whom the generator never saw
#out 1: likeness: error: holdout copy: has the embeddings of another hold-out, made/holdout; expected people whom the generator never saw, and each only once
#out 1: likeness: error: matcher 'pairs.csv': expected a name of letters, digits, '.', '_' and '-' that does not end in .csv or .json
#out 1
