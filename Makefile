# make run    the page on localhost        make test   every test
# Both install what is missing first (scripts/setup.sh). The other words: see `make help`.

SHELL := bash
.DEFAULT_GOAL := help
# The goals share cargo's target folder and two cores; each of them is parallel inside.
.NOTPARALLEL:
.DELETE_ON_ERROR:

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
export LOGS := $(TARGET_DIR)/logs
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/node_modules/.bin:$(PATH)

# wasm-opt levels. What a visitor waits for is the compressed download, and there less is more: docs/size.md has
# what each level does to it. -O1 on the GPU bundle takes a minute, so only `make dist` takes it.
OPT_CPU ?= none
OPT_GPU ?= none
OPT_GPU_DIST ?= -O1

# Arguments for the server, as in `make run SERVE="--port 9000 --base /sub/"`.
SERVE ?=

# Arguments for `pixelrnn publish`, to put a network on the page before it is served.
PUBLISH ?=

# Where `make dist` is going to be served, as in `make dist SITE=https://example.org/pixelrnn/`: what shows previews of
# links takes no picture at a relative address.
SITE ?=

# Arguments for the ladder, as in `make bench BENCH="--quick"`; benches/ladder.mjs lists them.
BENCH ?=

# What the native checks and tests are compiled with, and those for the browser: one set for all of them, so that burn is compiled
# once, and the macros too.
NATIVE := --release --config '$(CURDIR)/scripts/test-profile.toml' --features wgpu
BROWSER := --release --config '$(CURDIR)/scripts/wasm-profile.toml' --target wasm32-unknown-unknown --no-default-features --features cpu,webgpu

# What a bundle is made of: everything but the native side.
NATIVE_ONLY := src/main.rs src/npy.rs src/grid.rs src/output.rs src/onnx/% src/cli/% src/cpu/% src/data/% src/train/%
WASM_SOURCES := $(filter-out $(NATIVE_ONLY),$(shell find src -name '*.rs')) \
	Cargo.toml Cargo.lock .cargo/config.toml scripts/build-wasm.sh scripts/wasm-profile.toml

.PHONY: help run test check setup setup-test wasm wasm-cpu wasm-gpu wasm-test wasm-test-cpu wasm-test-gpu \
	test-native e2e sites bench dist fmt clippy doc types rooms versions audit package size clean

help:
	@echo 'make run          install what is missing, build, serve the page on localhost (PUBLISH="...": with a network of your own)'
	@echo 'make test         install what is missing, run every test (test-native wasm-test e2e test-npm: some of them)'
	@echo 'make check        format, lints, docs, rooms, versions, advisories, the crate as packed, size budget, types'
	@echo 'make wasm         both browser bundles into pkg/ (wasm-cpu, wasm-gpu: one)'
	@echo 'make sites        the element in sites of documentation, built by their generators'
	@echo 'make bench        the sampling ladder: every way to draw in one table and one picture (BENCH="--quick": some)'
	@echo 'make dist         the page for a static host, fully optimised, into dist/, and the npm package into dist-npm/ (SITE="https://...": with a picture for previews of links)'
	@echo 'make clean        remove what make built'

## Run

run: wasm-cpu
	$(if $(PUBLISH),cargo run --release --quiet -- publish $(PUBLISH))
	@scripts/run.sh $(SERVE)

setup:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh test

## Bundles

wasm: size
wasm-cpu: setup pkg/cpu/pixelrnn_bg.wasm
wasm-gpu: setup pkg/gpu/pixelrnn_bg.wasm

pkg/cpu/pixelrnn_bg.wasm: $(WASM_SOURCES)
	@scripts/build-wasm.sh cpu $(OPT_CPU)

pkg/gpu/pixelrnn_bg.wasm: $(WASM_SOURCES)
	@scripts/build-wasm.sh gpu $(OPT_GPU)

## Tests

RUNNERS := native wasm-cpu wasm-gpu e2e npm

# Every runner has its turn even when one before it fails; the summary and the status tell. A bundle
# is built just before its own tests, because the two take turns in cargo's output folder.
test: setup-test
	@rm -rf $(LOGS)
	@$(MAKE) --no-print-directory --keep-going test-native wasm-cpu wasm-test-cpu wasm-gpu wasm-test-gpu e2e test-npm; \
	scripts/summary.sh $(RUNNERS)

# The CPU and, through wgpu, a GPU; a software one will do.
test-native:
	@scripts/logged.sh native cargo test $(NATIVE)

wasm-test: wasm-test-cpu wasm-test-gpu

wasm-test-cpu: setup-test
	@scripts/logged.sh wasm-cpu scripts/wasm-test.sh cpu

wasm-test-gpu: setup-test
	@scripts/logged.sh wasm-gpu scripts/wasm-test.sh cpu,webgpu

e2e: setup-test wasm-cpu wasm-gpu
	@scripts/logged.sh e2e scripts/e2e.sh

# The npm package in projects of others.
test-npm: setup-test wasm-cpu wasm-gpu
	@scripts/logged.sh npm scripts/e2e.sh tests/sites/npm.test.js

# Not among the tests of `make test`: some hundred MB of generators are installed first.
sites: setup-test wasm-cpu wasm-gpu
	@scripts/docs-generators.sh
	@CHROME=$$(scripts/browser.sh | head -n 1) node --test --test-reporter=spec --test-concurrency=1 tests/sites/docs.test.js

# A machine without the peers still has a ladder: their lines say that they are not installed.
bench: setup-test wasm-cpu $(if $(filter --gpu,$(BENCH)),wasm-gpu)
	-@scripts/peers.sh
	node benches/ladder.mjs --json $(TARGET_DIR)/bench/ladder.json $(BENCH)

## Checks

check: setup fmt clippy package doc rooms versions audit size types

fmt:
	cargo fmt --check

clippy:
	cargo clippy --all-targets $(NATIVE) -- -D warnings
	cargo clippy --lib --tests $(BROWSER) -- -D warnings

package:
	@scripts/check-package.sh $(NATIVE)

doc:
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --document-private-items --quiet $(NATIVE)

# The types of the wasm glue come with the bundles.
types: wasm-cpu wasm-gpu
	tsc -p tsconfig.json

rooms:
	@scripts/check-rooms.sh

versions:
	@scripts/check-versions.sh

# Of the development tools; the crates are audited by the workflow, because cargo deny compiles for minutes.
audit: setup
	@node scripts/npm-audit.mjs

size: wasm-cpu wasm-gpu
	@node scripts/check-size.mjs pkg

## Dist

dist: wasm-cpu wasm-gpu $(TARGET_DIR)/dist-gpu.wasm
	@scripts/dist.sh $(TARGET_DIR)/dist-gpu.wasm "$(SITE)"

$(TARGET_DIR)/dist-gpu.wasm: pkg/gpu/pixelrnn_bg.wasm scripts/optimise.sh
	@echo 'dist: optimising the GPU bundle with wasm-opt $(OPT_GPU_DIST) (a minute or two)'
	@scripts/optimise.sh $(OPT_GPU_DIST) $< $@

clean:
	rm -rf pkg dist dist-npm $(LOGS) $(TARGET_DIR)/dist-gpu.wasm
	cargo clean
