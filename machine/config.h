// MachineConfig: everything a machine is made from, as data. The command line and MACHINE.toml both end here;
// --print-config prints it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/types.h"

namespace bantam {

struct ImageConfig {
    std::string path;
    bool readonly = false;
    bool temporary_overlay = false;  // overlay=temp: writes go to memory and are forgotten
};

struct SerialConfig {
    enum class Kind { none, stdio, file, unix_socket, pty } kind = Kind::none;
    std::string path;  // file and unix_socket
    std::string log;   // copy of what the guest sends; empty: none
};

struct DebugconConfig {
    enum class Kind { none, stdio, file } kind = Kind::none;
    std::string path;
};

/// Where people and programs outside control the machine from.
struct ControlConfig {
    enum class Kind { none, stdio, unix_socket, tcp } kind = Kind::none;
    std::string path;  // of the socket; tcp: the host's name or address
    u16 port = 0;      // tcp; 0: one that is free
};

struct GdbConfig {
    ControlConfig line;
    unsigned bits = 0;  // of the processor gdb is told of: 16, 32, 64; 0: as its mode is when gdb comes
};

/// Sound cards. The PC speaker is always there.
struct SoundConfig {
    bool sb16 = false;  // Sound Blaster 16 with OPL3 at A220 I5 D1 H5
    bool ac97 = false;  // AC'97 audio of the 82801AA
};

/// Devices at the root ports of the PIIX3's USB host controller, which exists if there are any.
struct UsbConfig {
    bool keyboard = false;
    bool tablet = false;
};

struct ModuleConfig {
    std::string path;
    std::string arguments;
};

/// A shared library that watches and changes the run (plugins/include/bantam/plugin.h).
struct PluginConfig {
    std::string path;
    std::string arguments;
};

enum class EngineKind { automatic, interpreter, jit };
enum class ClockKind { automatic, virtual_time, real_time };

/// What is written about the run while it runs (machine/trace).
struct TraceConfig {
    std::vector<std::string> kinds;
    std::string file;          // empty: standard error; .json: Chrome's trace format
    u64 from_ns = 0;           // guest time when it begins
    std::optional<u64> count;  // events at most
    bool operator==(const TraceConfig&) const = default;
};

/// What becomes of a machine whose guest says that it has panicked.
enum class PanicAction { no_device, shut_down, pause };

struct MachineConfig {
    u64 memory_bytes = u64{256} << 20;
    std::string cpu = "default";
    std::vector<ImageConfig> disks;  // IDE, in order
    std::vector<ImageConfig> cdroms;
    std::vector<ImageConfig> floppies;
    std::string boot_order;  // letters a c d n; empty: the first that exists
    std::string kernel, initrd, append;
    std::vector<ModuleConfig> modules;  // multiboot
    std::string firmware = "seabios";   // name or file; used when no kernel and no flash is given
    std::vector<ImageConfig> flashes;   // flash memories below 4 GiB; the first holds the firmware
    std::string vga_bios;
    std::vector<std::string> option_roms;  // files; the firmware runs them in this order
    EngineKind engine = EngineKind::automatic;
    std::optional<u32> jit_threshold;      // runs of a block before it is translated; none: the translator's default
    std::vector<std::string> jit_disable;  // names of jit::Optimisation
    bool perf_map = false;                 // names of translated code for Linux perf
    bool stats = false;                    // measure for Machine::statistics
    std::vector<SerialConfig> serials;     // COM1..COM4
    bool edid = false;                     // the video card says what its monitor can show, by registers in memory
    SoundConfig sound;
    UsbConfig usb;
    DebugconConfig debugcon;  // port E9h and 402h
    bool debug_exit = false;  // isa-debug-exit at F4h
    bool no_reboot = false;
    bool headless = false;
    ClockKind clock = ClockKind::automatic;
    std::optional<u64> time_limit_ns;  // guest time
    std::optional<u64> wall_limit_ns;
    std::string screen_text;  // file for the text on the screen at the end
    std::string screenshot;   // PNG of the final screen
    ControlConfig monitor;
    ControlConfig qmp;
    GdbConfig gdb;
    bool paused = false;  // run() begins stopped
    TraceConfig trace;
    std::vector<PluginConfig> plugins;
    PanicAction panic = PanicAction::no_device;  // no_device: without pvpanic the guest cannot say so
    bool lockstep = false;  // interpreter and translator side by side: machine/lockstep, not Machine itself
    bool print_hash = false;
    std::optional<u64> hash_every_ns;      // guest time between hashes of the state, with print_hash
    std::optional<u64> rtc_epoch_seconds;  // date at power-on (UTC); default fixed in virtual time, host's in real time
};

}  // namespace bantam
