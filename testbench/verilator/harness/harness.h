// What a Verilated device is driven by. main.cpp has the clock; what stands at the pins is a Link, one file a kind.
#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>

#include "Vnmc_harness.h"

// One end of what joins host and device, the device's pins at the other.
class Link {
public:
    virtual ~Link() {}
    // Called before every rising edge of the device's clock: takes the outputs, which are those of the cycle that ends, and sets
    // the inputs. It may wait for the host while the device has nothing to do, and may move other clocks and call eval. False ends
    // the simulation.
    virtual bool cycle(Vnmc_harness *top) = 0;
    // Called once after the last cycle.
    virtual void finish(uint64_t cycles) { (void)cycles; }
    // How long cycle has waited.
    std::chrono::steady_clock::duration asleep{0};
};

// Makes the link of this program from its arguments; names those that it takes. Arguments that it does not know are left.
Link *make_link(int argc, char **argv, Vnmc_harness *top);
extern const char *const link_usage;

// Ends the program with what errno says.
[[noreturn]] void die(const char *what);
