// The machine that the targets of control interfaces talk to: small, with empty drives, and not running.
#pragma once

#include <memory>

#include "base/check.h"
#include "machine/machine.h"

namespace bantam {

inline std::unique_ptr<Machine> make_control_machine() {
    MachineConfig config;
    config.memory_bytes = u64{1} << 20;
    config.headless = true;
    config.cdroms.push_back({.path = "none"});
    config.floppies.push_back({.path = "none"});
    auto made = Machine::create(config);
    CHECK(made.ok());
    return std::move(made.value());
}

}  // namespace bantam
