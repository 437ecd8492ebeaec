// `bantam run`: builds the machine, gives it monitor, QMP, gdb and signals, runs it, and leaves behind what was asked
// for.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/check.h"
#include "base/log.h"
#include "frontend/audio/audio.h"
#include "frontend/commands.h"
#include "frontend/gdb/packets.h"
#include "frontend/gdb/stub.h"
#include "frontend/machine_file.h"
#include "frontend/monitor.h"
#include "frontend/qmp/json_stream.h"
#include "frontend/qmp/talk.h"
#include "frontend/recent_machines.h"
#include "frontend/recorder.h"
#include "frontend/remote/remote_display.h"
#include "frontend/signals.h"
#include "frontend/talk_line.h"
#include "frontend/window/window.h"
#include "machine/image_writer.h"
#include "machine/lockstep/lockstep.h"
#include "machine/machine.h"
#include "scenario/screen.h"

namespace bantam::frontend {
namespace {

/// fmt::print would throw where standard error is a pipe that nobody reads any more.
void say(const char* message) { std::fputs(fmt::format("bantam: {}\n", message).c_str(), stderr); }

/// Why the machine ended, where the status alone would puzzle.
void explain(const Outcome& outcome) {
    const bool expected = outcome.reason == StopReason::power_off || outcome.reason == StopReason::quit ||
                          outcome.reason == StopReason::debug_exit || outcome.reason == StopReason::plugin;
    if (!expected) say(describe(outcome.reason));
}

/// The machine whose registers a failed CHECK shows; the process has one only here.
Machine* running_machine = nullptr;

void show_registers() {
    if (running_machine == nullptr) return;
    const Result<std::string> registers = running_machine->info("registers");
    if (registers) std::fputs(registers.value().c_str(), stderr);
}

/// The machine, or the pair of them that --lockstep asks for.
struct Guest {
    std::unique_ptr<Machine> single;
    std::unique_ptr<Lockstep> pair;

    static Result<Guest> create(MachineConfig config) {
        Guest guest;
        if (config.lockstep) {
            Result<std::unique_ptr<Lockstep>> made = Lockstep::create(std::move(config));
            if (!made) return made.error();
            guest.pair = std::move(made.value());
        } else {
            Result<std::unique_ptr<Machine>> made = Machine::create(std::move(config));
            if (!made) return made.error();
            guest.single = std::move(made.value());
        }
        return guest;
    }
    [[nodiscard]] Machine& machine() { return pair ? pair->machine() : *single; }
    Outcome run() {
        if (!pair) return single->run();
        const Outcome outcome = pair->run();
        fmt::print(stderr, "{}", pair->report());
        return outcome;
    }
};

bool has_nothing_to_boot(const MachineConfig& config) {
    return config.kernel.empty() && config.disks.empty() && config.cdroms.empty() && config.floppies.empty() &&
           config.flashes.empty() && config.option_roms.empty() && config.firmware == MachineConfig{}.firmware;
}

/// For the start screen. That it cannot be kept is no reason not to run.
void remember(const Settings& settings) {
    const std::string file = recent_machines_file();
    std::error_code failed;
    const std::string folder = std::filesystem::current_path(failed);
    if (file.empty() || failed) return;
    const Result<void> kept = remember_machine(file, {folder, print_machine_text(settings)});
    if (!kept) log::warning("the machine is not among the recent ones: {}", kept.error().message);
}

bool shown_remotely(const DisplayConfig& display) {
    return display.kind == DisplayKind::vnc || display.kind == DisplayKind::web;
}

/// The window that --display asks for; null: none.
Result<std::unique_ptr<Screen>> open_display(const Settings& settings) {
    const bool chosen = settings.display.kind == DisplayKind::sdl;
    if (settings.machine.headless || settings.machine.lockstep ||
        (!chosen && settings.display.kind != DisplayKind::automatic))
        return std::unique_ptr<Screen>{};
    if (!display_is_named()) {
        if (chosen) {
            return Error{
                ExitStatus::host_resource,
                "cannot open a window: neither DISPLAY nor WAYLAND_DISPLAY names a display; --headless runs without"};
        }
        say("there is no display: running headless (--headless says so without this message)");
        return std::unique_ptr<Screen>{};
    }
    Result<std::unique_ptr<Screen>> opened = open_screen();
    if (opened || chosen) return opened;
    say(fmt::format("{}: running headless", opened.error().message).c_str());
    return std::unique_ptr<Screen>{};
}

}  // namespace

Result<int> run_machine(const Settings& settings, Screen* screen) {
    SignalWatch::block();
    std::unique_ptr<Screen> opened;
    if (screen == nullptr) {
        Result<std::unique_ptr<Screen>> display = open_display(settings);
        if (!display) return display.error();
        opened = std::move(display.value());
        screen = opened.get();
    }
    MachineConfig config = settings.machine;
    config.headless = screen == nullptr && !shown_remotely(settings.display);

    Result<Guest> made = Guest::create(std::move(config));
    if (!made) return made.error();
    if (has_nothing_to_boot(settings.machine)) {
        say("nothing to boot: the firmware will wait for ever (Ctrl-C ends it); try --kernel");
    } else if (screen != nullptr) {
        remember(settings);
    }
    Guest& guest = made.value();
    Machine& machine = guest.machine();
    if (guest.single) {
        Result<std::unique_ptr<AudioOutput>> audio = open_audio(settings.audio, screen != nullptr);
        if (!audio) return audio.error();
        if (audio.value()) machine.set_audio(std::move(audio.value()));
    }
    Outcome outcome;
    std::optional<Recorder> recorder;
    if (!settings.record.empty()) recorder.emplace(machine, settings);
    {
        const SignalWatch signals(machine);
        const auto monitor =
            ControlLine::open(settings.machine.monitor, ControlLine::kManyClients,
                              [&machine](auto output) { return start_monitor(machine, std::move(output)); });
        if (!monitor) return monitor.error();
        const auto remote = RemoteDisplay::open(settings.display, machine);
        if (!remote) return remote.error();
        qmp::Context context{.machine = machine, .remote = remote.value().get()};
        const auto qmp = TalkLine<qmp::Talk, qmp::JsonStream>::open(
            settings.machine.qmp, ControlLine::kManyClients, machine,
            [&context](auto output) { return std::make_shared<qmp::Talk>(context, std::move(output)); });
        if (!qmp) return qmp.error();
        const GdbConfig& gdb_config = settings.machine.gdb;
        const auto gdb = TalkLine<gdb::Stub, gdb::PacketReader>::open(
            gdb_config.line, 1, machine, [&machine, bits = gdb_config.bits](auto output) {
                return std::make_shared<gdb::Stub>(machine, std::move(output), bits);
            });
        if (!gdb) return gdb.error();
        if (const auto every_ns = settings.machine.hash_every_ns) {
            machine.watch(*every_ns, [&machine] {
                fmt::print("{} ns hash {:016x}\n", machine.now_ns(), machine.state_hash());
                std::fflush(stdout);
            });
        }
        running_machine = &machine;
        set_crash_reporter(show_registers);
        outcome = screen ? Window(machine, *screen).run([&guest] { return guest.run(); }) : guest.run();
        opened.reset();
        running_machine = nullptr;
    }
    explain(outcome);
    if (recorder) {
        if (const Result<void> written = write_file(settings.record, recorder->text(outcome)); !written)
            return written.error();
    }
    if (settings.machine.stats) {
        fmt::print(stderr, "{}", machine.statistics());
    } else if (log::enabled(log::Level::info)) {
        log::info("statistics\n{}", machine.statistics());
    }
    if (!settings.machine.screen_text.empty()) {
        if (const Result<void> written =
                write_file(settings.machine.screen_text, scenario::read_screen(machine) + "\n");
            !written)
            return written.error();
    }
    if (!settings.machine.screenshot.empty()) {
        if (const Result<void> written = machine.screendump(settings.machine.screenshot); !written)
            return written.error();
    }
    if (std::ferror(stderr) != 0) return Error{ExitStatus::host_resource, "cannot write to standard error"};
    if (settings.machine.print_hash) fmt::print("state hash {:016x}\n", machine.state_hash());
    return outcome.code;
}

}  // namespace bantam::frontend
