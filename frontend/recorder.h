// Recorder: writes a scenario from what is done to a machine (--record): keys become `type` and `keys`, clicks of the
// absolute pointer `click`, media `insert` and `eject`, the machine's buttons `power-button` and `reset`. Before what
// follows a pause stands a wait for what the screen showed then: the last line of its text, or that it has come to
// rest. On the machine's thread.
#pragma once

#include <string>
#include <vector>

#include "frontend/options.h"
#include "machine/input.h"
#include "machine/machine.h"
#include "scenario/screen.h"

namespace bantam::frontend {

class Recorder {
public:
    /// Listens to `machine` from now on. `settings` are those it was made from. Before Machine::run().
    Recorder(Machine& machine, const Settings& settings);

    /// The scenario so far; `outcome`: of the run.
    [[nodiscard]] std::string text(const Outcome& outcome);

private:
    void take(const InputEvent& event);
    void key(devices::KeyCode key, bool pressed);
    void click(const InputEvent& event);
    void await_screen();
    void end_keys();
    void add_step(const std::string& key, const std::string& value);

    static constexpr u64 kPause_ns = 1'000'000'000;  // keys within it are one step

    Machine& machine_;
    scenario::Screen screen_;
    std::string machine_text_;
    std::string steps_;
    std::vector<devices::KeyCode> held_;  // keys that change others
    std::string typed_;                   // text that was typed since the last step
    std::vector<std::string> chords_;     // or keys that are no text
    u64 last_key_ns_ = 0;
    std::string last_wait_;
    unsigned buttons_ = 0;
};

}  // namespace bantam::frontend
