#!/usr/bin/env bash
# What crates.io would get: packs the crate, and compiles what was packed, with its examples, where nothing else of the repository
# is. With the features of the other checks, so that what it is built on is compiled once; crates.io takes 10 MiB.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(cd "${CARGO_TARGET_DIR:-.}" && pwd)
[ -n "${CARGO_TARGET_DIR:-}" ] || target=$target/target

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Tests and benches are told to be left out, line by line.
cargo package --quiet --allow-dirty --no-verify --target-dir "$folder" 2>&1 | grep -v '^warning: ignoring\|^$' || true
crate=("$folder"/package/*.crate)
bytes=$(stat -c %s "${crate[0]}")
if [ "$bytes" -gt $((10 * 1024 * 1024)) ]; then
    echo "package: ${crate[0]##*/} has $bytes bytes, crates.io takes 10 MiB: leave more out under include in Cargo.toml" >&2
    exit 1
fi
tar xzf "${crate[0]}" -C "$folder"
cd "$folder/$(basename "${crate[0]}" .crate)"
CARGO_TARGET_DIR=$target cargo check --quiet --locked --lib --bins --examples "$@"
echo "package: ${crate[0]##*/} has $((bytes / 1024)) KiB and compiles by itself"
