// Drives nmc_engine without the protocol: commands on standard input, answers on standard output, all little-endian.
//
//   'w' space:1 addr:4 count:4 data:2*count             write halfwords
//   'r' space:1 addr:4 count:4        -> data:2*count   read halfwords
//   'x' entry:1 label:2 limit:4 input:4 skip:1          run
//       -> stopped:1 cycles:4 retired:4 overflow:4 digest:8
//   'c' -> microseconds:8                               processor time spent in runs
//   't' on:1                                            trace runs from now on: before the answer of a run come, for
//                                                       each retired instruction, pc:2, and then 0xffff
//
// A run that takes too long answers stopped = 2.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "Vnmc_engine.h"
#include "Vnmc_engine___024root.h"
#include "verilated.h"

#include "../../verilator/harness/cycle.h"

static Vnmc_engine *top;
static bool tracing;
static clock_t spent;
static std::vector<uint16_t> pcs;

#ifndef NETLIST  // its models of cells derive clocks
NMC_CLOCKED(Vnmc_engine);
static void tick() { cycle(top, top->rootp, clocked); }
#else
static void tick() {
  for (int level = 0; level < 2; level++) {
    top->clk_i = level;
    top->eval();
  }
}
#endif

static uint64_t get(int bytes) {
  uint64_t v = 0;
  for (int i = 0; i < bytes; i++) {
    int c = getchar_unlocked();
    if (c == EOF) exit(0);
    v |= (uint64_t)c << 8 * i;
  }
  return v;
}

static void put(uint64_t v, int bytes) {
  for (int i = 0; i < bytes; i++) putchar_unlocked(v >> 8 * i & 0xff);
}

static void access(bool write, int space, uint32_t addr, uint16_t data) {
  top->mem_valid_i = 1;
  top->mem_write_i = write;
  top->mem_space_i = space;
  top->mem_addr_i = addr;
  top->mem_wdata_i = data;
  bool ready = false, rvalid = false;
  uint16_t rdata = 0;
  // The outputs after a tick are those of the cycle that has begun: the first has the access in the registers.
  for (int i = 0; !ready || (!write && !rvalid); i++) {
    if (i == 1000) {
      fprintf(stderr, "engine: no answer to an access of space %d\n", space);
      exit(1);
    }
    tick();
    if (!ready && top->mem_ready_o) {
      ready = true;
      top->mem_valid_i = 0;
    }
    if (top->mem_rvalid_o) {
      rvalid = true;
      rdata = top->mem_rdata_o;
    }
  }
  tick();
  if (!write) put(rdata, 2);
}

int main(int argc, char **argv) {
  Verilated::commandArgs(argc, argv);
  top = new Vnmc_engine;
  top->rst_i = 1;
  for (int i = 0; i < 4; i++) tick();
  top->rst_i = 0;
  for (;;) {
    int command = get(1);
    switch (command) {
      case 'w':
      case 'r': {
        int space = get(1);
        uint32_t addr = get(4), count = get(4);
        for (uint32_t i = 0; i < count; i++) access(command == 'w', space, addr + i, command == 'w' ? get(2) : 0);
        break;
      }
      case 'c':
        put((uint64_t)spent * 1000000 / CLOCKS_PER_SEC, 8);
        break;
      case 't':
        tracing = get(1);
        break;
      case 'x': {
        top->run_entry_i = get(1);
        top->run_label_i = get(2);
        top->run_limit_i = get(4);
        top->run_input_i = get(4);
        top->skip_i = get(1);
        top->run_valid_i = 1;
        tick();
        top->run_valid_i = 0;
        uint64_t left = 4000000;
        bool done = false;
        pcs.clear();
        clock_t began = clock();
        while (left-- && !done) {
          tick();
          done = top->done_o;
          if (tracing && top->trace_valid_o) pcs.push_back(top->trace_pc_o);
          if (top->cycles_o > 2000000) break;
        }
        spent += clock() - began;
        if (tracing) {
          for (uint16_t pc : pcs) put(pc, 2);
          put(0xffff, 2);
        }
        put(done ? top->stopped_o : 2, 1);
        put(top->cycles_o, 4);
        put(top->retired_o, 4);
        put(top->overflow_o, 4);
        put(top->digest_o, 8);
        break;
      }
      default:
        fprintf(stderr, "engine: unknown command %d\n", command);
        return 1;
    }
    fflush(stdout);
  }
}
