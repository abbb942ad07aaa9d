#!/bin/sh
# Man pages as make man writes them: nothing to say for mandoc, groff and man; one for each command, with every
# option of its help; every public function in ppml(3).
#     MAN=build/man sh tests/man.sh
# A linter that is not here is named with its Debian package.
set -u
: "${PPML:=build/ppml}" "${MAN:=build/man}"
passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "tests/man.sh: FAILED: $1"; }
# silent NAME COMMAND: says nothing.
silent() {
  name=$1
  shift
  said=$("$@" 2>&1 >/dev/null) && [ -z "$said" ] && pass || fail "$name: $(echo "$said" | head -3)"
}
lint_mandoc() { mandoc -Tlint -Wall "$1" >&2; }
lint_groff() { groff -ww -man -Tutf8 "$1"; }
lint_man() { MANWIDTH=80 man --warnings -E UTF-8 -l "$1"; }
linters=
for tool in mandoc:mandoc groff:groff man:man-db; do
  if command -v "${tool%:*}" >/dev/null; then linters="$linters ${tool%:*}"
  else skipped=$((skipped + 1)); echo "skipped: no ${tool%:*} (Debian package ${tool#*:})"; fi
done
for page in "$MAN"/man1/*.1 "$MAN"/man3/ppml.3; do
  for linter in $linters; do silent "$linter: $page" "lint_$linter" "$page"; done
done

# text PAGE: without roff's own.
text() { sed 's/\\f.//g; s/\\-/-/g; s/\\&//g' "$1"; }
for command in $("$PPML" help | sed -n 's/^  ppml \([a-z]*\) .*/\1/p'); do
  page=$MAN/man1/ppml-$command.1
  [ -f "$page" ] && pass || { fail "no page of $command"; continue; }
  for option in $("$PPML" help "$command" | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
    text "$page" | grep -qE -e "^$option( |\$)" && pass || fail "$page: no $option"
  done
  text "$page" | sed -n '/^\.SH EXAMPLES/,/^\.SH/p' | grep -q "^ppml $command" && pass || fail "$page: no example"
done
for function in $(sed -n 's/^PPML_API .*[ *]\(ppml_[a-z0-9_]*\)(.*/\1/p' ppml.h); do
  text "$MAN/man3/ppml.3" | grep -q "\b$function(" && [ -f "$MAN/man3/$function.3" ] && pass || fail "ppml.3: no $function"
done
echo "tests/man.sh: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
