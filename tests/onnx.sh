#!/bin/sh
# Networks that PyTorch and scikit-learn train and export here, in many forms, against what `ppml import` makes of
# them.  Those are skipped, with a word, whose packages are not installed.  Run by `make check`:
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

# make MODULES GENERATOR ARGUMENT...: networks into $work, where these modules are installed.
make() {
  modules=$1 generator=$2
  shift 2
  if ! "$PYTHON" -c "import $modules" 2>/dev/null; then
    echo "tests/onnx.sh: $generator skipped: python3 has not all of $modules"
    return
  fi
  "$PYTHON" "tests/gen/$generator" "$work" "$@" >"$work/log" 2>&1 ||
    { tail -5 "$work/log"; echo "tests/onnx.sh: FAILED: $generator"; failed=$((failed + 1)); }
}

[ -f "$DATA" ] || DATA=
# shellcheck disable=SC2086
make "torch, onnx" make_onnx.py $TINY/tiny.npz $TINY/tiny_rgb.npz $DATA
make "torch, onnx" make_onnx_torch.py $TINY/tiny.npz
make "sklearn, skl2onnx" make_onnx_sklearn.py $TINY/tiny.npz

# The labels of a network's test split are PyTorch's own answers.
for net in "$work"/*.onnx; do
  [ -f "$net" ] || continue
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
