#!/bin/sh
# `ppml import` of files with weights beside them, of several outputs, and of forms that it refuses.  Run by
# `make check`: PPML=build/ppml sh tests/cli_onnx.sh
set -u
PPML=$(realpath "${PPML:-build/ppml}")
TINY=$(realpath tests/data)
FORMS=$(realpath fuzz/corpus/onnx)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "tests/cli_onnx.sh: FAILED: $*"; }

# ok NAME COMMAND...: exit status 0, and no word on standard error.
ok() {
  name=$1
  shift
  if "$@" >out 2>err && [ ! -s err ]; then pass; else fail "$name: $(cat err)"; fi
}

# refuses NAME STATUS REASON COMMAND...: that status, one line that has the reason, and no output.
refuses() {
  name=$1 want=$2 reason=$3
  shift 3
  rm -f new.m
  "$@" >out 2>err
  got=$?
  if [ $got -eq "$want" ] && [ "$(wc -l <err)" -eq 1 ] && grep -q -- "$reason" err && [ ! -s out ] && [ ! -e new.m ]
  then pass; else fail "$name: exit status $got: $(cat err)"; fi
}

import() { "$PPML" import "$@" -o new.m --mean 0.5 --std 0.25 --json; }

# What PyTorch writes by default: NET.onnx and NET.onnx.data, wherever they are called from.
mkdir net
cp "$TINY/tiny_external.onnx" "$TINY/tiny_external.data" net
ok "weights beside the file" import net/tiny_external.onnx "$TINY/tiny.npz"
mv new.m beside.m
ok "the same inside" import "$TINY/tiny.onnx" "$TINY/tiny.npz"
cmp -s new.m beside.m && pass || fail "weights beside the file are others"
(cd net && ok "from its own folder" import tiny_external.onnx "$TINY/tiny.npz" && [ $failed -eq 0 ]) && pass
mv net/tiny_external.data elsewhere
refuses "no weights" 66 "tiny_external.onnx are in it" import net/tiny_external.onnx "$TINY/tiny.npz"
ln -s ../elsewhere net/tiny_external.data
refuses "weights by a link out of the folder" 65 "of another folder" import net/tiny_external.onnx "$TINY/tiny.npz"
rm net/tiny_external.data
head -c 100 elsewhere >net/tiny_external.data
refuses "weights cut short" 65 "not in the file beside it" import net/tiny_external.onnx "$TINY/tiny.npz"
rm net/tiny_external.data
for location in ../elsewhere///////// /etc/passwd///////////; do # as long as tiny_external.data
  LC_ALL=C sed "s|tiny_external.data|$(printf %.18s "$location")|" "$TINY/tiny_external.onnx" >net/out.onnx
  refuses "weights at $location" 65 "of another folder" import net/out.onnx "$TINY/tiny.npz"
done

ok "an output by its name" import "$TINY/tiny.onnx" "$TINY/tiny.npz" --output scores
refuses "no such output" 65 "no such output (expected --output, one of: scores)" import "$TINY/tiny.onnx" \
  "$TINY/tiny.npz" --output z
refuses "images of another size" 65 "an input of \[N,1,2,2\] (expected images of 8x8x1)" import "$FORMS/form_outputs" \
  "$TINY/tiny.npz"
refuses "an output of a convolution" 64 "expected none of a convolution" import "$TINY/tiny_conv.onnx" \
  "$TINY/tiny_latents.npz" --output y
"$PPML" import --help >out
for word in --output --agreement Gelu skl2onnx QCDQ beside ZipMap; do
  grep -q -- "$word" out && pass || fail "help does not say $word"
done
echo "tests/cli_onnx.sh: $passed passed, $failed failed"
[ $failed -eq 0 ]
