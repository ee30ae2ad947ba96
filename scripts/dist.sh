#!/usr/bin/env bash
# dist.sh GPU_WASM [SITE]: makes dist/, the page as any static host can serve it, and dist-npm/, the npm package, with GPU_WASM
# as the library of the GPU bundle. SITE is the address of the page, where it is known.
set -euo pipefail
cd "$(dirname "$0")/.."
gpu_wasm=$1
site=${2:-}

bundles=$(mktemp -d)
trap 'rm -rf "$bundles"' EXIT
for bundle in cpu gpu; do
    mkdir "$bundles/$bundle"
    cp "pkg/$bundle"/pixelrnn*.{js,wasm,ts} "$bundles/$bundle/"
done
cp "$gpu_wasm" "$bundles/gpu/pixelrnn_bg.wasm"
node scripts/bundle-index.mjs "$bundles"
node scripts/check-size.mjs "$bundles"
node scripts/dist-layout.mjs www "$bundles" dist ${site:+"$site"}
cp LICENSE-MIT LICENSE-APACHE dist/
# GitHub Pages would run the files through Jekyll otherwise.
touch dist/.nojekyll
node scripts/npm-layout.mjs www "$bundles" dist-npm
echo "dist: dist/ is ready to be copied to a static host ($(du -sh dist | cut -f1))"
echo "dist: dist-npm/ is ready for npm pack or npm publish ($(du -sh dist-npm | cut -f1))"
