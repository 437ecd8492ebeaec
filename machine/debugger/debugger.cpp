#include "machine/debugger/debugger.h"

#include <algorithm>

namespace bantam {

Debugger::Debugger(Cpu& cpu, Interpreter& engine, std::function<void(const Stop&)> stopped)
    : cpu_(cpu), engine_(engine), stopped_(std::move(stopped)) {
    engine_.set_supervisor(this);
    cpu_.data_watches.push_back(this);
    cpu_.event_watches.insert(cpu_.event_watches.begin(), this);  // before others are told of what it puts off
}

Debugger::~Debugger() {
    engine_.set_supervisor(nullptr);
    std::erase(cpu_.data_watches, this);
    std::erase(cpu_.event_watches, this);
    update_debug_watch(cpu_);
    engine_.reset();  // blocks need not be split any more
}

bool Debugger::add_breakpoint(Linear address) {
    if (breakpoints_.contains(address.value)) return true;
    if (breakpoints_.size() == kMostBreakpoints) return false;
    breakpoints_.insert(address.value);
    bool& split = offsets_.at(address.value % kPageSize);
    // Debuggers take their breakpoints out at every stop: an offset once split stays so, or all code would be decoded
    // and translated anew each time.
    if (!std::exchange(split, true)) engine_.reset();
    return true;
}

bool Debugger::add_watchpoint(Linear address, u64 size, Access access) {
    const Watchpoint added{address.value, size, access};
    if (std::find(watchpoints_.begin(), watchpoints_.end(), added) != watchpoints_.end()) return true;
    if (size == 0 || size > kMostPages * kPageSize || watchpoints_.size() == kMostWatchpoints) return false;
    watchpoints_.push_back(added);
    watch_pages();
    if (pages_.size() <= kMostPages) {
        update_debug_watch(cpu_);
        return true;
    }
    watchpoints_.pop_back();
    watch_pages();
    return false;
}

void Debugger::remove_watchpoint(Linear address, u64 size, Access access) {
    const auto found = std::find(watchpoints_.begin(), watchpoints_.end(), Watchpoint{address.value, size, access});
    if (found == watchpoints_.end()) return;
    watchpoints_.erase(found);
    watch_pages();
    update_debug_watch(cpu_);
}

void Debugger::watch_pages() {
    std::set<u64> pages;
    for (const Watchpoint& watch : watchpoints_) {
        const u64 last = watch.address + watch.size - 1;
        for (u64 page = watch.address & ~(kPageSize - 1);; page += kPageSize) {
            pages.insert(page);
            if (last - page < kPageSize) break;
        }
    }
    pages_.clear();
    for (const u64 page : pages) pages_.push_back({page});
}

Debugger::Place Debugger::here() const {
    const CpuState& state = cpu_.state;
    return {state.instructions, cpu_.wrap_linear(state.segment[kCs].base + state.rip())};
}

/// The same of the instruction that is under way.
Debugger::Place Debugger::in_flight() const {
    const CpuState& state = cpu_.state;
    return {cpu_.retired(), cpu_.wrap_linear(state.segment[kCs].base + state.instruction_rip)};
}

void Debugger::resume() {
    resumed_at_ = here();
    hit_.reset();
    stepping_ = false;
}

void Debugger::step() {
    resume();
    stepping_ = true;
}

bool Debugger::stop(const Stop& why) {
    stepping_ = false;
    hit_.reset();
    stopped_(why);
    return true;
}

interpreter::Supervisor::Turn Debugger::before_turn() {
    const Place now = here();
    const auto stop_for = [this](const Stop& why) {
        stop(why);
        return Turn::stop;
    };
    if (hit_) return stop_for(*hit_);
    if (debug_trap_due() && catches(Vector::debug, now))
        return stop_for({.cause = Cause::exception, .vector = Vector::debug});
    if (!stepping_) return Turn::run;
    if (now == resumed_at_) return Turn::run_one;
    return stop_for({.cause = Cause::step});
}

bool Debugger::before_instruction(bool delivered) {
    if (hit_) return stop(*hit_);  // by the delivery
    if (delivered && stepping_) return stop({.cause = Cause::step});
    const Place now = here();
    if (!breakpoints_.contains(now.address.value)) return false;
    // With RF the processor holds its own breakpoints back as well: an instruction that repeats, or begins anew after
    // its fault was handled. The address besides, because handlers return elsewhere with RF too.
    const bool again = now.address == resumed_at_.address && (cpu_.state.flags & kFlagResume) != 0;
    if (now == resumed_at_ || again) return false;
    return stop({.cause = Cause::breakpoint});
}

/// A stop is due at an exception that is about to be delivered; not once more where it was let go on.
bool Debugger::catches(Vector vector, Place at) {
    const bool caught = (caught_ >> static_cast<unsigned>(vector) & 1) != 0;
    return caught && std::exchange(exception_at_, at) != at;
}

bool Debugger::stops_at(const Exception& exception) {
    return catches(exception.vector, here()) && stop({.cause = Cause::exception, .vector = exception.vector});
}

/// What service_attention delivers next is a #DB: of data breakpoints and single steps, or of a breakpoint here.
bool Debugger::debug_trap_due() const {
    const CpuState& s = cpu_.state;
    const bool mov_ss = (s.attention & kAttentionShadow) != 0 && s.mov_ss_shadow;
    if (s.shutdown || mov_ss) return false;
    if (s.step_armed || (s.attention & kAttentionDebugTrap) != 0) return true;
    const bool resuming = (s.flags & kFlagResume) != 0 && !s.resume_armed;
    const bool ready = (s.attention & kAttentionHalted) == 0 && !resuming && debug_instruction_breakpoint_armed(s);
    return ready && debug_instruction_match(cpu_, s.rip()) != 0;
}

/// INT3, INTO and INT1, in the midst of the instruction, which has changed nothing.
void Debugger::delivering(const Event& event) {
    const bool instruction =
        event.kind == EventKind::software_exception || event.kind == EventKind::privileged_software_exception;
    if (!instruction || !catches(static_cast<Vector>(event.vector), in_flight())) return;
    hit_ = Stop{.cause = Cause::exception, .vector = static_cast<Vector>(event.vector)};
    std::longjmp(*cpu_.recovery, kLeftInTheMidst);
}

bool Debugger::stops_at_shutdown() {
    if (std::exchange(shutdown_told_, true)) {
        shutdown_told_ = false;
        return false;
    }
    return stop({.cause = Cause::shutdown});
}

void Debugger::accessed(Linear address, std::span<const u8> bytes, bool write) {
    for (const Watchpoint& watch : watchpoints_) {
        const bool kind = watch.access == Access::any || (watch.access == Access::write) == write;
        const bool overlaps =
            address.value - watch.address < watch.size || watch.address - address.value < bytes.size();
        if (!kind || !overlaps || hit_) continue;
        hit_ = Stop{.cause = Cause::watchpoint, .access = watch.access, .address = watch.address};
        cpu_.break_block();
    }
}

bool Debugger::leaves_repeat(u64 left) {
    if (!hit_) return false;
    repeat_ = {in_flight(), left};
    return true;
}

std::optional<u64> Debugger::left_of_turn() {
    const std::optional<Repeat> repeat = std::exchange(repeat_, std::nullopt);
    return repeat && repeat->place == in_flight() ? std::optional(repeat->left) : std::nullopt;
}

}  // namespace bantam
