#!/bin/sh
# `ppml infer --stream` in 16 MB of address space, with default threads and with more than fit: of every set
# but exact, whose tables alone are larger.  PPML names the command.
set -u
: "${PPML:=build/ppml}" "${MEMORY_KIB:=16384}"
PPML=$(cd "$(dirname "$PPML")" && pwd)/$(basename "$PPML")
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0 passed=0
small() { (ulimit -v "$MEMORY_KIB" && "$PPML" infer "$@" --stream >log 2>&1); }
"$PPML" train "$root/tests/data/tiny.npz" -o relu --hidden 2 --epochs 20 --activation relu --threads 1 >/dev/null
"$PPML" train "$root/tests/data/tiny.npz" -o square --hidden 4 --epochs 20 --activation square --threads 1 >/dev/null
"$PPML" train "$root/tests/data/tiny.npz" -o pooled --encoder 2 --latents 1 --regions 1 --kernel 2 --copies 1 --threads 1 >/dev/null
for set in ${SETS:-fast balanced precise finest fast-block2 leveled-16 leveled-128 pooled-16}; do
  case $set in leveled*) model=square ;; pooled*) model=pooled ;; *) model=relu ;; esac
  "$PPML" compile $model -o circuit --client client --params $set --no-calibration >/dev/null
  "$PPML" keygen client --secret-key key --eval-key eval --force >/dev/null 2>&1
  "$PPML" encrypt --secret-key key "$root/tests/data/tiny.npz" --split test --index 1 -o image >/dev/null 2>&1
  for threads in "" "--threads 64"; do
    if small circuit --eval-key eval image -o answer $threads
    then passed=$((passed + 1))
    else failed=$((failed + 1)); echo "tests/small.sh: FAILED: $set $threads: $(head -1 log)"; fi
  done
done
echo "tests/small.sh: $passed passed, $failed failed, in $((MEMORY_KIB / 1024)) MB"
[ $failed -eq 0 ]
