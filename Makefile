# Two commands from clone to green: `make up` and `make test`. Everything they need they bring themselves.
.DEFAULT_GOAL := help
.PHONY: help edge federated up down test lint bench soak rehearse shell schema site status
SHELL := /bin/sh

BIN := .venv/bin
LOCAL := $(BIN)/slipway local
IN_LOCAL := $(LOCAL) run --
SITE ?= build/site
WEIGHTS := $(BIN)/python models/speech/fetch.py

help: ## what there is to make
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

.venv/.synced: uv.lock pyproject.toml edge/pyproject.toml judge/pyproject.toml keys/pyproject.toml server/pyproject.toml weights/pyproject.toml infra/bootstrap
	@infra/bootstrap

# pulumi-aws and the emulator of AWS, which a first run must not wait for.
.venv/.aws: .venv/.synced
	@infra/bootstrap --extra aws --group rehearsal
	@touch $@

up: .venv/.synced ## bring the local environment up and put every model into service
	@$(WEIGHTS)
	@$(LOCAL) up
	@$(IN_LOCAL) slipway up local --yes

down: .venv/.synced ## take everything away (TOOLS=1: the cache of built tools too)
	@if $(LOCAL) status >/dev/null 2>&1; then \
		$(IN_LOCAL) slipway down local --yes || echo 'going on: what is left goes with the cluster' >&2; \
	fi
	@$(LOCAL) down $(if $(TOOLS),--tools)

status: .venv/.synced ## every part of the local environment and how it does
	@$(LOCAL) status

test: .venv/.aws ## everything: lint, unit, golden, programs, server, fuzz, integration, rehearsal
	@$(BIN)/python -m tests.run

lint: .venv/.aws ## style, types, layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/.synced ## the figures of docs/reference/benchmarks.md, with their peers in the same run
	@$(WEIGHTS)
	@$(LOCAL) up
	@$(IN_LOCAL) python -m tests.bench

soak: .venv/.aws ## everything with full rounds, then many rounds of kills and the like; writes docs/reference/soak.md
	@SLIPWAY_ROUNDS=full $(BIN)/python -m tests.run
	@$(LOCAL) up
	@$(IN_LOCAL) python -m tests.soak

# Beside what `make up` brings up, and not in its way: of it, only the programs are needed.
rehearse: .venv/.aws ## rehearse an environment of kind aws without AWS: make rehearse ENV=prod
	@$(WEIGHTS)
	@$(LOCAL) up --prepare-only
	@$(IN_LOCAL) $(BIN)/python -m slipway.rehearsal $(or $(ENV),dev)

edge: .venv/.synced ## four devices on this machine: a model rolled out, a bad version that comes back, all taken down
	@$(LOCAL) up
	@$(IN_LOCAL) $(BIN)/python -m tests.edge

# In an environment of its own, beside examples/federated/uv.lock: Flower is no part of Slipway.
federated: .venv/.synced ## learn on three devices that keep their pictures, and judge the model that comes of it
	@$(BIN)/uv run --quiet --locked --project examples/federated python examples/federated/train.py
	@$(BIN)/slipway lock federated --models examples

shell: .venv/.synced ## a shell in which plain `pulumi` works on the local environment
	@$(LOCAL) shell

schema: .venv/.synced ## write the JSON schema and the reference pages
	@$(BIN)/slipway schema

# In an environment of its own, beside docs/site/uv.lock (docs/adr/0098-site.md).
site: .venv/.synced ## the documentation as a site, in build/site: open build/site/docs/README.html
	@$(BIN)/uv sync --quiet --locked --project docs/site
	@docs/site/.venv/bin/sphinx-build --quiet --fail-on-warning --keep-going --jobs auto --conf-dir docs/site \
		--doctree-dir docs/site/.venv/trees . $(SITE)
