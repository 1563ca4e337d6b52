# make run                                            the simulated helpline, from logs to a release
# make run LOGS=<folder> DATA=<folder> HELPLINE=<folder>    the same for a helpline's own logs
DATA = $(or $(CHATCIJFERS_DATA),data)
HELPLINE = $(or $(CHATCIJFERS_HELPLINE),helplines/nupraatikerover)
LOGS = $(CHATCIJFERS_LOGS)
BACKUP = latest
PORT = 8080
WORKERS = 2
KILLS = 200
LINES = 100000
FILES = 1000
SEED =
MODULES =
FROM =

PYTHON = .venv/bin/python
export DO_NOT_TRACK = 1

.DEFAULT_GOAL := help
.PHONY: help run up docs sql check new health backup restore test chaos mutate mutants guess attack audit bench lint clean environment

help:  ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: environment  ## Run the night now: logs (LOGS=, or simulated ones) to a release under DATA=, for HELPLINE=
	@$(PYTHON) -m dags run --data "$(DATA)" --logs "$(LOGS)" --helpline "$(HELPLINE)" $(if $(ANEW),--anew "$$ANEW")

up: environment  ## Start Airflow with its UI on 127.0.0.1 (PORT=) and the nightly schedule active, until Ctrl-C
	@$(PYTHON) -m dags up --data "$(DATA)" --logs "$(LOGS)" --helpline "$(HELPLINE)" --port "$(PORT)"

docs: environment  ## Open the latest release's site and report in a browser, from 127.0.0.1 (PORT=), until Ctrl-C
	@$(PYTHON) -m publish serve --data "$(DATA)" --port "$(PORT)"

sql: environment  ## Ask the latest release in SQL, read-only: a shell, or QUERY= (SQL, a query of dbt_project/analyses, a file)
	@$(PYTHON) -m publish sql --data "$(DATA)" -- "$$QUERY"

check: environment  ## Say what is wrong with the folder HELPLINE=, by file and line
	@$(PYTHON) -m ingest check --helpline "$(HELPLINE)"

new: environment  ## Begin a helpline's folder HELPLINE=, commented, with a sample of logs of its own
	@$(PYTHON) -m ingest new --helpline "$(HELPLINE)"

health: environment  ## Say whether all is well with DATA=, and what to do; fails if not
	@$(PYTHON) -m operations health --data "$(DATA)" --helpline "$(HELPLINE)"

backup: environment  ## Back up what cannot be made again (not the key) to CHATCIJFERS_BACKUPS, or under DATA=
	@$(PYTHON) -m operations backup --data "$(DATA)" --helpline "$(HELPLINE)"

restore: environment  ## Put a backup into DATA= (BACKUP=, the last one); what was there is kept aside
	@$(PYTHON) -m operations restore --data "$(DATA)" --helpline "$(HELPLINE)" "$(BACKUP)"

test: environment  ## Run the tests, WORKERS= at a time
	@$(PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

chaos: environment  ## Kill KILLS= nights at random points (SEED=, FROM=), and see whether the next ones put it right
	@$(PYTHON) -m chaos --kills $(KILLS) --workers $(WORKERS) $(if $(SEED),--seed $(SEED)) $(if $(FROM),--from $(FROM))

guess: environment  ## Let attackers guess at hidden conversations by time (DATA=, of made-up helplines without)
	@$(PYTHON) -m chaos.guesses $(if $(filter command line,$(origin DATA)),--data $(DATA)) $(if $(SEED),--seed $(SEED))

attack: environment  ## Publish 30 made-up helplines, and let an attacker from outside look for what is hidden
	@$(PYTHON) -m chaos.attack

mutate: environment  ## Pull LINES= hostile lines and FILES= hostile files (SEED=): no crash, no line lost, nothing in clear
	@$(PYTHON) -m chaos.mutations --lines $(LINES) --files $(FILES) $(if $(SEED),--seed $(SEED))

mutants: environment  ## Plant mistakes in MODULES= disclosure, ledger and rounding (all): do tests notice 90 % of them? Needs the network
	@$(PYTHON) -m chaos.mutants $(MODULES)

audit: environment  ## Ask whether a locked package has a known vulnerability; needs the network
	@./audit.sh

bench: environment  ## Time the stages of a night on the simulated logs
	@$(PYTHON) -m bench

lint: environment  ## Check the style of Python, SQL and YAML
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m yamllint --strict .
	@$(PYTHON) -m sqlfluff lint dbt_project

clean:  ## Remove what the tools leave behind; never DATA, which holds the key
	@rm -rf .pytest_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs

environment:
	@./setup.sh
