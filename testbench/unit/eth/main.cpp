// nmc_eth between a PHY and a device, both played here, each in its clock. Commands on standard input, numbers little-endian:
//
//   'F' n:4 bytes     a frame: preamble and start delimiter, these bytes, a gap
//   'E' n:4 bytes     ... with the PHY's error in the middle
//   'N' n:4 bytes     ... with half a byte more at the end
//   'R' n:4 bytes     these bytes and nothing before them, a gap
//   'G' n:4           a gap of n bytes' time
//   'D' n:4 bytes     from the device
//   'S' n:1           the device takes bytes: 0 never, 1 always, 2 now and then
//   'X'               a reset
//   'Q'               run until all is still
//   'C'               counters
//
// On standard output, with 'Q' and 'C': 'F' n:4 bytes, a frame of the device without preamble; 'B' n:4 bytes, those that the
// device got; 'C' and four counters, 4 bytes each; '!' n:4 text, what was wrong on the wire; and 'Q' at the end.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "Veth_bench.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

typedef std::vector<uint8_t> Bytes;

#if PHY == 0 || PHY == 2
const unsigned kBits = 4;
const uint64_t kHalf = 20000;  // half a period of the PHY's clock, ps
#elif PHY == 1
const unsigned kBits = 2;
const uint64_t kHalf = 10000;
#else
const unsigned kBits = 8;
const uint64_t kHalf = 4000;
#endif

Veth_bench *top;
uint64_t half_clk, next_clk, next_rx, next_tx;
uint32_t random_state = 1, counters[4];
int ready_mode = 1;
std::deque<uint8_t> device_out;
Bytes device_in;
std::string out;

// A time on the line: data, and what goes with them.
struct Symbol {
    uint8_t data;
    bool on, error;
};
std::deque<Symbol> line;

void put32(std::string *s, uint32_t v) {
    for (int i = 0; i < 4; i++) s->push_back(char(v >> 8 * i));
}
void record(char kind, const void *data, size_t n) {
    out.push_back(kind);
    put32(&out, n);
    out.append(static_cast<const char *>(data), n);
}
void wrong(const std::string &what) { record('!', what.data(), what.size()); }

uint32_t random_bits() {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

// The device, a rising edge of its clock.
void device_clock() {
    const bool took = top->rx_valid_o && top->rx_ready_i;
    const uint8_t byte = top->rx_data_o;
    const bool gave = top->tx_valid_i && top->tx_ready_o;
    if (!top->rst_i)
        for (int i = 0; i < 4; i++) counters[i] += top->count_valid_o >> i & 1;
    top->clk_i = 1;
    top->eval();
    if (took) device_in.push_back(byte);
    if (gave) device_out.pop_front();
    top->tx_valid_i = !device_out.empty();
    if (!device_out.empty()) top->tx_data_i = device_out.front();
    top->rx_ready_i = ready_mode == 1 || (ready_mode == 2 && random_bits() % 4 == 0);
    top->eval();
}

// The PHY's receiver: what was set behind an edge is there at the next.
Symbol symbol{0, false, false};
void rx_edge(bool rising) {
    if (PHY != 3 && !rising && PHY != 2) {
        top->phy_rx_clk_i = 0;
        top->eval();
        return;
    }
    top->phy_rx_clk_i = rising;
    top->eval();
    if (rising) {  // the second half of the symbol, or all of it
        if (PHY == 3) top->phy_rxd_i = symbol.data >> 4;
        if (PHY >= 2) top->phy_rx_ctl_i = symbol.on && !symbol.error;
    }
    if (rising == (PHY < 2)) {  // the next symbol
        symbol = Symbol{0, false, false};
        if (!line.empty()) {
            symbol = line.front();
            line.pop_front();
        }
        top->phy_rx_ctl_i = symbol.on;
        top->phy_rx_er_i = symbol.error;
        top->phy_rxd_i = symbol.data & ((1 << (kBits > 4 ? 4 : kBits)) - 1);
    }
    top->eval();
}

// The PHY's transmitter.
Bytes frame;
unsigned bits = 0, gap = 1000;  // in bits
bool sending = false, seen = false;
uint8_t partial = 0, low_nibble = 0;
unsigned quiet = 0;  // symbols
void tx_symbol(bool on, uint8_t data) {
    if (!on) {
        if (sending) {
            sending = false;
            gap = 0;
            if (bits != 0) wrong("a frame ends within a byte");
            size_t i = 0;
            while (i < frame.size() && frame[i] == 0x55) i++;
            if (i != 7 || i == frame.size() || frame[i] != 0xd5) wrong("a frame begins with " + std::to_string(i) + " bytes of preamble and no delimiter");
            else record('F', frame.data() + 8, frame.size() - 8);
            frame.clear();
        }
        gap += kBits;
        quiet++;
        return;
    }
    if (!sending) {
        sending = true;
        bits = 0;
        if (gap < 96) wrong("a gap of " + std::to_string(gap) + " bits");
    }
    quiet = 0;
    partial = kBits == 8 ? data : uint8_t(partial >> kBits | data << (8 - kBits));
    bits += kBits;
    if (bits == 8) {
        frame.push_back(partial);
        bits = 0;
    }
}
void tx_edge(bool rising) {
    if (PHY < 2) {
        if (rising) tx_symbol(top->phy_tx_ctl_o, top->phy_txd_o);
    } else if (PHY == 2) {
        if (!rising) tx_symbol(top->phy_tx_ctl_o, top->phy_txd_o);
    } else if (!rising) {  // the end of the first half
        seen = top->phy_tx_ctl_o;
        low_nibble = top->phy_txd_o;
    } else {
        if (seen != bool(top->phy_tx_ctl_o)) wrong("an error is sent");
        tx_symbol(seen, low_nibble | top->phy_txd_o << 4);
    }
    top->phy_tx_clk_i = rising;
    if (PHY != 1) top->eval();
}

// The next edge of any clock.
void advance() {
    if (next_clk <= next_rx && next_clk <= next_tx) {
        next_clk += half_clk;
        if (!top->clk_i) device_clock();
        else {
            top->clk_i = 0;
            top->eval();
        }
    } else if (next_rx <= next_tx) {
        if (PHY == 1) tx_edge(!top->phy_rx_clk_i);  // one clock
        rx_edge(!top->phy_rx_clk_i);
        next_rx += kHalf;
    } else {
        if (PHY != 1) tx_edge(!top->phy_tx_clk_i);
        next_tx += kHalf + 1;  // another PHY's would be off by more
    }
}

void idle(unsigned bytes) {
    for (unsigned i = 0; i < bytes * 8 / kBits; i++) line.push_back(Symbol{0, false, false});
}
void byte(uint8_t b, bool error) {
    for (unsigned i = 0; i < 8; i += kBits) line.push_back(Symbol{uint8_t(b >> i & ((1 << kBits) - 1)), true, error});
}
void send() {
    while (!line.empty()) advance();
}

bool get(void *p, size_t n) { return std::fread(p, 1, n, stdin) == n; }
Bytes bytes() {
    uint32_t n = 0;
    get(&n, 4);
    Bytes b(n);
    if (!get(b.data(), n)) std::exit(1);
    return b;
}

void flush() {
    if (!device_in.empty()) record('B', device_in.data(), device_in.size());
    device_in.clear();
    std::fwrite(out.data(), 1, out.size(), stdout);
    out.clear();
    std::fflush(stdout);
}

void reset() {
    top->rst_i = 1;
    for (uint64_t until = next_clk + 4 * half_clk; next_clk < until;) advance();
    top->rst_i = 0;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    half_clk = std::strtoull(argv[1], nullptr, 10);  // ps
    next_clk = half_clk;
    next_rx = kHalf / 3;
    next_tx = kHalf / 2;
    top = new Veth_bench;
    reset();
    for (char command; get(&command, 1);) {
        switch (command) {
        case 'F': case 'E': case 'N': case 'R': {
            const Bytes b = bytes();
            if (command != 'R') {
                for (int i = 0; i < 7; i++) byte(0x55, false);
                byte(0xd5, false);
            }
            for (size_t i = 0; i < b.size(); i++) byte(b[i], command == 'E' && i == b.size() / 2);
#if PHY == 1
            // As the carrier goes before the data have: low with the first pair of a nibble.
            if (command != 'R' && line.size() > 32)
                for (size_t i = line.size() - 16; i < line.size(); i += 2) line[i].on = false;
#endif
            if (command == 'N' && kBits < 8) line.push_back(Symbol{1, true, false});
            idle(12);
            send();
            break;
        }
        case 'G': {
            uint32_t n;
            get(&n, 4);
            idle(n);
            send();
            break;
        }
        case 'D':
            for (uint8_t b : bytes()) device_out.push_back(b);
            break;
        case 'S': {
            uint8_t mode;
            get(&mode, 1);
            ready_mode = mode;
            break;
        }
        case 'X': reset(); break;
        case 'Q': {
            quiet = 0;
            const unsigned still = 40 * 8 / kBits + 40 * half_clk / kHalf;
            uint64_t limit = next_clk + 2000000000000;
            while (quiet < still || ((top->busy_o || !device_out.empty()) && ready_mode != 0)) {
                if (top->busy_o && ready_mode != 0) quiet = 0;
                advance();
                if (next_clk > limit) {
                    wrong("it does not come to rest");
                    break;
                }
            }
            flush();
            std::fputc('Q', stdout);
            std::fflush(stdout);
            break;
        }
        case 'C':
            flush();
            std::fputc('C', stdout);
            std::fwrite(counters, 4, 4, stdout);
            std::fflush(stdout);
            break;
        default:
            std::fprintf(stderr, "eth: unknown command %d\n", command);
            return 1;
        }
    }
    return 0;
}
