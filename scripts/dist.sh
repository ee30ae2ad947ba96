#!/usr/bin/env bash
# dist.sh GPU_WASM: makes dist/, the page as any static host can serve it, with GPU_WASM as the
# library of the GPU bundle.
set -euo pipefail
cd "$(dirname "$0")/.."
gpu_wasm=$1

bundles=$(mktemp -d)
trap 'rm -rf "$bundles"' EXIT
for bundle in cpu gpu; do
    mkdir "$bundles/$bundle"
    cp "pkg/$bundle"/pixelrnn*.{js,wasm,ts} "$bundles/$bundle/"
done
cp "$gpu_wasm" "$bundles/gpu/pixelrnn_bg.wasm"
node scripts/bundle-index.mjs "$bundles"
node scripts/check-size.mjs "$bundles"
node scripts/dist-layout.mjs www "$bundles" dist
cp LICENSE-MIT LICENSE-APACHE dist/
# GitHub Pages would run the files through Jekyll otherwise.
touch dist/.nojekyll
echo "dist: dist/ is ready to be copied to a static host ($(du -sh dist | cut -f1))"
