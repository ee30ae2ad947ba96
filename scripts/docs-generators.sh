#!/usr/bin/env bash
# Installs the generators of documentation that the tests of tests/sites/docs build with: mdBook into .tools/, those in Python
# into .tools/docs-python/, those in JavaScript beside their sites. Silent and quick when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

mdbook_version=0.5.4

say() { printf 'docs-generators: %s\n' "$*" >&2; }

install_mdbook() {
    [ "$(.tools/bin/mdbook --version 2>/dev/null)" = "mdbook v$mdbook_version" ] && return
    say "installing mdBook $mdbook_version into .tools/ (compiles for a minute)"
    # Quick to compile instead of quick to run: the books of the tests have two pages. Its own target folder, so that none of
    # the project's artefacts is built anew for it.
    CARGO_TARGET_DIR=.tools/mdbook-target cargo install --quiet --debug --locked --root .tools --version "$mdbook_version" --force \
        --no-default-features --features search mdbook
    rm -rf .tools/mdbook-target
}

install_python() {
    local requirements=tests/sites/docs/requirements.txt
    cmp -s "$requirements" .tools/docs-python/installed.txt && return
    say "installing MkDocs Material and Sphinx with Furo into .tools/docs-python/"
    rm -rf .tools/docs-python
    python3 -m venv .tools/docs-python
    .tools/docs-python/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
    cp "$requirements" .tools/docs-python/installed.txt
}

# install_node FOLDER
install_node() {
    [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] && return
    say "installing the generator of $1"
    npm ci --prefix "$1" --no-progress --loglevel=error --ignore-scripts
    touch "$1/node_modules/.package-lock.json"
}

install_mdbook
install_python
install_node tests/sites/docs/vitepress
install_node tests/sites/docs/docusaurus
