# Every target installs what it needs. `make demo` and `make test` are all a fresh machine wants.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# One feature set for every test build, so that the dependencies are compiled once.
TEST_FEATURES := eyrie/failpoints,eyrie-objects/failpoints,eyrie-catalogue/failpoints
PYTHON := target/venv/bin/python
PYTEST := $(PYTHON) -m pytest -q -p no:cacheprovider

# Real files that the tests read when they are there: see CONTRIBUTING.md.
export EYRIE_SAMPLES ?= $(wildcard $(abspath ../shared/samples))

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | column -t -s "$$(printf '\t')"

.PHONY: page
page: ## The page in web/, for the server to embed; nothing to do without npm
	scripts/page.sh

.PHONY: build
build: page ## target/release/eyrie and target/release/eyrie-sim
	cargo build --release -p eyrie -p eyrie-sim

.PHONY: demo
demo: build ## The server with three simulated flights; DEMO_FILES=DIR flies real files, DEMO_EXIT=1 ends by itself
	scripts/demo.sh

.PHONY: test
test: test-rust test-python ## Installs what the tests need and runs all of them

.PHONY: test-rust
test-rust: test-tools page
	cargo test --workspace --features $(TEST_FEATURES)
	cargo check --manifest-path fuzz/Cargo.toml

.PHONY: test-python
test-python: test-tools page
	cargo build -p eyrie -p eyrie-sim --features $(TEST_FEATURES)
	$(PYTEST) -n 2 --dist loadfile tests/py

.PHONY: test-tools
test-tools:
	scripts/test-tools.sh

.PHONY: torture
torture: test-tools ## 100 rounds of kill -9 under load, cuts, a late store, and the negative controls
	cargo build -p eyrie -p eyrie-sim --features $(TEST_FEATURES)
	TORTURE_ROUNDS=$${TORTURE_ROUNDS:-100} $(PYTEST) -s tests/py/test_torture.py

.PHONY: bench
bench: build test-tools ## The speed table: ratios measured in one run
	cargo build --release -p eyrie-mqtt --example open_broker
	cargo build --release -p eyrie-media --examples
	$(PYTHON) tests/py/bench.py

.PHONY: bench-library
bench-library: build test-tools ## A library of 100,000 files: lists, tiles, scrolling; the catalogue at 10 thousand to 10 million rows
	cargo build --release -p eyrie-catalogue --example library_queries
	$(PYTHON) tests/py/bench_library.py

.PHONY: pictures
pictures: build test-tools ## The guide's pictures, taken of the page as it is
	EYRIE_BIN=target/release/eyrie $(PYTHON) tests/py/guide_pictures.py

.PHONY: look
look: build test-tools ## Every page at three sizes in both themes, below target/look, to be looked at one by one
	EYRIE_BIN=target/release/eyrie $(PYTHON) tests/py/page_pictures.py target/look

.PHONY: check
check: ## What a change must pass besides the tests: format, lints, documents, dependencies, generated files
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features $(TEST_FEATURES) -- -D warnings
	# the documents are ours to read, private items and all: links to those are sound
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --workspace --no-deps --document-private-items
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check
	EYRIE_BLESS=1 cargo test -q -p eyrie --features $(TEST_FEATURES) --test api openapi
	git diff --exit-code -- openapi.json

.PHONY: fuzz
fuzz: ## Runs every fuzz target for FUZZ_SECONDS (default 120) each
	scripts/fuzz.sh
