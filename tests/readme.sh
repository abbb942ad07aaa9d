#!/bin/sh
# The README's commands as they stand, in order, in an empty folder:
#     PPML_DATA=../shared/data sh tests/readme.sh FOLDER    with the built ppml in PATH
# Lines that build and set PATH are the caller's.  Says in one line what it did; exit status 77 where
# the data set is not there.
set -u
root=$(realpath .)
data=$(realpath "${PPML_DATA:-../shared/data}" 2>/dev/null)/pneumoniamnist.npz
[ -f "$data" ] || { echo "tests/readme.sh: skipped: no $data"; exit 77; }
mkdir -p "$1" && cd "$1" || exit 1
ln -sf "$data" pneumoniamnist.npz
export PPML="$root"
# Code is indented by four, and follows an empty line; a program in C is not: tests/first.sh.
sed '/^```c$/,/^```$/d' "$root/README.md" >text
awk '/^$/ { empty = 1; next } /^    / && (empty || code) { print substr($0, 5); code = 1; empty = 0; next }
  { empty = code = 0 }' text | grep -Ev '^(make|export PPML=) ?' >commands
# The map of folders is no command.
sed -i '/^ppml\.h  /,$d' commands
count=0
while IFS= read -r line; do
  [ -n "$line" ] || continue
  case $line in *xrays.npz*|*" pooled.ppml"*) continue ;; *first.c*) continue ;; esac # of a data set that is not there
  sh -c "$line" >said 2>error
  status=$?
  case $line in *decrypt*) sed -i '/do not send what is printed here back/d' error ;; esac # as it should
  if [ $status -ne 0 ] || [ -s error ]; then
    echo "tests/readme.sh: FAILED: $line: exit status not 0, or an error: $(cat said error)"
    exit 1
  fi
  case $line in *decrypt*" -o "*) ;; *decrypt*) grep -q pneumonia said || { echo "tests/readme.sh: FAILED: $line: $(cat said)"; exit 1; } ;; esac
  count=$((count + 1))
done <commands
[ $count -ge 15 ] || { echo "tests/readme.sh: FAILED: only $count commands found"; exit 1; }
echo "tests/readme.sh: $count commands passed"
