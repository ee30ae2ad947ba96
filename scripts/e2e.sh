#!/usr/bin/env bash
# e2e.sh [FILE...]: runs tests in Chromium, those of the real page where no files are named. They find the browser in $CHROME:
# Chromium without its windows where that is installed, which takes two thirds of the time.
# Files that failed are run once more, by themselves: what passes then is told as flaky, and summary.sh counts it as that.
set -euo pipefail
cd "$(dirname "$0")/.."
CHROME=${CHROME:-$(command -v chromium-headless-shell)} || { read -r CHROME && read -r _; } < <(scripts/browser.sh) || {
    echo "e2e.sh: no Chromium with a chromedriver: run scripts/setup.sh test" >&2
    exit 1
}
export CHROME
[ $# -gt 0 ] || set -- tests/e2e/*.test.*js

# Where more files fail, it is not by chance.
most_again=3

# Two files at a time: a browser waits for much. The times that tests wait for allow for a machine that is busier than that.
run() { node --test --test-reporter=spec --test-concurrency=2 "$@" 2>&1; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run "$@" | tee "$log" && exit 0

mapfile -t failed < <(sed -nE 's/^test at ([^:]+):.*/\1/p' "$log" | sort -u)
if [ ${#failed[@]} -eq 0 ] || [ ${#failed[@]} -gt $most_again ]; then exit 1; fi
printf '\n== once more: %s\n' "${failed[*]}"
# The summary counts the lines of the first run.
run "${failed[@]}" | sed 's/^/again: /'
sed -nE 's/^ℹ (fail|cancelled) ([0-9]+)$/\2/p' "$log" | awk '{ n += $1 } END { print "flaky " n }'
