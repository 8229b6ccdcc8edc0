# Fiido Kefu: `make run` runs the whole product, `make test` proves it. Everything else is listed by `make help`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
LOCAL  := libs/common services/gateway services/chat-proxy services/session-state services/auth services/notifier
CODE   := libs services dev bench tests conftest.py
STAMP  := $(VENV)/.installed
# vitest, tsc and vite come from the lock in web/; Node from the venv's own wheel
NPM    := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix web

WEBSRC := $(shell find web -name node_modules -prune -o -name dist -prune -o -type f -print 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup run test lint types imports unit web web-test gen check-gen lock bench test-reliability backup test-mail admin-reset chromium clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: $(STAMP) ## make the virtual environment from the lock

$(STAMP): requirements.lock $(LOCAL:%=%/pyproject.toml)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: on Debian, apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python has no venv module: on Debian, apt install python3-venv; then the same command again."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@awk '/^[a-z]/ {on = /^uv==/} on' requirements.lock > $(VENV)/uv.lock.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.lock.txt
	$(BIN)/uv pip install -q --require-hashes -r requirements.lock --python $(BIN)/python \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --offline --no-deps --no-build-isolation $(LOCAL:%=-e %)
	@touch $@

run: setup web ## run the whole product on this machine (Ctrl-C ends it)
	@exec $(BIN)/python -m dev.runner

test: setup web chromium lint types imports check-gen ## everything a change must pass
	$(NPM) run check
	$(BIN)/python -m pytest -n 2 --dist loadgroup -q
	@echo "make test: all green"

lint: setup ## style
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

types: setup ## types
	$(BIN)/mypy libs/common/src services/*/src dev

imports: setup ## import rules: who may import whom
	$(BIN)/lint-imports

unit: setup ## tests without the browser
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not reliability and not browser" -q

web: web/dist/.built ## build the web into web/dist

web/dist/.built: web/node_modules/.installed $(WEBSRC)
	$(NPM) run build
	@touch $@

web/node_modules/.installed: web/package-lock.json $(STAMP)
	$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

gen: setup ## write what is generated: docs/*.md of events, keys, errors, settings, metrics; schemas; OpenAPI; wire types
	$(BIN)/python -m dev.generate
	$(NPM) run -s generate

check-gen: setup ## fail when something generated is stale
	$(BIN)/python -m dev.generate --check
	$(NPM) run -s generate -- --check

chromium: ## the browser for page tests (needs root where it is missing)
	@command -v chromium >/dev/null || { if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk fonts-noto-color-emoji >/dev/null; \
	  else echo "chromium is missing and this is not root: page tests will be left out"; fi; }

lock: setup ## compile requirements.in again
	$(BIN)/uv pip compile -q --upgrade --generate-hashes --no-header --universal --python-version 3.11 requirements.in -o requirements.lock

bench: setup ## turns, added latency, fan-out and CPU, each beside a baseline of the same run
	$(BIN)/python -m bench

test-reliability: setup ## the figures of quality.md in full; takes long
	KEFU_DRAW_ANEW=1 $(BIN)/python -m pytest -m reliability -q --timeout 3600 -p no:randomly

backup: setup ## copy .data safely into .data/backups
	$(BIN)/python -m dev.runner backup

test-mail: setup ## send one mail with the present settings
	$(BIN)/python -m dev.runner test-mail

admin-reset: setup ## set a new password for the admin
	$(BIN)/python -m dev.runner admin-reset

clean: ## remove what was built (not .data)
	rm -rf $(VENV) web/node_modules web/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
