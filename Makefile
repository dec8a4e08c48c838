# Everything a developer or a newcomer runs.  `make run` and `make test` do all the set-up themselves.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test test-peers check docs bench format lock clean

run: $(VENV)/.installed  ## start the relay with a built-in stand-in helpdesk and send it samples
	@$(BIN)/python tools/tour.py

test: $(VENV)/.tested  ## the tests that need no system package, under three minutes on two cores
	$(BIN)/python -m pytest -q -n auto $(TEST_ARGS)

test-peers: $(VENV)/.tested  ## the tests against real peers; installs what they need
	sh tests/peers/install
	$(BIN)/python -m pytest -q -m peers -n 3 --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

check: $(VENV)/.tested  ## ruff, ruff format, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.tested  ## the documentation as a website, in build/docs
	$(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.tested  ## the relay beside Postfix, Haraka and others, into docs/performance.md; then its parts
	$(BIN)/python -m bench.compare $(BENCH_ARGS)
	$(BIN)/python bench/milter.py
	$(BIN)/python bench/spool.py
	$(BIN)/python bench/replay.py
	$(BIN)/python bench/metrics.py
	$(BIN)/python bench/journal.py
	$(BIN)/python bench/proof.py

format: $(VENV)/.tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.tested  ## pin what pyproject.toml asks for
	$(BIN)/pip-compile -q --generate-hashes --strip-extras --no-header -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-header --extra dev -o requirements-dev.lock pyproject.toml
	sed -i "/^--/d" requirements.lock requirements-dev.lock

clean:
	rm -rf $(VENV) .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.made:
	sh tools/make-venv $(PYTHON) $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.lock pyproject.toml
	$(BIN)/pip install -q --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install -q --no-deps -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install -q --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
