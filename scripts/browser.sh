#!/usr/bin/env bash
# Finds the browser and the driver that the tests use: prints the path of Chromium (or Chrome) on
# the first line and of chromedriver on the second. CHROME and CHROMEDRIVER override the search.
# Exits 1 and prints nothing when one of them is missing.
set -euo pipefail

first_executable() {
    local candidate path
    for candidate in "$@"; do
        if path=$(command -v "$candidate" 2>/dev/null) && [ -x "$path" ]; then
            printf '%s\n' "$path"
            return 0
        fi
    done
    return 1
}

chrome=$(first_executable "${CHROME:-chromium}" chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome") || exit 1
# GitHub's runners keep the driver that fits their Chrome in $CHROMEWEBDRIVER.
driver=$(first_executable "${CHROMEDRIVER:-chromedriver}" chromedriver \
    "${CHROMEWEBDRIVER:-/nonexistent}/chromedriver") || exit 1

printf '%s\n%s\n' "$chrome" "$driver"
