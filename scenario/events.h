// Events: what a scenario waits for that happens within an instruction. The machine stops at it, the scenario takes its
// steps there, and the machine goes on: nothing happens in between, in guest time either.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "machine/machine.h"

namespace bantam::scenario {

class Events {
public:
    /// `happened` is called on the machine's thread between two instructions, with the machine stopped.
    Events(Machine& machine, std::function<void()> happened) : machine_(machine), happened_(std::move(happened)) {}

    /// Becomes true when it has happened. It is waited for as long as somebody holds this.
    using Flag = std::shared_ptr<bool>;

    /// Writes to ports are told from here on. Before Machine::run().
    void watch_ports();
    /// A write to `port` of `value`, or of anything. The machine stops behind the instruction.
    [[nodiscard]] Flag await_write(u16 port, std::optional<u32> value);
    /// The instruction at `address` is next.
    [[nodiscard]] Flag await_address(Linear address);
    /// Forgets what nobody waits for, and leaves the debugger to others when no address is waited for. Not while the
    /// engine runs.
    void tidy();

private:
    struct Write {
        u16 port;
        std::optional<u32> value;
        std::weak_ptr<bool> flag;
    };
    struct Address {
        Linear address;
        std::weak_ptr<bool> flag;
    };
    void written(u16 port, u32 value);
    void reached();
    void stop_here();

    Machine& machine_;
    std::function<void()> happened_;
    std::vector<Write> writes_;
    std::vector<Address> addresses_;
    std::unique_ptr<Debugger> debugger_;  // while addresses are waited for
    bool stopping_ = false;
};

}  // namespace bantam::scenario
