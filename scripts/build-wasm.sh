#!/usr/bin/env bash
# Builds one browser bundle: build-wasm.sh cpu|gpu OPT writes pkg/cpu or pkg/gpu and lists it in
# pkg/index.json. OPT is the level of wasm-opt (-O3, -Oz, ...) or `none`.
set -euo pipefail
cd "$(dirname "$0")/.."

bundle=$1
opt=$2
case $bundle in
cpu) features=cpu ;;
gpu) features=cpu,webgpu ;;
*)
    echo "build-wasm.sh: '$bundle' is no bundle, expected cpu or gpu" >&2
    exit 2
    ;;
esac
target_dir=${CARGO_TARGET_DIR:-target}
say() { printf 'wasm: %s\n' "$*" >&2; }

# Made aside and moved into place: a page that is being served never sees half a bundle.
mkdir -p pkg
new=$(mktemp -d "pkg/.$bundle.XXXXXX")
trap 'rm -rf "$new"' EXIT
chmod 755 "$new"
touch "$new/.started"

say "compiling pkg/$bundle (features $features)"
cargo build --lib --release --target wasm32-unknown-unknown --no-default-features --features "$features" \
    --config scripts/wasm-profile.toml

wasm-bindgen --target web --out-dir "$new" --out-name pixelrnn --remove-name-section --remove-producers-section \
    "$target_dir/wasm32-unknown-unknown/release/pixelrnn.wasm"

# Both bundles leave cargo under the same file name, so another build may have put its own there.
if grep -q 'class GpuSampler' "$new/pixelrnn.d.ts"; then built=gpu; else built=cpu; fi
if [ "$built" != "$bundle" ]; then
    say "another build replaced the $bundle library with the $built one while this one ran: run this again"
    exit 1
fi

if [ "$opt" != none ]; then
    say "optimising pkg/$bundle with wasm-opt $opt"
    scripts/optimise.sh "$opt" "$new/pixelrnn_bg.wasm" "$new/optimised.wasm"
    mv "$new/optimised.wasm" "$new/pixelrnn_bg.wasm"
fi
# As old as the start of the build: a source edited meanwhile is newer, so make builds again.
touch -r "$new/.started" "$new/pixelrnn_bg.wasm"
rm "$new/.started"
rm -rf "pkg/$bundle"
mv "$new" "pkg/$bundle"
node scripts/bundle-index.mjs pkg
