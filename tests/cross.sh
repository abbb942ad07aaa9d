#!/bin/sh
# Machines that this one is not, under qemu: on each, the backend test, examples/minimal.c, and an
# answer of a leveled, a bootstrapped and an exact set are right, or the build is refused with a
# reason; none is wrong.  Networks and keys are made here, and the keys and ciphertexts that a
# client makes there must be those that it makes here, byte for byte (tests/flags.c).
#
#     PPML=build/ppml sh tests/cross.sh [MACHINE...]
#
# Without names all: i386-x87 i386-sse2 aarch64 armhf riscv64 s390x.  One after the other, to leave
# processors to others; where a compiler or qemu is missing, its Debian package is named.  Exit
# status 1 if anything was wrong.
set -u
: "${PPML:=build/ppml}" "${CC:=gcc}" "${ALIVE_NOTE:=/dev/null}"
: "${WARNINGS:=-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
OPTIONS="-std=c99 -ffp-contract=off -O2 $WARNINGS -I. -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE"
PROGRAMS="tests/backend_plain.c examples/minimal.c tests/flags.c"
SETS="leveled-16 fast exact"
MACHINES="i386-x87 i386-sse2 aarch64 armhf riscv64 s390x"
right=0
refused=0
skipped=0
wrong=0

# describe MACHINE: sets compiler, emulator, and the Debian packages of the compiler.
describe() {
  # Debian has one copy of the kernel's headers for x86-64 and i386.
  i386="gcc -m32 -idirafter /usr/include/x86_64-linux-gnu"
  case $1 in
  i386-x87) compiler="$i386 -mno-sse2" emulator=qemu-i386 packages="lib32gcc-12-dev libc6-dev-i386" ;;
  i386-sse2) compiler="$i386 -msse2 -mfpmath=sse" emulator=qemu-i386 packages="lib32gcc-12-dev libc6-dev-i386" ;;
  aarch64) compiler=aarch64-linux-gnu-gcc emulator=qemu-aarch64 packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;;
  armhf) compiler=arm-linux-gnueabihf-gcc emulator=qemu-arm packages="gcc-arm-linux-gnueabihf libc6-dev-armhf-cross" ;;
  riscv64) compiler=riscv64-linux-gnu-gcc emulator=qemu-riscv64 packages="gcc-riscv64-linux-gnu libc6-dev-riscv64-cross" ;;
  s390x) compiler=s390x-linux-gnu-gcc emulator=qemu-s390x packages="gcc-s390x-linux-gnu libc6-dev-s390x-cross" ;;
  *) echo "tests/cross.sh: $1: not one of $MACHINES" >&2; exit 64 ;;
  esac
}

# Prints the packages without which that machine's programs are not built or not run.
missing() {
  printf '#include <math.h>\n#include <stdio.h>\nint main(int n, char **v) { return v[0][0] == 0 && cos(n) > 2; }\n' >"$work/one.c"
  $compiler -static "$work/one.c" -lm -o "$work/one" 2>/dev/null || printf '%s ' "$packages"
  command -v $emulator >/dev/null || printf 'qemu-user '
}

# row CELL...: a line of the table.
row() { printf '| %-12s | %-7s | %-12s | %-7s | %-7s | %-12s | %-7s | %s |\n' "$@" >>"$work/table"; }

# Builds the programs: prints ok, refused, or WRONG and, on stderr, what the compiler says.
build() {
  for program in $PROGRAMS; do
    $compiler -static $OPTIONS "$program" -lm -o "$work/$(basename "$program" .c)" 2>"$work/log" && continue
    if grep -q "error.*ppml: " "$work/log"; then echo refused; else echo WRONG; cat "$work/log" >&2; fi
    return
  done
  echo ok
}

# run WHAT PROGRAM...: prints right, refused or WRONG; then, on stderr, what the program says.
run() {
  echo "$machine, $1" >"$ALIVE_NOTE"
  shift
  nice timeout 3600 $emulator "$@" >"$work/log" 2>&1
  case $? in
  0) echo right ;;
  3) echo refused ;;
  *) echo WRONG; echo "tests/cross.sh: $machine: $*" >&2; cat "$work/log" >&2 ;;
  esac
}

# The class that examples/minimal.c prints counts too.
run_minimal() {
  verdict=$(run minimal "$work/minimal")
  [ $verdict = right ] && [ "$(cat "$work/log")" != bright ] && verdict=WRONG
  echo $verdict
}

# verdict CELL...: what the cells of a machine come to.
verdict() {
  case " $* " in
  *WRONG*) echo WRONG ;;
  *refused*) echo refused ;;
  *) echo right ;;
  esac
}

try() {
  machine=$1
  describe "$machine"
  needs=$(missing)
  if [ -n "$needs" ]; then
    skipped=$((skipped + 1))
    row "$machine" - - - - - - skipped
    echo "tests/cross.sh: $machine: skipped, since Debian's package is missing: $needs" >&2
    return
  fi
  echo "$machine, build" >"$ALIVE_NOTE"
  built=$(build)
  if [ $built = ok ]; then
    set -- "$(run "the backend test" "$work/backend_plain")" "$(run_minimal)"
    for set in $SETS; do set -- "$@" "$(run "$set" "$work/flags" "$work" $set)"; done
  else set -- - - - - -; fi
  came=$(verdict $built "$@")
  case $came in
  right) right=$((right + 1)) ;;
  refused) refused=$((refused + 1)) ;;
  *) wrong=$((wrong + 1)) ;;
  esac
  row "$machine" $built "$@" $came
}

for machine in "$@"; do describe "$machine"; done
echo "networks and keys" >"$ALIVE_NOTE"
PPML=$PPML sh tests/material.sh "$work" $SETS || exit 1
# The first to run writes the digests that the others must have.
$CC $OPTIONS tests/flags.c -lm -o "$work/reference" || exit 1
"$work/reference" "$work" $SETS >"$work/log" || { cat "$work/log"; echo "tests/cross.sh: wrong on this machine" >&2; exit 1; }

row architecture build "backend test" minimal leveled bootstrapped exact verdict
row ------------ ------- ------------ ------- ------- ------------ ------- -------
for machine in ${*:-$MACHINES}; do try "$machine"; done
cat "$work/table"
echo "tests/cross.sh: $right right, $refused refused, $wrong wrong, $skipped skipped"
[ $wrong -eq 0 ]
