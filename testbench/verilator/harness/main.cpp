// The device on standard input and output: the bytes of the protocol go in and out as on a serial line, only faster.
//
//   nmc-device [--trace FILE]
//
// While the device is idle the process sleeps in read; while it works, input is looked at only now and then. Replies
// are written out when a frame ends. At the end of input the device finishes what it has and the process ends.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <unistd.h>

#include "Vnmc_harness.h"
#include "Vnmc_harness___024root.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

typedef std::chrono::steady_clock Clock;

// Cycles between two looks at standard input while the device works.
const unsigned kPollCycles = 512;

uint8_t in[1 << 16], out[1 << 16];
size_t in_at = 0, in_end = 0, out_end = 0;
bool eof = false;

[[noreturn]] void die(const char* what) {
    std::fprintf(stderr, "nmc-device: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

void flush() {
    size_t at = 0;
    while (at < out_end) {
        ssize_t n = write(STDOUT_FILENO, out + at, out_end - at);
        if (n > 0) at += n;
        else if (errno != EINTR) die("write to standard output");
    }
    out_end = 0;
}

// Reads what there is; waits for it if there is nothing.
void fill() {
    for (;;) {
        ssize_t n = read(STDIN_FILENO, in, sizeof in);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) die("read from standard input");
        in_at = 0;
        in_end = n;
        if (n == 0) eof = true;
        return;
    }
}

// One cycle: what is read afterwards belongs to the one that has begun. The model finds a clock edge by its copy of the
// clock at the last evaluation: where it has the name that we know, clearing it spares the evaluation of the other edge.
template <class Root> auto low(Root *root, int) -> decltype(root->__Vtrigrprev__TOP__clk_i, true) {
    root->__Vtrigrprev__TOP__clk_i = 0;
    return true;
}
template <class Root> auto low(Root *root, long) -> decltype(root->__Vtrigprevexpr___TOP__clk_i__0, true) {
    root->__Vtrigprevexpr___TOP__clk_i__0 = 0;
    return true;
}
template <class Root> bool low(Root *, ...) { return false; }

void tick(Vnmc_harness* top) {
    if (!low(top->rootp, 0)) {
        top->clk_i = 0;
        top->eval();
    }
    top->clk_i = 1;
    top->eval();
}

bool readable() {
    pollfd p = {STDIN_FILENO, POLLIN, 0};
    return poll(&p, 1, 0) > 0;
}

}  // namespace

int main(int argc, char** argv) {
    FILE* trace = nullptr;
    for (int i = 1; i < argc; i++) {
        if (!std::strcmp(argv[i], "--trace") && i + 1 < argc) {
            trace = std::fopen(argv[++i], "w");
            if (!trace) die(argv[i]);
        } else {
            std::fprintf(stderr, "nmc-device: unknown argument %s; usage: nmc-device [--trace FILE]\n", argv[i]);
            return 2;
        }
    }

    Vnmc_harness* top = new Vnmc_harness;
    top->rx_valid_i = 0;
    top->rx_data_i = 0;
    // The boot number is a counter of cycles at the first hello: start it elsewhere each time.
    top->rst_i = 1;
    uint64_t ticks = Clock::now().time_since_epoch().count();
    for (unsigned i = 0; i < 3 + (ticks >> 4) % 4096; i++) tick(top);
    top->rst_i = 0;

    uint64_t cycles = 0;
    unsigned poll_in = kPollCycles;
    const Clock::time_point start = Clock::now();
    Clock::duration asleep(0);

    for (;;) {
        if (in_at >= in_end && !eof) {
            if (!top->busy_o) {
                flush();
                const Clock::time_point t = Clock::now();
                fill();
                asleep += Clock::now() - t;
                continue;
            }
            if (--poll_in == 0) {
                poll_in = kPollCycles;
                if (readable()) {
                    fill();
                    continue;
                }
            }
        } else if (in_at >= in_end && !top->busy_o) {
            break;
        }

        top->rx_valid_i = in_at < in_end;
        top->rx_data_i = in[in_at < in_end ? in_at : 0];
        if (top->rx_valid_i && top->rx_ready_o) in_at++;
        if (top->tx_valid_o) {
            out[out_end++] = top->tx_data_o;
            // A zero ends a frame: the host may be waiting for it.
            if (top->tx_data_o == 0 || out_end == sizeof out) flush();
        }
        if (trace && top->trace_valid_o)
            std::fprintf(trace, "%u %u\n", unsigned(top->trace_pc_o), unsigned(top->trace_cycles_o));

        tick(top);
        cycles++;
    }
    flush();
    if (trace && std::fclose(trace) != 0) die("write the trace");

    const double wall = std::chrono::duration<double>(Clock::now() - start).count();
    const double awake = wall - std::chrono::duration<double>(asleep).count();
    std::fprintf(stderr, "nmc-device: %llu cycles, %.3f s, %.3f s of them awake, %.2f million cycles a second\n",
                 (unsigned long long)cycles, wall, awake, awake > 0 ? cycles / awake / 1e6 : 0.0);
    top->final();
    delete top;
    return 0;
}
