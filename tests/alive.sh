#!/bin/sh
# Runs a command, and every eight seconds says that it still runs, for how long, and what it is at:
# the first line of $ALIVE_NOTE, a file that whatever takes long writes.  The exit status is the
# command's.
#
#     ALIVE_NOTE=build/alive sh tests/alive.sh NAME COMMAND...
set -u
name=$1
shift
mkdir -p "$(dirname "$ALIVE_NOTE")"
: >"$ALIVE_NOTE"
export ALIVE_NOTE
begun=$(date +%s)
at() { echo $(($(date +%s) - begun)); }
while sleep 8 >/dev/null; do echo "  ... $name, $(at) s: $(head -n 1 "$ALIVE_NOTE")"; done &
beat=$!
trap 'kill $beat 2>/dev/null' EXIT
"$@"
ended=$?
[ $ended -eq 0 ] && echo "$name: done in $(at) s"
exit $ended
