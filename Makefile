# Every target works on a fresh clone with Python 3.11 or newer and nothing else; `make` alone lists them.
#   VENV    where the virtual environment lies (.venv)
#   PYTHON  the interpreter that makes it (the newest on PATH that can)
#   ARGS    more arguments for the tool, e.g. make test ARGS="-k invitation"
VENV ?= .venv
PYTHON ?=
ARGS ?=
export VENV PYTHON

# The shell expands VENV, so that a path with spaces stays one word.
IN_VENV := "$$VENV/bin/python" -m
CODE := webapp workers $(wildcard admin wsgi.py celery_worker.py)
TESTED := $(wildcard tests/domain tests/core tests/schemas tests/architecture tests/services)
PIP_TOOLS := pip-tools==7.6.2
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(IN_VENV) piptools compile --quiet --generate-hashes --strip-extras \
	--allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help run test test-fast lint format bench chaos lock clean runtime development

help: ## List the targets
	@echo "FocusMate messaging"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

run: runtime ## Start everything on this machine (PORT, DATA_DIR, DATABASE_URL, REDIS_URL change it); Ctrl-C stops it
	@exec $(IN_VENV) webapp.embedded.run

test: development ## Run all the tests
	@$(IN_VENV) pytest -n 2 --dist loadfile --durations=20 $(ARGS)

test-fast: development ## Run the tests that need under a minute: rules, pure code, services
	@$(IN_VENV) pytest -n 2 --dist loadfile -m "not slow" $(TESTED) $(ARGS)

lint: development ## Check style, types, layers and security rules
	@$(IN_VENV) ruff check .
	@$(IN_VENV) ruff format --check .
	@$(IN_VENV) mypy $(CODE)
	@"$$VENV/bin/lint-imports" --no-logo --cache-dir .cache/import-linter
	@$(IN_VENV) bandit --quiet --configfile pyproject.toml --recursive $(CODE)

format: development ## Format the code and mend what can be mended
	@$(IN_VENV) ruff check --fix .
	@$(IN_VENV) ruff format .

bench: development ## Measure speed beside the limits of this machine (minutes)
	@$(IN_VENV) tests.bench $(ARGS)

chaos: development ## Kill processes under load and count what was lost (minutes)
	@$(IN_VENV) tests.chaos $(ARGS)

# Made with the oldest Python that is supported: what it resolves to, later ones can install.
lock: development ## Pin the requirements with hashes (ARGS=--upgrade for newer versions)
	@"$$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "make lock PYTHON=python3.11")'
	@$(IN_VENV) pip install --quiet $(PIP_TOOLS)
	@$(COMPILE) --output-file requirements.txt requirements.in $(ARGS)
	@$(COMPILE) --output-file requirements-dev.txt requirements-dev.in $(ARGS)

clean: ## Remove the environment and the caches; data under var/ stays
	@rm -rf "$$VENV" "$$VENV.lock" .cache .hypothesis
	@find . -path ./.git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

runtime:
	@.ci/venv requirements.txt

development:
	@.ci/venv requirements-dev.txt
