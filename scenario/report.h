// Report: how a scenario went, and the files it leaves behind.
#pragma once

#include <string>
#include <vector>

#include "machine/machine.h"
#include "scenario/scenario.h"

namespace bantam::scenario {

struct Report {
    bool passed = false;
    std::string failure;             // why not, with the place in the file; empty if it passed
    std::vector<std::string> trace;  // a line a step: guest time, place, step
    u64 guest_ns = 0;
    std::string screen;                // text, at the end or the failure
    std::string screen_source;         // what it was read by: text mode, or a font
    std::vector<std::string> serials;  // what each line brought
    std::vector<u8> film;              // an animated PNG; empty: not asked for
};

/// Writes trace.txt, screen.txt, screen.png, serialN.log, machine.toml and film.png, if there is one, into `folder`.
/// Errors: host_resource.
Result<void> write_artifacts(const std::string& folder, const Scenario& scenario, const Report& report,
                             Machine& machine);

}  // namespace bantam::scenario
