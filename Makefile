# `make help` lists what there is. Everything is installed into .venv; nothing needs to be activated.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.made-from-$(shell cat requirements.txt requirements-keystone.txt requirements-dev.txt | sha256sum | cut -c 1-16)

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak suites fuzz bench pictures serve lint types layers migrations check format

help:  ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/\1\t\2/' | expand -t 12

setup: $(STAMP)  ## Install what Replsite, its demo and its tests need; does nothing when all is there
	@scripts/system-packages

demo: setup  ## Rehearse a failover and do it, there and back, on real bytes with the real cinder command
	@$(BIN)/python -m demo

fuzz: setup  ## Send a live site tens of thousands of requests made up from its OpenAPI document
	@scripts/system-packages --for-tests
	@$(BIN)/pytest -m soak -s -q tests/fuzz

serve: setup  ## Run web, worker and beat until Ctrl-C; settings come from REPLSITE_* variables
	@$(BIN)/python manage.py bootstrap
	@$(BIN)/python -m replsite.serve || [ $$? -eq 130 ]

test: setup check  ## Check and test everything but the soak tests
	@scripts/system-packages --for-tests
	@scripts/keystone-for-tests >/dev/null
	@scripts/browser-packages
	@$(BIN)/pytest -n 2 --dist loadgroup -q

soak: setup  ## Run the tests that go on for minutes
	@scripts/system-packages --for-tests
	@scripts/browser-packages
	@$(BIN)/pytest -m soak

bench: setup  ## Measure a site of its own, for hours; prints a table and writes var/bench.json
	@scripts/system-packages --for-tests
	@$(BIN)/python -m bench

suites: setup  ## Run the suites that others wrote for Cinder and its clients
	@scripts/system-packages --for-tests
	@$(BIN)/python -m tests.suites

pictures: setup  ## Take the documentation's pictures of the console anew
	@scripts/system-packages --for-tests
	@scripts/browser-packages
	@CONSOLE_PICTURES=docs/images $(BIN)/pytest -m soak -q tests/console/test_pictures.py

check: lint types layers migrations  ## Check everything that needs no test run

lint: $(STAMP)  ## Check the style of the code
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(STAMP)  ## Check the types
	@$(BIN)/mypy

layers: $(STAMP)  ## Check that each room uses only those it may
	@$(BIN)/lint-imports --no-logo

migrations: $(STAMP)  ## Check that no migration is missing
	@$(BIN)/python manage.py makemigrations --check --dry-run --settings tests.settings

format: $(STAMP)  ## Put the code into the house style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

$(STAMP): requirements.txt requirements-keystone.txt requirements-dev.txt
	@PYTHON=$(PYTHON) scripts/make-environment $(STAMP)
