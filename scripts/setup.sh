#!/usr/bin/env bash
# Installs what is missing, and nothing else; says so while it does. `setup.sh build` is what a
# bundle needs, `setup.sh test` also what the browser tests need. Silent and quick when all is there.
# Cargo's tools go to .tools/ when the PATH has not the right version, so that other projects
# keep theirs.
set -euo pipefail
cd "$(dirname "$0")/.."

wasm_pack_version=0.15.1

say() { printf 'setup: %s\n' "$*" >&2; }
stop() {
    say "$*"
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# as_root COMMAND...: runs it as root, or fails without asking for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo -n "$@"
    else
        return 1
    fi
}

# apt_install PACKAGE...: with Debian's tool, where it is.
apt_install() {
    have apt-get && as_root apt-get -qq update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$@"
}

locked_version() {
    awk -v name="\"$1\"" '$1 == "name" { found = ($3 == name) } found && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' Cargo.lock
}

check_toolchains() {
    have cargo || stop "Rust is missing: install it with rustup (https://rustup.rs), then run this again."
    have cc || have gcc || have clang || stop "a C compiler is missing (cargo links with it): install gcc or clang, then run this again."
    { have npm && have node; } || stop "Node.js 20 or newer with npm is missing: install it, then run this again."
    node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' ||
        stop "Node.js 20 or newer is needed, this is $(node --version)."
}

install_wasm_target() {
    [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ] && return
    have rustup || stop "the Rust target wasm32-unknown-unknown is missing and so is rustup, which would install it."
    say "adding the Rust target wasm32-unknown-unknown"
    rustup target add wasm32-unknown-unknown
}

# cargo_tool PROGRAM CRATE VERSION [OPTION]
cargo_tool() {
    have "$1" && [ "$("$1" --version | awk '{ print $2 }')" = "$3" ] && return
    say "installing $2 $3 into .tools/ (compiles for one to three minutes)"
    # Without --locked: the crates' own lock files pin dependencies that no longer build everywhere. With little optimisation, as they
    # run for seconds and compile for minutes.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 cargo install --quiet ${4:+"$4"} --root .tools --version "$3" --force "$2"
}

install_node_modules() {
    # npm writes this file last, so it is the stamp of a complete install.
    [ node_modules/.package-lock.json -nt package-lock.json ] && return
    say "installing the development tools of package-lock.json into node_modules/"
    npm ci --no-progress --loglevel=error
    touch node_modules/.package-lock.json
}

install_browser() {
    scripts/browser.sh >/dev/null && return
    if have apt-get; then
        say "installing Chromium and its driver with apt-get"
        apt_install chromium chromium-driver && scripts/browser.sh >/dev/null && return
    fi
    stop "the browser tests need Chromium (or Chrome) and the chromedriver of the same version on the PATH, and they could not be installed here: install both, or run \`make test-native\`, which needs no browser."
}

# Chromium without its windows: the tests of the page are a third quicker in it.
install_headless_shell() {
    have chromium-headless-shell || ! have apt-get || [ -n "${CHROME:-}" ] && return
    say "installing Chromium's headless shell with apt-get"
    apt_install chromium-headless-shell || say "it could not be installed: the tests of the page run in Chromium itself"
}

install_software_vulkan() {
    compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null && return
    compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null && return
    have apt-get || return 0
    say "installing a software Vulkan with apt-get, for the tests of the GPU sampler"
    apt_install mesa-vulkan-drivers || say "no Vulkan could be installed: native GPU tests will be reported as ignored"
}

# What other programs make of a weights file and of an ONNX file, for the tests that compare with them.
install_python() {
    local requirements=tests/native/requirements.txt folder=.tools/python
    # Copied last, so it is the stamp of a complete install.
    cmp -s "$requirements" "$folder/installed.txt" && return
    say "installing NumPy and onnxruntime into $folder/"
    rm -rf "$folder"
    # Debian has the module that makes a virtual environment in a package of its own.
    if { python3 -m venv "$folder" || { apt_install python3-venv && python3 -m venv --clear "$folder"; }; } >/dev/null 2>&1 &&
        "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"; then
        cp "$requirements" "$folder/installed.txt"
        return
    fi
    local why="NumPy and onnxruntime could not be installed: that takes Python 3.11 or newer, its venv module and PyPI"
    # What a person does without, the machine that judges does not.
    [ -z "${CI:-}" ] || stop "$why."
    say "$why. Without them the tests that compare with them are reported as ignored"
}

check_toolchains
install_wasm_target
install_node_modules
cargo_tool wasm-bindgen wasm-bindgen-cli "$(locked_version wasm-bindgen)"
if [ "${1:-build}" = test ]; then
    # It does no more than start others, so it is compiled quickly.
    cargo_tool wasm-pack wasm-pack "$wasm_pack_version" --debug
    install_browser
    install_headless_shell
    install_software_vulkan
    install_python
fi
