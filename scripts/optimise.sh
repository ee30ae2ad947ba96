#!/usr/bin/env bash
# optimise.sh LEVEL IN.wasm OUT.wasm: wasm-opt with exactly the WebAssembly features that rustc
# uses for this project and every browser with SIMD has; with all features on it could emit others.
set -euo pipefail
exec wasm-opt "$1" \
    --enable-bulk-memory --enable-bulk-memory-opt --enable-multivalue --enable-mutable-globals \
    --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext --enable-simd \
    "$2" -o "$3"
