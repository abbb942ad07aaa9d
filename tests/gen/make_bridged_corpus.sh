#!/bin/sh
# Seeds of layers behind a pooled network, for fuzz_model, fuzz_circuit and fuzz_client: what the command makes
# of tests/data/tiny.npz.  Run from the root: PPML=build/ppml sh tests/gen/make_bridged_corpus.sh
set -eu
: "${PPML:=build/ppml}"
tiny="$PPML train tests/data/tiny.npz --encoder 2 --latents 2 --kernel 2 --linear none --copies 1"
corpus=fuzz/corpus
$tiny --regions 1 --se 2 -o $corpus/model/gated
$PPML compile $corpus/model/gated --params bridged-precise --agreement 0 -o $corpus/circuit/gated --client $corpus/client/bridged
$tiny --regions 2 --head 2 -o $corpus/model/head
$PPML compile $corpus/model/head --params bridged-finest --agreement 0 -o $corpus/circuit/head --client $corpus/client/bridged_finest
