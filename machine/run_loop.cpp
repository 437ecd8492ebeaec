#include "machine/run_loop.h"

#include <algorithm>

namespace bantam {
namespace {
// Real time: the least number of instructions worth entering the engine for; a deadline is met that much too late at
// worst.
constexpr u64 kLeastSlice = 200;
}  // namespace

RunLoop::RunLoop(Wiring wiring, Engine& engine, Hooks hooks, Limits limits)
    : w_(wiring), engine_(engine), hooks_(std::move(hooks)), limits_(limits) {
    w_.scheduler.set_deadline_listener([this] { deadline_moved(); });
}

RunLoop::~RunLoop() { w_.scheduler.set_deadline_listener(nullptr); }

Outcome RunLoop::run() {
    wall_start_ns_ = host::monotonic_ns();
    while (!outcome_) turn();
    w_.io.drain();
    return outcome_.value();
}

std::optional<Outcome> RunLoop::run_until(u64 instructions) {
    pause_at_ = instructions;
    while (!outcome_ && w_.cpu.state.instructions < instructions) turn();
    return outcome_;
}

void RunLoop::turn() {
    run_posted();
    if (quit_requested()) end(outcome_of(StopReason::quit));
    if (outcome_ || limit_reached()) return;
    if (stopped_) return wait_stopped();
    if (reset_requested_) {
        reset_requested_ = false;
        return hooks_.reset();
    }
    w_.scheduler.run_due();
    look_at_host();
    if (!outcome_ && !reset_requested_ && !stopped_) run_slice();
}

void RunLoop::request_quit() noexcept {
    quit_.store(true, std::memory_order_relaxed);
    w_.bell.ring();
}

void RunLoop::post(std::function<void()> work) {
    {
        const std::lock_guard lock(posted_mutex_);
        posted_.push_back(std::move(work));
    }
    w_.bell.ring();
}

void RunLoop::run_posted() {
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(posted_mutex_);
        work.swap(posted_);
    }
    for (const auto& item : work) item();
}

void RunLoop::end(Outcome outcome) {
    if (!outcome_) outcome_ = outcome;
    w_.cpu.request_attention(kAttentionStop);
}

void RunLoop::request_reset() {
    reset_requested_ = true;
    w_.cpu.request_attention(kAttentionStop);
}

void RunLoop::stop() {
    if (stopped_) return;
    stopped_ = true;
    w_.clock.pause();
    w_.cpu.request_attention(kAttentionStop);
}

void RunLoop::cont() {
    if (!stopped_) return;
    stopped_ = false;
    w_.clock.resume();
}

bool RunLoop::limit_reached() {
    const bool reached = (limits_.guest_ns && w_.clock.now() >= *limits_.guest_ns) || wall_left() == 0;
    if (reached) end(outcome_of(StopReason::time_limit));
    return reached;
}

u64 RunLoop::wall_left() const {
    if (!limits_.wall_ns) return host::HostIo::kForever;
    const u64 passed = host::monotonic_ns() - wall_start_ns_;
    return passed >= *limits_.wall_ns ? 0 : *limits_.wall_ns - passed;
}

void RunLoop::look_at_host() {
    const u64 now = w_.clock.now();
    if (now < next_host_look_ns_) return;
    next_host_look_ns_ = now - now % kHostPeriod_ns + kHostPeriod_ns;
    if (w_.io.service()) hooks_.input_waiting();
}

void RunLoop::wait_stopped() {
    w_.io.service();
    w_.io.wait(wall_left());
}

u64 RunLoop::slice_end() const {
    u64 end_ns = std::min(w_.scheduler.next_deadline(), next_host_look_ns_);
    if (limits_.guest_ns) end_ns = std::min(end_ns, *limits_.guest_ns);
    return end_ns;
}

u64 RunLoop::slice_deadline() const { return std::min(w_.clock.instructions_at(slice_end()), pause_at_); }

void RunLoop::run_slice() {
    CpuState& state = w_.cpu.state;
    const bool real = w_.clock.pace() == Clock::Pace::real_time;
    const u64 start_ns = real ? w_.clock.now() : 0;
    const u64 first = state.instructions;
    state.deadline = slice_deadline();
    if (real) state.deadline = std::max(state.deadline, first + kLeastSlice);

    in_slice_.store(true, std::memory_order_relaxed);
    const EngineExit exit = engine_.run();
    in_slice_.store(false, std::memory_order_relaxed);

    if (real) w_.clock.learn(state.instructions - first, w_.clock.now() - start_ns);
    if (exit == EngineExit::shutdown) hooks_.shutdown();
    if (exit == EngineExit::halted && !outcome_ && !reset_requested_ && !stopped_) idle();
}

void RunLoop::deadline_moved() {
    if (!in_engine()) return;
    const u64 deadline = slice_deadline();
    if (deadline >= w_.cpu.state.deadline) return;
    w_.cpu.state.deadline = deadline;
    w_.cpu.deadline_moved();
}

void RunLoop::stall(u64 ns) {
    if (w_.clock.pace() == Clock::Pace::real_time) return;
    w_.clock.stall(ns);
    deadline_moved();
}

void RunLoop::idle() {
    const CpuState& state = w_.cpu.state;
    u64 until_ns = w_.scheduler.next_deadline();
    const bool masked = (state.flags & kFlagInterrupt) == 0 && !state.wake_on_masked;
    const bool listening = limits_.attended || w_.io.input_possible();
    const bool for_good =
        masked ? !hooks_.can_wake_masked() : !listening && !acted_on_ && !w_.scheduler.machine_waits();
    if (for_good && !limits_.attended) return end(outcome_of(StopReason::halted));
    if (limits_.guest_ns) until_ns = std::min(until_ns, *limits_.guest_ns);

    const u64 now = w_.clock.now();
    if (until_ns <= now) return;
    if (w_.clock.pace() == Clock::Pace::real_time) {
        w_.io.service();
        w_.io.wait(std::min(until_ns == Scheduler::kNever ? host::HostIo::kForever : w_.clock.host_ns_until(until_ns),
                            wall_left()));
        w_.clock.slept_until(until_ns);
        next_host_look_ns_ = 0;
    } else if (listening) {
        sleep_virtual(until_ns);
        next_host_look_ns_ = 0;
    } else {
        w_.clock.jump_to(until_ns);
    }
}

void RunLoop::sleep_virtual(u64 until_ns) {
    w_.io.service();
    if (until_ns == Scheduler::kNever) return w_.io.wait(wall_left());
    const u64 start_ns = host::monotonic_ns();
    const u64 now = w_.clock.now();
    w_.io.wait(std::min((until_ns - now) / kIdleSpeedup, wall_left()));
    // Woken early by the host: only the time slept has passed.
    const u64 slept_ns = (host::monotonic_ns() - start_ns) * kIdleSpeedup;
    w_.clock.jump_to(std::min(until_ns, now + slept_ns));
}

}  // namespace bantam
