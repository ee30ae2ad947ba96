#!/usr/bin/env bash
# Runs the tests of the real page in Chromium. They find the browser in $CHROME.
set -euo pipefail
cd "$(dirname "$0")/.."
{ read -r CHROME && read -r _; } < <(scripts/browser.sh) || {
    echo "e2e.sh: no Chromium with a chromedriver: run scripts/setup.sh test" >&2
    exit 1
}
export CHROME
# One file at a time: two browsers drawing on two cores would test the machine's patience.
exec node --test --test-reporter=spec --test-concurrency=1 tests/e2e/*.test.*js
