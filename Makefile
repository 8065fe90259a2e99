# make            builds bin/nmc
# make check      format, vet, staticcheck, unit tests, RTL lint, a short co-simulation: under two minutes
# make test       everything that CI runs, but make bitstream
# make help       lists the rest
.DEFAULT_GOAL := build
.PHONY: build setup tools fmt vet lint-go lint-rtl unit check gen gen-check formal fuzz cosim equal variants mutants bench gap tables lanes size bitstream test demo clean help
SHELL := bash -o pipefail

build: ## build bin/nmc
	go build -o bin/nmc ./cmd/nmc

setup: ## install with apt what is missing: Verilator, Icarus, Yosys, nextpnr, z3
	scripts/setup --all

tools: ## install what nmc build and nmc flash use: Yosys, nextpnr and packers for iCE40 and ECP5, openFPGALoader
	scripts/tools

fmt:
	@out=$$(gofmt -l .); [ -z "$$out" ] || { echo "not formatted, run gofmt -w: $$out" >&2; exit 1; }

vet:
	go vet ./...

lint-go:
	go tool staticcheck ./...

lint-rtl: ## Verilator -Wall over the RTL
	scripts/lint-rtl

unit: # unit tests and a short co-simulation
	go test -short ./...

check: build fmt vet lint-go lint-rtl unit ## everything quick, under two minutes
	@echo "check: passed"

gen: ## delete what is generated and make it again
	scripts/gen

gen-check: ## generated files are what the sources generate
	scripts/gen --check

formal: ## prove the modules' properties with Yosys and z3
	scripts/formal

cosim: ## the long co-simulations: random programs and the protocol, Verilog against the simulator
	go test -count=1 -timeout 30m ./testbench/...

equal: ## nmc check of dfa and bp on MNIST at 1, 4, 16 and 64 lanes
	scripts/equal

variants: ## every rule and variant on one device, a Verilator process a lane count: learned state and answers equal to the simulator's
	go run ./testbench/variants

fuzz: ## every fuzz target for a bounded time
	scripts/fuzz

mutants: ## plant defects; each must be caught
	go run ./testbench/mutants

bench: ## online training beside PyTorch at batch 1, on one thread and on all; speed of the kernels and of the host over UDP; a serial line's payload
	go run ./testbench/bench -threads 1
	go run ./testbench/bench -threads $$(nproc)
	go test -run '^$$' -bench . ./sim/kernels
	go test -run '^$$' -bench UDP ./host/link
	go run ./testbench/serial

bitstream: build ## bitstream of the iCEBreaker that learns 784-64-10: what it takes, and its clock
	bin/nmc build examples/mnist-board/net.toml --board icebreaker --seed 2 -o build/icebreaker

test: build fmt vet lint-go lint-rtl gen-check ## everything that CI runs but bitstream
	scripts/tables --check
	go test -timeout 20m ./...
	$(MAKE) formal
	$(MAKE) fuzz
	@echo "test: everything passed"

gap: ## what fixed point costs: accuracy in float64 and with weights of 16, 12, 8 and 6 bits
	go run ./testbench/gap

tables: ## write the pages of docs/results that nmc table prints: plausibility, accuracy, cost
	scripts/tables

lanes: ## cycles a sample of the Verilog engine against the dense ideal
	go run ./testbench/lanes

size: ## engine and front end placed and routed for the iCE40 UP5K; resource table for iCE40, ECP5 and xc7
	hdl/synth/up5k
	hdl/synth/resources

demo: ## compile, learn MNIST in the simulator, prove the Verilog equal
	scripts/demo

clean: ## remove what make made
	rm -rf bin build obj

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14
