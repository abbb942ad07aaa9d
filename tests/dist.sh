#!/bin/sh
# The release: made twice, the same bytes; and dist/ppml.h as the product, under compilers, standards and options,
# and in a suite; tests/first.sh has the README's program for newcomers.  DIST names the folder, CC and CXX the compilers.
set -u
: "${DIST:=dist}" "${CC:=cc}" "${CXX:=c++}" "${WARNINGS:=-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror}"
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
try() {
  name=$1
  shift
  if "$@" >"$work/log" 2>&1; then passed=$((passed + 1))
  else failed=$((failed + 1)); echo "tests/dist.sh: FAILED: $name"; grep -m 3 -E "error|warning|F:" "$work/log"; fi
}

# From another folder, with another order of hashes and another clock's zone.
again() { (cd / && TZ=Pacific/Apia PYTHONHASHSEED=7 python3 "$root/tools/dist.py" "$work/again"); }
try "made again" again
for file in "$DIST"/*; do try "the same bytes: $file" cmp "$file" "$work/again/$(basename "$file")"; done
try "checksums" sh -c "cd '$DIST' && sha256sum -c SHA256SUMS"
try "archive" sh -c "tar xf '$DIST'/ppml-*.tar -C '$work' && cmp '$work'/ppml-*/ppml.h '$root/ppml.h'"

printf '#define PPML_IMPLEMENTATION\n#include "ppml.h"\n' >"$work/unit.c"
if command -v clang >/dev/null; then
  try "clang" clang -std=c99 $WARNINGS -D_DEFAULT_SOURCE -I"$DIST" -fsyntax-only "$work/unit.c"
else echo "skipped: no clang (Debian package clang)"; fi
for compiler in "$CC"; do
  for flags in -std=c99 -std=c11 -std=c17 -DPPML_API=static -DPPML_CLIENT_ONLY -DPPML_NO_SERVER -DPPML_NO_PLAN \
    -DPPML_NO_TRAIN -DPPML_NO_LEARN -DPPML_NO_LEVELED "-DPPML_CLIENT_ONLY -DPPML_LINEAR_ONLY" -DPPML_NO_TRANSFORM \
    "-DPPML_CLIENT_ONLY -DPPML_NO_LEVELED -DPPML_PARAMS_ONLY=1 -DPPML_SMALL -DPPML_CLASSES_MAX=2" \
    -DPPML_BACKEND_ONLY=PPML_BACKEND_REF; do
    try "$compiler $flags" $compiler $WARNINGS -D_DEFAULT_SOURCE -I"$DIST" $flags -fsyntax-only "$work/unit.c"
  done
done
for compiler in "$CXX"; do
  command -v "$compiler" >/dev/null || { echo "skipped: no $compiler (Debian package g++)"; continue; }
  for standard in c++11 c++14 c++17 c++20; do
    try "$compiler $standard" $compiler -x c++ -std=$standard $WARNINGS -I"$DIST" -fsyntax-only "$work/unit.c"
  done
done
for level in -Os -O3; do
  try "minimal $level" $CC -std=c99 $WARNINGS -D_DEFAULT_SOURCE -ffp-contract=off $level -I"$DIST" "$root/examples/minimal.c" -lm -o "$work/minimal"
done

# Suites take ../ppml.h: here it is the one file, and there is no ppml_impl beside it.
mkdir "$work/product"
cp -r "$root/tests" "$work/product/tests"
cp "$DIST/ppml.h" "$work/product/ppml.h"
libraries=$(pkg-config --libs check 2>/dev/null || echo -lcheck -lsubunit -lrt -lm -pthread)
for suite in stream; do
  try "suite $suite" $CC -std=c99 -O1 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -I"$work/product" "$work/product/tests/test_$suite.c" $libraries -lm -o "$work/$suite"
  try "suite $suite: run" "$work/$suite"
done
echo "tests/dist.sh: $passed passed, $failed failed"
[ $failed -eq 0 ]
