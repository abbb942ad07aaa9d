#!/bin/sh
# Networks that PyTorch trains and exports here, plain and in QDQ form, against what `ppml import`
# makes of them.  Skipped where there is no PyTorch.  Run by `make check`:
# PPML=build/ppml sh tests/onnx.sh
set -u
PPML=$(realpath "${PPML:-build/ppml}")
DATA=${PPML_DATA:-../shared/data}/pneumoniamnist.npz
PYTHON=${PYTHON:-/usr/bin/python3}
TINY=tests/data
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

if ! "$PYTHON" -c "import torch, onnx" 2>/dev/null; then
  echo "tests/onnx.sh: skipped: python3-torch and python3-onnx"
  exit 0
fi
[ -f "$DATA" ] || DATA=
# shellcheck disable=SC2086
"$PYTHON" tests/gen/make_onnx.py "$work" $TINY/tiny.npz $TINY/tiny_rgb.npz $DATA >"$work/log" 2>&1 ||
  { tail -5 "$work/log"; echo "tests/onnx.sh: FAILED: make_onnx.py"; exit 1; }

# The labels of a network's test split are PyTorch's own answers.
for net in "$work"/*.onnx; do
  name=$(basename "$net" .onnx)
  if ! "$PPML" import "$net" "${net%.onnx}.npz" -o "$work/m.ppml" --mean 0.5 --std 0.25 --json \
    >"$work/out" 2>&1; then
    failed=$((failed + 1)); echo "tests/onnx.sh: FAILED: $name: $(cat "$work/out")"; continue
  fi
  agreement=$(sed -n 's/.*"test": {[^}]*"accuracy": \([0-9.e-]*\).*/\1/p' "$work/out")
  echo "tests/onnx.sh: $name: $agreement of the answers are PyTorch's"
  if awk "BEGIN { exit !(\"$agreement\" != \"\" && $agreement + 0 >= 0.98) }"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1)); echo "tests/onnx.sh: FAILED: $name: $agreement is below 0.98"
  fi
done
echo "tests/onnx.sh: $passed passed, $failed failed"
[ $failed -eq 0 ]
