#!/usr/bin/env bash
# summary.sh NAME...: repeats the closing lines of the runners that logged.sh ran, then their total,
# so that a reader of a long log finds the result at its end. A runner that did not run, or failed
# without a failed test (it did not compile, it hung), counts as one failure. Tests that failed and passed when they were run once more
# (see e2e.sh) count as passed, and are told. Exits 1 on any failure.
set -uo pipefail

# Colour codes would hide the numbers from the patterns below.
plain() { sed $'s/\x1b\\[[0-9;]*m//g' "$1"; }

passed=0 failed=0 skipped=0 flaky=0
# add PASSED FAILED SKIPPED
add() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    runner_failed=$((runner_failed + $2))
}

printf '\n== summary\n'
for name in "$@"; do
    log=$LOGS/$name.log
    runner_failed=0
    if [ ! -f "$LOGS/$name.status" ]; then
        printf -- '-- %s: did not run\n' "$name"
        failed=$((failed + 1))
        continue
    fi
    status=$(cat "$LOGS/$name.status")
    printf -- '-- %s, %s s with what was built for it\n' "$name" "$(cat "$LOGS/$name.seconds")"
    # cargo test and wasm-bindgen-test-runner: one line for each test binary that has tests.
    while read -r p f i; do add "$p" "$f" "$i"; done < <(
        plain "$log" | sed -nE 's/^test result: .* ([0-9]+) passed; ([0-9]+) failed; ([0-9]+) ignored.*/\1 \2 \3/p'
    )
    plain "$log" | grep -E '^test result: ' | grep -v ' 0 passed; 0 failed; 0 ignored'
    # node --test: "ℹ pass 3", or "# pass 3" in TAP.
    counts=$(plain "$log" | sed -nE 's/^(ℹ|#) (pass|fail|cancelled|skipped|todo) ([0-9]+)$/\2 \3/p')
    if [ -n "$counts" ]; then
        add "$(awk '$1 == "pass" { n += $2 } END { print n + 0 }' <<<"$counts")" \
            "$(awk '$1 == "fail" || $1 == "cancelled" { n += $2 } END { print n + 0 }' <<<"$counts")" \
            "$(awk '$1 == "skipped" || $1 == "todo" { n += $2 } END { print n + 0 }' <<<"$counts")"
        again=$(plain "$log" | awk '$1 == "flaky" { n += $2 } END { print n + 0 }')
        flaky=$((flaky + again)) passed=$((passed + again)) failed=$((failed - again))
        plain "$log" | grep -E '^(ℹ|#) (tests|pass|fail|cancelled|skipped|todo|duration_ms) ' |
            awk -v again="$again" '$2 == "pass" { $3 += again } $2 ~ /^(fail|cancelled)$/ { met = $3 < again ? $3 : again; $3 -= met; again -= met } { print }'
        [ "$again" -eq 0 ] || plain "$log" | sed -nE '/failing tests:$/,/^== once more/p' | sed -nE 's/^✖ (.+) \([0-9.]+ms\)$/flaky: \1/p'
    fi
    if [ "$status" -ne 0 ] && [ "$runner_failed" -eq 0 ]; then
        printf 'stopped with status %s before its closing line: see %s\n' "$status" "$log"
        failed=$((failed + 1))
    fi
done
printf '\ntotal: %d passed, %d failed, %d skipped, %d flaky\n' "$passed" "$failed" "$skipped" "$flaky"
[ "$failed" -eq 0 ]
