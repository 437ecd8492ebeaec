// What follows from the options together.
#include "frontend/option_values.h"

namespace bantam::frontend {

Result<void> complete_settings(Settings& settings) {
    MachineConfig& machine = settings.machine;
    if (machine.kernel.empty()) {
        const char* orphan = !machine.initrd.empty()    ? "initrd"
                             : !machine.append.empty()  ? "append"
                             : !machine.modules.empty() ? "module"
                                                        : nullptr;
        if (orphan != nullptr)
            return usage(fmt::format("--{} says nothing without --kernel: add --kernel FILE", orphan));
    } else {
        const char* unused = !machine.flashes.empty() ? "flash" : !machine.option_roms.empty() ? "option-rom" : nullptr;
        if (unused != nullptr)
            return usage(
                fmt::format("--{} is for firmware, and --kernel starts without any: give one of them", unused));
    }
    if (!machine.flashes.empty() && machine.firmware != MachineConfig{}.firmware)
        return usage("--firmware and --flash: the first --flash holds the firmware; give one of them");
    const DisplayKind display = settings.display.kind;
    if ((display == DisplayKind::sdl || is_remote(display)) && (machine.headless || machine.lockstep)) {
        return usage(fmt::format("--display {} shows the screen, and --{} shows none: give one of them",
                                 get_word(display, kDisplays, DisplayKind::automatic).front(),
                                 machine.headless ? "headless" : "lockstep"));
    }
    const bool hidden =
        display == DisplayKind::none || machine.headless;  // what a file says of viewers does not matter
    if (!settings.display.password_file.empty() && !is_remote(display) && !hidden)
        return usage("--vnc-password is for viewers: add --display vnc or --display web");
    if (!settings.display.novnc.empty() && display != DisplayKind::web && !hidden)
        return usage("--novnc is for browsers: add --display web");
    if (settings.display.certificate.empty() != settings.display.key.empty())
        return usage("--web-certificate and --web-key belong together: give both");
    if (!settings.display.certificate.empty() && display != DisplayKind::web && !hidden)
        return usage("--web-certificate is for browsers: add --display web");
    const bool audio_chosen =
        settings.audio.kind == AudioConfig::Kind::sdl || settings.audio.kind == AudioConfig::Kind::wav;
    if (audio_chosen && machine.lockstep)
        return usage("--audio and --lockstep: two machines side by side are not heard; leave out one of them");
    const ControlConfig::Kind kinds[] = {machine.monitor.kind, machine.qmp.kind, machine.gdb.line.kind};
    const bool controlled = std::any_of(std::begin(kinds), std::end(kinds),
                                        [](ControlConfig::Kind kind) { return kind != ControlConfig::Kind::none; });
    if (machine.paused && is_remote(display) && !controlled) {
        return usage("--paused: viewers could not let the guest go on; add --gdb, --qmp or --monitor");
    }
    const auto controls_on_stdio = std::count(std::begin(kinds), std::end(kinds), ControlConfig::Kind::stdio);
    if (machine.serials.empty() && !machine.kernel.empty() && controls_on_stdio == 0) {
        machine.serials.push_back({.kind = SerialConfig::Kind::stdio, .path = {}, .log = {}});
    }
    const auto on_stdio = std::count_if(machine.serials.begin(), machine.serials.end(), [](const SerialConfig& serial) {
        return serial.kind == SerialConfig::Kind::stdio;
    });
    if (on_stdio + controls_on_stdio > 1) {
        return usage(
            "only one of the serial ports, the monitor, QMP and gdb can be on stdio: put the others on unix:PATH or "
            "file:PATH");
    }
    if (!machine.plugins.empty() && machine.lockstep)
        return usage("--plugin and --lockstep: what a plugin changes makes two machines differ; give one of them");
    if (!settings.record.empty() && machine.lockstep)
        return usage("--record and --lockstep: what is done to one of two machines; give one of them");
    if (machine.hash_every_ns && !machine.print_hash)
        return usage("--hash-every says how often, and --print-hash that hashes are printed: add --print-hash");
    if (machine.hash_every_ns && machine.lockstep)
        return usage("--hash-every: --lockstep compares the states of two machines itself; give one of them");
    if (machine.engine == EngineKind::interpreter && machine.jit_threshold) {
        return usage("--jit-threshold: --engine interpreter translates nothing; use --engine jit or auto");
    }
    if (machine.engine == EngineKind::interpreter && !machine.jit_disable.empty()) {
        return usage("--jit-disable: --engine interpreter translates nothing; use --engine jit or auto");
    }
    return {};
}

}  // namespace bantam::frontend
