// Debugger: breakpoints, watchpoints and single steps for whoever holds the machine, exact to the instruction, without
// the guest seeing any of it. Nothing is written into the guest's memory and its debug registers stay its own; code
// without a breakpoint runs translated as ever (cpu/interpreter/supervisor.h).
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "cpu/interpreter/interpreter.h"
#include "cpu/system/debug.h"
#include "cpu/system/event_watch.h"

namespace bantam {

class Debugger final : public interpreter::Supervisor, public DataWatch, public EventWatch {
public:
    enum class Cause {
        breakpoint,
        watchpoint,  // the access has happened; the next instruction has not
        step,
        exception,  // about to be delivered
        shutdown,   // triple fault
    };
    enum class Access { write, read, any };
    struct Stop {
        Cause cause = Cause::step;
        Access access = Access::any;           // watchpoint: its kind
        u64 address = 0;                       // watchpoint: of the data
        Vector vector = Vector::divide_error;  // exception
    };

    /// `stopped` is called on the machine's thread, before the next instruction; it must stop the machine.
    static constexpr std::size_t kMostBreakpoints = 10'000, kMostWatchpoints = 64;

    Debugger(Cpu& cpu, Interpreter& engine, std::function<void(const Stop&)> stopped);
    ~Debugger() override;
    Debugger(const Debugger&) = delete;
    Debugger& operator=(const Debugger&) = delete;

    // --- while the machine is stopped
    /// Stops before the instruction at the linear address, wherever CS begins; once for one that repeats (REP), and
    /// after the interrupts that are due. Adding what is there already is no change. False: there are too many.
    [[nodiscard]] bool add_breakpoint(Linear address);
    void remove_breakpoint(Linear address) { breakpoints_.erase(address.value); }
    /// Stops after an access to [address, address + size) by an instruction, with REP after the element that made it
    /// (SDM vol. 3, 18.3.1.2), or by a delivery. Adding what is there already is no change. False: there are too many,
    /// or too many pages are watched. Whoever detaches where a REP was stopped in the midst of a turn makes what is
    /// left of it a turn of its own: it is counted as one instruction more.
    [[nodiscard]] bool add_watchpoint(Linear address, u64 size, Access access);
    void remove_watchpoint(Linear address, u64 size, Access access);
    /// Stops at exceptions whose vector's bit is set, before their delivery: at the instruction that raises one (INT3,
    /// INTO and INT1 among them), and behind the one that a trap of the debug registers or of EFLAGS.TF follows. Not at
    /// those that a delivery raises.
    void catch_exceptions(u32 vectors) { caught_ = vectors; }
    [[nodiscard]] u32 caught_exceptions() const { return caught_; }
    /// The machine goes on: from here the instruction it stopped at is not stopped at again, until it has executed.
    void resume();
    /// The same for one instruction, or one turn of a repetition; an interrupt or exception that is delivered instead
    /// counts as one.
    void step();

    // --- Supervisor, DataWatch, EventWatch
    Turn before_turn() override;
    bool before_instruction(bool delivered) override;
    bool stops_at(const Exception& exception) override;
    bool stops_at_shutdown() override;
    [[nodiscard]] bool splits_at(u64 page_offset) const override { return offsets_.at(page_offset); }
    void accessed(Linear address, std::span<const u8> bytes, bool write) override;
    [[nodiscard]] bool leaves_repeat(u64 left) override;
    [[nodiscard]] std::optional<u64> left_of_turn() override;
    [[nodiscard]] std::span<const Linear> pages() const override { return pages_; }
    void delivering(const Event& event) override;
    void entering(Entry) override {}
    void returned() override {}

private:
    struct Watchpoint {
        u64 address, size;
        Access access;
        bool operator==(const Watchpoint&) const = default;
    };
    struct Place {
        u64 instructions = ~u64{0};
        Linear address{};
        bool operator==(const Place&) const = default;
    };
    struct Repeat {
        Place place;  // of the instruction
        u64 left = 0;
    };
    [[nodiscard]] Place here() const;
    [[nodiscard]] Place in_flight() const;
    [[nodiscard]] bool debug_trap_due() const;
    [[nodiscard]] bool catches(Vector vector, Place at);
    bool stop(const Stop& why);
    void watch_pages();

    Cpu& cpu_;
    Interpreter& engine_;
    std::function<void(const Stop&)> stopped_;
    std::set<u64> breakpoints_;
    std::array<bool, kPageSize> offsets_{};  // where blocks are split: what breakpoints there are and were
    std::vector<Watchpoint> watchpoints_;
    std::vector<Linear> pages_;
    u32 caught_ = 0;
    std::optional<Stop> hit_;  // a watchpoint, in the middle of an instruction
    bool stepping_ = false;
    bool shutdown_told_ = false;
    Place resumed_at_;              // where it was let go on last
    std::optional<Repeat> repeat_;  // left in the midst of a turn
    Place exception_at_;            // an exception there was stopped at, and is to be delivered
};

}  // namespace bantam
