#include "machine/lockstep/lockstep.h"

#include <algorithm>

#include "base/log.h"
#include "machine/lockstep/report.h"

namespace bantam {
namespace {

using lockstep::Difference;
using lockstep::Pair;
using lockstep::Plan;

constexpr const char* kNowhere = "/dev/null";
/// How far beyond the first find the search goes on: cut to blocks, the engines may come to it later.
constexpr u64 kSearchMargin = 1'000'000;

Error usage(std::string message) { return {ExitStatus::usage, std::move(message)}; }

Result<void> check(const MachineConfig& config) {
    if (config.engine == EngineKind::interpreter) {
        return usage("--lockstep compares the engines: leave out --engine interpreter");
    }
    if (config.clock == ClockKind::real_time) return usage("--lockstep needs virtual time: leave out --clock real");
    for (const ControlConfig* control : {&config.monitor, &config.qmp, &config.gdb.line}) {
        if (control->kind != ControlConfig::Kind::none)
            return usage(
                "--lockstep repeats the run, and control cannot be repeated: leave out --monitor, --qmp, --gdb");
    }
    if (config.paused) return usage("--lockstep and --paused: nobody could let it go on");
    for (const SerialConfig& serial : config.serials) {
        if (serial.kind == SerialConfig::Kind::unix_socket || serial.kind == SerialConfig::Kind::pty) {
            return usage("--lockstep repeats the run, and input cannot be repeated: use --serial stdio or file:PATH");
        }
    }
    return {};
}

/// The same machine, with nothing that comes from outside and images that stay as they are.
MachineConfig isolated(MachineConfig config) {
    config.clock = ClockKind::virtual_time;
    config.headless = true;
    config.engine = EngineKind::jit;
    for (SerialConfig& serial : config.serials) {
        if (serial.kind == SerialConfig::Kind::stdio) serial = {SerialConfig::Kind::file, "-", serial.log};
    }
    for (auto* images : {&config.disks, &config.floppies, &config.flashes}) {
        for (ImageConfig& image : *images) image.temporary_overlay = !image.readonly;
    }
    return config;
}

/// The same without output.
MachineConfig silent(MachineConfig config) {
    for (SerialConfig& serial : config.serials) {
        if (serial.kind == SerialConfig::Kind::file) serial.path = kNowhere;
        serial.log.clear();
    }
    if (config.debugcon.kind != DebugconConfig::Kind::none) {
        config.debugcon = {.kind = DebugconConfig::Kind::file, .path = kNowhere};
    }
    config.wall_limit_ns.reset();
    config.trace = {};
    return config;
}

MachineConfig interpreted(MachineConfig config) {
    config = silent(std::move(config));
    config.engine = EngineKind::interpreter;
    config.jit_threshold.reset();
    return config;
}

}  // namespace

Result<std::unique_ptr<Lockstep>> Lockstep::create(MachineConfig config, lockstep::WrapRunner wrap) {
    if (const Result<void> checked = check(config); !checked) return checked.error();
    std::unique_ptr<Lockstep> made(new Lockstep(isolated(std::move(config)), std::move(wrap)));
    Result<std::unique_ptr<Pair>> pair = Pair::create(interpreted(made->config_), made->config_, {}, made->wrap_);
    if (!pair) return pair.error();
    made->first_ = std::move(pair.value());
    return made;
}

std::optional<Difference> Lockstep::search(Plan plan) const {
    const Result<std::unique_ptr<Pair>> pair =
        Pair::create(interpreted(config_), silent(config_), std::move(plan), wrap_);
    if (!pair) return std::nullopt;
    pair.value()->run();
    return pair.value()->difference();
}

Outcome Lockstep::run() {
    const Outcome outcome = first_->run();
    log::info("lock-step: registers compared {} times, memory {} times", first_->comparisons(),
              first_->memory_comparisons());
    difference_ = first_->difference();
    if (!difference_) return outcome;
    if (difference_->found == difference_->agreed && difference_->memory.empty()) {
        // What differs is no register that is compared while running: no block to look for.
        report_ = lockstep::report(*difference_);
        return outcome;
    }

    Plan plan{.begin = difference_->memory_agreed,
              .end = difference_->found + kSearchMargin,
              .each_block = true,
              .pages = {}};
    for (const lockstep::MemoryDifference& memory : difference_->memory) {
        plan.pages.push_back(memory.address.page());
    }
    // Memory was the same when the registers differed: the last run is to blame.
    if (plan.pages.empty()) plan.begin = difference_->agreed;
    fmt::print(stderr,
               "bantam: lock-step: a difference between instructions {} and {}; running again to find the block\n",
               plan.begin, difference_->found);
    std::optional<Difference> narrow = search(plan);
    if (!narrow) {
        plan.each_block = false;
        narrow = search(plan);
    }
    if (narrow) difference_ = std::move(narrow);
    report_ = lockstep::report(*difference_);
    return outcome;
}

}  // namespace bantam
