#!/usr/bin/env bash
# wasm-test.sh FEATURES: runs tests/wasm in headless Chromium with wasm-pack.
set -euo pipefail
cd "$(dirname "$0")/.."
features=$1
seconds=${WASM_TEST_SECONDS:-600}
options=(--no-default-features --features "$features" --test wasm --config scripts/wasm-profile.toml)

{ read -r chrome && read -r driver; } < <(scripts/browser.sh) || {
    echo "wasm-test.sh: no Chromium with a chromedriver: run scripts/setup.sh test" >&2
    exit 1
}
# Shaders compile slowly without a GPU: these are the limits of a whole test binary and of the start.
export WASM_BINDGEN_TEST_TIMEOUT=${WASM_BINDGEN_TEST_TIMEOUT:-300}
export WASM_BINDGEN_TEST_DRIVER_TIMEOUT=${WASM_BINDGEN_TEST_DRIVER_TIMEOUT:-30}

# Compiled first, with wasm-pack's own command, so that the time limit below is about the tests alone.
cargo build --tests --release --target wasm32-unknown-unknown "${options[@]}"

limit=()
if command -v timeout >/dev/null 2>&1; then limit=(timeout --kill-after=10 "$seconds"); fi

# The runner can wait for ever on the driver, even after the last test (wasm-bindgen#5338):
# a run cut off by the time limit is tried once more, a failed one is not.
for attempt in 1 2; do
    status=0
    ${limit[@]+"${limit[@]}"} wasm-pack test --headless --chrome --chromedriver "$driver" --release -- "${options[@]}" || status=$?
    case $status in
    124 | 137) echo "wasm-test.sh: no end after $seconds s (attempt $attempt of 2, browser $chrome)" >&2 ;;
    *) break ;;
    esac
done
exit "$status"
