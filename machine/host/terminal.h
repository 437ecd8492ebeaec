// Terminal: puts the controlling terminal into raw mode for a guest's serial console and back. Restored by the
// destructor, at exit(), and before a fatal signal ends the process. The terminal belongs to the process, so this is
// its one process-wide piece of state.
#pragma once

namespace bantam::host {

class RawTerminal {
public:
    /// Makes `fd` raw (every key, Ctrl-C included, reaches the guest). Does nothing when it is no terminal or another
    /// RawTerminal already holds one.
    explicit RawTerminal(int fd);
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

    [[nodiscard]] bool active() const { return active_; }

private:
    bool active_ = false;
};

/// True when somebody may be typing at standard input.
[[nodiscard]] bool standard_input_is_terminal();

/// Gives the terminal back its saved mode, if it is raw. Async-signal-safe.
void restore_terminal() noexcept;

}  // namespace bantam::host
