# The commands of this project. A fresh machine needs Python 3.11 or later and nothing else: the first target sets everything up.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow test-all check format docs notebooks coverage licences release bench results clean

demo: .venv/ready            ## the whole path on the built-in images
	$(BIN)/seefar run --data shapes --recipe tiny

test: .venv/ready            ## all tests but the slow ones
	$(BIN)/pytest -q -m "not slow"

test-slow: .venv/ready       ## real images, browser, real trainings
	$(BIN)/pytest -q -m slow

test-all: test test-slow

check: .venv/ready           ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/ready          ## mend what can be mended by a program
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: .venv/ready        ## which branches the tests take; under 90 % is an error
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -m "not slow"
	$(BIN)/coverage combine --quiet
	$(BIN)/python scripts/branches.py

licences: .venv/ready        ## docs/licences.md, from what is installed
	$(BIN)/python scripts/licences.py

release: .venv/ready         ## wheel, sdist, SBOM, licences and digests in dist/; the wheel tried in an empty environment
	$(BIN)/python scripts/release.py

docs: .venv/ready            ## the documents as a site, in site/; fails on any broken link
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

notebooks: .venv/ready       ## notebooks/*.ipynb from their scripts, executed
	$(BIN)/python notebooks/make.py

bench: .venv/ready           ## the figures of docs/benchmarks.md, on this machine (needs the real images, and hours)
	$(BIN)/python benchmarks/first_path.py
	$(BIN)/python benchmarks/time_to_accuracy.py

results: .venv/ready         ## docs/results.md: every recipe with several seeds, and a study (needs the real images, and hours)
	$(BIN)/python benchmarks/results.py

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:                       ## everything that the commands above made
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* dist site
