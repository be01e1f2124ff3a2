# Fieldward: everything goes through here. `make help` lists it.
SHELL := /bin/bash
CARGO ?= cargo
OUT ?= out
SECONDS_EACH ?= 1200
KILLS ?= 300
AGENT = target/release/fieldward-agent
PAGE = aggregator/dashboard

.PHONY: help setup page page-api packages demo test check bench models faults fuzz api-fuzz clean

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: ## install what is missing (Debian or Ubuntu), and build the page
	@scripts/setup.sh
	@scripts/page.sh

page: ## build the page, which the next build of the aggregator puts into it
	@scripts/setup.sh page
	@scripts/page.sh --anew

page-api: ## write the page's types anew, from the API as it is
	$(CARGO) run --locked -p fieldward-aggregator -- openapi > $(PAGE)/openapi.json
	cd $(PAGE) && node scripts/api.mjs openapi.json && rm openapi.json

demo: ## an aggregator with its page, three plants, and attacks on them when you ask for them
	@scripts/setup.sh demo
	@scripts/page.sh
	@scripts/demo.sh

packages: setup ## .deb packages of agent and aggregator in OUT, judged by lintian and tried in a Debian of their own (as root)
	@scripts/setup.sh packages
	@scripts/packages.sh $(if $(filter 0,$(shell id -u)),--try)

test: setup ## every test
	$(CARGO) test --workspace --locked

check: setup ## formatting, lints, licences and advisories of dependencies
	$(CARGO) fmt --all --check
	cd $(PAGE) && npx tsc --noEmit && npm test --silent
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@scripts/setup.sh cargo-deny
	$(CARGO) deny --locked check

bench: setup ## speed and memory of decoder, simulator, detection and link, as in BENCHMARKS.md
	@scripts/setup.sh bench
	@scripts/bench.sh $(OUT)
	@scripts/bench-sim.sh $(OUT)
	@scripts/bench-watch.sh $(OUT)
	@scripts/bench-link.sh $(OUT)

models: setup ## train the classifier on simulated plants, and examine it (long)
	$(CARGO) run --release --locked -p fieldward-tests --bin make-models -- play $(OUT)/pictures
	$(CARGO) run --release --locked -p fieldward-tests --bin make-models -- play $(OUT)/pictures --first-site 5 --sites 5 --days 1 --calm 3
	$(CARGO) run --release --locked -p fieldward-tests --bin make-models -- exam $(OUT)/pictures --attacks
	$(CARGO) run --release --locked -p fieldward-tests --bin make-models -- train $(OUT)/pictures

faults: setup ## kill agent and aggregator, in rounds too, and cut their power, KILLS times each (default 300) under load
	FIELDWARD_KILLS=$(KILLS) $(CARGO) test --release --locked -p fieldward-agent --test spool_survives_kill -- --nocapture
	FIELDWARD_KILLS=$(KILLS) $(CARGO) test --release --locked -p fieldward-tests --test alerts_survive_kills -- --nocapture
	FIELDWARD_KILLS=$(KILLS) $(CARGO) test --release --locked -p fieldward-tests --test rounds_survive_kills -- --nocapture
	FIELDWARD_KILLS=$(KILLS) $(CARGO) test --release --locked -p fieldward-tests --test acknowledged_survives_a_power_cut -- --nocapture

fuzz: setup ## every fuzz target for SECONDS_EACH seconds (default 1200)
	@scripts/setup.sh cargo-fuzz
	@scripts/fuzz.sh $(SECONDS_EACH)

api-fuzz: setup ## ask the API anything, as every role, on both databases (EXAMPLES=10 each, SEED=1)
	@scripts/setup.sh api-fuzz
	@scripts/api-fuzz.sh

clean: ## remove what was built and generated
	$(CARGO) clean
	rm -rf $(OUT) $(PAGE)/dist $(PAGE)/node_modules
