// What `bantam test` leaves behind: one scenario's result as text, and JUnit XML of all.
#pragma once

#include <string>
#include <vector>

#include "scenario/report.h"

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

/// JUnit's XML, as Jenkins and GitLab read it.
std::string junit_xml(const std::vector<TestResult>& results);

}  // namespace bantam::frontend
