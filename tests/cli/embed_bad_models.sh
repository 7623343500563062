# SPDX-License-Identifier: Apache-2.0
# A missing descriptor, a corrupt network, another network than the descriptor says.
. "$TESTS/lib.sh"
tiny_model
pictures photos 1 1
try() { # what, change of tiny/
    echo "$1" >&2
    rm -rf faces tiny
    tiny_model
    eval "$2"
    embed photos -o faces && echo "$1: no error"
    [ ! -e faces/meta.json ] || echo "$1: left a result"
}
set +e
try "no descriptor" 'rm tiny/tiny.json'
try "no network" 'rm tiny/tiny.onnx'
try "corrupt network" 'head -c 100 tiny/tiny.onnx >x; mv x tiny/tiny.onnx; sed -i "s/\"sha256\": .*/\"sha256\": null,/" tiny/tiny.json'
try "other bytes" 'echo x >>tiny/tiny.onnx'
try "wrong input" 'sed -i "s/\"width\": 112/\"width\": 96/" tiny/tiny.json'
try "wrong output" 'sed -i "s/\"dim\": 48/\"dim\": 512/" tiny/tiny.json'
true
#err no descriptor
#err likeness: error: *tiny/tiny.json*
#err no network
#err likeness: error: *tiny.onnx*
#err corrupt network
#err likeness: error: *tiny.onnx*
#err other bytes
#err likeness: error: *tiny.onnx*
#err wrong input
#err likeness: error: *tiny*96*
#err wrong output
#err likeness: error: *tiny*512*
