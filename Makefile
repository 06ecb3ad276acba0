# The commands of this repository. Each stands alone; `make test` is what CI runs.

GO    ?= go
CACHE := $(CURDIR)/.cache
TOOLS := $(CACHE)/bin

# Where go test finds what scripts/setup and the targets below have built.
export LANYARD_TEST_BINARY := $(TOOLS)/lanyard
export LANYARD_TEST_TOOLS  := $(TOOLS)

# Stamping the revision asks git, which refuses a checkout of another user.
test soak: export GOFLAGS := $(GOFLAGS) -buildvcs=false

.PHONY: run test soak lint bench build clean setup test-binary

## run: a development server with a seeded tenant, on http://localhost:8080
run:
	$(GO) run ./cmd/lanyard dev

## test: everything, with a real PostgreSQL, a real browser and real relying parties.
## What drives browsers and whole servers comes first and alone, the other packages two at a time.
test: setup test-binary
	$(GO) test -p 1 -count=1 -timeout 12m ./internal/e2e/...
	$(GO) test -p 2 -count=1 -timeout 12m $$($(GO) list ./... | grep -v /internal/e2e)

## soak: the same for hours, with the race detector, many rounds and fuzzing
soak: export LANYARD_SOAK := 1
soak: setup
	CGO_ENABLED=1 $(GO) build -race -o $(LANYARD_TEST_BINARY) ./cmd/lanyard
	CGO_ENABLED=1 $(GO) test -p 1 -race -count=1 -timeout 6h ./...
	scripts/fuzz

## lint: formatting, vet, and the linters with the library walls
lint:
	scripts/lint

## bench: requests per second and per CPU-second, cold start, memory
bench: test-binary
	$(GO) test ./internal/e2e/bench -run '^$$' -bench . -benchtime 2s -timeout 30m

## build: the binary, without cgo, in bin/
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/lanyard ./cmd/lanyard

## clean: remove what was built and fetched here
clean:
	rm -rf bin .cache internal/e2e/clients/node_modules

setup:
	scripts/setup

# As the image has it: what is compiled here is compiled once for both.
test-binary:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o $(LANYARD_TEST_BINARY) ./cmd/lanyard
