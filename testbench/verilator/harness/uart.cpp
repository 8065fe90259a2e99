// The device's serial line, its bits in simulated time, with one of two hosts at the other end.
//
//   --clock HZ --baud BAUD          of device and line
//   --pty [--symlink PATH]          the host opens a pseudo-terminal as it would a serial port
//
// With --pty, standard output tells in a line "pty PATH" where it is; an empty line on standard input asks for a line of
// counts, its end ends the process. While no host has the terminal open, what the device says is lost, as on a real line.
//
// Without, standard input is what happens on the line, in pairs of bytes: a kind and a number.
//   0 n   byte n
//   1 n   byte n with a low stop bit
//   2 n   low for 10·n bits
//   3 n   high for n bits
//   4 n   low for n cycles
// Standard output gets the device's bytes. At the end of input the device finishes what it has and the process ends.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <termios.h>
#include <unistd.h>

#include "harness.h"

const char *const link_usage = "--clock HZ --baud BAUD [--pty [--symlink PATH]]";

namespace {

typedef std::chrono::steady_clock Clock;

// Cycles between two looks at the host while the device works.
const unsigned kPollCycles = 512;

// Something to happen on the line.
struct Symbol {
    uint8_t kind, n;
};
enum { kByte, kBadStop, kBreak, kHigh, kGlitch };

// The host at the end of the line.
class Host {
public:
    virtual ~Host() {}
    // The next thing to happen on the line, if there is one.
    virtual bool get(Symbol *s) = 0;
    // Looks for more; if asked to, until there is some. False: there will be none.
    virtual bool look(bool wait) = 0;
    virtual void put(uint8_t b) = 0;
    virtual void flush() {}
    virtual void counts(uint64_t, uint64_t, uint64_t) {}
    // After the end of what happens, whether the device may finish what it does.
    virtual bool patient() const { return true; }
};

void write_all(int fd, const uint8_t *b, size_t n) {
    while (n > 0) {
        ssize_t k = write(fd, b, n);
        if (k > 0) b += k, n -= k;
        else if (errno != EINTR) die("write");
    }
}

// A test on two pipes.
class Script final : public Host {
public:
    bool get(Symbol *s) override {
        if (at_ + 1 >= end_) return false;
        *s = Symbol{in_[at_], in_[at_ + 1]};
        at_ += 2;
        return true;
    }
    bool look(bool wait) override {
        if (at_ + 1 < end_) return true;
        pollfd p = {STDIN_FILENO, POLLIN, 0};
        if (!wait && poll(&p, 1, 0) <= 0) return true;
        if (at_ < end_) in_[0] = in_[at_];
        end_ -= at_;
        at_ = 0;
        ssize_t n;
        do n = read(STDIN_FILENO, in_ + end_, sizeof in_ - end_);
        while (n < 0 && errno == EINTR);
        if (n < 0) die("read from standard input");
        end_ += n;
        return n > 0;
    }
    void put(uint8_t b) override {
        out_[out_end_++] = b;
        if (b == 0 || out_end_ == sizeof out_) flush();
    }
    void flush() override {
        write_all(STDOUT_FILENO, out_, out_end_);
        out_end_ = 0;
    }

private:
    uint8_t in_[1 << 12], out_[1 << 12];
    size_t at_ = 0, end_ = 0, out_end_ = 0;
};

// A pseudo-terminal.
class Pty final : public Host {
public:
    explicit Pty(const char *symlink) : symlink_(symlink ? symlink : "") { make(); }
    ~Pty() override {
        if (!symlink_.empty()) unlink(symlink_.c_str());
    }

    bool get(Symbol *s) override {
        if (at_ >= end_) return false;
        *s = Symbol{kByte, in_[at_++]};
        return true;
    }

    bool look(bool wait) override {
        for (;;) {
            // A hung-up terminal is ready at all times: it is left out of what is waited for.
            pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {fd_, POLLIN, 0}};
            int n = poll(p, away_ ? 1 : 2, !wait ? 0 : away_ ? 5 : -1);
            if (n < 0 && errno != EINTR) die("poll");
            if (n > 0 && p[0].revents) {
                uint8_t b[64];
                ssize_t k = read(STDIN_FILENO, b, sizeof b);
                if (k <= 0) return false;
                asked_ = true;
            }
            if (at_ >= end_ && (away_ || (n > 0 && p[1].revents))) fill();
            if (!wait || asked_ || at_ < end_) return true;
        }
    }

    void put(uint8_t b) override {
        out_[out_end_++] = b;
        if (b == 0 || out_end_ == sizeof out_) flush();
    }

    void flush() override {
        size_t at = 0;
        while (!away_ && at < out_end_) {
            ssize_t n = write(fd_, out_ + at, out_end_ - at);
            if (n > 0) {
                at += n;
                continue;
            }
            if (errno == EINTR) continue;
            if (errno != EAGAIN) break;
            pollfd p = {fd_, POLLOUT, 0};
            if (poll(&p, 1, 200) <= 0) break;  // the host does not read
        }
        lost_ += out_end_ - at;
        out_end_ = 0;
    }

    void counts(uint64_t cycles, uint64_t in, uint64_t out) override {
        if (!asked_) return;
        asked_ = false;
        std::printf("counts %llu %llu %llu %llu\n", (unsigned long long)cycles, (unsigned long long)in,
                    (unsigned long long)out, (unsigned long long)lost_);
        std::fflush(stdout);
    }
    bool patient() const override { return false; }

private:
    // Makes a terminal and says where.
    void make() {
        fd_ = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd_ < 0 || grantpt(fd_) < 0 || unlockpt(fd_) < 0) die("make a pseudo-terminal");
        name_ = ptsname(fd_);
        termios t;
        if (tcgetattr(fd_, &t) < 0) die("pseudo-terminal");
        cfmakeraw(&t);
        if (tcsetattr(fd_, TCSANOW, &t) < 0) die("pseudo-terminal");
        if (!symlink_.empty()) {
            // In one step: a host never finds none.
            const std::string next = symlink_ + ".next";
            unlink(next.c_str());
            if (symlink(name_.c_str(), next.c_str()) < 0 || rename(next.c_str(), symlink_.c_str()) < 0) die(symlink_.c_str());
        }
        std::printf("pty %s\n", name_.c_str());
        std::fflush(stdout);
    }

    void fill() {
        ssize_t n = read(fd_, in_, sizeof in_);
        away_ = n < 0 && errno == EIO;
        if (away_) return;
        if (n < 0 && errno != EAGAIN && errno != EINTR) die("read from the pseudo-terminal");
        at_ = 0;
        end_ = n > 0 ? n : 0;
    }

    std::string symlink_, name_;
    int fd_ = -1;
    bool away_ = false, asked_ = false;
    uint8_t in_[1 << 12], out_[1 << 12];
    size_t at_ = 0, end_ = 0, out_end_ = 0;
    uint64_t lost_ = 0;
};

// The line. Time is counted in units of 1/(clock·baud) seconds: a cycle has baud of them, a bit has clock.
class Uart final : public Link {
public:
    Uart(uint64_t clock, uint64_t baud, Host *host) : clock_(clock), baud_(baud), host_(host) {}
    ~Uart() override { delete host_; }

    bool cycle(Vnmc_harness *top) override {
        if (--poll_in_ == 0) {
            poll_in_ = kPollCycles;
            if (!eof_) eof_ = !host_->look(false);
            host_->counts(cycles_, bytes_in_, bytes_out_);
            if (eof_ && !host_->patient()) return false;
        }
        while (!sending_ && !next()) {
            if (top->busy_o || listening_ || settle_ > 0) break;
            if (eof_) return false;
            host_->flush();
            const Clock::time_point t = Clock::now();
            eof_ = !host_->look(true);
            asleep += Clock::now() - t;
            host_->counts(cycles_, bytes_in_, bytes_out_);
        }
        settle_ = sending_ ? 4 : settle_ > 0 ? settle_ - 1 : 0;  // until the device sees the line
        top->rx_i = send();
        listen(top->tx_o);
        cycles_++;
        return true;
    }

    void finish(uint64_t) override { host_->flush(); }

private:
    // Takes the next symbol: levels, the first in bit 0, each of a bit's time, or one level for a time.
    bool next() {
        Symbol s;
        if (!host_->get(&s)) return false;
        bits_ = 1;
        left_ = 1;
        length_ = clock_;
        switch (s.kind) {
        case kByte: case kBadStop:
            bits_ = uint32_t(s.n) << 1 | (s.kind == kByte ? 0x200 : 0);
            left_ = 10;
            bytes_in_++;
            break;
        case kBreak: bits_ = 0; length_ = 10 * clock_ * s.n; break;
        case kHigh: length_ = clock_ * s.n; break;
        case kGlitch: bits_ = 0; length_ = baud_ * s.n; break;
        }
        sending_ = true;
        return true;
    }

    // The level of this cycle.
    bool send() {
        if (!sending_) return true;
        const bool level = bits_ & 1;
        sent_ += baud_;
        if (sent_ >= length_) {
            sent_ -= length_;
            bits_ >>= 1;
            if (--left_ == 0) {
                // What is left of the time belongs to the next byte if it follows at once.
                sending_ = false;
                if (!next()) sent_ = 0;
            }
        }
        return level;
    }

    void listen(bool level) {
        if (!listening_) {
            if (level || (low_ && !level)) {
                low_ = !level;
                return;
            }
            listening_ = true;
            heard_ = 0;
            due_ = clock_ / 2;
            byte_ = 0;
            bit_ = 0;
        }
        heard_ += baud_;
        if (heard_ < due_) return;
        due_ += clock_;
        if (bit_ > 0 && bit_ < 9) byte_ |= level << (bit_ - 1);
        if (bit_++ < 9) return;
        listening_ = false;
        low_ = !level;
        bytes_out_++;
        host_->put(byte_);
    }

    const uint64_t clock_, baud_;
    Host *host_;
    uint64_t cycles_ = 0, bytes_in_ = 0, bytes_out_ = 0;
    unsigned poll_in_ = kPollCycles, settle_ = 0;
    bool eof_ = false;

    bool sending_ = false;
    uint32_t bits_ = 1;
    unsigned left_ = 0;
    uint64_t length_ = 0, sent_ = 0;

    bool listening_ = false, low_ = false;
    uint64_t heard_ = 0, due_ = 0;
    unsigned bit_ = 0, byte_ = 0;
};

}  // namespace

Link *make_link(int argc, char **argv, Vnmc_harness *top) {
    uint64_t clock = 0, baud = 0;
    bool pty = false;
    const char *symlink = nullptr;
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (!std::strcmp(argv[i], "--clock") && more) clock = std::strtoull(argv[++i], nullptr, 10);
        else if (!std::strcmp(argv[i], "--baud") && more) baud = std::strtoull(argv[++i], nullptr, 10);
        else if (!std::strcmp(argv[i], "--symlink") && more) symlink = argv[++i];
        else if (!std::strcmp(argv[i], "--pty")) pty = true;
        else return nullptr;
    }
    if (clock == 0 || baud == 0) return nullptr;
    top->rx_i = 1;
    return new Uart(clock, baud, pty ? static_cast<Host *>(new Pty(symlink)) : new Script);
}
