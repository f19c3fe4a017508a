# `make help` lists what there is.
PYTHON ?= python3
JOBS ?= 3
BENCH_ARGS ?=
PYTEST_ARGS ?=
DATA ?=

BIN := .venv/bin
PEERS := .venv-peers/.ok .venv-peers-numpy1/.ok
SERVERS := .venv-peers-mlflow/.ok .venv-peers-bentoml/.ok .venv-peers-mlserver/.ok
# A module to a worker, in the order of tests/conftest.py: fixtures are made once.
SPREAD := -n $(JOBS) --dist loadscope --no-loadscope-reorder
# The modules that decide: every branch of theirs is tested.
DECIDING := */homeostat/policy*,*/homeostat/quality*,*/homeostat/creep*,*/homeostat/usual*,*/homeostat/watch*,*/homeostat/battery*,*/homeostat/plan*,*/homeostat/gates*,*/homeostat/decision*

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick lint bench bench-drift bench-quality bench-agreement bench-estimates bench-serving bench-soak lock-peers lock services clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

# .venv/.ok stands for an environment that holds what the lock file names, compiled: starting
# a process is then quick also where PYTHONDONTWRITEBYTECODE is set.
.venv/.ok: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	touch $@

demo: .venv/.ok ## the whole story on simulated drift, or on DATA=<file>
	$(BIN)/python -m compileall -q src
	$(BIN)/python -m homeostat.demo $(DATA)

# A worker keeps a core busy; threads of its linear algebra would only wait for each other.
test test-quick: export OMP_NUM_THREADS = 1
test test-quick: export OPENBLAS_NUM_THREADS = 1

test: .venv/.ok services ## all tests, 90 % of the lines and branches, 100 % of those that decide
	$(BIN)/pytest $(SPREAD) --cov $(PYTEST_ARGS)
	$(BIN)/coverage report --include='$(DECIDING)' --fail-under=100

test-quick: .venv/.ok ## tests that take less than ten seconds each
	$(BIN)/pytest $(SPREAD) -m 'not slow' $(PYTEST_ARGS)

lint: .venv/.ok ## format, lint, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: .venv/.ok ## every benchmark
	@set -e; found=0; \
	for script in benchmarks/bench_*.py benchmarks/*/bench_*.py; do \
	  [ -f "$$script" ] || continue; \
	  found=1; echo "== $$script"; $(BIN)/python "$$script"; \
	done; \
	[ $$found = 1 ] || { echo "no benchmarks/bench_*.py" >&2; exit 1; }

bench-drift: .venv/.ok $(PEERS) ## what a comparison costs, ours and the peers'; writes its page
	$(BIN)/python -m benchmarks.drift --write $(BENCH_ARGS)

bench-quality: .venv/.ok $(PEERS) ## false alarms and changes seen, ours and the peers'; writes its page
	$(BIN)/python -m benchmarks.quality --write $(BENCH_ARGS)

bench-agreement: .venv/.ok $(PEERS) ## where our statistics and the peers' agree; writes its page
	$(BIN)/python -m benchmarks.agreement $(if $(DATA),--data $(DATA))

bench-estimates: .venv/.ok $(PEERS) ## how far off quality without labels is, ours and the peers'; writes its page
	$(BIN)/python -m benchmarks.estimates --write $(if $(DATA),--data $(DATA)) $(BENCH_ARGS)

bench-serving: .venv/.ok $(SERVERS) ## what an answer costs, ours and the peers'; writes its page
	$(BIN)/python -m benchmarks.serving --write $(BENCH_ARGS)

bench-soak: .venv/.ok ## half an hour under load, memory and open files; writes its tables
	$(BIN)/python -m benchmarks.serving --write --soak-minutes 30

# Other people's tools, each list in an environment of its own.  What cannot be installed
# leaves a log, and the bench says why it is not measured.
.venv-%/.ok: benchmarks/%.txt .venv/.ok
	@rm -rf .venv-$*
	@if { $(BIN)/uv venv --quiet --no-python-downloads --python '>=3.11,<3.13' .venv-$* && \
	  $(BIN)/uv pip install --quiet --python .venv-$*/bin/python -r $<; } > .venv-$*.log 2>&1; \
	then touch $@; else rm -rf .venv-$*; echo "not installed, see .venv-$*.log" >&2; fi

lock-peers: .venv/.ok ## the peers of the benches, all at the newest that their lists allow
	@set -e; for one in peers peers-numpy1 peers-mlflow peers-bentoml peers-mlserver; do \
	  { echo "# All that $$one.in needs, by \`make lock-peers\`."; \
	    $(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --no-header --no-annotate \
	      $$( [ $$one = peers ] && echo --universal ) \
	      --no-emit-index-url --no-emit-find-links benchmarks/$$one.in; } > benchmarks/$$one.new; \
	  mv benchmarks/$$one.new benchmarks/$$one.txt; \
	done
	@! grep -nE '://' benchmarks/peers*.txt

# Names, versions and hashes; never an address.  With any Python, for 3.11 and later.
lock: ## requirements.lock from pyproject.toml, all at the newest
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
	  --no-header --no-emit-index-url --no-emit-find-links \
	  --extra postgres --group dev -o requirements.lock pyproject.toml
	@! grep -nE '://' requirements.lock

services: ## the PostgreSQL server that some tests start for themselves
	scripts/services.sh

clean: ## what can be made again, but for the environment
	rm -rf build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
