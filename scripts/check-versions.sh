#!/usr/bin/env bash
# The version is Cargo.toml's. Where else people read one, it must be the same: in Cargo.lock, CITATION.cff and at the
# top of CHANGELOG.md. The npm package takes its own from Cargo.toml when it is made.
# The oldest Rust is Cargo.toml's too, and said in the README.
# With a tag (`check-versions.sh v1.2.3`) that too must name it.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -nE 's/^version = "(.+)"$/\1/p' Cargo.toml | head -n 1)
status=0
# same WHERE FOUND [WANTED]
same() {
    local wanted=${3:-$version}
    if [ "$2" != "$wanted" ]; then
        echo "versions: $1 has '$2', Cargo.toml has '$wanted': write the same into both" >&2
        status=1
    fi
}
same Cargo.lock "$(awk '$3 == "\"pixelrnn\"" { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock)"
same CITATION.cff "$(sed -nE 's/^version: (.+)$/\1/p' CITATION.cff)"
same 'the first heading of CHANGELOG.md' "$(sed -nE 's/^## ([^ ]+).*$/\1/p' CHANGELOG.md | head -n 1)"
same 'Rust in README.md' "$(sed -nE 's/.* Rust ([0-9.]+) or newer.*/\1/p' README.md)" "$(sed -nE 's/^rust-version = "(.+)"$/\1/p' Cargo.toml)"
if [ $# -gt 0 ]; then same 'the tag' "${1#v}"; fi
exit "$status"
