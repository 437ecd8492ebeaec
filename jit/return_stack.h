// ReturnStack: the host's stack while translated code runs. Guest calls are host calls, so that the host's processor
// predicts the guest's returns; each return checks where the guest wants to go (Emitter::call). Entries that no return
// takes (longjmp, a switch of stacks, CALL used as a jump) pile up until the stack is full; the page below it faults,
// and all are forgotten. So they are where code of another key, or 16-bit code of another segment, goes on: it may
// return to the same RIP. At the top is the address of a stub for returns without a call.
#pragma once

#include "base/low_memory.h"
#include "base/types.h"

namespace bantam::jit {

class ReturnStack {
public:
    ReturnStack();
    ~ReturnStack();
    ReturnStack(const ReturnStack&) = delete;
    ReturnStack& operator=(const ReturnStack&) = delete;

    void set_stub(u64 address) { *reinterpret_cast<u64*>(top()) = address; }
    /// The stack pointer with nothing but the stub's address on the stack.
    [[nodiscard]] u64 top() const { return memory_ + kBytes - sizeof(u64); }
    /// Whether a fault at `address` means that it is full.
    [[nodiscard]] bool full(u64 address) const { return address - memory_ < kGuardBytes; }

private:
    static constexpr u64 kGuardBytes = 4096;
    static constexpr u64 kBytes = kGuardBytes + (64 << 10);

    u64 memory_;
};

}  // namespace bantam::jit
