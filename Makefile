# The commands of this project. A fresh machine needs Python 3.11 or later and nothing else: each target sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
ON_ALL_CORES := -n auto --maxprocesses 4 --dist loadfile

.PHONY: demo web test test-slow test-all check format docs notebooks coverage licences release bench results clean

demo: .venv/ready            ## the whole path on the built-in images
	$(BIN)/seefar run --data shapes --recipe tiny

web: web/node_modules/ready   ## the pages that run in a browser, from web/ into src/seefar/web (needs Node and npm)
	cd web && npm run --silent types && npm run --silent test && npm run --silent build

test: .venv/dev              ## all tests but the slow ones, on all cores
	OMP_NUM_THREADS=1 $(BIN)/pytest -q $(ON_ALL_CORES) -m "not slow"

test-slow: .venv/dev         ## real images, browser, real trainings
	OMP_NUM_THREADS=1 $(BIN)/pytest -q $(ON_ALL_CORES) -m "slow and not alone"
	$(BIN)/pytest -q -m alone

test-all: test test-slow

check: .venv/dev             ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/dev            ## mend what can be mended by a program
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: .venv/dev          ## which branches the tests take; under 90 % is an error
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -q $(ON_ALL_CORES) -m "not slow"
	$(BIN)/coverage combine --quiet
	$(BIN)/python scripts/branches.py

licences: .venv/dev          ## docs/licences.md, from what is installed
	$(BIN)/python scripts/licences.py

release: .venv/dev           ## wheel, sdist, SBOM, licences and digests in dist/; the wheel tried in an empty environment
	$(BIN)/python scripts/release.py

docs: .venv/dev              ## the documents as a site, in site/; fails on any broken link
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

notebooks: .venv/dev         ## notebooks/*.ipynb from their scripts, executed
	$(BIN)/python notebooks/make.py

bench: .venv/dev             ## the figures of docs/benchmarks.md, on this machine (needs the real images, and hours)
	$(BIN)/python benchmarks/first_path.py
	$(BIN)/python benchmarks/time_to_accuracy.py

results: .venv/dev           ## docs/results.md: every recipe with several seeds (needs the real images, and hours); ARGS=--fresh: all anew
	$(BIN)/python benchmarks/results.py $(ARGS)

.venv/ready: pyproject.toml constraints.txt  # what a user needs
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/dev: .venv/ready       # what tests and documents need as well
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

web/node_modules/ready: web/package.json web/package-lock.json  # what the pages are built with
	cd web && npm ci --no-audit --no-fund
	touch $@

clean:                       ## everything that the commands above made
	rm -rf .venv web/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* dist site
