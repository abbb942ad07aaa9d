#!/bin/sh
# The header under other languages, standards, compilers and options, each header alone,
# and one implementation shared by two units.  CC, CXX and WARNINGS come from the Makefile.
set -u
: "${CC:=cc}" "${CXX:=c++}" "${WARNINGS:=-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
skipped=0

try() {
  name=$1
  shift
  [ -z "${ALIVE_NOTE:-}" ] || echo "tests/build_matrix.sh: $name" >"$ALIVE_NOTE"
  if "$@" >"$work/log" 2>&1; then passed=$((passed + 1))
  else failed=$((failed + 1)); echo "tests/build_matrix.sh: FAILED: $name"; grep -m 3 -E "error|warning" "$work/log"; fi
}

printf '#define PPML_IMPLEMENTATION\n#include "ppml.h"\n' >"$work/unit.c"
# Without FULL: what the default compilers say, without making code.
if [ -z "${FULL-1}" ]; then
  compilers= compilers_xx= headers=ppml.h
  for flags in "-O2" "-O2 -DPPML_NO_TRAIN" "-O2 -DPPML_NO_SERVER" "-O2 -DPPML_NO_PLAN" "-O2 -DPPML_CLIENT_ONLY" \
    "-O2 -std=c11"; do
    try "$CC $flags" $CC -std=c99 $WARNINGS -D_DEFAULT_SOURCE -I. $flags -fsyntax-only "$work/unit.c"
  done
  if command -v "$CXX" >/dev/null; then
    try "$CXX" $CXX -x c++ -std=c++11 $WARNINGS -I. -O2 -fsyntax-only "$work/unit.c"
  fi
  skipped=$((skipped + 1)); echo "skipped: other compilers and options (make check FULL=1)"
else
  compilers="$CC gcc clang" compilers_xx="$CXX g++ clang++" headers=ppml.h
fi
# tools/check_layers.py sees to it that each header includes what it uses; FULL=all compiles each alone.
[ "${FULL-}" != all ] || headers="ppml.h $(echo ppml_impl/*/*.h)"
# Most of what compilers say they say without making code; FULL=all has every level of optimization.
if [ "${FULL-}" = all ]; then
  levels="-O0 -O2 -O3 -Os" native="-O2 -march=native" code=-O2 quick=-O0
else
  levels=-O2 native="-fsyntax-only -march=native" code=-fsyntax-only quick=-fsyntax-only
fi
# A name for a compiler that was there before, as cc often is for gcc, says nothing new.
seen=
is_new() {
  which=$(readlink -f "$(command -v "$1")")
  case " $seen " in *" $which "*) return 1 ;; esac
  seen="$seen $which"
}
for compiler in $compilers; do
  command -v "$compiler" >/dev/null || { skipped=$((skipped + 1)); echo "skipped: no $compiler"; continue; }
  is_new "$compiler" || continue
  for flags in $levels "$code -DPPML_BACKEND_ONLY=PPML_BACKEND_REF" "$native" \
    "-fsyntax-only -DPPML_NO_TRAIN" "-fsyntax-only -DPPML_ENTROPY=my_entropy" "-fsyntax-only -std=c11"; do
    try "$compiler $flags" $compiler -std=c99 $WARNINGS -D_DEFAULT_SOURCE -I. $flags -c "$work/unit.c" -o "$work/unit.o"
  done
done
for compiler in $compilers_xx; do
  command -v "$compiler" >/dev/null || { skipped=$((skipped + 1)); echo "skipped: no $compiler"; continue; }
  is_new "$compiler" || continue
  for standard in "c++11 $code" "c++17 -fsyntax-only"; do
    try "$compiler $standard" $compiler -x c++ -std=$standard $WARNINGS -I. -c "$work/unit.c" -o "$work/unit.o"
  done
done

if [ -n "${FULL-1}" ]; then
# Strict C99, where <unistd.h> does not declare it, must have the system call too.
if [ "$(uname -s)" = Linux ]; then
  for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    try "$compiler strict" $compiler -std=c99 $WARNINGS -I. -O1 -D_FORTIFY_SOURCE=2 -DPPML_CLIENT_ONLY -c "$work/unit.c" -o "$work/unit.o"
    try "$compiler strict: getrandom" sh -c "nm -u $work/unit.o | grep -qw syscall"
  done
fi

# Behind headers that define common names as macros; and as static functions, few of them called.
for compiler in "gcc -std=c99" "clang -std=c99" "g++ -x c++ -std=c++11" "clang++ -x c++ -std=c++11"; do
  command -v ${compiler%% *} >/dev/null || continue
  for flags in "-include tests/macros.h" -DPPML_API=static "-DPPML_API=static -DPPML_NO_TRAIN"; do
    try "$compiler $flags" $compiler $WARNINGS -D_DEFAULT_SOURCE -I. $quick $flags -c "$work/unit.c" -o "$work/unit.o"
  done
done

# PPML_ENTROPY is a C function in C++ too.
try "entropy in C++" $CXX -x c++ -std=c++11 $WARNINGS -I. -O0 -DPPML_CLIENT_ONLY -DPPML_ENTROPY=my_entropy -c "$work/unit.c" -o "$work/unit.o"
try "entropy in C++: C linkage" sh -c "nm -u $work/unit.o | grep -qw my_entropy"

# A machine of 32 bits, where size_t is smaller than uint64_t: the library and the command.
if command -v arm-linux-gnueabihf-gcc >/dev/null; then
  for file in examples/*.c examples/cli/*.c; do
    try "32-bit ARM: $file" arm-linux-gnueabihf-gcc -std=c99 $WARNINGS -D_DEFAULT_SOURCE -I. -fsyntax-only "$file"
  done
else
  skipped=$((skipped + 1)); echo "skipped: 32-bit ARM (no arm-linux-gnueabihf-gcc)"
fi
fi

# A client includes nothing of the other roles.
client_includes_its_own() {
  $CC -std=c99 -I. -DPPML_CLIENT_ONLY -M "$work/unit.c" >"$work/includes" || return 1
  if grep -oE "(ppml_impl|\.\.)/(server|plan|train)/[^ ]*|api/(network|server|plan|train)\.h" "$work/includes" >"$work/others"
  then sed 's/^/error: /' "$work/others"; return 1; fi
  if grep -o "[^ ]*/math\.h" "$work/includes"; then echo "error: <math.h> in a client"; return 1; fi
  grep -q "client/encrypt\.h" "$work/includes" # the paths are as they are looked for
}
try "what a client includes" client_includes_its_own

for header in $headers; do
  printf '#include "%s"\n' "$header" >"$work/alone.c"
  try "$header alone" $CC -std=c99 $WARNINGS -D_DEFAULT_SOURCE -I. -fsyntax-only "$work/alone.c"
done

# A user whose answer is one byte, as most are, and who has the library to himself: gcc 12 took a loop
# that would write more for one that does.
cat >"$work/one.c" <<'USER'
#define PPML_API static
#define PPML_IMPLEMENTATION
#include "ppml.h"
int use(const ppml_spec *spec, const int32_t *scores);
int use(const ppml_spec *spec, const int32_t *scores) {
  uint8_t answer;
  ppml_spec_answer(&answer, spec, scores);
  return answer;
}
USER
for flags in -O3 "$native"; do
  try "one byte for an answer, $CC $flags" $CC -std=c99 $WARNINGS -Wno-unused-function -D_DEFAULT_SOURCE -I. $flags \
    -c "$work/one.c" -o "$work/one.o"
done

# Builds that leave roles out: each is linked and run, one program's files being the next one's.
#   roles NAME SET FLAGS STEP...
roles() {
  what=$1 set=$2 flags=$3
  shift 3
  try "roles, $what" $CC -std=c99 $WARNINGS -D_DEFAULT_SOURCE -Os -ffunction-sections -fdata-sections $flags \
    -I. -c tests/roles.c -o "$work/roles.o"
  try "roles, $what: linked" $CC -Wl,--gc-sections "$work/roles.o" -lm -o "$work/roles"
  for step in "$@"; do
    case $step in plan) try "roles, $what: $step" "$work/roles" plan "$work/$set" $set ;; *) try "roles, $what: $step" "$work/roles" $step "$work/$set" ;; esac
  done
  echo "tests/build_matrix.sh: $what: $(size "$work/roles" | awk 'NR == 2 {print $1}') bytes of text;" \
    "undefined: $(nm -u "$work/roles.o" | awk '{print $2}' | grep -v '^__\|_GLOBAL' | tr '\n' ' ')"
}

if [ -n "${FULL-1}" ]; then
for set in fast leveled-16; do
  mkdir "$work/$set"
  no=; [ $set = fast ] && no=-DPPML_NO_LEVELED
  roles "planner${no:+, no leveled sets}" $set "-DPPML_NO_SERVER -DPPML_NO_TRAIN $no" plan
  roles "client${no:+, no leveled sets}" $set "-DPPML_CLIENT_ONLY $no" key
  roles "server${no:+, no leveled sets}" $set "-DPPML_NO_PLAN -DPPML_NO_TRAIN $no" infer answer
  [ "$("$work/roles" answer "$work/$set" 2>/dev/null)" = bright ] && passed=$((passed + 1)) ||
    { failed=$((failed + 1)); echo "tests/build_matrix.sh: FAILED: roles, $set: the class"; }
done
roles "all but training" fast "-DPPML_NO_TRAIN" infer answer
fi

# One file instead of many, where there is a python3 to make it.
if command -v python3 >/dev/null; then
  try "amalgamate" python3 tools/amalgamate.py "$work/dist/ppml.h"
  try "amalgamated" $CC -std=c99 $WARNINGS -D_DEFAULT_SOURCE -I"$work/dist" $code -c "$work/unit.c" -o "$work/unit.o"
  for flags in -DPPML_CLIENT_ONLY -DPPML_NO_SERVER -DPPML_NO_PLAN; do
    try "amalgamated, $flags" $CC -std=c99 $WARNINGS -D_DEFAULT_SOURCE -I"$work/dist" $flags -fsyntax-only "$work/unit.c"
  done
else
  skipped=$((skipped + 1)); echo "skipped: amalgamation (no python3)"
fi

# A build without any entropy must not compile, and say why.
if $CC -std=c99 -I. -U__unix__ -U__linux__ -U__APPLE__ -fsyntax-only "$work/unit.c" 2>"$work/log"; then
  failed=$((failed + 1)); echo "tests/build_matrix.sh: FAILED: builds without entropy"
elif grep -q "no entropy source" "$work/log"; then passed=$((passed + 1))
else failed=$((failed + 1)); echo "tests/build_matrix.sh: FAILED: no word about entropy"; fi

# A client's program has no instruction on doubles and asks nothing of libm.
client_is_integers() {
  $CC -std=c99 $WARNINGS -D_DEFAULT_SOURCE -I. -O2 -DPPML_BACKEND_ONLY=PPML_BACKEND_REF \
    -c tests/integers.c -o "$work/integers.o" || return 1
  nm -u "$work/integers.o" | grep -wE "cos|sin|ldexp|sqrt|exp|log2?|pow|floor" && { echo "error: libm"; return 1; }
  objdump -d "$work/integers.o" |
    grep -E "\b(add|sub|mul|div|sqrt|cvt[a-z0-9]*|comi|ucomi)[ps]d\b|\bcvtsi2sd|\bf(add|sub|mul|div|ild|ist)" &&
    { echo "error: doubles"; return 1; }
  return 0
}
if [ "$(uname -m)" = x86_64 ] && command -v objdump >/dev/null; then
  try "a client computes in integers" client_is_integers
fi

if [ -f tests/two_units_a.c ]; then
  try "two units" $CC -std=c99 $WARNINGS -D_DEFAULT_SOURCE -I. tests/two_units_a.c tests/two_units_b.c -lm -o "$work/two"
  try "two units run" "$work/two"
fi
# A client without an operating system, linked with nothing but what the header promises: memcmp, memcpy
# and memset; and small enough for a microcontroller.
cat >"$work/mem.c" <<END
#include <stddef.h>
int memcmp(const void *x, const void *y, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *x, const void *y, size_t n) { (void)x, (void)y, (void)n; return 0; }
void *memcpy(void *to, const void *from, size_t n) { (void)from, (void)n; return to; }
void *memset(void *to, int byte, size_t n) { (void)byte, (void)n; return to; }
END
small="-std=c99 -Os -ffreestanding -ffunction-sections -fdata-sections -fno-stack-protector
  -fno-asynchronous-unwind-tables -DPPML_SMALL -DPPML_BACKEND_ONLY=PPML_BACKEND_REF"
keep="--gc-sections -e client_classify -u client_make_key -u client_encrypt"
try "mem*" $CC $small -fno-builtin -c "$work/mem.c" -o "$work/mem.o"
# freestanding NAME BYTES FLAGS: code of at most so many bytes on x86-64
freestanding() {
  try "freestanding, $1" $CC $small $WARNINGS $3 -I. -c tests/freestanding.c -o "$work/free.o"
  try "freestanding, $1: linked" ld $keep "$work/free.o" "$work/mem.o" -o "$work/free"
  lacks=$(ld $keep "$work/free.o" -o "$work/bare" 2>&1 | sed -n "s/.*undefined reference to \`\(.*\)'/\1/p" | sort -u | tr '\n' ' ')
  try "freestanding, $1: undefined are $lacks" [ "$lacks" = "memcmp memcpy memset " ]
  text=$(size -A "$work/free" | awk '$1 == ".text" {print $2}')
  echo "tests/build_matrix.sh: client, freestanding, $1: $text bytes of code; undefined: $lacks"
  [ "$(uname -m)" != x86_64 ] || try "freestanding, $1: $text bytes of code, $2 at most" [ "$text" -le "$2" ]
}
freestanding "no leveled sets" 11264 -DPPML_NO_LEVELED
freestanding "all sets" 18432 ""
freestanding "linear alone" 11392 -DPPML_LINEAR_ONLY

echo "tests/build_matrix.sh: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
