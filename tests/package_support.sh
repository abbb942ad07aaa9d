# What tests of packages share.  The caller has set work, a folder that it removes, and name, its own name.
passed=0 failed=0 skipped=0

# try WHAT COMMAND...: the command ends well.
try() {
  what=$1
  shift
  if "$@" >"$work/log" 2>&1; then passed=$((passed + 1))
  else failed=$((failed + 1)); echo "$name: FAILED: $what"; tail -4 "$work/log"; fi
}

# has TOOL PACKAGE: is it here?  Says which Debian package has it where it is not.
has() {
  command -v "$1" >/dev/null && return 0
  skipped=$((skipped + 1))
  echo "skipped: no $1 (Debian package $2)"
  return 1
}

# Ends with what was counted.
finish() {
  echo "$name: $passed passed, $failed failed, $skipped skipped"
  [ $failed -eq 0 ]
}
