// Scenario: a machine and the steps to take with it, as data. docs/SCENARIOS.md describes the file it is read from.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "machine/config.h"
#include "machine/keystroke.h"
#include "scenario/expression.h"
#include "scenario/picture.h"

namespace bantam::scenario {

enum class Action {
    wait_screen,        // text is on the screen
    wait_screen_regex,  // a line of the screen matches
    wait_serial,        // text came on the serial line after what the last wait_serial found
    wait_serial_regex,  // the same with a regular expression, line by line
    wait_stable,        // the screen stays as it is for `duration_ns`
    wait_idle,          // the guest is halted, but for less than a tenth of the time, for `duration_ns`
    wait_picture,       // the screen from x, y on is `picture`
    wait_io,            // the guest writes `value`, or anything, to the port `address`
    wait_address,       // the instruction at the linear address `address` is next
    wait_time,          // guest time passes
    wait_power_off,     // the guest turns itself off
    wait_halt,          // it has halted, and nothing can wake it
    type,               // keys
    click,              // `buttons` at x, y
    click_text,         // `buttons` on `text`
    send,               // bytes to the serial line
    insert,             // `text`: drive, `file`: image
    eject,
    power_button,
    reset,  // the machine's button
    screenshot,
    run,  // a command of the host; its limit is the host's time
    expect_screen,
    reject_screen,
    expect_serial,
    reject_serial,
    hash,            // of the machine's state, for the trace
    expect_refusal,  // the machine cannot be built, and why matches `expression`; the only step
};

struct Step {
    Action action = Action::wait_time;
    std::string place;   // where it is written: "line 7", or "FILE:7" in a file that is included
    std::string source;  // as the file has it, for reports
    std::string text;
    std::string file;
    std::optional<Expression> expression;
    std::vector<Keystroke> chords;
    std::shared_ptr<const ReferencePicture> picture;
    unsigned tolerance = 0;  // of each component of a colour
    unsigned x = 0, y = 0;   // pixels
    unsigned buttons = 1;    // bit 0 left, 1 right, 2 middle
    u64 address = 0;
    std::optional<u32> value;
    u64 duration_ns = 0;          // type: how long each key is held; 0: until it is read
    std::optional<u64> limit_ns;  // of guest time
    unsigned port = 0;            // serial line
    bool ocr = false;             // the screen's text may also be what optical character recognition makes of it
    /// So many of the steps behind it are repeated until it is fulfilled; 0: it is a step as any other.
    std::size_t repeated = 0;
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
