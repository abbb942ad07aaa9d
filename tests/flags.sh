#!/bin/sh
# Compiler options that change arithmetic: under each, keys, ciphertexts and answers of a leveled,
# a bootstrapped and an exact set are right, or the build or the key is refused; none is wrong.
#
#     PPML=build/ppml sh tests/flags.sh [few]
#
# `few` takes the options that did harm, of gcc alone, and leaves out the exact set.  tests/flags.c
# is the program; what stands between options and results is only the compiler named first.
set -u
: "${PPML:=build/ppml}" "${CC:=gcc}"
few=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
right=0
refused=0
failed=0
skipped=0
sets="leveled-16 fast"
[ -n "$few" ] || sets="$sets exact"
NATIVE="-std=c99 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -I. tests/flags.c -lm"

PPML=$PPML sh tests/material.sh "$work" $sets || exit 1
$CC -O2 $NATIVE -o "$work/reference" 2>"$work/log" || { cat "$work/log"; exit 1; }
"$work/reference" "$work" $sets >"$work/log" || { cat "$work/log"; echo "tests/flags.sh: FAILED: plain $CC -O2" >&2; exit 1; }

# try RUNNER COMPILER OPTIONS: RUNNER may be empty.
try() {
  runner=$1 compiler=$2
  shift 2
  if ! $compiler -O2 "$@" $NATIVE -w -o "$work/flags" 2>"$work/log"; then
    if grep -q "ppml: \|ppmli_constants_are_doubles" "$work/log"; then
      refused=$((refused + 1)); echo "refused to compile: $compiler $*"
    else skipped=$((skipped + 1)); echo "skipped: $compiler $*: $(head -n 1 "$work/log")"; fi
    return
  fi
  timeout 600 $runner "$work/flags" "$work" $sets >"$work/log" 2>&1
  case $? in
  0) right=$((right + 1)); echo "right: $compiler $*" ;;
  3) refused=$((refused + 1)); echo "refused, $(grep -c refused "$work/log") of $(wc -l <"$work/log"): $compiler $*" ;;
  *) failed=$((failed + 1)); echo "tests/flags.sh: FAILED: $compiler $*" >&2; cat "$work/log" >&2 ;;
  esac
}

# Options that let a compiler treat doubles as real numbers, or as something else.
arithmetic() {
  try "$@" -ffast-math
  try "$@" -Ofast
  try "$@" -funsafe-math-optimizations
  try "$@" -fassociative-math -fno-signed-zeros -fno-trapping-math
  try "$@" -fsingle-precision-constant
}

others() {
  try "$@" -ffinite-math-only
  try "$@" -freciprocal-math
  try "$@" -ffp-contract=fast
  try "$@" -ffp-contract=on
  try "$@" -funsigned-char
  try "$@" -fshort-enums
  try "$@" -O0
  try "$@" -O1
  try "$@" -O3
  try "$@" -Os
  try "$@" -flto
}

x86() {
  try "$@" -mfma -ffp-contract=fast
  try "$@" -mfma -ffp-contract=on
  try "$@" -march=native -O3
}

# Can a compiler link a program for that machine?
links() {
  printf '#include <math.h>\nint main(int n, char **v) { return v[0][0] == 0 && cos(n) > 2; }\n' >"$work/one.c"
  "$@" "$work/one.c" -lm -o "$work/one" 2>/dev/null
}

if [ -n "$few" ]; then
  arithmetic "" "$CC"
  [ "$(uname -m)" = x86_64 ] && try "" "$CC" -mfpmath=387
else
  for compiler in gcc clang; do
    command -v $compiler >/dev/null || { skipped=$((skipped + 1)); echo "skipped: no $compiler"; continue; }
    arithmetic "" $compiler
    others "" $compiler
    if [ "$(uname -m)" = x86_64 ]; then
      x86 "" $compiler
      try "" $compiler -mfpmath=387
      # Debian has one copy of the kernel's headers for both.
      m32="-m32 -idirafter /usr/include/x86_64-linux-gnu"
      links $compiler $m32 || { skipped=$((skipped + 1)); echo "skipped: $compiler -m32 cannot link"; continue; }
      try "" $compiler $m32
      try "" $compiler $m32 -mno-sse
      try "" $compiler $m32 -msse2 -mfpmath=sse
      try "" $compiler $m32 -msse2 -mfpmath=sse -O0
      arithmetic "" $compiler $m32 -msse2 -mfpmath=sse
    fi
  done
  cross=aarch64-linux-gnu-gcc
  if command -v $cross >/dev/null && command -v qemu-aarch64 >/dev/null; then
    sets="leveled-16 fast" # exact takes minutes there
    arithmetic qemu-aarch64 $cross -static
    try qemu-aarch64 $cross -static -O0
    try qemu-aarch64 $cross -static -O3 -ffp-contract=fast
    try qemu-aarch64 $cross -static -Os
    if command -v clang >/dev/null; then
      arithmetic qemu-aarch64 "clang --target=aarch64-linux-gnu" -static
      try qemu-aarch64 "clang --target=aarch64-linux-gnu" -static -O3
    fi
  else skipped=$((skipped + 1)); echo "skipped: aarch64 (no $cross, or no qemu-aarch64)"; fi
fi

echo "tests/flags.sh: $right right, $refused refused, $failed wrong, $skipped skipped"
[ $failed -eq 0 ]
