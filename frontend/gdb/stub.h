// Stub: what gdb asks of a machine ("Debugging with GDB", appendix E, "Packets", "Stop Reply Packets" and "General
// Query Packets"), on the machine's thread. One processor is one thread, number 1; all stop together. Of QEMU's
// extensions it has Qqemu.PhyMemMode. Leaves out non-stop mode, conditions and commands of breakpoints (gdb has its
// own), and reverse execution.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "frontend/control_line.h"
#include "frontend/gdb/packets.h"
#include "frontend/gdb/registers.h"
#include "machine/debugger/debugger.h"
#include "machine/machine.h"

namespace bantam::frontend::gdb {

class Stub {
public:
    /// `bits`: what gdb is told the processor is, 16, 32 or 64; 0: what its mode is when gdb comes.
    Stub(Machine& machine, std::shared_ptr<ControlLine::Output> output, unsigned bits)
        : machine_(machine), output_(std::move(output)), bits_(bits) {}

    /// The first packet stops the machine; before it nothing happens.
    void take(const Input& input);
    /// The line has ended. Breakpoints go; the machine runs or stands as it did.
    void leave();
    void tell(const MachineEvent& event);

private:
    /// What to answer; nothing: the answer comes when the machine stops.
    using Answer = std::optional<std::string>;
    void begin();
    Answer handle(std::string_view packet);
    Answer query(std::string_view packet);
    Answer read_registers();
    Answer write_registers(std::string_view digits);
    Answer one_register(std::string_view packet);
    Answer read_memory(std::string_view packet);
    Answer write_memory(std::string_view packet, bool binary);
    Answer breakpoint(std::string_view packet, bool insert);
    Answer resume(char how, std::string_view rest);
    Answer resume_each(std::string_view actions);
    Answer go_on(bool step);
    Answer detach();
    Answer description_part(std::string_view range);
    Answer console(std::string_view digits);
    std::string catch_exceptions(std::span<const std::string> words);
    [[nodiscard]] std::string stop_reply() const;
    void send(std::string_view packet);

    Machine& machine_;
    std::shared_ptr<ControlLine::Output> output_;
    unsigned bits_;
    std::unique_ptr<Debugger> debugger_;  // while gdb is here
    bool gone_ = false;                   // it was, and has left
    std::optional<Registers> registers_;
    std::optional<Debugger::Stop> stop_;  // why it stopped; nothing: it was asked to
    std::string sent_;                    // the last packet, should gdb want it again
    bool acknowledge_ = true;
    bool running_ = false;   // gdb waits for a stop
    bool physical_ = false;  // addresses are physical (Qqemu.PhyMemMode)
};

}  // namespace bantam::frontend::gdb
