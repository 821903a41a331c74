# Everything that a person or a pipeline runs. Needs root and Debian 12 or later; `make bootstrap` brings the rest.

PYTHON := .venv/bin/python
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/duet-ha-pair
DEBRIS := .ansible .build .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .venv collections tests/output
# Debian packages for the tests alone: what ansible-rulebook runs on, and what opens the page of a drill.
RULEBOOK := default-jre-headless
BROWSER := chromium fonts-dejavu-core

.PHONY: help bootstrap demo lab down check test simulate flood fuzz soak reliability bench rollout clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

bootstrap: ## install what everything else needs: Debian packages, .venv
	@lab/bootstrap.sh

demo: ## two real hosts, an nginx pair on them, and a failover to watch
	@lab/demo.sh

lab: bootstrap ## the demo's two hosts, as they are before any playbook
	@$(PYTHON) -m lab up demo --host lb1 --host lb2

down: ## remove the demo's hosts
	@/usr/bin/python3 -m lab down demo

check: ## the quick tests: style, types, units
	@lab/bootstrap.sh $(RULEBOOK)
	@$(PYTHON) tests/run.py --check

test: ## all tests, on real hosts too
	@lab/bootstrap.sh $(RULEBOOK) $(BROWSER)
	@$(PYTHON) tests/run.py

simulate: bootstrap ## ten minutes of the simulated network, on all cores
	@$(PYTHON) -m tests.simulation --seconds 600

flood: bootstrap ## 20 s of wrong and replayed adverts, 20,000 a second, against a living pair
	@FLOOD_SECONDS=20 $(PYTHON) -m pytest -q -rP tests/netns/test_flood.py

soak: bootstrap ## an hour (or SOAK_SECONDS) of 10 ms adverts: memory flat, adverts on time
	@SOAK_SECONDS=$${SOAK_SECONDS:-3600} $(PYTHON) -m pytest -q -rP tests/soak

fuzz: bootstrap ## ten minutes of a fuzzer on decoding and on the router, guided by coverage
	@$(PYTHON) -m tests.fuzz decode 300
	@$(PYTHON) -m tests.fuzz router 300

rollout: bootstrap ## every kind of change predicted, a run interrupted at every task and run again, half an hour
	@$(PYTHON) -m pytest -q -n 3 tests/rollout tests/rollout/every_task.py

reliability: bootstrap ## docs/reliability.md anew: planned changes and bad deaths, ours and keepalived, a quarter of an hour
	@$(PYTHON) -m tests.reliability

bench: bootstrap ## docs/benchmarks.md anew: speed and cost beside keepalived, 20 minutes (BENCH='--only scale' for a row)
	@$(PYTHON) -m tests.benchmark $(BENCH)

clean: ## remove all labs, caches, .venv and what tools left (Debian packages stay)
	@[ ! -x /usr/bin/python3 ] || /usr/bin/python3 -B -m lab down --all
	@rm -rf $(DEBRIS) *.tar.gz "$(CACHE)"
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
