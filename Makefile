# Needs Python 3.11 or newer and make (GNU make 3.81 is enough); everything else is installed into .venv.

.DEFAULT_GOAL := help
MINUTES ?= 10
SECONDS ?= 600
FOLDER ?= build/screenshots
.PHONY: help run web worker test test-all check chaos bench screenshots audio-table words upload format lint installed installed-dev

VENV := .venv
PYTHON := $(VENV)/bin/python
PYTHONS := python3.13 python3.12 python3.11 python3 python

# Where the long run finds the servers that Tapedeck can use in the place of files.
POSTGRES_URL ?= postgresql+psycopg://postgres@127.0.0.1/postgres
AMQP_URL ?= amqp://guest:guest@127.0.0.1:5672//
REDIS_URL ?= redis://127.0.0.1:6379/0

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-20s%s\n", $$1, $$2 }'

run: installed ## start web and worker and keep them up; Ctrl-C ends both
	@exec $(PYTHON) -m webapp.launch

web: installed ## start the web process alone
	@exec $(PYTHON) -m webapp.launch web

worker: installed ## start the worker alone
	@exec $(PYTHON) -m webapp.launch worker

test: installed-dev ## all tests that this machine can run in under five minutes
	@exec $(PYTHON) -m pytest -n 2 -m "not slow"

test-all: installed-dev ## the long tests too, and the suite over PostgreSQL, RabbitMQ and Redis
	@$(PYTHON) -m pytest -n 2
	@echo "The suite over PostgreSQL and RabbitMQ:"
	@TEST_DATABASE_URL="$(POSTGRES_URL)" TEST_BROKER_URL="$(AMQP_URL)" \
		$(PYTHON) -m pytest -n 2 -m "not slow and not browser"
	@echo "The suite with Redis as broker:"
	@TEST_BROKER_URL="$(REDIS_URL)" $(PYTHON) -m pytest -n 2 -m "not slow and not browser"

check: lint ## what must hold before a change goes in: all linters, then test-all with nothing left out
	@REQUIRE_ALL=1 $(MAKE) --no-print-directory test-all

chaos: installed-dev ## kill web and worker at random for ten minutes (MINUTES=…), then look for what was lost
	@exec $(PYTHON) -m tests.chaos $(MINUTES)

bench: installed-dev ## how we compare with something real, measured in the same run
	@$(PYTHON) -m benchmarks.poll
	@$(PYTHON) -m benchmarks.alert
	@$(PYTHON) -m benchmarks.upload
	@$(PYTHON) -m benchmarks.sns
	@$(PYTHON) -m benchmarks.zip
	@$(PYTHON) -m benchmarks.search
	@$(PYTHON) -m benchmarks.transcode $(SECONDS)

screenshots: installed-dev ## pictures of every page and state in build/screenshots (FOLDER=…), and that of the README (README=1)
	@exec $(PYTHON) -m scripts.screenshots "$(FOLDER)" $(if $(README),docs/files.png)

audio-table: installed-dev ## measure what each format keeps of each kind of sound, into docs/audio.md
	@exec $(PYTHON) -m scripts.audio_table

words: installed-dev ## bring the catalogue of sentences, and each language, up to the code
	@exec $(PYTHON) -m scripts.words

upload: venv-made ## send a sound file to a Tapedeck and fetch what is made of it (FILE=… URL=…, more in ARGS=…)
	@[ -n "$$FILE" ] || { echo "Say which file, and where to: make upload FILE=song.wav URL=http://127.0.0.1:8000" >&2; exit 2; }
	@exec $(PYTHON) scripts/tapedeck "$$FILE" "$${URL:-http://127.0.0.1:8000}" $(ARGS)

format: installed-dev ## put the code into the form that lint asks for
	@$(VENV)/bin/ruff check -q --fix-only .
	@$(VENV)/bin/ruff format .

lint: installed-dev ## format, lint, types, imports, templates and the stack
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/djlint --lint --quiet templates
	$(VENV)/bin/cfn-lint deploy/cloudformation.yaml

# Says so if $$said, or the room that is left (in kilobytes), shows that the disk is full: ensurepip keeps the reason to itself.
define disk_is_full
{ case "$$said" in *"No space left"*|*"quota exceeded"*) true ;; \
	*) [ "$$(df -Pk . | awk 'NR == 2 { print $$4 }')" -lt 20480 ] ;; esac \
	&& echo "The disk is full: make room on it (half a gigabyte is enough) and try again." >&2; }
endef

# $(call install,what it is called,the files that say what is needed)
define install
	hash=$$(cat $(2) | cksum); stamp="$(VENV)/$(1).stamp"; \
	[ "$$hash" != "$$(cat "$$stamp" 2>/dev/null)" ] || exit 0; \
	echo "Installing (once, about half a minute)…"; \
	rm -f "$$stamp"; \
	said=$$($(PYTHON) -m pip install --disable-pip-version-check -q -r $(lastword $(2)) 2>&1) || { \
		$(call disk_is_full) || printf '%s\nInstalling failed, for the reason above.\n' "$$said" >&2; \
		exit 1; \
	}; \
	{ echo "$$hash" > "$$stamp.new" && mv "$$stamp.new" "$$stamp"; } 2>/dev/null || { \
		$(call disk_is_full) || echo "$(VENV) cannot be written to." >&2; \
		exit 1; \
	}
endef

installed: venv-made
	@$(call install,requirements,requirements.txt)

installed-dev: venv-made
	@$(call install,requirements-dev,requirements.txt requirements-dev.txt)

# Made anew when its Python has gone or is too old, completed when an earlier attempt was interrupted.
.PHONY: venv-made
venv-made:
	@new_enough='import sys; sys.exit(sys.version_info < (3, 11))'; \
	clear=--clear; \
	if $(PYTHON) -c "$$new_enough" 2>/dev/null; then \
		$(PYTHON) -c 'import pip' 2>/dev/null && exit 0; \
		clear=; \
	fi; \
	found=; complete=; \
	for each in $(PYTHONS); do \
		"$$each" -c "$$new_enough" 2>/dev/null || continue; \
		found=$${found:-$$each}; \
		"$$each" -c 'import ensurepip, venv' 2>/dev/null && { complete=$$each; break; }; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Tapedeck needs Python 3.11 or newer, and there is none on the PATH: install it and try again." >&2; \
		exit 1; \
	fi; \
	if [ -z "$$complete" ]; then \
		echo "$$found has no venv module: install it (on Debian or Ubuntu the package python3-venv) and try again." >&2; \
		exit 1; \
	fi; \
	echo "Making the virtual environment…"; \
	said=$$("$$complete" -m venv $$clear $(VENV) 2>&1) || { \
		$(call disk_is_full) || printf '%s\n$(VENV) could not be made, for the reason above.\n' "$$said" >&2; \
		exit 1; \
	}
