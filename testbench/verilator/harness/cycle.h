// One clock cycle of a Verilated model; what is read afterwards belongs to the cycle that has begun.
//
// Verilator's eval() looks for edges, runs what is clocked, and looks again. Two things are spared where the model has the names that we know, of
// Verilator 5; else it is evaluated as its manual says, with the same results:
//   - the falling edge: the model finds a clock edge by its copy of the clock at the last evaluation, which is cleared;
//   - the looking, where the rising edge is the only trigger and nothing follows an input at other times: then the clocked function is called by itself.
#pragma once
#include <type_traits>
#include <utility>

#include "verilated.h"

// NMC_CLOCKED(MODEL) is the clocked function of a model, null where Verilator has none of that name.
#define NMC_CLOCKED(model)                                                              \
    extern "C++" __attribute__((weak)) void model##___024root___eval_nba(model##___024root *); \
    static void (*const clocked)(model##___024root *) = &model##___024root___eval_nba

template <class Root> auto low(Root *root, int) -> decltype(root->__Vtrigrprev__TOP__clk_i, true) {
    root->__Vtrigrprev__TOP__clk_i = 0;
    return true;
}
template <class Root> auto low(Root *root, long) -> decltype(root->__Vtrigprevexpr___TOP__clk_i__0, true) {
    root->__Vtrigprevexpr___TOP__clk_i__0 = 0;
    return true;
}
template <class Root> bool low(Root *, ...) { return false; }

// A model that has the list of triggers of inputs forms something from them at once.
template <class Root, class = void> struct FollowsInputs : std::false_type {};
template <class Root> struct FollowsInputs<Root, decltype(void(std::declval<Root>().__VicoTriggered))> : std::true_type {};

template <class Root>
auto triggered(Root *root, int)
    -> std::enable_if_t<std::is_same<decltype(root->__VnbaTriggered), VlTriggerVec<1>>::value && !FollowsInputs<Root>::value, bool> {
    root->__VnbaTriggered.at(0) = true;
    return true;
}
template <class Root> bool triggered(Root *, ...) { return false; }

template <class Model, class Root> void cycle(Model *top, Root *root, void (*clocked)(Root *)) {
    static bool settled;  // the first evaluation does more
    if (settled && clocked && triggered(root, 0)) {
        clocked(root);
        return;
    }
    settled = true;
    if (!low(root, 0)) {
        top->clk_i = 0;
        top->eval();
    }
    top->clk_i = 1;
    top->eval();
}
