// Assembly: from a MachineConfig to a machine ready to run: checks, host ports, board, software, engine.
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>

#include "base/log.h"
#include "cpu/system/cpuid.h"
#include "jit/translator.h"
#include "machine/firmware.h"
#include "machine/host/terminal.h"
#include "machine/parts.h"

namespace bantam {
namespace {

// Power-on date in virtual time: 2026-01-01 00:00:00 UTC, the same in every run.
constexpr u64 kVirtualEpoch = 1'767'225'600;
constexpr u64 kLeastMemory = u64{1} << 20;

Error usage(std::string message) { return {ExitStatus::usage, std::move(message)}; }

bool terminal_attached(const MachineConfig& config) {
    return std::any_of(config.serials.begin(), config.serials.end(),
                       [](const SerialConfig& serial) { return serial.kind == SerialConfig::Kind::stdio; }) &&
           host::standard_input_is_terminal();
}

/// Somebody outside may act on the machine.
bool controlled(const MachineConfig& config) {
    const auto kinds = {config.monitor.kind, config.qmp.kind, config.gdb.line.kind};
    return std::any_of(kinds.begin(), kinds.end(),
                       [](ControlConfig::Kind kind) { return kind != ControlConfig::Kind::none; });
}

}  // namespace

Result<std::unique_ptr<Machine>> Machine::create(MachineConfig config, SerialEnds serial_ends) {
    std::unique_ptr<Machine> machine(new Machine());
    Parts& parts = *machine->parts_;
    parts.config = std::move(config);
    parts.serial_ends = serial_ends.size();
    parts.ports = std::move(serial_ends);
    parts.sent_keys = std::make_unique<SentKeys>(*machine, parts.scheduler);
    if (parts.config.serials.size() < parts.serial_ends) parts.config.serials.resize(parts.serial_ends);
    for (const auto step :
         {&Parts::check, &Parts::open_host_side, &Parts::build_board, &Parts::install_software, &Parts::start_engine}) {
        if (const Result<void> done = (parts.*step)(); !done) return done.error();
    }
    return machine;
}

Result<void> Machine::Parts::check() {
    if (config.memory_bytes < kLeastMemory || config.memory_bytes % kPageSize != 0) {
        return usage(fmt::format("--memory {}: at least 1M and a multiple of 4K is needed", config.memory_bytes));
    }
    if (const Result<void> checked = check_trace(config.trace); !checked) return checked;
    if (config.paused && config.headless && !controlled(config))
        return usage("--paused: nobody could let the guest go on; add --gdb, --qmp or --monitor");
    if (config.serials.size() > Pc::kSerialPorts) return usage("a machine has four serial ports at most");

    Result<Images> opened = Images::open(config);
    if (!opened) return opened.error();
    images = std::move(opened.value());
    if (config.floppies.size() > Pc::kFloppyDrives) return usage("--floppy: a PC has two diskette drives at most");
    if (config.disks.size() + config.cdroms.size() > Pc::kIdeDrives) {
        return usage("--disk and --cdrom: the two IDE channels take four drives together");
    }
    assign_drives();
    Result<Model> found = Model::find(config.cpu);
    if (!found) return found.error();
    model = std::move(found.value());
    return {};
}

bool Machine::Parts::serial_exists(std::size_t index) const {
    const SerialConfig& serial = config.serials.at(index);
    return index < serial_ends || serial.kind != SerialConfig::Kind::none || !serial.log.empty();
}

/// CD-ROM drives take the secondary channel first, disks the primary one.
void Machine::Parts::assign_drives() {
    const auto attach = [this](std::vector<Images::Device>& media, bool cdrom,
                               const std::array<unsigned, Pc::kIdeDrives>& order) {
        for (Images::Device& medium : media) {
            const unsigned place =
                *std::find_if(order.begin(), order.end(), [this](unsigned i) { return !drives.at(i).present; });
            slots.at(place) = &medium;
            drives.at(place) = {.present = true, .cdrom = cdrom, .medium = medium.get()};
        }
    };
    attach(images.cdroms, true, {2, 3, 1, 0});
    attach(images.disks, false, {0, 1, 3, 2});
}

Clock::Pace Machine::Parts::pace() const {
    switch (config.clock) {
        case ClockKind::virtual_time:
            return Clock::Pace::virtual_time;
        case ClockKind::real_time:
            return Clock::Pace::real_time;
        case ClockKind::automatic:
            break;
    }
    // Where a person is attached, guest time follows theirs.
    return config.headless && !terminal_attached(config) ? Clock::Pace::virtual_time : Clock::Pace::real_time;
}

Result<void> Machine::Parts::open_host_side() {
    Result<std::unique_ptr<host::Bell>> made = host::Bell::create();
    if (!made) return made.error();
    bell = std::move(made.value());
    io = std::make_unique<host::HostIo>(*bell);
    const host::PortEvents events{.quit = [this] { loop->request_quit(); },
                                  .interrupted = [this] { return loop->quit_requested(); }};
    for (std::size_t i = serial_ends; i < config.serials.size(); ++i) {
        const SerialConfig& serial = config.serials[i];
        Result<std::unique_ptr<host::HostPort>> port = host::open_serial(serial, events);
        if (!port) return port.error();
        if (serial.kind == SerialConfig::Kind::pty)
            fmt::print(stderr, "bantam: serial on {}\n", port.value()->description());
        ports.push_back(std::move(port.value()));
    }
    if (config.debugcon.kind != DebugconConfig::Kind::none) {
        Result<std::unique_ptr<host::HostPort>> port = host::open_debugcon(config.debugcon, events);
        if (!port) return port.error();
        ports.push_back(std::move(port.value()));
    }
    for (const auto& port : ports) io->add(*port);
    return {};
}

Result<void> Machine::Parts::build_board() {
    Result<std::unique_ptr<PhysicalMemory>> ram = PhysicalMemory::create(config.memory_bytes);
    if (!ram) return ram.error();
    memory = std::move(ram.value());

    Pc::Options options;
    const u64 epoch = pace() == Clock::Pace::virtual_time ? kVirtualEpoch : static_cast<u64>(std::time(nullptr));
    options.rtc_epoch_seconds = config.rtc_epoch_seconds.value_or(epoch);
    for (std::size_t i = 0; i < config.serials.size(); ++i) {
        if (serial_exists(i)) options.serials[i] = ports[i].get();
    }
    if (config.debugcon.kind != DebugconConfig::Kind::none) options.debug_console = ports.back().get();
    options.debug_exit = config.debug_exit;
    options.sound_blaster = config.sound.sb16;
    options.ac97 = config.sound.ac97;
    options.edid = config.edid;
    options.usb_keyboard = config.usb.keyboard;
    options.usb_tablet = config.usb.tablet;
    options.pvpanic = config.panic != PanicAction::no_device;
    options.drives = drives;
    for (std::size_t i = 0; i < images.floppies.size(); ++i)
        options.floppies.at(i) = devices::FloppyDrive::type_for(diskette_format(images.floppies[i]));
    for (Images::Flash& flash : images.flashes)
        options.flashes.push_back({flash.device.get(), std::move(flash.contents)});
    options.firmware = config.kernel.empty();
    options.boot_order = config.boot_order;
    pc = std::make_unique<Pc>(model, *memory, scheduler, options,
                              Pc::Events{.reset = [this](Pc::ResetKind kind) { guest_reset(kind); },
                                         .power_off = [this] { loop->end(outcome_of(StopReason::power_off)); },
                                         .debug_exit =
                                             [this](int status) {
                                                 loop->end({StopReason::debug_exit, status});
                                             },
                                         .panicked = [this](bool crash_loaded) { guest_panicked(crash_loaded); },
                                         .stall = [this](u64 ns) { loop->stall(ns); }});
    for (unsigned i = 0; i < Pc::kIdeDrives; ++i) {
        devices::AtapiCdrom* cdrom = pc->cdrom(i);
        if (cdrom == nullptr) continue;
        cdrom->set_tray_listener([this, cdrom] {
            tell({.kind = MachineEvent::Kind::tray_moved,
                  .device = std::string(cdrom->name()),
                  .tray_open = cdrom->tray_open()});
        });
    }
    for (unsigned i = 0; i < images.floppies.size(); ++i) {
        const Images::Device& diskette = images.floppies[i];
        if (diskette) pc->floppy(i)->insert(diskette.get(), *diskette_format(diskette));
    }
    clock = std::make_unique<Clock>(pace(), pc->cpu(), host::monotonic_ns);
    clock->pause();  // until run()
    scheduler.set_time_source([this] { return clock->now(); });
    return {};
}

Result<void> Machine::Parts::install_software() {
    Result<std::vector<u8>> vga_bios = load_vga_bios(config.vga_bios);
    if (!vga_bios) return vga_bios.error();
    if (!config.kernel.empty()) {
        Result<KernelBoot> opened = KernelBoot::open(config, model.has(isa::Feature::long_mode));
        if (!opened) return opened.error();
        kernel = std::move(opened.value());
        font = std::make_unique<devices::VgaFont>(bios_font(vga_bios.value()));
        return start_kernel();
    }
    if (!config.initrd.empty() || !config.modules.empty() || !config.append.empty()) {
        return usage("--initrd, --append and --module go with --kernel");
    }
    pc->install_vga_bios(std::move(vga_bios.value()));
    if (config.flashes.empty()) {
        Result<std::vector<u8>> bios = load_bios(config.firmware);
        if (!bios) return bios.error();
        pc->memory_map().install_bios(std::move(bios.value()));
    }
    Result<std::vector<OptionRom>> option_roms = load_option_roms(config.option_roms);
    if (!option_roms) return option_roms.error();
    firmware_config = std::make_unique<FirmwareConfig>(
        pc->fw_cfg(), FirmwareConfig::Board{*memory, [this] { return describe_board(); }, boot_paths(),
                                            std::move(option_roms.value())});
    pc->reset();  // the ROMs show in the attribute map from here on
    return {};
}

Result<void> Machine::Parts::start_kernel() {
    pc->set_up_without_firmware(*font);
    return kernel->start(pc->cpu(), *memory, describe_board());
}

boot::BoardDescription Machine::Parts::describe_board() {
    boot::BoardDescription board;
    for (std::size_t i = 0; i < config.serials.size(); ++i) board.serial[i] = serial_exists(i);
    if (!model.has(isa::Feature::apic)) board.local_apic_ids.clear();
    const devices::Piix4Pm& pm = pc->power_management();
    board.floppy = !config.floppies.empty();
    board.pvpanic = config.panic != PanicAction::no_device;
    if (pm.pm_decoded()) board.pm_base = pm.pm_base();
    board.cpu_signature = model.signature;
    board.cpu_features = cpuid_leaf(pc->cpu(), 1, 0).edx;
    return board;
}

/// One path for each drive that the boot order names; without an order every drive, diskettes and disks first.
std::vector<std::string> Machine::Parts::boot_paths() const {
    std::vector<std::string> paths;
    for (const char letter : config.boot_order.empty() ? std::string("acd") : config.boot_order) {
        for (std::size_t i = 0; letter == 'a' && i < config.floppies.size(); ++i)
            paths.push_back(fmt::format("/pci@i0cf8/isa@1/fdc@03f0/floppy@{}", i));
        for (unsigned i = 0; i < drives.size(); ++i) {
            const Pc::Options::Drive& drive = drives.at(i);
            if (drive.present && letter == (drive.cdrom ? 'd' : 'c'))
                paths.push_back(fmt::format("/pci@i0cf8/ide@1,1/drive@{}/disk@{}", i / 2, i % 2));
        }
    }
    return paths;
}

Result<void> Machine::Parts::start_translator() {
    if (config.engine == EngineKind::interpreter) return {};
    jit::Translator::Options options{.threshold = config.jit_threshold.value_or(jit::Translator::kDefaultThreshold),
                                     .optimisations = {},
                                     .perf_map = config.perf_map};
    for (const std::string& name : config.jit_disable) {
        if (!options.optimisations.disable(name)) {
            return usage(fmt::format("--jit-disable: there is no optimisation '{}'; {}", name,
                                     fmt::join(jit::kOptimisationNames, " ")));
        }
    }
    Result<std::unique_ptr<jit::Translator>> made = jit::Translator::create(pc->cpu(), options);
    if (made) {
        translator = made.value().get();
        engine->set_block_runner(std::move(made.value()));
        return {};
    }
    if (config.engine == EngineKind::jit) return made.error();
    log::warning("{}; going on with the interpreter, which is several times slower", made.error().message);
    return {};
}

Result<void> Machine::Parts::start_engine() {
    Result<std::unique_ptr<Interpreter>> made = Interpreter::create(pc->cpu());
    if (!made) return made.error();
    engine = std::move(made.value());
    if (const Result<void> started = start_translator(); !started) return started;
    loop = std::make_unique<RunLoop>(RunLoop::Wiring{pc->cpu(), scheduler, *clock, *io, *bell}, *engine,
                                     RunLoop::Hooks{.input_waiting = [this] { pc->input_waiting(); },
                                                    .reset = [this] { reset(); },
                                                    .shutdown = [this] { shutdown(); },
                                                    .can_wake_masked = [this] { return pc->can_wake_masked(); }},
                                     RunLoop::Limits{.guest_ns = config.time_limit_ns,
                                                     .wall_ns = config.wall_limit_ns,
                                                     .attended = !config.headless || controlled(config)});
    // Before the trace, which so shows what plugins have made of port accesses.
    Result<std::unique_ptr<Plugins>> loaded =
        Plugins::load(config.plugins, {*pc, scheduler, *engine, [this](int status) {
                                           loop->end({StopReason::plugin, status});
                                       }});
    if (!loaded) return loaded.error();
    plugins = std::move(loaded.value());
    Result<std::unique_ptr<Trace>> traced =
        Trace::start(config.trace, {*pc, *memory, scheduler, *engine, [this] { loop->request_quit(); }});
    if (!traced) return traced.error();
    trace = std::move(traced.value());
    return {};
}

}  // namespace bantam
