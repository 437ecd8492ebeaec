// See code_faults.h.
#include "base/code_faults.h"

#include <signal.h>
#include <ucontext.h>

#include <array>
#include <mutex>

namespace bantam {
namespace {

struct Handled {
    int signal_number;
    struct sigaction previous;
};

// The only mutable globals: signal handlers belong to the process, not to a machine.
std::atomic<CodeRange*> g_ranges{nullptr};
std::mutex g_registry_mutex;
std::array<Handled, 4> g_handled{{{SIGSEGV, {}}, {SIGBUS, {}}, {SIGFPE, {}}, {SIGILL, {}}}};

const CodeRange* find_range(u64 rip) {
    for (const CodeRange* range = g_ranges.load(std::memory_order_acquire); range != nullptr; range = range->next) {
        if (rip >= range->begin.load(std::memory_order_acquire) && rip < range->end.load(std::memory_order_acquire)) {
            return range;
        }
    }
    return nullptr;
}

void call_previous(int signal_number, siginfo_t* info, void* context) {
    const struct sigaction* previous = nullptr;
    for (const Handled& handled : g_handled) {
        if (handled.signal_number == signal_number) previous = &handled.previous;
    }
    if ((previous->sa_flags & SA_SIGINFO) != 0) {
        previous->sa_sigaction(signal_number, info, context);
    } else if (previous->sa_handler != SIG_DFL && previous->sa_handler != SIG_IGN) {
        previous->sa_handler(signal_number);
    } else if (info->si_code > 0 || previous->sa_handler == SIG_DFL) {
        // A fault repeats on return and then takes its default action; a signal that was sent must be sent again.
        signal(signal_number, SIG_DFL);
        if (info->si_code <= 0) raise(signal_number);
    }
}

void on_signal(int signal_number, siginfo_t* info, void* context) {
    constexpr greg_t kPageFaultWrite = 2;
    constexpr greg_t kPageFaultVector = 14;
    greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const CodeRange* range = info->si_code > 0 ? find_range(static_cast<u64>(registers[REG_RIP])) : nullptr;
    if (range == nullptr) return call_previous(signal_number, info, context);
    const bool page_fault = registers[REG_TRAPNO] == kPageFaultVector;
    const CodeFault fault{.vector = static_cast<u64>(registers[REG_TRAPNO]),
                          .has_address = page_fault,
                          .write = page_fault && (registers[REG_ERR] & kPageFaultWrite) != 0,
                          .address = page_fault ? static_cast<u64>(registers[REG_CR2]) : 0,
                          .registers = registers};
    if (!range->handler.load()(range->self.load(), fault)) call_previous(signal_number, info, context);
}

void install_handlers() {
    for (Handled& handled : g_handled) {
        struct sigaction action = {};
        action.sa_sigaction = on_signal;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        sigaction(handled.signal_number, &action, &handled.previous);
    }
}

}  // namespace

CodeRange* register_code_range(u64 begin, u64 end, CodeFaultHandler handler, void* self) {
    const std::lock_guard lock(g_registry_mutex);
    CodeRange* range = g_ranges.load();
    if (range == nullptr) install_handlers();
    while (range != nullptr && range->end.load() != 0) range = range->next;
    const bool reused = range != nullptr;
    if (!reused) {
        range = new CodeRange;  // never deleted: a handler on another thread may be walking the list
        range->next = g_ranges.load();
    }
    range->handler.store(handler);
    range->self.store(self);
    range->begin.store(begin);
    range->end.store(end, std::memory_order_release);
    if (!reused) g_ranges.store(range, std::memory_order_release);
    return range;
}

void release_code_range(CodeRange* range) {
    const std::lock_guard lock(g_registry_mutex);
    range->end.store(0);
    range->begin.store(0);
}

}  // namespace bantam
