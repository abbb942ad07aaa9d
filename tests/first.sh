#!/bin/sh
# The README's program for newcomers as it stands, built by the README's command for it with the library as one file.
#     sh tests/first.sh
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "tests/first.sh: FAILED: $1"; exit 1; }

sed -n '/^```c$/,/^```$/p' "$root/README.md" | sed '/^```/d' >"$work/first.c"
command=$(sed -n 's/^    \(.*first\.c.*\)$/\1/p' "$root/README.md")
lines=$(wc -l <"$work/first.c")
[ "$lines" -ge 10 ] && [ "$lines" -le 30 ] || fail "the program has $lines lines (expected up to 30)"
python3 "$root/tools/amalgamate.py" "$work/dist/ppml.h" || fail "no dist/ppml.h"
said=$(cd "$work" && PPML="$work" sh -c "$command" 2>&1) || fail "$command: $said"
[ "$said" = bright ] || fail "it said '$said' (expected bright)"
echo "tests/first.sh: $lines lines, passed"
