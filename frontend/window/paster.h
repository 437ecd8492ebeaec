// Paster: types the text of the host's clipboard into a running machine, as fast as its guest reads keys
// (machine/typist.h). The guest is taken to have a US keyboard, for a keyboard cannot know it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/scheduler.h"
#include "machine/machine.h"
#include "machine/typist.h"

namespace bantam::frontend {

/// The keys for UTF-8 text; a line ends with LF, CR or both. Errors (usage): there is no text, too much, or a character
/// that a US keyboard does not have, or that would be a command rather than text (ESC and other controls): which, and
/// in what line. Nothing is left out silently.
Result<std::vector<Keystroke>> keystrokes_for_paste(std::string_view text);

class Paster {
public:
    /// `say` is told, on the machine's thread, how it ended. Both must outlive this.
    Paster(Machine& machine, std::function<void(std::string)> say);

    // --- on the machine's thread
    void begin(std::vector<Keystroke> keystrokes);
    /// Types no more, and lets go of what is held.
    void stop();

    // --- any thread
    [[nodiscard]] bool active() const { return active_; }
    [[nodiscard]] unsigned percent() const { return percent_; }

private:
    void step();
    void end(std::string text);

    static constexpr u64 kPeriod_ns = 1'000'000;  // a PS/2 keyboard needs about that for a byte

    Typist typist_;
    Machine& machine_;
    std::function<void(std::string)> say_;
    std::unique_ptr<Timer> timer_;
    std::atomic<bool> active_ = false;
    std::atomic<unsigned> percent_ = 0;
};

}  // namespace bantam::frontend
