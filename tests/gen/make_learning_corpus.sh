#!/bin/sh
# Writes the seeds of fuzz/fuzz_learning.c, by the command: from the root,
#
#     sh tests/gen/make_learning_corpus.sh build/ppml fuzz/corpus/learning
#
# A valid file of each kind, of the long ones their beginning, and some that are damaged.
set -eu
PPML=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
data=$(realpath tests/data)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for name in tiny tiny_labels tiny_rgb; do
  "$PPML" features "$data/$name.npz" -o "$out/map_$name" --count 2 >/dev/null
done
map=$out/map_tiny
"$PPML" keygen "$map" --secret-key sk --eval-key ek >/dev/null
for method in descent gram sums; do
  "$PPML" encrypt --secret-key sk --training "$map" "$data/tiny.npz" --method $method -o $method.ct >/dev/null
done
"$PPML" learn descent.ct --eval-key ek -o "$out/learnt_descent" >/dev/null
"$PPML" learn sums.ct -o "$out/learnt_sums" >/dev/null
"$PPML" encrypt --secret-key sk --features "$map" "$data/tiny.npz" --split test -o images.ct >/dev/null
"$PPML" infer "$out/learnt_descent" --eval-key ek images.ct -o "$out/answers"
cp sums.ct "$out/sums"
head -c 400 descent.ct >"$out/bad_set_descent"
head -c 400 gram.ct >"$out/bad_set_gram"
head -c 400 images.ct >"$out/bad_set_images"
head -c 1000 ek >"$out/bad_key"
head -c 80 "$map" >"$out/bad_map_header_only"
head -c 200 "$map" >"$out/bad_map_truncated"
