// See fault_signals.h.
#include "cpu/host/fault_signals.h"

#include <signal.h>
#include <ucontext.h>

#include <mutex>

namespace bantam::host {
namespace {

// The only mutable globals of this folder: signal handlers belong to the process, not to a machine.
std::atomic<FaultRange*> g_ranges{nullptr};
std::mutex g_registry_mutex;
struct sigaction g_previous_fpe;
struct sigaction g_previous_ill;

const FaultRange* find_range(u64 rip) {
    for (const FaultRange* range = g_ranges.load(std::memory_order_acquire); range != nullptr; range = range->next) {
        if (rip >= range->begin.load(std::memory_order_acquire) && rip < range->end.load(std::memory_order_acquire)) {
            return range;
        }
    }
    return nullptr;
}

void call_previous(const struct sigaction& previous, int signal_number, siginfo_t* info, void* context) {
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(signal_number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(signal_number);
    } else if (info->si_code > 0 || previous.sa_handler == SIG_DFL) {
        // A fault repeats on return and then takes its default action; a signal that was sent must be sent again.
        signal(signal_number, SIG_DFL);
        if (info->si_code <= 0) raise(signal_number);
    }
}

void on_signal(int signal_number, siginfo_t* info, void* context) {
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const FaultRange* range = find_range(static_cast<u64>(registers[REG_RIP]));
    if (range == nullptr) {
        call_previous(signal_number == SIGFPE ? g_previous_fpe : g_previous_ill, signal_number, info, context);
        return;
    }
    const greg_t vector = registers[REG_TRAPNO];
    const bool simd = vector == 19;
    registers[REG_RAX] = vector + 1;
    registers[REG_RIP] = static_cast<greg_t>(simd ? range->simd_exit.load() : range->other_exit.load());
}

void install_handlers() {
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGFPE, &action, &g_previous_fpe);
    sigaction(SIGILL, &action, &g_previous_ill);
}

}  // namespace

FaultRange* register_fault_range(u64 begin, u64 end, u64 simd_exit, u64 other_exit) {
    const std::lock_guard lock(g_registry_mutex);
    FaultRange* range = g_ranges.load();
    if (range == nullptr) install_handlers();
    while (range != nullptr && range->end.load() != 0) range = range->next;
    const bool reused = range != nullptr;
    if (!reused) {
        range = new FaultRange;  // never deleted: a handler on another thread may be walking the list
        range->next = g_ranges.load();
    }
    range->simd_exit.store(simd_exit);
    range->other_exit.store(other_exit);
    range->begin.store(begin);
    range->end.store(end, std::memory_order_release);
    if (!reused) g_ranges.store(range, std::memory_order_release);
    return range;
}

void release_fault_range(FaultRange* range) {
    const std::lock_guard lock(g_registry_mutex);
    range->end.store(0);
    range->begin.store(0);
}

}  // namespace bantam::host
