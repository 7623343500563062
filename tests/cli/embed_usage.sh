# SPDX-License-Identifier: Apache-2.0
# Wrong usage of embed: exit code 2, and the message says what was expected.
for arguments in "-o out" "photos" "photos -o out --choose best" "photos -o out -t 0" "photos -o out -t many" \
    "photos -o out --shard 4/3" "photos -o out --shard 0/3" "photos -o out --shard 3" "photos -o out --shard 1/x" "photos -o out --device tpu"; do
    code=0
    "$LIKENESS" embed $arguments 2>message.txt || code=$?
    echo "$code: $(head -n 1 message.txt)"
done
#out 2: likeness embed: expected at least one folder, archive or image to embed
#out 2: likeness embed: expected an output folder: -o FACES
#out 2: likeness embed: --choose: found 'best', expected largest or central
#out 2: likeness embed: --threads: found '0', expected a whole number from 1 to 4096
#out 2: likeness embed: --threads: found 'many', expected a whole number from 1 to 4096
#out 2: likeness embed: --shard, I: found '4', expected a whole number from 1 to 3
#out 2: likeness embed: --shard, I: found '0', expected a whole number from 1 to 3
#out 2: likeness embed: --shard: found '3', expected I/N, such as 3/8
#out 2: likeness embed: --shard, N: found 'x', expected a whole number from 1 to 1000000
#out 2: likeness embed: --device: found 'tpu', expected cpu or cuda
