# The only door: every way to build, run and check Edgeward. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
# Stamps say what an environment was last built from; a changed lock file or crate makes them old.
TOOLS := .venv/.tools
CORE := .venv/.core
AWSCLI := .venv-awscli/.tools
MOTO := .venv-moto/.tools
NIQUESTS := .venv-niquests/.tools
SSLYZE := .venv-sslyze/.tools
CADDY := .venv-caddy/.tools
AUTOBAHN := .venv-autobahn/.tools
# The Autobahn test suite was never ported: Python 2.7, by its name or path.
PYTHON2 ?= python2.7
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find crates -name '*.rs' -o -name Cargo.toml)
# The extension module is left out of `cargo test`: it links to Python only inside a Python process; pytest tests it.
ON_POSTGRESQL := tests/unit/services/key_value_store $(foreach name,distributions invalidations domains tagging functions,tests/unit/services/cloudfront/test_$(name).py)
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(notdir $(wildcard crates/fuzz/seeds/*))
RUST_TESTED := --workspace --exclude edgeward-edge-py

.PHONY: demo build test lint fmt unit scenario clients postgres load faults bench bench-api bench-scale bench-door bench-tools attack conformance h2spec autobahn tlscheck fuzz geodata lock clean help

demo: build ## Start a whole CDN on this machine and keep it running until Ctrl-C (ARGS="--state DIR ...")
	@exec $(BIN)/edgeward dev $(ARGS)

build: $(CORE) ## Set up .venv and build the engine into it (release)

test: build $(AWSCLI) $(NIQUESTS) lint ## Everything: formatting, lints, types, layers, Rust tests, HTTP caching suite, parts of the API on PostgreSQL, then all of pytest
	cargo test --quiet --locked $(RUST_TESTED)
	PYTHONPATH=tests $(BIN)/python -m conformance --only h1 $(if $(NEEDS_NODE),,--skip-without-node)
	EDGEWARD_TEST_DATABASE=postgresql $(BIN)/pytest $(ON_POSTGRESQL)
	$(BIN)/pytest

lint: build ## Formatting, ruff, mypy, import-linter, clippy; changes nothing
	cargo fmt --all --check
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

fmt: $(TOOLS) ## Format Python and Rust, and fix what ruff can
	cargo fmt --all
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

unit: build ## Unit tests of both languages
	cargo test --quiet --locked $(RUST_TESTED)
	$(BIN)/pytest tests/unit

scenario: build ## The edge's behaviour, file by file (tests/scenarios)
	$(BIN)/pytest tests/scenarios

clients: build $(AWSCLI) $(NIQUESTS) ## boto3, the AWS CLI and clients of HTTP/3 against a running Edgeward with a real S3 server
	$(BIN)/pytest tests/clients

postgres: build ## The tests of store and API on PostgreSQL, all of them
	$(BIN)/pytest tests/unit/store
	EDGEWARD_TEST_DATABASE=postgresql $(BIN)/pytest tests/unit/services

load: build ## One configuration change a second for a minute under wrk and h2load; 0 failed requests
	$(BIN)/pytest -s -m slow tests/clients/test_under_load.py

faults: build ## 200 kills of edge and control plane under load, 1,000 races, a gigabyte for a thousand viewers, a failing disk
	$(BIN)/pytest -m "slow or not slow" tests/faults

bench: build ## Side by side with nginx, Varnish, HAProxy, Traffic Server and Caddy in one run (ARGS="...")
	$(BIN)/python -m bench $(ARGS)

bench-tools: $(CADDY) ## What the cases of HTTP/3 need for `make bench` and no package has: Caddy, and oha with HTTP/3
	cargo install --quiet --locked --version 1.16.0 --features http3 --root target/tools oha

bench-api: build $(MOTO) ## The API side by side with moto's server on one core (ARGS="...")
	$(BIN)/python -m bench.api $(ARGS)

bench-scale: build ## What grows with what an edge holds: a million responses, 10,000 distributions (ARGS="...")
	$(BIN)/python -m bench.scale $(ARGS)

bench-door: build ## TLS handshakes, full and resumed, and memory per idle connection beside nginx (ARGS="...")
	$(BIN)/python -m bench.door $(ARGS)

attack: build ## Thousands of slow connections and floods of HTTP/2 on an edge, with a viewer beside them (ARGS="...")
	$(BIN)/python -m bench.attack $(ARGS)

conformance: build ## The HTTP caching suite from npm, in clear and over TLS (ARGS="--record ..."); needs Node.js
	PYTHONPATH=tests $(BIN)/python -m conformance $(ARGS)

h2spec: build ## h2spec in strict mode against an edge over TLS: 146 of 146; needs Go
	@command -v go >/dev/null || { echo "Go is needed to build h2spec: install it, then try again"; exit 1; }
	go build -C tests/h2spec -o $(CURDIR)/target/h2spec github.com/summerwind/h2spec/cmd/h2spec
	PYTHONPATH=tests $(BIN)/python -m h2spec target/h2spec $(ARGS)

autobahn: build $(AUTOBAHN) ## The Autobahn WebSocket suite beside an edge and through it, case by case; needs Python 2.7 (PYTHON2=...)
	PYTHONPATH=tests $(BIN)/python -m autobahn --python "$$(command -v $(PYTHON2))" --packages .venv-autobahn $(ARGS)

tlscheck: build $(SSLYZE) ## sslyze and testssl.sh against an edge: nothing that docs/reference/tls.md does not explain; testssl from Debian
	PYTHONPATH=tests $(BIN)/python -m tlscheck --sslyze .venv-sslyze/bin/sslyze $(ARGS)

fuzz: ## Every fuzz target under libFuzzer for a minute (FUZZ_SECONDS=60 FUZZ_TARGETS="plan range"); needs a nightly Rust
	cargo install --quiet --locked --version 0.13.2 --root target/tools cargo-fuzz
	@for target in $(FUZZ_TARGETS); do \
		mkdir -p target/fuzz/corpus/$$target target/fuzz/findings; \
		PATH="$(CURDIR)/target/tools/bin:$$PATH" cargo +nightly fuzz run --fuzz-dir crates/fuzz/libfuzzer --target-dir target/fuzz \
			$$target target/fuzz/corpus/$$target crates/fuzz/seeds/$$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
			-artifact_prefix=$(CURDIR)/target/fuzz/findings/$$target-; \
	done

geodata: build ## Free data about where viewers are, from npm into .edgeward/geo (ARGS="--city"); needs Node.js
	@exec $(BIN)/edgeward geodata $(ARGS)

lock: $(TOOLS) ## Pin the newest allowed versions of all Python packages into requirements/*.txt
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet pip-tools
	$(LOCK) --extra acme --extra dev --extra postgres --output-file requirements/test.txt pyproject.toml requirements/test.in
	$(LOCK) --output-file requirements/awscli.txt requirements/awscli.in
	$(LOCK) --output-file requirements/caddy.txt requirements/caddy.in
	$(LOCK) --output-file requirements/moto.txt requirements/moto.in
	$(LOCK) --output-file requirements/niquests.txt requirements/niquests.in
	$(LOCK) --output-file requirements/sslyze.txt requirements/sslyze.in

clean: ## Remove the environments, the build and the demo's state
	rm -rf .venv .venv-autobahn .venv-awscli .venv-caddy .venv-moto .venv-niquests .venv-sslyze .venv-lock target .edgeward tests/conformance/node_modules src/edgeward/_edge*.so

help: ## Show this list
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name what; do printf '  %-11s %s\n' "$$name" "$$what"; done

LOCK := .venv-lock/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-options --no-header

define NEW_VENV
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(1) || { echo "python3 cannot make virtual environments: on Debian, apt-get install python3-venv"; exit 1; }
	$(1)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $(2)
	@touch $(1)/.tools
endef

$(TOOLS): requirements/test.txt
	$(call NEW_VENV,.venv,$<)

# Python 2 has no virtual environments: pip installs there as for a user whose home it is.
$(AUTOBAHN): requirements/autobahn.txt
	@command -v $(PYTHON2) >/dev/null || { echo "Python 2.7 is needed, for the Autobahn test suite was never ported: pyenv install 2.7.18, then make autobahn PYTHON2=/path/to/python2.7"; exit 1; }
	@rm -rf .venv-autobahn
	PYTHONUSERBASE=$(CURDIR)/.venv-autobahn PIP_NO_PYTHON_VERSION_WARNING=1 $(PYTHON2) -m pip install --user --ignore-installed --quiet \
		--disable-pip-version-check --no-warn-script-location --require-hashes --requirement $<
	@touch $@

# Tools whose dependencies are at odds with those of the tests have environments of their own.
.venv-%/.tools: requirements/%.txt
	$(call NEW_VENV,.venv-$*,$<)

$(CORE): $(TOOLS) pyproject.toml $(RUST_SOURCES)
	@command -v cargo >/dev/null || { echo "Rust is needed to build the engine: install cargo and rustc, then try again"; exit 1; }
	PIP_QUIET=1 VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/maturin develop --quiet --release --locked
	@touch $@
