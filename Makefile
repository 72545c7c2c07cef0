# Two commands do all their own set-up on a fresh machine:
#   make demo   trains a PPO agent on logos under the monitor, and shows what it learnt
#   make test   lints, type-checks and tests everything
# Both make and reuse .venv, from the two pyproject.toml (the monitor's, and that of packages/vtracer_gym) and constraints.txt.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
LIBRARIES := apprise,arrow,gymnasium,gpu,mcp,mlflow,optuna,pandas,polars,prometheus,report,sb3,tensorboard,ui,video,wandb,zoo
TEST_TOOLS := cryptography|hypothesis|httpx|pytest|pytest-xdist
PROJECTS := pyproject.toml packages/vtracer_gym/pyproject.toml
# Always with `.` next to it, from which pip then takes rlvitals.
VTRACER_GYM := --editable packages/vtracer_gym
PIP_INSTALL := install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test integrations lint format bare bytecode browser docs reference versions lowest relock-lowest interpreters screenshots bench clean help
.DEFAULT_GOAL := help

help:
	@sed -n '1,4s/^# \{0,1\}//p' Makefile

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/demo-ready: $(PROJECTS) constraints.txt | .venv/bin/python
	@echo "installing what the demo needs into .venv (once; a minute or two) ..."
	@$(BIN)/python -m pip $(PIP_INSTALL) --editable '.[ui]' $(VTRACER_GYM)
	@touch $@

.venv/test-ready: $(PROJECTS) constraints.txt | .venv/bin/python
	@echo "installing what the tests need into .venv (once; a minute or two) ..."
	@$(BIN)/python -m pip $(PIP_INSTALL) --editable '.[test]' $(VTRACER_GYM)
	@touch $@

.venv/bare-ready: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing the package without any extra into .venv/bare (once) ..."
	@$(PYTHON) -m venv .venv/bare
	@.venv/bare/bin/python -m pip $(PIP_INSTALL) --editable .
	@touch $@

demo: .venv/demo-ready
	@$(BIN)/vtracer-gym demo

test: lint bare bytecode
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

# Scripts that know nothing of rlvitals, recorded by `rlvitals run`; and heavy integrations, each in a separate
# environment without the other extras.
integrations: .venv/test-ready .venv/trl-ready .venv/ray-ready bytecode
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS) tests/integrations/attach
	.venv/trl/bin/python -m pytest $(PYTEST_ARGS) tests/integrations/trl tests/integrations/attach -k trl
	.venv/ray/bin/python -m pytest $(PYTEST_ARGS) tests/integrations/ray

.venv/trl-ready: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing TRL into .venv/trl (once; a minute or two) ..."
	@$(PYTHON) -m venv --clear .venv/trl
	@.venv/trl/bin/python -m pip $(PIP_INSTALL) --editable '.[trl]' trl hypothesis pytest pytest-xdist
	@touch $@

# Ray requires another version of Gymnasium than constraints.txt.
.venv/ray-ready: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing Ray into .venv/ray (once; a minute or two) ..."
	@$(PYTHON) -m venv --clear .venv/ray
	@grep -v -i '^gymnasium==' constraints.txt > .venv/ray-constraints.txt
	@.venv/ray/bin/python -m pip $(subst constraints.txt,.venv/ray-constraints.txt,$(PIP_INSTALL)) \
	  --editable '.[tune]' 'ray[rllib]' hypothesis pillow pytest torch
	@touch $@

lint: .venv/test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/test-ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Programs that the tests start load compiled modules, as those of an installed package do, even where Python writes no
# bytecode (PYTHONDONTWRITEBYTECODE).
bytecode: | .venv/bin/python
	@$(BIN)/python -m compileall -q src packages/vtracer_gym/src

# The package must import, record and read with none of its extras installed.
bare: .venv/bare-ready
	.venv/bare/bin/python -W error tests/bare/bare_install.py

# Installs Chromium, in which tests/browser opens the pages. Without a browser, `make test` skips these tests and says so.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
	    || { echo "make browser installs Chromium with apt-get, as root. Install Chromium or Chrome yourself."; exit 1; }; \
	  echo "installing Chromium (once) ..."; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

# The documentation site, in build/site: strict, without the network. Open build/site/index.html.
docs: .venv/docs-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

.venv/docs-ready: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing what the documentation needs into .venv (once) ..."
	@$(BIN)/python -m pip $(PIP_INSTALL) --editable '.[docs]'
	@touch $@

# The generated pages of the documentation: metrics, findings and JSON output.
reference: .venv/test-ready
	$(BIN)/python -m rlvitals.records.metric_reference docs/reference/metrics
	$(BIN)/python -m rlvitals.diagnosis.rule_reference docs/reference/findings
	$(BIN)/python -m rlvitals.outputs.output_reference docs/reference/json-output

# Both ends of what pyproject.toml declares: the lowest versions of all dependencies, and every Python that is here.
# Apart from `make test`, which uses the versions of constraints.txt.
versions: lowest interpreters

# The tools that test are those of constraints.txt; warnings are those of old packages about each other. Browsers and the
# fuzzer of the API test pages and routes, which the other tests ask too. The pages about JSON output are made with the
# schemas of the pinned msgspec.
lowest: .venv/lowest-ready
	.venv/lowest/bin/python -m pytest -n $(WORKERS) --dist loadgroup -p no:cacheprovider -W default \
	  --ignore tests/browser --ignore tests/architecture --ignore tests/rlvitals/dashboard/test_fuzz.py \
	  --ignore tests/rlvitals/outputs/test_output_reference.py $(PYTEST_ARGS)

.venv/lowest-ready: $(PROJECTS) constraints-lowest.txt constraints.txt | .venv/bin/python
	@echo "installing the lowest declared versions into .venv/lowest (once; a minute or two) ..."
	@$(PYTHON) -m venv --clear .venv/lowest
	@.venv/lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-lowest.txt \
	  --editable '.[$(LIBRARIES)]' $(VTRACER_GYM) $$(grep -E '^($(TEST_TOOLS))==' constraints.txt)
	@touch $@

# Which versions these are, from the two pyproject.toml; needs uv. The newest sse-starlette, which mcp needs, would raise fastapi.
relock-lowest:
	{ sed -n '1,2p' constraints-lowest.txt; { grep '^torch==' constraints.txt; echo 'fastapi==0.115.0'; } > .venv/pins.txt; \
	  printf '%s\n' '-e .[$(LIBRARIES)]' '-e packages/vtracer_gym' | \
	  uv pip compile --quiet --python-version 3.11 --resolution lowest-direct --no-annotate --no-header \
	    --constraint .venv/pins.txt - | grep -v '^-e '; } \
	  > .venv/lowest.txt && sed 's/+cpu$$//' .venv/lowest.txt > constraints-lowest.txt

# The bare install, the run folder and the commands on each Python from 3.11 on that is found on the path or in pyenv.
interpreters:
	bash tests/bare/interpreters.sh

# The pictures of the pages in docs/images, of made runs.
screenshots: .venv/test-ready
	$(BIN)/python bench/screenshots.py docs/images

# Where the figures of speed in the README come from; runs alone, and takes a quarter of an hour or so. The other
# scripts in bench/ say at their top what they measure.
bench: .venv/test-ready
	$(BIN)/python bench/overhead.py
	$(BIN)/python bench/peers.py
	$(BIN)/python bench/reading.py
	$(BIN)/python bench/callback.py
	$(BIN)/python bench/attaching.py
	$(BIN)/python bench/environment.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
