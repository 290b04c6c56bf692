# The two commands of the README are `make demo` and `make test`.

GO ?= go
SEEDS ?= 1000

.PHONY: build demo test test-vm bench package lint sim clean

build:
	CGO_ENABLED=0 $(GO) build -o bin/ ./cmd/...

demo: build
	bin/tandem-lab demo $(DEMO)

test: build
	scripts/test

test-vm:
	scripts/test-vm -v

bench: build
	scripts/bench

package:
	scripts/package dist

lint:
	$(GO) vet ./...
	$(GO) tool -modfile=tools/tools.mod golangci-lint run

sim:
	$(GO) test ./internal/sim -run TestSchedules -v -timeout 0 -seeds $(SEEDS)

clean:
	rm -rf bin dist
