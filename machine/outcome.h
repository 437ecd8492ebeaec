// Why a machine stopped, and the process exit status that follows from it.
#pragma once

#include "base/exit_status.h"

namespace bantam {

enum class StopReason {
    power_off,       // ACPI S5, or APM-like power-off
    quit,            // the user asked (monitor quit, signal)
    debug_exit,      // isa-debug-exit; Outcome::code is the process status
    time_limit,      // --time-limit or --wall-limit
    halted,          // HLT, and nothing is left that could wake it
    triple_fault,    // with --no-reboot
    reset_refused,   // any other guest reset with --no-reboot
    plugin,          // a plugin ended the run; Outcome::code is the process status
    guest_panic,     // the guest said so, by pvpanic
    engines_differ,  // --lockstep found the translator and the interpreter in different states
};

struct Outcome {
    StopReason reason = StopReason::quit;
    int code = 0;  // process exit status (base/exit_status.h; 2*value+1 for debug_exit; the plugin's)
};

/// A sentence for people, without its full stop.
[[nodiscard]] constexpr const char* describe(StopReason reason) {
    switch (reason) {
        case StopReason::power_off:
            return "the guest switched itself off";
        case StopReason::quit:
            return "the run was interrupted";
        case StopReason::debug_exit:
            return "the guest ended the run by the debug exit port";
        case StopReason::time_limit:
            return "the time limit was reached";
        case StopReason::halted:
            return "the guest halted, and nothing can wake it";
        case StopReason::triple_fault:
            return "the guest's CPU shut down after a triple fault";
        case StopReason::reset_refused:
            return "the guest asked for a reset, which --no-reboot refuses";
        case StopReason::plugin:
            return "a plugin ended the run";
        case StopReason::guest_panic:
            return "the guest has panicked";
        case StopReason::engines_differ:
            return "lock-step: the engines differ";
    }
    return "";
}

/// The outcome with the status that belongs to `reason` (any but debug_exit and plugin). A reset refused by --no-reboot
/// ends the machine as a power-off does: status 0.
[[nodiscard]] constexpr Outcome outcome_of(StopReason reason) {
    switch (reason) {
        case StopReason::time_limit:
            return {reason, static_cast<int>(ExitStatus::time_limit)};
        case StopReason::halted:
        case StopReason::triple_fault:
        case StopReason::guest_panic:
            return {reason, static_cast<int>(ExitStatus::guest_stopped)};
        case StopReason::engines_differ:
            return {reason, static_cast<int>(ExitStatus::internal_error)};
        default:
            return {reason, static_cast<int>(ExitStatus::ok)};
    }
}

}  // namespace bantam
