// RunLoop: alternates between the engine (a slice of guest instructions), the scheduler (timers that are due), the
// host's descriptors, and work posted by other threads, until somebody ends the machine.
//
// A slice ends at the next timer deadline, at the next look at the host (every kHostPeriod_ns of guest time) or at the
// time limit, whichever comes first; a timer armed inside a slice shortens it at once. When the guest halts:
//   virtual time jumps to the next deadline. If somebody outside may still send input (an open pipe or socket, a
//   monitor), idle time instead runs at most kIdleSpeedup times as fast as the host's, so that they are not left behind
//   by hours; real time sleeps in ppoll until the deadline or until the host has something.
// Input reaches the guest between slices only. With all input in files, or none, virtual time makes runs repeatable.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/scheduler.h"
#include "cpu/engine.h"
#include "machine/clock.h"
#include "machine/host/host_io.h"
#include "machine/outcome.h"

namespace bantam {

class RunLoop {
public:
    static constexpr u64 kHostPeriod_ns = 1'000'000;
    static constexpr u64 kIdleSpeedup = 10;

    struct Wiring {
        Cpu& cpu;
        Scheduler& scheduler;
        Clock& clock;
        host::HostIo& io;
        host::Bell& bell;
    };
    struct Hooks {
        /// Some host port has bytes for the guest.
        std::function<void()> input_waiting;
        /// Performs a system reset.
        std::function<void()> reset;
        /// The processor is in shutdown (triple fault).
        std::function<void()> shutdown;
        /// False when a processor halted with interrupts off can never go on (no NMI, SMI or INIT source is armed).
        std::function<bool()> can_wake_masked;
    };
    struct Limits {
        std::optional<u64> guest_ns;
        std::optional<u64> wall_ns;
        /// Somebody may act from outside (window, monitor): a machine halted for good waits for them.
        bool attended = false;
    };

    RunLoop(Wiring wiring, Engine& engine, Hooks hooks, Limits limits);
    ~RunLoop();
    RunLoop(const RunLoop&) = delete;
    RunLoop& operator=(const RunLoop&) = delete;

    /// Runs until end(), a limit, or request_quit().
    Outcome run();
    /// The same, but pauses as soon as `instructions` are retired, before anything that is due then: the outcome, or
    /// none when it paused. Virtual time: a run in pieces is the same as one in one piece.
    std::optional<Outcome> run_until(u64 instructions);
    /// The processor stands still for `ns` in the middle of an instruction. Real time passes by itself.
    void stall(u64 ns);
    /// CpuState::deadline was changed in the middle of a slice: sets it to what it should be.
    void renew_deadline() { w_.cpu.state.deadline = slice_deadline(); }

    // --- any thread; request_quit also from signal handlers
    void request_quit() noexcept;
    [[nodiscard]] bool quit_requested() const noexcept { return quit_.load(std::memory_order_relaxed); }
    void post(std::function<void()> work);
    /// The engine is running.
    [[nodiscard]] bool in_engine() const noexcept { return in_slice_.load(std::memory_order_relaxed); }

    // --- the machine's thread; from chips, in the middle of an instruction, too
    /// The first call decides the outcome.
    void end(Outcome outcome);
    /// Somebody acts on the machine when the host's timers fire: a guest that waits for an interrupt is not halted for
    /// good.
    void expect_acts() { acted_on_ = true; }
    /// Hooks::reset is called before the next instruction.
    void request_reset();
    void stop();
    void cont();
    [[nodiscard]] bool stopped() const { return stopped_; }

private:
    void turn();
    void run_posted();
    void run_slice();
    void wait_stopped();
    void idle();
    void sleep_virtual(u64 until_ns);
    void look_at_host();
    [[nodiscard]] bool limit_reached();
    [[nodiscard]] u64 wall_left() const;
    void deadline_moved();
    [[nodiscard]] u64 slice_end() const;
    [[nodiscard]] u64 slice_deadline() const;

    Wiring w_;
    Engine& engine_;
    Hooks hooks_;
    Limits limits_;
    std::optional<Outcome> outcome_;
    bool stopped_ = false;
    bool reset_requested_ = false;
    bool acted_on_ = false;
    std::atomic<bool> in_slice_ = false;
    u64 pause_at_ = ~u64{0};  // instructions
    u64 next_host_look_ns_ = 0;
    u64 wall_start_ns_ = 0;
    std::atomic<bool> quit_ = false;
    std::mutex posted_mutex_;
    std::vector<std::function<void()>> posted_;
};

}  // namespace bantam
