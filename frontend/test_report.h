// What `bantam test` leaves behind: one scenario's result as text, its folder of artefacts, and JUnit XML of all.
#pragma once

#include <string>
#include <vector>

#include "scenario/runner.h"

namespace bantam::frontend {

struct TestResult {
    std::string name;
    bool passed = false;
    std::string failure;  // one line
    std::string text;     // for the reader of the terminal
    double seconds = 0;   // of the host
};

/// The result with, after a failure, the last steps and the screen.
TestResult describe(const scenario::Scenario& scenario, const scenario::Report& report);

/// Writes trace.txt, screen.txt, screen.png, serialN.log and machine.toml into `folder`. Errors: host_resource.
Result<void> write_artifacts(const std::string& folder, const scenario::Scenario& scenario,
                             const scenario::Report& report, Machine& machine);

/// JUnit's XML, as Jenkins and GitLab read it.
std::string junit_xml(const std::vector<TestResult>& results);

}  // namespace bantam::frontend
