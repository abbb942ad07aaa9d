#!/bin/sh
# What tests/flags.c reads: of each set a compiled network and its keys, made by $PPML.
#
#     PPML=build/ppml sh tests/material.sh FOLDER SET...
#
# The networks are as small as they can be: one hidden neuron, or four for the leveled set.
set -eu
: "${PPML:=build/ppml}"
folder=$1
shift
"$PPML" train tests/data/tiny.npz -o "$folder/squares" --hidden 4 --epochs 20 --activation square --threads 1 >/dev/null
"$PPML" train tests/data/tiny.npz -o "$folder/relus" --hidden 1 --epochs 20 --activation relu --threads 1 >/dev/null
for set in "$@"; do
  model=relus
  [ "$set" = leveled-16 ] && model=squares
  "$PPML" compile "$folder/$model" -o "$folder/$set.circuit" --client "$folder/$set.client" --params "$set" \
    --no-calibration >/dev/null
  "$PPML" keygen "$folder/$set.client" --secret-key "$folder/$set.secret" --eval-key "$folder/$set.eval" >/dev/null 2>&1
done
