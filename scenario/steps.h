// Steps: what each kind of step does with the machine, and whether a wait is over. Everything on the machine's thread,
// between two instructions.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "machine/outcome.h"
#include "machine/typist.h"
#include "scenario/events.h"
#include "scenario/pointer.h"
#include "scenario/scenario.h"
#include "scenario/screen.h"
#include "scenario/serial_line.h"

namespace bantam::scenario {

/// A step that is being taken.
struct Attempt {
    const Step* step = nullptr;
    u64 begun_ns = 0;
    u64 quiet_since_ns = 0;           // wait_stable, wait_idle
    u64 looked_ns = 0;                // wait_idle: the last look
    u64 idle_ns = 0;                  // and Machine::idle_ns() then
    u64 version = 0;                  // wait_stable: of the screen; wait_picture: of the picture compared last
    bool pointing = false;            // click_text: the text was found
    bool recognised = false;          // the text that decided was read by optical character recognition
    Events::Flag happened = nullptr;  // wait_io, wait_address
    std::string why = {};             // it failed, or is not done; hash: what it is
};

class Steps {
public:
    enum class Progress { waiting, done, failed };

    /// Conditions are looked at so often.
    static constexpr u64 kLook_ns = 10'000'000;
    /// While a step waits, pictures are recognised so often: one takes the host a second.
    static constexpr u64 kRecognition_ns = 1'000'000'000;

    struct Host {
        std::function<Result<void>(const std::string& name)> screenshot;
        std::function<Result<void>(const Step& step)> run;
        std::function<Result<std::string>(const devices::Frame& frame)> recognise;
    };
    Steps(Machine& machine, Events& events, std::vector<SerialLine*> lines, Host host);

    Attempt begin(const Step& step);
    Progress poll(Attempt& attempt);
    /// The step is one that a guest has to be there for.
    [[nodiscard]] static bool needs_guest(Action action);
    /// The guest ended in the midst of the step, which is done if that is what it led to: the last key was pressed.
    [[nodiscard]] Progress ended_within(const Attempt& attempt) const;
    /// It goes on from tick to tick of Runner::kPeriod_ns, not from look to look.
    [[nodiscard]] static bool is_quick(Action action);
    /// The guest ended by itself.
    void end(StopReason reason) { ended_ = reason; }
    [[nodiscard]] Screen& screen() { return screen_; }

private:
    Progress check(Attempt& attempt, bool found, bool wanted, const char* where);
    Progress act(Attempt& attempt, const Result<void>& done);
    Progress check_screen(Attempt& attempt, bool wanted);
    Progress wait_screen(Attempt& attempt);
    [[nodiscard]] Result<bool> on_screen(Attempt& attempt);
    Result<void> recognise(bool patient);
    Progress wait_stable(Attempt& attempt);
    Progress wait_idle(Attempt& attempt);
    Progress wait_picture(Attempt& attempt);
    Progress find_serial(Attempt& attempt);
    Progress wait_for_more(Attempt& attempt);
    Progress type(Attempt& attempt);
    Progress click(Attempt& attempt);
    Progress click_text(Attempt& attempt);
    [[nodiscard]] const std::string& serial(const Step& step) const { return lines_.at(step.port)->output(); }

    Machine& machine_;
    Events& events_;
    std::vector<SerialLine*> lines_;   // the machine's
    std::vector<std::size_t> looked_;  // in each line: where the next wait begins to look
    Host host_;
    Screen screen_;
    Typist typist_;
    Pointer pointer_;
    devices::Picture picture_;
    devices::Picture recognised_picture_;  // that `recognised_` was read from
    std::string recognised_;
    u64 next_recognition_ns_ = 0;
    std::optional<StopReason> ended_;  // how the guest did
};

}  // namespace bantam::scenario
