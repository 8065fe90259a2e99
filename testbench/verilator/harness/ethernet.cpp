// The device's Ethernet, MII nibbles of 100 Mbit/s in simulated time, with one of two networks at the other end.
//
//   --clock HZ            of the device
//   --tap NAME            frames go to and come from a network interface of the system, made if it is not there
//
// With --tap, standard output tells in a line "tap NAME" that it is there; an empty line on standard input asks for a line of
// counts, its end ends the process.
//
// Without, frames come on standard input and go to standard output, each after its length in two bytes, low byte first. A
// frame gets its padding and check sequence here, and loses the check sequence; with the highest bit of the length set it
// goes to the device as it is. At the end of input the device finishes what it has and the process ends.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

#include "Vnmc_harness___024root.h"
#include "harness.h"

const char *const link_usage = "--clock HZ [--tap NAME]";

namespace {

typedef std::chrono::steady_clock Clock;
typedef std::vector<uint8_t> Bytes;

// Cycles between two looks at the network while the device works.
const unsigned kPollCycles = 512;
const uint64_t kPhyClock = 25000000;
// Nibbles between two frames, and those before the first byte.
const unsigned kGap = 24, kPreamble = 15;

// CRC-32 of Ethernet.
uint32_t crc32(const Bytes &b) {
    uint32_t crc = ~0u;
    for (uint8_t x : b) {
        crc ^= x;
        for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

void finish_frame(Bytes *frame) {
    if (frame->size() < 60) frame->resize(60);
    const uint32_t crc = crc32(*frame);
    for (int i = 0; i < 4; i++) frame->push_back(uint8_t(crc >> 8 * i));
}

// The network at the other end of the cable.
class Network {
public:
    virtual ~Network() {}
    // The next frame, check sequence included, if there is one.
    virtual bool get(Bytes *frame) = 0;
    // Looks for more; if asked to, until there is some. False: there will be none.
    virtual bool look(bool wait) = 0;
    // A frame of the device, its check sequence right and taken away.
    virtual void put(const Bytes &frame) = 0;
    virtual bool asked() { return false; }
};

// A test on two pipes.
class Script final : public Network {
public:
    bool get(Bytes *frame) override {
        if (in_.size() < at_ + 2) return false;
        const size_t length = in_[at_] | in_[at_ + 1] << 8, n = length & 0x7fff;
        if (in_.size() < at_ + 2 + n) return false;
        frame->assign(in_.begin() + at_ + 2, in_.begin() + at_ + 2 + n);
        at_ += 2 + n;
        if (!(length & 0x8000)) finish_frame(frame);
        return true;
    }
    bool look(bool wait) override {
        pollfd p = {STDIN_FILENO, POLLIN, 0};
        if (!wait && poll(&p, 1, 0) <= 0) return true;
        in_.erase(in_.begin(), in_.begin() + at_);
        at_ = 0;
        uint8_t b[1 << 12];
        ssize_t n;
        do n = read(STDIN_FILENO, b, sizeof b);
        while (n < 0 && errno == EINTR);
        if (n < 0) die("read from standard input");
        in_.insert(in_.end(), b, b + n);
        return n > 0;
    }
    void put(const Bytes &frame) override {
        Bytes out{uint8_t(frame.size()), uint8_t(frame.size() >> 8)};
        out.insert(out.end(), frame.begin(), frame.end());
        for (size_t at = 0; at < out.size();) {
            ssize_t n = write(STDOUT_FILENO, out.data() + at, out.size() - at);
            if (n > 0) at += n;
            else if (errno != EINTR) die("write to standard output");
        }
    }

private:
    Bytes in_;
    size_t at_ = 0;
};

// An interface of the system. What the system cannot take is lost, as on a real line.
class Tap final : public Network {
public:
    explicit Tap(const char *name) {
        fd_ = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd_ < 0) refused("/dev/net/tun");
        ifreq request;
        std::memset(&request, 0, sizeof request);
        request.ifr_flags = IFF_TAP | IFF_NO_PI;
        std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
        if (ioctl(fd_, TUNSETIFF, &request) < 0) refused(name);
        std::printf("tap %s\n", request.ifr_name);
        std::fflush(stdout);
    }
    bool get(Bytes *frame) override {
        if (!ready_) return false;
        ready_ = false;
        frame->resize(1 << 16);
        const ssize_t n = read(fd_, frame->data(), frame->size());
        if (n < 0 && errno != EAGAIN && errno != EINTR && errno != EIO) die("read from the interface");
        if (n <= 0) return false;
        ready_ = true;  // perhaps there is another
        frame->resize(n);
        finish_frame(frame);
        return true;
    }
    bool look(bool wait) override {
        pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {fd_, POLLIN, 0}};
        const int n = poll(p, 2, wait ? -1 : 0);
        if (n < 0 && errno != EINTR) die("poll");
        if (n > 0 && p[0].revents) {
            uint8_t b[64];
            if (read(STDIN_FILENO, b, sizeof b) <= 0) return false;
            asked_ = true;
        }
        if (n > 0 && p[1].revents & POLLIN) ready_ = true;
        return true;
    }
    void put(const Bytes &frame) override {
        if (write(fd_, frame.data(), frame.size()) < 0 && errno != EAGAIN && errno != EINTR && errno != EIO && errno != ENOBUFS)
            die("write to the interface");
    }
    bool asked() override {
        const bool a = asked_;
        asked_ = false;
        return a;
    }

private:
    // The status tells the caller that it is a matter of rights.
    [[noreturn]] static void refused(const char *what) {
        std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
        std::exit(errno == EPERM || errno == EACCES ? 3 : 1);
    }
    int fd_ = -1;
    bool ready_ = false, asked_ = false;
};

// An edge of the model is found by its copy of the clock, see main.cpp.
#define LOW(name, pin)                                                                            \
    template <class Root> auto name(Root *root, int)->decltype(root->__Vtrigrprev__TOP__##pin, true) { \
        root->__Vtrigrprev__TOP__##pin = 0;                                                       \
        return true;                                                                              \
    }                                                                                             \
    template <class Root> auto name(Root *root, long)->decltype(root->__Vtrigprevexpr___TOP__##pin##__0, true) { \
        root->__Vtrigprevexpr___TOP__##pin##__0 = 0;                                              \
        return true;                                                                              \
    }                                                                                             \
    template <class Root> bool name(Root *, ...) { return false; }
LOW(low_rx, mii_rx_clk_i)
LOW(low_tx, mii_tx_clk_i)

class Ethernet final : public Link {
public:
    Ethernet(uint64_t clock, Network *network) : clock_(clock), network_(network) {}
    ~Ethernet() override { delete network_; }

    bool cycle(Vnmc_harness *top) override {
        if (--poll_in_ == 0) {
            poll_in_ = kPollCycles;
            if (!eof_) eof_ = !network_->look(false);
            counts();
        }
        while (!sending_ && !next()) {
            if (top->busy_o || top->rst_i || hearing_ || settle_ > 0) break;
            if (eof_) return false;
            const Clock::time_point t = Clock::now();
            eof_ = !network_->look(true);
            asleep += Clock::now() - t;
            counts();
        }
        // Until what was sent is in the device's clock.
        if (sending_) settle_ = 16 + 64 * clock_ / kPhyClock;
        else if (settle_ > 0) settle_--;
        for (phase_ += kPhyClock; phase_ >= clock_;) {
            phase_ -= clock_;
            edge(top);
            // The last edge before the device's is one with it.
            if (phase_ >= clock_) top->eval();
        }
        cycles_++;
        return true;
    }

private:
    // A rising edge of the PHY's clocks: the device sees what is set here, and shows what it set at the edge before.
    void edge(Vnmc_harness *top) {
        hear(top->mii_tx_en_o, top->mii_txd_o);
        send(top);
        if (!low_rx(top->rootp, 0) || !low_tx(top->rootp, 0)) {
            top->mii_rx_clk_i = top->mii_tx_clk_i = 0;
            top->eval();
        }
        top->mii_rx_clk_i = top->mii_tx_clk_i = 1;
    }

    // Takes the next frame.
    bool next() {
        if (!network_->get(&frame_)) return false;
        sending_ = true;
        at_ = 0;
        bytes_in_ += frame_.size();
        frames_in_++;
        return true;
    }

    // The nibble of this edge.
    void send(Vnmc_harness *top) {
        const size_t end = kPreamble + 1 + 2 * frame_.size();
        top->mii_rx_dv_i = sending_ && at_ < end;
        top->mii_rxd_i = !sending_ || at_ >= end ? 0 : at_ < kPreamble ? 5 : at_ == kPreamble ? 13
            : frame_[(at_ - kPreamble - 1) / 2] >> 4 * ((at_ - kPreamble - 1) % 2) & 15;
        if (sending_ && ++at_ == end + kGap) sending_ = false;
    }

    void hear(bool on, uint8_t nibble) {
        if (on) {
            heard_.push_back(nibble);
            hearing_ = true;
            return;
        }
        if (!hearing_) return;
        hearing_ = false;
        Bytes b;
        for (size_t i = 0; i + 1 < heard_.size(); i += 2) b.push_back(heard_[i] | heard_[i + 1] << 4);
        heard_.clear();
        // What is not right on the wire is no frame to any network.
        const bool right = b.size() >= 8 + 64 && b[6] == 0x55 && b[7] == 0xd5;
        if (right) b.erase(b.begin(), b.begin() + 8);
        uint32_t fcs = 0;
        for (int i = 0; right && i < 4; i++) fcs |= uint32_t(b[b.size() - 4 + i]) << 8 * i;
        if (right) bytes_out_ += b.size(), frames_out_++;
        if (right) b.resize(b.size() - 4);
        if (!right || fcs != crc32(b)) {
            wrong_++;
            return;
        }
        network_->put(b);
    }

    void counts() {
        if (!network_->asked()) return;
        std::printf("counts %llu %llu %llu %llu %llu %llu\n", (unsigned long long)cycles_, (unsigned long long)bytes_in_,
                    (unsigned long long)bytes_out_, (unsigned long long)wrong_, (unsigned long long)frames_in_,
                    (unsigned long long)frames_out_);
        std::fflush(stdout);
    }

    const uint64_t clock_;
    Network *network_;
    uint64_t phase_ = 0, cycles_ = 0, bytes_in_ = 0, bytes_out_ = 0, frames_in_ = 0, frames_out_ = 0, wrong_ = 0, settle_ = 0;
    unsigned poll_in_ = kPollCycles;
    bool eof_ = false;

    Bytes frame_;
    size_t at_ = 0;  // nibbles of it sent, preamble and gap included
    bool sending_ = false;

    Bytes heard_;
    bool hearing_ = false;
};

}  // namespace

Link *make_link(int argc, char **argv, Vnmc_harness *top) {
    uint64_t clock = 0;
    const char *tap = nullptr;
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (!std::strcmp(argv[i], "--clock") && more) clock = std::strtoull(argv[++i], nullptr, 10);
        else if (!std::strcmp(argv[i], "--tap") && more) tap = argv[++i];
        else return nullptr;
    }
    if (clock == 0) return nullptr;
    top->mii_rx_dv_i = 0;
    return new Ethernet(clock, tap ? static_cast<Network *>(new Tap(tap)) : new Script);
}
