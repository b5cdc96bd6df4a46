.DEFAULT_GOAL := help
.PHONY: help check test race lint fuzz examples interop browser faults faults-long bench corpus golden

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check: ## everything that must pass before a commit; what CI runs
	@bash .ci/run

test: ## the fast tests; need only Go
	go test work

race: ## the same under the race detector, with services
	@bash .ci/run race

lint: ## gofmt, go mod tidy, go vet, staticcheck
	@bash .ci/run format tidy vet lint

fuzz: ## each fuzz target for 60 seconds; FUZZTIME=5m for longer
	@FUZZTIME=$${FUZZTIME:-60s} bash .ci/run fuzz

examples: ## run every example, as far as it goes without an org
	@bash .ci/run examples

interop: ## let software of others judge; needs Node.js
	@bash .ci/run interop

browser: ## use the admin page with Chromium, which is installed if missing
	@bash .ci/run browser

faults: ## drill the Manager with real faults, over files and over PostgreSQL; prints two tables
	cd internal/faults && GOWORK=off go test -count=1 -timeout 15m .
	cd internal/faults && SFAUTH_FAULTS_STORE=PostgreSQL GOWORK=off go test -count=1 -timeout 15m .

faults-long: ## the same at full size; takes hours; SFAUTH_SOAK=2h for a soak of another length than 20m
	SFAUTH_FAULTS=long go test -count=1 -run TestNoSaltIsUsedTwice ./oauthflow
	cd internal/faults && SFAUTH_FAULTS=long GOWORK=off go test -count=1 -timeout 12h .

bench: ## measure beside the peers; wants a quiet machine
	cd internal/bench && SFAUTH_BENCH=1 GOWORK=off go test -count=1 -timeout 2h -v . -update

corpus: ## print what was read and found in the files of real orgs; needs SFAUTH_CORPUS
	go test -count=1 -v -run 'TestCorpusIsReadAndWrittenBackByteEqual|TestRealApps' ./metadata ./policy

golden: ## rewrite the golden files; read the diff before committing it
	go test . -update
