.DEFAULT_GOAL := help
.PHONY: help check nightly test race lint tidy release fuzz examples interop browser driver faults faults-long bench scale corpus golden

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check: ## everything that must pass before a commit; what CI runs
	@bash .ci/run

nightly: ## the same with each test at its full size, and the bench; takes more than an hour of a quiet machine
	@bash .ci/run nightly

test: ## the fast tests; need only Go
	go test work

race: ## the same under the race detector, with services
	@bash .ci/run race

lint: ## gofmt, go mod tidy, go vet, staticcheck
	@bash .ci/run format tidy vet lint

tidy: ## go mod tidy in each module, also before the versions that they require of each other are tagged
	@bash .ci/tidy

release: ## prepare a release, such as VERSION=v0.1.0, and print its tags; commits and pushes nothing
	@bash .ci/release $(VERSION)

fuzz: ## each fuzz target for 60 seconds; FUZZTIME=5m for longer
	@FUZZTIME=$${FUZZTIME:-60s} bash .ci/run fuzz

examples: ## run every example, as far as it goes without an org
	@bash .ci/run examples

interop: ## let software of others judge; needs Node.js
	@bash .ci/run interop

browser: ## use the admin page with Chromium, which is installed if missing
	@bash .ci/run browser

driver: ## make random calls and faults, in virtual time; SFAUTH_DRIVER_TRIALS=1000 SFAUTH_DRIVER_RANDOM=1 for more of each mixture
	cd internal/driver && GOWORK=off go test -count=1 -timeout 60m .

faults: ## drill the Manager with real faults, over files and over PostgreSQL; prints two tables
	cd internal/faults && GOWORK=off go test -count=1 -timeout 15m .
	cd internal/faults && SFAUTH_FAULTS_STORE=PostgreSQL GOWORK=off go test -count=1 -timeout 15m .

faults-long: ## the same at full size; takes hours; SFAUTH_SOAK=2h for a soak of another length than 20m
	SFAUTH_FAULTS=long go test -count=1 -run 'TestNoSaltIsUsedTwice|TestEverySessionEndsAtOnce|TestAtAGenericHost' ./oauthflow
	cd internal/faults && SFAUTH_FAULTS=long GOWORK=off go test -count=1 -timeout 12h .

bench: ## measure beside the peers; wants a quiet machine
	cd internal/bench && SFAUTH_BENCH=1 GOWORK=off go test -count=1 -timeout 2h -v . -update

scale: ## list, sweep and change 1,000, 10,000 and 100,000 connections in every store; takes hours
	cd internal/bench && SFAUTH_BENCH=1 GOWORK=off go test -count=1 -timeout 12h -v -run TestRow11 . -list-rounds 1 \
		-list-sizes 1000,10000,100000 -list-write-sizes 1000,10000,100000 -list-writes memory,filestore,SQLite,PostgreSQL

corpus: ## print what was read and found in the files of real orgs; needs SFAUTH_CORPUS
	go test -count=1 -v -run 'TestCorpusIsReadAndWrittenBackByteEqual|TestRealApps' ./metadata ./policy

golden: ## rewrite the golden files; read the diff before committing it
	go test . -update
