# What the tests of the command share: where they work, what they count and how they ask.  To be sourced, from
# the root of the source: . tests/cli_support.sh
#
# PPML names the command.  After this the shell is in a folder of its own, $work; what a command printed is in the
# files `out` and `err` there.
PPML=$(realpath "${PPML:-build/ppml}")
ROOT=$(realpath .)
TINY=$ROOT/tests/data
CORPUS=$ROOT/fuzz/corpus
[ -z "${ALIVE_NOTE:-}" ] || ALIVE_NOTE=$(realpath "$ALIVE_NOTE")
script=tests/$(basename "$0")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

# What is at work, for tests/alive.sh.
note() { [ -z "${ALIVE_NOTE:-}" ] || echo "$script: $1" >"$ALIVE_NOTE"; }
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "$script: FAILED: $*"; }

# ok NAME COMMAND...: the command exits with 0 and prints no error.
ok() {
  name=$1
  shift
  note "$name"
  if "$@" >out 2>err && [ ! -s err ]; then pass; else fail "$name: $(cat err)"; fi
  narrow "$name" "$*"
}

# narrow NAME COMMAND: what the command wrote for people fits 80 columns; JSON and C are not for them.
narrow() {
  case "$(head -c 1 out) $2" in '{'* | *" export "*) return ;; esac
  [ "$(wc -L <out)" -le 80 ] || fail "$1: wider than 80 columns: $(awk 'length($0) > 80' out | head -1)"
}

# refuses NAME STATUS COMMAND...: that exit status, one line on standard error that begins
# with "ppml: ", nothing on standard output, and no new file.
refuses() {
  name=$1
  want=$2
  shift 2
  refuses_because "$name" "$want" '' "$@"
}

# refuses_because NAME STATUS WORDS COMMAND...: the same, and the line has these words.
refuses_because() {
  name=$1
  want=$2
  words=$3
  shift 3
  note "$name"
  rm -f new.*
  "$@" >out 2>err
  got=$?
  if [ $got -ne "$want" ]; then fail "$name: exit status $got, not $want: $(cat err)"; return; fi
  if [ "$(wc -l <err)" -ne 1 ] || ! grep -q '^ppml: ' err; then fail "$name: not one line: $(cat err)"; return; fi
  if [ -s out ]; then fail "$name: wrote to standard output: $(cat out)"; return; fi
  for left in new.* .ppml-*; do
    if [ -e "$left" ]; then fail "$name: left $left behind"; return; fi
  done
  if grep -qF -e "$words" err; then pass; else fail "$name: does not say \"$words\": $(cat err)"; fi
}

# Says what was counted, and whether all is well.
finish() {
  echo "$script: $passed passed, $failed failed${skipped:+, $skipped skipped}"
  [ "$failed" -eq 0 ]
}
