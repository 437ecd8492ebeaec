#include "frontend/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "frontend/option_values.h"
#include "frontend/values.h"
#include "jit/optimisations.h"

namespace bantam::frontend {
namespace {

void nothing(Settings&) {}

using S = Settings&;
using C = const Settings&;
using V = std::string_view;
constexpr Command kRun = Command::run;
constexpr Command kTest = Command::test;
constexpr Command kDis = Command::disassemble;

/// Names of the translator's optimisations, between spaces.
std::string_view optimisation_names() {
    static const std::string names = fmt::format("{}", fmt::join(jit::kOptimisationNames, " "));
    return names;
}

std::string_view optimisation_help() {
    static const std::string help =
        fmt::format("switch optimisations of the translator off: {}", fmt::join(jit::kOptimisationNames, ", "));
    return help;
}

// clang-format off
// command, name, value, help, words, repeatable, in_file, takes_file, set, get, clear
const std::array kOptions{
    Option{kRun, "memory", "SIZE", "RAM, with K, M or G (default 256M)", "64M 256M 1G 4G", false, true, false,
        [](S s, V t) { return set_memory(s.machine.memory_bytes, t); },
        [](C s) { return Texts{format_size(s.machine.memory_bytes)}; }, nothing},
    Option{kRun, "cpu", "NAME", "CPU model; 'bantam doctor' says which this host can run (default: default)",
        "default host 486 pentium pentium-mmx p2 p3 core2 x86-64-v2 x86-64-v3", false, true, false,
        [](S s, V t) { s.machine.cpu = t; return Result<void>{}; },
        [](C s) { return Texts{s.machine.cpu}; }, nothing},
    Option{kRun, "disk", "FILE[,readonly][,overlay=temp]", "hard disk image; overlay=temp forgets what is written", "", true, true, true,
        [](S s, V t) { return add_image(s.machine.disks, t); },
        [](C s) { return get_images(s.machine.disks); }, [](S s) { s.machine.disks.clear(); }},
    Option{kRun, "cdrom", "FILE|none", "CD-ROM image; none is a drive without a disc", "", true, true, true,
        [](S s, V t) { return add_image(s.machine.cdroms, t); },
        [](C s) { return get_images(s.machine.cdroms); }, [](S s) { s.machine.cdroms.clear(); }},
    Option{kRun, "floppy", "FILE[,readonly][,overlay=temp]|none", "floppy image; none is a drive without a disk", "", true, true, true,
        [](S s, V t) { return add_image(s.machine.floppies, t); },
        [](C s) { return get_images(s.machine.floppies); }, [](S s) { s.machine.floppies.clear(); }},
    Option{kRun, "boot", "ORDER", "boot order in letters: a floppy, c disk, d CD-ROM, n network", "a c d n", false, true, false,
        [](S s, V t) { return set_boot(s.machine.boot_order, t); },
        [](C s) { return get_text(s.machine.boot_order); }, nothing},
    Option{kRun, "kernel", "FILE", "Linux bzImage or multiboot kernel, started without firmware", "", false, true, true,
        [](S s, V t) { return set_path(s.machine.kernel, t); },
        [](C s) { return get_text(s.machine.kernel); }, nothing},
    Option{kRun, "initrd", "FILE", "initial RAM disk for --kernel", "", false, true, true,
        [](S s, V t) { return set_path(s.machine.initrd, t); },
        [](C s) { return get_text(s.machine.initrd); }, nothing},
    Option{kRun, "append", "STRING", "command line for --kernel", "", false, true, false,
        [](S s, V t) { s.machine.append = t; return Result<void>{}; },
        [](C s) { return get_text(s.machine.append); }, nothing},
    Option{kRun, "module", "'FILE ARGS'", "multiboot module with its arguments", "", true, true, true,
        [](S s, V t) { return add_module(s.machine.modules, t); },
        [](C s) { return get_modules(s.machine.modules); }, [](S s) { s.machine.modules.clear(); }},
    Option{kRun, "firmware", "seabios|FILE", "firmware in ROM when there is no --kernel and no --flash (default seabios)", "seabios", false, true, true,
        [](S s, V t) { return set_path(s.machine.firmware, t); },
        [](C s) { return get_text(s.machine.firmware); }, nothing},
    Option{kRun, "flash", "FILE[,readonly][,overlay=temp]", "flash memory that ends at 4 GiB, with the firmware; a second one lies below it, for variables", "", true, true, true,
        [](S s, V t) { return add_image(s.machine.flashes, t); },
        [](C s) { return get_images(s.machine.flashes); }, [](S s) { s.machine.flashes.clear(); }},
    Option{kRun, "option-rom", "FILE", "option ROM that the firmware runs", "", true, true, true,
        [](S s, V t) { return add_path(s.machine.option_roms, t); },
        [](C s) { return s.machine.option_roms; }, [](S s) { s.machine.option_roms.clear(); }},
    Option{kRun, "vga-bios", "FILE", "video BIOS (default: the firmware's own)", "", false, true, true,
        [](S s, V t) { return set_path(s.machine.vga_bios, t); },
        [](C s) { return get_text(s.machine.vga_bios); }, nothing},
    Option{kRun, "edid", "", "the video card has its registers in memory too (BAR 2), with its monitor's EDID: 1024x768; needs firmware that lets the video BIOS read them in real mode, as SeaBIOS does and U-Boot's 32-bit ROM does not", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.edid, t); },
        [](C s) { return get_flag(s.machine.edid); }, nothing},
    Option{kRun, "engine", "auto|interpreter|jit", "what executes guest code (default auto)", "auto interpreter jit", false, true, false,
        [](S s, V t) { return set_word(s.machine.engine, t, kEngines); },
        [](C s) { return get_word(s.machine.engine, kEngines, EngineKind::automatic); }, nothing},
    Option{kRun, "jit-threshold", "N", "translate a block when it has run N times (default 16; 0: at once)", "", false, true, false,
        [](S s, V t) { return set_threshold(s.machine.jit_threshold, t); },
        [](C s) { return s.machine.jit_threshold ? Texts{fmt::format("{}", *s.machine.jit_threshold)} : Texts{}; }, nothing},
    Option{kRun, "jit-disable", "NAME[,NAME]", optimisation_help(), optimisation_names(), true, true, false,
        [](S s, V t) { return add_optimisations(s.machine.jit_disable, t); },
        [](C s) { return escaped(s.machine.jit_disable); }, [](S s) { s.machine.jit_disable.clear(); }},
    Option{kRun, "perf-map", "", "name translated code for 'perf report' in /tmp/perf-PID.map", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.perf_map, t); },
        [](C s) { return get_flag(s.machine.perf_map); }, nothing},
    Option{kRun, "stats", "", "print at the end what the engines counted and where the time went", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.stats, t); },
        [](C s) { return get_flag(s.machine.stats); }, nothing},
    Option{kRun, "lockstep", "", "run interpreter and translator side by side and compare them; status 70 and a report when they differ", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.lockstep, t); },
        [](C s) { return get_flag(s.machine.lockstep); }, nothing},
    Option{kRun, "display", "auto|sdl|vnc[:[ADDRESS:]PORT]|web[:[ADDRESS:]PORT]|none",
        "where the screen is shown: in a window, to VNC viewers (default 127.0.0.1:5900), in browsers (default 127.0.0.1:6080), or nowhere (default auto: a window where there is a display)",
        "auto sdl vnc vnc: web web: none", false, true, false,
        [](S s, V t) { return set_display(s.display, t); },
        [](C s) { return get_display(s.display); }, nothing},
    Option{kRun, "vnc-password", "FILE", "viewers of --display vnc and web are asked for the password in the file's first line (at most 8 bytes; readable by its owner alone)", "", false, true, true,
        [](S s, V t) { return set_path(s.display.password_file, t); },
        [](C s) { return get_text(s.display.password_file); }, nothing},
    Option{kRun, "web-certificate", "FILE", "browsers of --display web come by https: the server's certificate (PEM, with those of who signed it behind); needs --web-key", "", false, true, true,
        [](S s, V t) { return set_path(s.display.certificate, t); },
        [](C s) { return get_text(s.display.certificate); }, nothing},
    Option{kRun, "web-key", "FILE", "the private key of --web-certificate (PEM, without a passphrase)", "", false, true, true,
        [](S s, V t) { return set_path(s.display.key, t); },
        [](C s) { return get_text(s.display.key); }, nothing},
    Option{kRun, "novnc", "DIR", "folder of noVNC, which --display web serves (default /usr/share/novnc, from the package novnc)", "", false, true, true,
        [](S s, V t) { return set_path(s.display.novnc, t); },
        [](C s) { return get_text(s.display.novnc); }, nothing},
    Option{kRun, "sound", "sb16|ac97|none", "sound card: a Sound Blaster 16 with OPL3 (A220 I5 D1 H5) or AC'97 audio on PCI; the PC speaker is always there (default none)", "sb16 ac97 none", true, true, false,
        [](S s, V t) { return add_sound(s.machine.sound, t); },
        [](C s) { return get_sound(s.machine.sound); }, [](S s) { s.machine.sound = {}; }},
    Option{kRun, "audio", "auto|sdl|wav:FILE|none", "where sound is heard: by the host's sound device, in a file, or nowhere (default auto: by the device where there is a window)", "auto sdl wav: none", false, true, false,
        [](S s, V t) { return set_audio(s.audio, t); },
        [](C s) { return get_audio(s.audio); }, nothing},
    Option{kRun, "usb", "keyboard|tablet|none", "USB device at the PIIX3's UHCI host controller: a keyboard with the boot protocol, or a tablet, which points absolutely; both may be there, and each gets the input while a driver of the guest listens to it (default none)", "keyboard tablet none", true, true, false,
        [](S s, V t) { return add_usb(s.machine.usb, t); },
        [](C s) { return get_usb(s.machine.usb); }, [](S s) { s.machine.usb = {}; }},
    Option{kRun, "headless", "", "no window, virtual time unless --clock says otherwise", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.headless, t); },
        [](C s) { return get_flag(s.machine.headless); }, nothing},
    Option{kRun, "serial", "stdio|file:PATH|unix:PATH|pty|none[,log=FILE]",
        "where COM1 (then COM2, ...) leads; unix: listens; log= keeps a copy (default with --kernel: stdio)",
        "stdio file: unix: pty none", true, true, false,
        [](S s, V t) { return add_serial(s.machine.serials, t); },
        [](C s) { return get_serials(s.machine.serials); }, [](S s) { s.machine.serials.clear(); }},
    Option{kRun, "debugcon", "stdio|file:PATH", "where bytes written to ports E9h and 402h go", "stdio file:", false, true, false,
        [](S s, V t) { return set_debugcon(s.machine.debugcon, t); },
        [](C s) { return get_debugcon(s.machine.debugcon); }, nothing},
    Option{kRun, "debug-exit", "", "port F4h ends the process with status 2*value+1", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.debug_exit, t); },
        [](C s) { return get_flag(s.machine.debug_exit); }, nothing},
    Option{kRun, "no-reboot", "", "a guest reset or triple fault ends the process", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.no_reboot, t); },
        [](C s) { return get_flag(s.machine.no_reboot); }, nothing},
    Option{kRun, "clock", "auto|virtual|real", "guest time follows executed instructions, or the host's clock", "auto virtual real", false, true, false,
        [](S s, V t) { return set_word(s.machine.clock, t, kClocks); },
        [](C s) { return get_word(s.machine.clock, kClocks, ClockKind::automatic); }, nothing},
    Option{kRun, "rtc-epoch", "SECONDS", "date at power-on in seconds since 1970 (UTC)", "", false, true, false,
        [](S s, V t) { u64 n = 0; Result<void> r = set_number(n, t); if (r) s.machine.rtc_epoch_seconds = n; return r; },
        [](C s) { return s.machine.rtc_epoch_seconds ? Texts{fmt::format("{}", *s.machine.rtc_epoch_seconds)} : Texts{}; }, nothing},
    Option{kRun, "time-limit", "TIME", "end after this much guest time, such as 30s", "", false, true, false,
        [](S s, V t) { return set_duration(s.machine.time_limit_ns, t); },
        [](C s) { return get_duration(s.machine.time_limit_ns); }, nothing},
    Option{kRun, "wall-limit", "TIME", "end after this much of the host's time, such as 60s", "", false, true, false,
        [](S s, V t) { return set_duration(s.machine.wall_limit_ns, t); },
        [](C s) { return get_duration(s.machine.wall_limit_ns); }, nothing},
    Option{kRun, "screen-text", "FILE", "write the text that is on the screen at the end there ('-': standard output)", "", false, true, true,
        [](S s, V t) { return set_path(s.machine.screen_text, t); },
        [](C s) { return get_text(s.machine.screen_text); }, nothing},
    Option{kRun, "screenshot", "FILE.png", "write the final screen there", "", false, true, true,
        [](S s, V t) { return set_picture(s.machine.screenshot, t); },
        [](C s) { return get_text(s.machine.screenshot); }, nothing},
    Option{kRun, "monitor", "stdio|unix:PATH", "line console that inspects and controls the machine; unix: listens", "stdio unix:", false, true, false,
        [](S s, V t) { return set_control(s.machine.monitor, t, false); },
        [](C s) { return get_control(s.machine.monitor); }, nothing},
    Option{kRun, "qmp", "stdio|unix:PATH|tcp:[HOST:]PORT", "QEMU Machine Protocol, for programs that control the machine; tcp: on this host only", "stdio unix: tcp:127.0.0.1:", false, true, false,
        [](S s, V t) { return set_control(s.machine.qmp, t, true); },
        [](C s) { return get_control(s.machine.qmp); }, nothing},
    Option{kRun, "gdb", "tcp:[HOST:]PORT|unix:PATH|stdio[,bits=16|32|64]", "listens for gdb ('target remote :PORT'; tcp: on this host only); bits: of the processor it is told of, else as its mode is then", "tcp: unix: stdio", false, true, false,
        [](S s, V t) { return set_gdb(s.machine.gdb, t); },
        [](C s) { return get_gdb(s.machine.gdb); }, nothing},
    Option{kRun, "record", "FILE.toml", "write a scenario there of what is done in the window, by viewers, by the monitor and by QMP, for 'bantam test'", "", false, true, true,
        [](S s, V t) { return set_path(s.record, t); },
        [](C s) { return get_text(s.record); }, nothing},
    Option{kRun, "paused", "", "do not start the guest until --gdb, --qmp, --monitor or the window says so", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.paused, t); },
        [](C s) { return get_flag(s.machine.paused); }, nothing},
    Option{kRun, "pvpanic", "shutdown|pause|none", "gives the guest the port to say that it has panicked, and what becomes of it then (default none: no such port)", "shutdown pause none", false, true, false,
        [](S s, V t) { return set_word(s.machine.panic, t, kPanicActions); },
        [](C s) { return get_word(s.machine.panic, kPanicActions, PanicAction::no_device); }, nothing},
    Option{kRun, "trace", "WHAT[,WHAT][,from=TIME][,count=N][,file=FILE]", "write what happens inside to standard error or the file (.json: for chrome://tracing): insn, block, int, bios, irq, io, mmio, pci, disk; from: guest time", "insn block int bios irq io mmio pci disk", true, true, false,
        [](S s, V t) { return add_trace(s.machine.trace, t); },
        [](C s) { return get_trace(s.machine.trace); }, [](S s) { s.machine.trace = {}; }},
    Option{kRun, "plugin", "FILE.so[,ARGUMENTS]", "load a plugin, which watches the guest run and may change what it does (bantam/plugin.h)", "", true, true, true,
        [](S s, V t) { return add_plugin(s.machine.plugins, t); },
        [](C s) { return get_plugins(s.machine.plugins); }, [](S s) { s.machine.plugins.clear(); }},
    Option{kRun, "log", "LEVEL", "least level of message written to standard error (default warning)", "trace debug info warning error off", false, true, false,
        [](S s, V t) { return set_word(s.log_level, t, kLevels); },
        [](C s) { return get_word(s.log_level, kLevels, log::Level::warning); }, nothing},
    Option{kRun, "print-hash", "", "print a hash of the machine's final state", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.print_hash, t); },
        [](C s) { return get_flag(s.machine.print_hash); }, nothing},
    Option{kRun, "hash-every", "TIME", "print a hash of the machine's state after each TIME of the guest, with --print-hash", "1s", false, true, false,
        [](S s, V t) { return set_duration(s.machine.hash_every_ns, t); },
        [](C s) { return get_duration(s.machine.hash_every_ns); }, nothing},
    Option{kRun, "print-config", "", "print the configuration as MACHINE.toml and end", "", false, false, false,
        [](S s, V t) { return set_flag(s.print_config, t); },
        [](C s) { return get_flag(s.print_config); }, nothing},
    Option{kTest, "jobs", "N", "run N machines at a time (default 1); -j N is the same", "", false, false, false,
        [](S s, V t) { return set_jobs(s.test.jobs, t); },
        [](C s) { return Texts{fmt::format("{}", s.test.jobs)}; }, nothing},
    Option{kTest, "junit", "FILE", "write the results there as JUnit XML", "", false, false, true,
        [](S s, V t) { return set_path(s.test.junit, t); },
        [](C s) { return get_text(s.test.junit); }, nothing},
    Option{kTest, "artifacts", "DIR", "write trace, screen, serial logs and MACHINE.toml of each scenario into a folder there", "", false, false, true,
        [](S s, V t) { return set_path(s.test.artifacts, t); },
        [](C s) { return get_text(s.test.artifacts); }, nothing},
    Option{kTest, "engine", "auto|interpreter|jit", "what executes guest code, whatever the scenario says", "auto interpreter jit", false, false, false,
        [](S s, V t) { EngineKind e{}; Result<void> r = set_word(e, t, kEngines); if (r) s.test.engine = e; return r; },
        [](C s) { return s.test.engine ? Texts{*s.test.engine == EngineKind::automatic ? "auto" : get_word(*s.test.engine, kEngines, EngineKind::automatic).front()} : Texts{}; }, nothing},
    Option{kTest, "record", "FILE.toml", "write a scenario instead, of what is done to a machine by hand: with this, [MACHINE.toml] and OPTIONS are those of 'bantam run'", "", false, false, true,
        [](S s, V t) { return set_path(s.record, t); },
        [](C s) { return get_text(s.record); }, nothing},
    Option{kTest, "film", "", "write film.png, an animated picture of the run, among the artefacts", "", false, false, false,
        [](S s, V t) { return set_flag(s.test.film, t); },
        [](C s) { return get_flag(s.test.film); }, nothing},
    Option{kTest, "stop-at-failure", "", "leave the machine as it is when the scenario fails, for --gdb; one scenario", "", false, false, false,
        [](S s, V t) { return set_flag(s.test.stop_at_failure, t); },
        [](C s) { return get_flag(s.test.stop_at_failure); }, nothing},
    Option{kTest, "gdb", "tcp:[HOST:]PORT|unix:PATH[,bits=16|32|64]", "where --stop-at-failure listens for gdb, from the failure on", "tcp: unix:", false, false, false,
        [](S s, V t) { return set_gdb(s.test.gdb, t); },
        [](C s) { return get_gdb(s.test.gdb); }, nothing},
    Option{kDis, "offset", "NUMBER", "skip so many bytes of the file", "", false, false, false,
        [](S s, V t) { return set_number(s.disassemble.offset, t); },
        [](C s) { return Texts{fmt::format("{}", s.disassemble.offset)}; }, nothing},
    Option{kDis, "length", "NUMBER", "show so many bytes (default: to the end)", "", false, false, false,
        [](S s, V t) { u64 n = 0; Result<void> r = set_number(n, t); if (r) s.disassemble.length = n; return r; },
        [](C s) { return s.disassemble.length ? Texts{fmt::format("{}", *s.disassemble.length)} : Texts{}; }, nothing},
    Option{kDis, "base", "ADDRESS", "address of the first byte shown (default: the offset)", "", false, false, false,
        [](S s, V t) { u64 n = 0; Result<void> r = set_number(n, t); if (r) s.disassemble.base = n; return r; },
        [](C s) { return s.disassemble.base ? Texts{fmt::format("{}", *s.disassemble.base)} : Texts{}; }, nothing},
    Option{kDis, "bits", "16|32|64", "code size (default 64)", "16 32 64", false, false, false,
        [](S s, V t) { return set_bits(s.disassemble.bits, t); },
        [](C s) { return Texts{fmt::format("{}", s.disassemble.bits)}; }, nothing},
};
// clang-format on

constexpr std::array kCommands{
    CommandInfo{Command::run, "run", "run [MACHINE.toml] [OPTIONS]",
                "Runs a machine (MACHINE.toml of '-': standard input)."},
    CommandInfo{Command::ctl, "ctl", "ctl PATH COMMAND [ARG...]", "Controls a machine that runs with --qmp unix:PATH."},
    CommandInfo{Command::test, "test", "test SCENARIO... [OPTIONS]", "Runs scenarios: machines with steps to take."},
    CommandInfo{Command::doctor, "doctor", "doctor", "Says what this host offers and what that means."},
    CommandInfo{Command::disassemble, "disassemble", "disassemble FILE [OPTIONS]",
                "Shows the code in a file ('-': standard input) as assembly."},
    CommandInfo{Command::help, "help", "help [COMMAND]", "Explains a command."},
};

constexpr std::array kStatuses{
    ExitStatusInfo{ExitStatus::ok, "the guest powered off (or reset, with --no-reboot), or the user quit"},
    ExitStatusInfo{ExitStatus::usage, "bad command line or MACHINE.toml"},
    ExitStatusInfo{ExitStatus::bad_input, "an input file is missing, damaged or unsuitable"},
    ExitStatusInfo{ExitStatus::host_resource, "the host did not give memory, a lock, a socket or a permission"},
    ExitStatusInfo{ExitStatus::internal_error, "internal error: a bug in Bantam (also found by --lockstep)"},
    ExitStatusInfo{ExitStatus::time_limit, "--time-limit or --wall-limit reached"},
    ExitStatusInfo{ExitStatus::guest_stopped,
                   "the guest halted for good, panicked (--pvpanic), or triple fault with --no-reboot"},
};

}  // namespace

std::span<const Option> option_table() { return kOptions; }
std::span<const CommandInfo> command_table() { return kCommands; }
std::span<const ExitStatusInfo> exit_status_table() { return kStatuses; }

const Option* find_option(Command command, std::string_view name) {
    const auto found = std::find_if(kOptions.begin(), kOptions.end(), [&](const Option& option) {
        return option.command == command && option.name == name;
    });
    return found == kOptions.end() ? nullptr : &*found;
}

std::vector<std::string_view> option_names(Command command, bool in_file) {
    std::vector<std::string_view> names;
    for (const Option& option : kOptions) {
        if (option.command == command && (option.in_file || !in_file)) names.push_back(option.name);
    }
    return names;
}

}  // namespace bantam::frontend
