# SPDX-License-Identifier: Apache-2.0
# What cannot be printed is an error, not a silence.
[ -e /dev/full ] || { echo "no /dev/full here"; exit 77; }
"$LIKENESS" version >/dev/full
#exit 1
#err likeness: error: standard output: No space left on device
