// A Verilated device: the clock, the reset and the trace. Its link says when to stop.
//
//   nmc-device [--trace FILE] [arguments of the link]
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "Vnmc_harness___024root.h"
#include "cycle.h"
#include "harness.h"
#include "verilated.h"

NMC_CLOCKED(Vnmc_harness);

double sc_time_stamp() { return 0; }

[[noreturn]] void die(const char *what) {
    std::fprintf(stderr, "nmc-device: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

namespace {

typedef std::chrono::steady_clock Clock;

}  // namespace

int main(int argc, char **argv) {
    FILE *trace = nullptr;
    for (int i = 1; i + 1 < argc; i++)
        if (!std::strcmp(argv[i], "--trace")) {
            trace = std::fopen(argv[i + 1], "w");
            if (!trace) die(argv[i + 1]);
            argc -= 2;
            for (int j = i; j < argc; j++) argv[j] = argv[j + 2];
            break;
        }
    Vnmc_harness *top = new Vnmc_harness;
    Link *link = make_link(argc, argv, top);
    if (!link) {
        std::fprintf(stderr, "nmc-device: usage: nmc-device [--trace FILE] %s\n", link_usage);
        return 2;
    }

    // The boot number is a counter of cycles at the first hello: start it elsewhere each time.
    top->rst_i = 1;
    uint64_t ticks = Clock::now().time_since_epoch().count();
    for (unsigned i = 0; i < 3 + (ticks >> 4) % 4096; i++) cycle(top, top->rootp, clocked);
    top->rst_i = 0;

    uint64_t cycles = 0;
    const Clock::time_point start = Clock::now();
    while (link->cycle(top)) {
        if (trace && top->trace_valid_o)
            std::fprintf(trace, "%u %u\n", unsigned(top->trace_pc_o), unsigned(top->trace_cycles_o));
        cycle(top, top->rootp, clocked);
        cycles++;
    }
    link->finish(cycles);
    if (trace && std::fclose(trace) != 0) die("write the trace");

    const double wall = std::chrono::duration<double>(Clock::now() - start).count();
    const double awake = wall - std::chrono::duration<double>(link->asleep).count();
    std::fprintf(stderr, "nmc-device: %llu cycles, %.3f s, %.3f s of them awake, %.2f million cycles a second\n",
                 (unsigned long long)cycles, wall, awake, awake > 0 ? cycles / awake / 1e6 : 0.0);
    top->final();
    delete link;
    delete top;
    return 0;
}
