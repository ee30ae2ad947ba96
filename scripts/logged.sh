#!/usr/bin/env bash
# logged.sh NAME COMMAND...: runs a test runner, shows its output and keeps it with its exit status
# for summary.sh, in $LOGS/NAME.log and $LOGS/NAME.status, and how many seconds it took in $LOGS/NAME.seconds.
set -uo pipefail
name=$1
shift
mkdir -p "$LOGS"
rm -f "$LOGS/$name.status"
printf '\n== %s: %s\n' "$name" "$*"
"$@" 2>&1 | tee "$LOGS/$name.log"
status=${PIPESTATUS[0]}
printf '%s\n' "$status" >"$LOGS/$name.status"
printf '%s\n' "$SECONDS" >"$LOGS/$name.seconds"
exit "$status"
