#!/usr/bin/env bash
# Serves the page while the GPU bundle builds behind it; the CPU bundle is there already. Ctrl-C
# ends both. Arguments go to scripts/serve.mjs.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "$LOGS"
log=$LOGS/gpu-build.log

build_gpu() {
    local started=$SECONDS
    echo "run: building the GPU bundle behind the page (minutes the first time; log: $log)"
    if nice -n 10 "${MAKE:-make}" --no-print-directory wasm-gpu >"$log" 2>&1; then
        echo "run: the GPU bundle is there after $((SECONDS - started)) s: the page picks it up"
    else
        echo "run: the GPU bundle did not build, the page goes on with the CPU: see $log"
    fi
}

builder=""
server=""
cleanup() {
    # The build has its own process group (set -m), so that cargo ends with it.
    if [ -n "$builder" ]; then kill -- "-$builder" 2>/dev/null || true; fi
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
}
trap cleanup EXIT
trap 'exit 0' INT TERM

if ! "${MAKE:-make}" --no-print-directory --question pkg/gpu/pixelrnn_bg.wasm >/dev/null 2>&1; then
    set -m
    build_gpu &
    builder=$!
    set +m
fi
node scripts/serve.mjs "$@" &
server=$!
wait "$server"
