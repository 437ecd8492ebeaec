// MachineEvent: what happens to a machine, for those who control it.
#pragma once

#include <string>

#include "machine/outcome.h"

namespace bantam {

struct MachineEvent {
    enum class Kind {
        stopped,       // Machine::stop
        resumed,       // Machine::cont
        reset,         // a reset of the whole system is about to happen; by_guest
        power_button,  // Machine::system_powerdown
        tray_moved,    // device, tray_open: by the user or by the guest
        panicked,      // the guest said so, by pvpanic; the machine pauses or ends
        crash_loaded,  // it did, and its crash kernel goes on
        ended,         // the last event: reason, by_guest
    } kind = Kind::stopped;
    bool by_guest = false;
    std::string device = {};
    bool tray_open = false;
    StopReason reason = StopReason::quit;
    bool pauses = false;  // panicked
    bool asked = false;   // ended: by Machine::quit; else a quit came from the process's surroundings (signal, window)
};

}  // namespace bantam
