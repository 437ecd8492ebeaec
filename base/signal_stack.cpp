#include "base/signal_stack.h"

#include <signal.h>

#include <memory>

#include "base/check.h"
#include "base/types.h"

namespace bantam {
namespace {

/// Room for the registers of any processor (AVX-512, AMX) and for page walks.
constexpr std::size_t kBytes = 64 << 10;

class SignalStack {
public:
    SignalStack() {
        stack_t present{};
        CHECK(sigaltstack(nullptr, &present) == 0);
        if ((present.ss_flags & SS_DISABLE) == 0 && present.ss_size >= kBytes) return;
        memory_ = std::make_unique<u8[]>(kBytes);
        stack_t stack{};
        stack.ss_sp = memory_.get();
        stack.ss_size = kBytes;
        CHECK(sigaltstack(&stack, nullptr) == 0);
    }
    ~SignalStack() {
        if (memory_ == nullptr) return;
        stack_t none{};
        none.ss_flags = SS_DISABLE;
        sigaltstack(&none, nullptr);
    }
    SignalStack(const SignalStack&) = delete;
    SignalStack& operator=(const SignalStack&) = delete;

private:
    std::unique_ptr<u8[]> memory_;
};

}  // namespace

void ensure_signal_stack() { thread_local const SignalStack kStack; }

}  // namespace bantam
