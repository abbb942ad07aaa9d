#!/bin/sh
# Seeds of layers behind a pooled network, of decisions and of compact answers, for fuzz_model, fuzz_circuit,
# fuzz_client and fuzz_eval_key: what the command makes
# of tests/data/tiny.npz.  Run from the root: PPML=build/ppml sh tests/gen/make_bridged_corpus.sh
set -eu
: "${PPML:=build/ppml}"
tiny="$PPML train tests/data/tiny.npz --encoder 2 --latents 2 --kernel 2 --linear none --copies 1"
corpus=fuzz/corpus
$tiny --regions 1 --se 2 -o $corpus/model/gated
$PPML compile $corpus/model/gated --params bridged-precise --agreement 0 -o $corpus/circuit/gated --client $corpus/client/bridged
$tiny --regions 2 --head 2 -o $corpus/model/head
$PPML compile $corpus/model/head --params bridged-finest --agreement 0 -o $corpus/circuit/head --client $corpus/client/bridged_finest
# The class alone, of layers, of several classes and of a pooled network; and answers through the bridge.
made=$(mktemp -d)
$PPML train tests/data/tiny.npz --hidden 4 --activation relu --epochs 20 --seeds 1 -o $made/relu
$PPML compile $made/relu --output class --params fast --agreement 0 --no-calibration -o $corpus/circuit/decides --client $corpus/client/decides
$tiny --regions 2 -o $made/pooled
$PPML compile $made/pooled --output class --params bridged-finest --agreement 0 --no-calibration -o $corpus/circuit/decides_pooled --client $made/client
$PPML compile $made/pooled --params pooled-compact --agreement 0 --no-calibration -o $corpus/circuit/compact --client $corpus/client/compact
$PPML keygen $corpus/client/compact --secret-key $made/secret --eval-key $made/key
head -c 4096 $made/key >$corpus/eval_key/bad_compact_truncated
rm -r $made
