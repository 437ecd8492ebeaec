// StdioPort: a serial line on standard input and output. On a terminal the keyboard is raw, so Ctrl-C goes to the
// guest; Ctrl-A is the escape key: Ctrl-A x quits, Ctrl-A Ctrl-A (or Ctrl-A a) sends Ctrl-A, Ctrl-A h lists these.
// Input that is no terminal is passed on byte for byte.
#pragma once

#include "machine/host/fd_port.h"
#include "machine/host/terminal.h"

namespace bantam::host {

class StdioPort final : public FdPort {
public:
    /// `with_input` false: output only (debug console).
    StdioPort(bool with_input, PortEvents events);
    ~StdioPort() override;
    [[nodiscard]] bool input_possible() const override;
    [[nodiscard]] std::string description() const override { return "standard input and output"; }

private:
    void received(u8 byte) override;
    void output_failed(int error) override;
    void escape_command(u8 key);

    std::unique_ptr<RawTerminal> terminal_;  // null: standard input is not ours
    bool input_is_file_ = false;             // always readable up to its end: nobody is typing
    bool escaped_ = false;                   // Ctrl-A was the last key
};

}  // namespace bantam::host
