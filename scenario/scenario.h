// Scenario: a machine and the steps to take with it, as data. docs/SCENARIOS.md describes the file it is read from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "machine/config.h"
#include "scenario/expression.h"
#include "scenario/typist.h"

namespace bantam::scenario {

enum class Action {
    wait_screen,        // text is on the text screen
    wait_serial,        // text came on the serial line after what the last wait_serial found
    wait_serial_regex,  // the same with a regular expression, line by line
    wait_stable,        // the text screen stays as it is for `duration_ns`
    wait_time,          // guest time passes
    wait_power_off,     // the guest turns itself off
    type,               // keys
    send,               // bytes to the serial line
    insert,             // `text`: drive, `file`: image
    eject,
    screenshot,
    expect_screen,
    reject_screen,
    expect_serial,
    reject_serial,
};

struct Step {
    Action action = Action::wait_time;
    unsigned line = 0;   // in the file
    std::string source;  // as the file has it, for reports
    std::string text;
    std::string file;
    std::optional<Expression> expression;
    std::vector<Chord> chords;
    u64 duration_ns = 0;
    std::optional<u64> limit_ns;  // of guest time
    unsigned port = 0;            // serial line
};

struct Scenario {
    std::string name;  // of the file, without folder and ending
    std::string about;
    MachineConfig machine;
    std::string machine_text;  // as MACHINE.toml
    u64 limit_ns = 60'000'000'000;
    std::vector<Step> steps;
};

}  // namespace bantam::scenario
