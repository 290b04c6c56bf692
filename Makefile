# The two commands of the README are `make demo` and `make test`.

GO ?= go
SEEDS ?= 1000

.PHONY: build demo test bench lint sim clean

build:
	$(GO) build -o bin/ ./cmd/...

demo: build
	bin/tandem lab demo $(DEMO)

test: build
	scripts/test

bench: build
	scripts/bench

lint:
	$(GO) vet ./...
	$(GO) tool -modfile=tools/tools.mod golangci-lint run

sim:
	$(GO) test ./internal/sim -run TestSchedules -seeds $(SEEDS)

clean:
	rm -rf bin
