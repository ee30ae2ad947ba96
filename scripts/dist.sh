#!/usr/bin/env bash
# dist.sh GPU_WASM: makes dist/, the page as any static host can serve it, with GPU_WASM as the
# library of the GPU bundle.
set -euo pipefail
cd "$(dirname "$0")/.."
gpu_wasm=$1

rm -rf dist
mkdir -p dist/pkg
cp -R www/. dist/
for bundle in cpu gpu; do
    mkdir "dist/pkg/$bundle"
    cp "pkg/$bundle"/pixelrnn*.{js,wasm,ts} "dist/pkg/$bundle/"
done
cp "$gpu_wasm" dist/pkg/gpu/pixelrnn_bg.wasm
cp LICENSE-MIT LICENSE-APACHE dist/
# GitHub Pages would run the files through Jekyll otherwise.
touch dist/.nojekyll
node scripts/bundle-index.mjs dist/pkg
node scripts/check-size.mjs dist/pkg
echo "dist: dist/ is ready to be copied to a static host ($(du -sh dist | cut -f1))"
