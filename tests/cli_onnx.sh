#!/bin/sh
# `ppml import` of files with weights beside them, of several outputs, and of forms that it refuses.  Run by
# `make check`: PPML=build/ppml sh tests/cli_onnx.sh
set -u
. tests/cli_support.sh
FORMS=$CORPUS/onnx

import() { "$PPML" import "$@" -o new.m --mean 0.5 --std 0.25 --json; }

# What PyTorch writes by default: NET.onnx and NET.onnx.data, wherever they are called from.
mkdir net
cp "$TINY/tiny_external.onnx" "$TINY/tiny_external.data" net
ok "weights beside the file" import net/tiny_external.onnx "$TINY/tiny.npz"
mv new.m beside.m
ok "the same inside" import "$TINY/tiny.onnx" "$TINY/tiny.npz"
cmp -s new.m beside.m && pass || fail "weights beside the file are others"
cd net || exit 1
ok "from its own folder" import tiny_external.onnx "$TINY/tiny.npz"
cd .. || exit 1
mv net/tiny_external.data elsewhere
refuses_because "no weights" 66 "tiny_external.onnx are in it" import net/tiny_external.onnx "$TINY/tiny.npz"
ln -s ../elsewhere net/tiny_external.data
refuses_because "weights by a link out of the folder" 65 "of another folder" import net/tiny_external.onnx "$TINY/tiny.npz"
rm net/tiny_external.data
head -c 100 elsewhere >net/tiny_external.data
refuses_because "weights cut short" 65 "not in the file beside it" import net/tiny_external.onnx "$TINY/tiny.npz"
rm net/tiny_external.data
for location in ../elsewhere///////// /etc/passwd///////////; do # as long as tiny_external.data
  LC_ALL=C sed "s|tiny_external.data|$(printf %.18s "$location")|" "$TINY/tiny_external.onnx" >net/out.onnx
  refuses_because "weights at $location" 65 "of another folder" import net/out.onnx "$TINY/tiny.npz"
done

ok "an output by its name" import "$TINY/tiny.onnx" "$TINY/tiny.npz" --output scores
refuses_because "no such output" 65 "no such output (expected --output, one of: scores)" import "$TINY/tiny.onnx" \
  "$TINY/tiny.npz" --output z
refuses_because "images of another size" 65 "an input of [N,1,2,2] (expected images of 8x8x1)" import "$FORMS/form_outputs" \
  "$TINY/tiny.npz"
refuses_because "an output of a convolution" 64 "expected none of a convolution" import "$TINY/tiny_conv.onnx" \
  "$TINY/tiny_latents.npz" --output y
"$PPML" import --help >out
for word in --output --agreement Gelu skl2onnx QCDQ beside ZipMap; do
  grep -q -- "$word" out && pass || fail "help does not say $word"
done
finish
