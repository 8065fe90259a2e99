// The device's byte stream on standard input and output: the bytes of the protocol as on a serial line, only faster.
//
// While the device is idle the process sleeps in read; while it works, input is looked at only now and then. Replies
// are written out when a frame ends. At the end of input the device finishes what it has and the process ends.
#include <cerrno>
#include <poll.h>
#include <unistd.h>

#include "harness.h"

const char *const link_usage = "";

namespace {

typedef std::chrono::steady_clock Clock;

// Cycles between two looks at standard input while the device works.
const unsigned kPollCycles = 512;

class Stream final : public Link {
public:
    bool cycle(Vnmc_harness *top) override {
        while (in_at_ >= in_end_) {
            if (!top->busy_o) {
                if (eof_) return false;
                flush();
                const Clock::time_point t = Clock::now();
                fill();
                asleep += Clock::now() - t;
            } else {
                if (eof_ || --poll_in_ != 0) break;
                poll_in_ = kPollCycles;
                if (!readable()) break;
                fill();
            }
        }
        top->rx_valid_i = in_at_ < in_end_;
        top->rx_data_i = in_[in_at_ < in_end_ ? in_at_ : 0];
        if (top->rx_valid_i && top->rx_ready_o) in_at_++;
        if (top->tx_valid_o) {
            out_[out_end_++] = top->tx_data_o;
            // A zero ends a frame: the host may be waiting for it.
            if (top->tx_data_o == 0 || out_end_ == sizeof out_) flush();
        }
        return true;
    }

    void finish(uint64_t) override { flush(); }

private:
    void flush() {
        size_t at = 0;
        while (at < out_end_) {
            ssize_t n = write(STDOUT_FILENO, out_ + at, out_end_ - at);
            if (n > 0) at += n;
            else if (errno != EINTR) die("write to standard output");
        }
        out_end_ = 0;
    }

    // Reads what there is; waits for it if there is nothing.
    void fill() {
        ssize_t n;
        do n = read(STDIN_FILENO, in_, sizeof in_);
        while (n < 0 && errno == EINTR);
        if (n < 0) die("read from standard input");
        in_at_ = 0;
        in_end_ = n;
        if (n == 0) eof_ = true;
    }

    static bool readable() {
        pollfd p = {STDIN_FILENO, POLLIN, 0};
        return poll(&p, 1, 0) > 0;
    }

    uint8_t in_[1 << 16], out_[1 << 16];
    size_t in_at_ = 0, in_end_ = 0, out_end_ = 0;
    unsigned poll_in_ = kPollCycles;
    bool eof_ = false;
};

}  // namespace

Link *make_link(int argc, char **, Vnmc_harness *top) {
    if (argc > 1) return nullptr;
    top->rx_valid_i = 0;
    top->rx_data_i = 0;
    return new Stream;
}
