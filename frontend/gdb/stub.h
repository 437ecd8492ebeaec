// Stub: what gdb asks of a machine ("Debugging with GDB", appendix E, "Packets" and "General Query Packets"). On the
// machine's thread.
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
    Stub(Machine& machine, std::shared_ptr<ControlLine::Output> output)
        : machine_(machine), output_(std::move(output)) {}

    /// gdb is here: the machine stops.
    void begin();
    /// gdb is gone; the machine stays as it is.
    void leave();
    void take(const Input& input);
    void tell(const MachineEvent& event);

private:
    /// What to answer; nothing: the answer comes when the machine stops.
    using Answer = std::optional<std::string>;
    Answer handle(std::string_view packet);
    Answer query(std::string_view packet);
    Answer read_registers();
    Answer write_registers(std::string_view digits);
    Answer one_register(std::string_view packet);
    Answer read_memory(std::string_view packet);
    Answer write_memory(std::string_view packet, bool binary);
    Answer breakpoint(std::string_view packet, bool insert);
    Answer resume(std::string_view packet, bool step);
    Answer resume_each(std::string_view actions);
    Answer description_part(std::string_view range);
    Answer console(std::string_view digits);
    std::string catch_exceptions(std::string_view words);
    [[nodiscard]] std::string stop_reply() const;
    void send(std::string_view packet);

    Machine& machine_;
    std::shared_ptr<ControlLine::Output> output_;
    std::unique_ptr<Debugger> debugger_;
    std::optional<Registers> registers_;
    std::optional<Debugger::Stop> stop_;  // why it stopped; nothing: it was asked to
    std::string sent_;                    // the last packet, should gdb want it again
    bool acknowledge_ = true;
    bool running_ = false;   // gdb waits for a stop
    bool physical_ = false;  // addresses are physical (Qqemu.PhyMemMode)
};

}  // namespace bantam::frontend::gdb
