# SPDX-License-Identifier: Apache-2.0
# Every command explains itself, and refuses an unknown option with exit code 2 and a hint.
for command in $("$LIKENESS" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
    [ "$command" = help ] && continue
    "$LIKENESS" help "$command" >help.txt
    grep -q "^Usage: likeness $command" help.txt || { echo "$command: its help starts otherwise"; cat help.txt; }
    "$LIKENESS" "$command" --help | cmp - help.txt
    code=0
    "$LIKENESS" "$command" --no-such-option >/dev/null 2>usage.txt || code=$?
    [ $code = 2 ] || echo "$command --no-such-option: exit code $code"
    grep -q "no-such-option" usage.txt || echo "$command: the message does not name the option"
done
"$LIKENESS" help nothing
#exit 2
#err likeness: error: there is no command 'nothing'; `likeness help` lists them
