#!/bin/sh
# One client and servers of three kinds: files of this machine are read on an emulated one, which
# has other vector units, and its answers are read here.  Run by `make check-emulated`.
set -eu
ppml=$(realpath "$PPML")
tiny=$(realpath tests/data/tiny.npz)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$ppml" train "$tiny" -o "$work/m" --hidden 4 --epochs 3 --activation square --threads 1 >/dev/null
"$ppml" compile "$work/m" -o "$work/c" --client "$work/cl" --params leveled-16 --no-calibration >/dev/null
"$ppml" keygen "$work/cl" --secret-key "$work/sk" --eval-key "$work/ek" --threads 1 >/dev/null 2>&1
"$ppml" encrypt --secret-key "$work/sk" "$tiny" --split test --index 0 -o "$work/in"

# The score that a server's answer decrypts to.
score_of() {
  "$@" infer "$work/c" --eval-key "$work/ek" "$work/in" -o "$work/out" --threads 1
  cp "$work/sk.requests" "$work/asked" # every server is asked the same
  "$ppml" decrypt --secret-key "$work/sk" "$work/out" --requests "$work/asked" --scores --json 2>/dev/null | sed 's/.*"scores": \[\(-*[0-9]*\)\].*/\1/'
}
here=$(score_of "$ppml")
for server in "$@"; do
  there=$(score_of $server)
  echo "tests/emulated.sh: score $here here, $there by $server"
  apart=$((here - there)) # roundings of the FFT, which are the noise, differ
  [ "${apart#-}" -le 20 ] || { echo "tests/emulated.sh: they differ" >&2; exit 1; }
done
