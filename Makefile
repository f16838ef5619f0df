# make demo   build the sample, documents and recordings, ingest it and ask it nine questions
# make test   lint, types and tests
# make bench  benchmarks (minutes), on the data in DATA
# make lock   write requirements.lock anew from pyproject.toml
#
# All of them first make .venv from requirements.lock. Needs Python 3.11 or newer with the venv module.

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check bench lock install clean
.DELETE_ON_ERROR:

install: .venv/.installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Octavo needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# The lock is complete and pinned by hash, so nothing is left for pip to resolve.
.venv/.locked: requirements.lock | $(BIN)/python
	@echo "installing what requirements.lock names into .venv; this takes some minutes the first time"
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	@touch $@

# Types are checked through a link that gives the root folder its package name.
.venv/.installed: pyproject.toml .venv/.locked
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@mkdir -p .venv/types && ln -sfn ../.. .venv/types/octavo
	@touch $@

demo/out/.built: demo/build.py demo/record.py $(wildcard demo/sources/*) | .venv/.installed
	$(BIN)/python demo/build.py demo/out
	$(BIN)/python demo/record.py demo/out
	@touch $@

# The knowledge base of before may be of other encoders: the sample is taken in anew.
demo: .venv/.installed demo/out/.built
	@rm -rf demo/out/kb
	$(BIN)/octavo ingest demo/out --kb demo/out/kb
	$(BIN)/python demo/ask.py demo/out/kb

check: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check
	$(BIN)/pytest -q --durations=10

# The corpora and questions of the Chroma chunking benchmark: *.md and questions_df.csv.
DATA ?= ../shared/data/chroma

bench: .venv/.installed
	@test -f $(DATA)/questions_df.csv || { echo "no benchmark data in $(DATA): make bench DATA=FOLDER" >&2; exit 1; }
	$(BIN)/python tests/benchmarks/segment.py
	$(BIN)/python tests/benchmarks/ingest.py $(DATA)/*.md
	$(BIN)/python tests/benchmarks/fusion.py $(DATA) --kb build/bench-kb
	$(BIN)/python tests/benchmarks/search.py build/bench-kb $(DATA)/questions_df.csv --budget 1600

lock: | $(BIN)/python
	@$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --no-emit-index-url --no-emit-find-links \
	  --no-config --custom-compile-command 'make lock' pyproject.toml -o requirements.lock

clean:
	rm -rf .venv build demo/out .mypy_cache .pytest_cache .ruff_cache .hypothesis octavo.egg-info
