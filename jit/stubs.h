// Stubs: the fixed pieces of host code between C++ and translated code, written once at the start of the code cache.
#pragma once

#include <array>

#include "cpu/cpu.h"
#include "jit/code_cache.h"

namespace bantam::jit {

/// Host addresses of the stubs.
struct Stubs {
    /// C++ calls it: loads the guest's registers and goes to Context::entry; returns when translated code leaves.
    void (*enter)() = nullptr;
    /// Jumped to by translated code. R14: the guest RIP to go on at; the miss of an indirect jump too, with R15: its
    /// Site where that is needed (branch.cpp).
    u64 leave_at_rip = 0;
    /// R14: the Link that is not linked.
    u64 leave_by_link = 0;
    /// Called with R14: the Site to hand over; returns behind the call, goes on elsewhere, or leaves.
    u64 call_handler = 0;
    /// The same with the Site of a block's first instruction: tells the BlockWatch.
    u64 call_block_watch = 0;
    /// Returned to when no call is left on the ReturnStack. R14 and R15: as of leave_at_rip.
    u64 lone_return = 0;
    /// Called: the guest's vector registers and MXCSR are the host's afterwards. Overwrites R14 and R15 only.
    u64 load_vectors = 0;
    /// Called with kAddend: the distance of the window that RSP points into. The base of GS
    /// becomes stack_window::base_for it. Overwrites the scratch registers.
    u64 load_stack_distance = 0;
    /// Called, by the Mmu's set and the logarithm of the number of bytes, with RCX: the address of a write, kAddend:
    /// its entry. RCX is zero afterwards where only code elsewhere in the page has kept it from being direct; nothing
    /// else is overwritten.
    static constexpr unsigned kWriteSizes = 6;
    std::array<std::array<u64, kWriteSizes>, Mmu::kFastSets> write_beside_code{};
};

/// What follows an instruction that was handed over.
enum class AfterHandler : u8 {
    resume,  // the translation it is part of
    go_on,   // the translation for RIP in Context::indirect_table, if there is one
    leave,
};
/// Executes Context::site, or tells that its block begins.
using CallHandler = AfterHandler (*)(void* self);

/// Errors: internal, when the code could not be made.
Result<Stubs> make_stubs(CodeCache& cache, Cpu& cpu, Context& context, CallHandler call_handler,
                         CallHandler call_block_watch);

}  // namespace bantam::jit
