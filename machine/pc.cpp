#include "machine/pc.h"

#include "base/log.h"

namespace bantam {
namespace {

struct SerialLine {
    const char* name;
    u16 port;
    unsigned irq;
    IrqSource source;
};
constexpr std::array<SerialLine, Pc::kSerialPorts> kSerialLines{{{"com1", 0x3F8, 4, IrqSource::serial1},
                                                                 {"com2", 0x2F8, 3, IrqSource::serial2},
                                                                 {"com3", 0x3E8, 4, IrqSource::serial3},
                                                                 {"com4", 0x2E8, 3, IrqSource::serial4}}};

// A character costs a hundredth of its time at the programmed speed: kernels print by polling, and at 115200 baud every
// line of their log would cost ten million instructions.
constexpr u32 kLineSpeedFactor = 100;

constexpr u8 kMasterElcrLines = 0xF8;  // IRQ 0-2 are edge-triggered for good
constexpr u8 kSlaveElcrLines = 0xDE;   // so are 8 and 13
constexpr unsigned kCascade = 2;
constexpr unsigned kLint0 = 0;

}  // namespace

Pc::Pc(const Model& model, PhysicalMemory& memory, Scheduler& scheduler, const Options& options, Events events)
    : memory_(memory),
      scheduler_(scheduler),
      events_(std::move(events)),
      cpu_owner_(std::make_unique<Cpu>(model, memory, *this)),
      cpu_(*cpu_owner_),
      memory_map_(memory),
      local_apic_(
          scheduler, apic_bus_, cpu_.apic_id, true, model.tsc_hz,
          {.intr = [this](bool level) { cpu_.set_intr(level); },
           .nmi = [this] { cpu_.pulse_nmi(); },
           .smi = [this] { cpu_.pulse_smi(); },
           .init = [this] { cpu_.pulse_init(); },
           .startup = [](u8) {},  // only a processor that waits for one takes a SIPI; the bootstrap one never does
           .acknowledge_external = [this] { return pic_master_.acknowledge(); },
           .tsc = [this] { return tsc(); }}),
      io_apic_(apic_bus_),
      pic_master_(
          "pic", kMasterElcrLines,
          {.interrupt = [this](bool level) { local_apic_.set_lint(kLint0, level); },
           .cascade = [this](unsigned line) { return line == kCascade ? pic_slave_.acknowledge() : u8{0xFF}; }}),
      pic_slave_("pic2", kSlaveElcrLines,
                 {.interrupt = [this](bool level) { pic_master_.set_irq(kCascade, level); }, .cascade = nullptr}),
      irqs_(pic_master_, pic_slave_, io_apic_),
      speaker_(scheduler, {.tell_edges = [this] { pit_.tell_edges(); },
                           .out2 = [this] { return pit_.out(2); },
                           .runs = [this] { return pit_.out2_runs(); }}),
      pit_(scheduler, {.out = {[this](bool level) { set_pit_output(level); }, nullptr, nullptr},
                       .edges_wanted = [this] { return speaker_.listens(); },
                       .edge = [this](u64 time_ns, bool level) { speaker_.edge(time_ns, level); }}),
      hpet_(scheduler, {.interrupt = [this](unsigned input, bool level) { io_apic_.set_input(input, level); },
                        .irq0 = irqs_.line(0, IrqSource::hpet),
                        .irq8 = irqs_.line(8, IrqSource::hpet),
                        .legacy_replacement =
                            [this](bool on) {
                                wires_.hpet_legacy = on;
                                route_timers();
                            }}),
      rtc_(scheduler,
           {.interrupt = [this](bool level) { set_rtc_interrupt(level); },
            .nmi_enabled =
                [this](bool enabled) {
                    wires_.nmi_enabled = enabled;
                    set_nmi_source();
                }},
           options.rtc_epoch_seconds),
      keyboard_(scheduler),
      mouse_(scheduler),
      vmmouse_({.report_waits = [this] { mouse_.report(); }}),
      keyboard_controller_(scheduler,
                           {.keyboard_interrupt = irqs_.line(1, IrqSource::keyboard),
                            .mouse_interrupt = irqs_.line(12, IrqSource::mouse),
                            .a20 = [this](bool open) { set_a20_source(true, open); },
                            .reset = [this] { events_.reset(ResetKind::processor); }},
                           &keyboard_, &mouse_),
      port_92_({.a20 = [this](bool open) { set_a20_source(false, open); },
                .reset = [this] { events_.reset(ResetKind::processor); }}),
      port_61_(scheduler, {.timer2_gate = [this](bool level) { pit_.set_gate(2, level); },
                           .speaker_data = [this](bool level) { speaker_.set_data(level); },
                           .timer2_output = [this] { return pit_.out(2); },
                           .nmi =
                               [this](bool level) {
                                   wires_.nmi_request = level;
                                   set_nmi_source();
                               }}),
      reset_control_({.reset = [this](bool hard) { events_.reset(hard ? ResetKind::system : ResetKind::processor); }}),
      vga_(scheduler,
           {.interrupt = nullptr,
            .memory_map_changed = nullptr,
            .watch_writes = [this](u64 offset, u64 bytes) { memory_.watch_writes("vga_lfb", offset, bytes); }}),
      vga_pci_(options.edid),
      pci_({.reset_control = reset_control_.registers()}),
      host_bridge_({.segment_changed =
                        [this](const devices::I440fx::Segment& segment) {
                            if (ready_) memory_map_.apply(segment);
                        },
                    .smram_changed =
                        [this] {
                            if (ready_) show_vga();
                        }}),
      isa_bridge_({.isa_interrupt = [this](unsigned irq, bool level) { irqs_.set(irq, IrqSource::pirq, level); }}),
      pm_(scheduler, {.sci = irqs_.line(9, IrqSource::sci),
                      .smi = [this] { cpu_.pulse_smi(); },
                      .power_off = [this] { events_.power_off(); },
                      .suspend =
                          [this](unsigned) {
                              // DEVIATION: nothing on this board could wake a sleeping machine but its power button, so
                              // it wakes at once, by a reset that keeps RAM, as from S3.
                              pm_.resume();
                              events_.reset(ResetKind::system);
                          },
                      .decode_changed =
                          [this] {
                              if (ready_) map_pm_windows();
                          }}),
      ide_(memory,
           {.interrupt = [this](unsigned channel, bool level) { irqs_.set(14 + channel, IrqSource::ide, level); },
            .decode_changed =
                [this] {
                    if (ready_) map_ide();
                }}),
      dma_(scheduler, memory),
      fw_cfg_(memory) {
    for (unsigned i = 0; i < kSerialPorts; ++i) {
        if (options.serials[i] == nullptr) continue;
        const SerialLine& line = kSerialLines[i];
        serials_[i] = std::make_unique<devices::Uart16550>(
            line.name, scheduler, devices::Uart16550::Pins{irqs_.line(line.irq, line.source)}, options.serials[i],
            devices::Uart16550::Options{.line_speed_factor = kLineSpeedFactor});
    }
    if (options.debug_console != nullptr)
        debug_console_ = std::make_unique<devices::DebugConsole>(options.debug_console);
    if (options.debug_exit) {
        debug_exit_ = std::make_unique<devices::DebugExit>(
            devices::DebugExit::Pins{.exit = [this](int status) { events_.debug_exit(status); }});
    }
    if (options.pvpanic) {
        pvpanic_ = std::make_unique<devices::Pvpanic>(devices::Pvpanic::Pins{
            .panicked = [this] { events_.panicked(false); }, .crash_loaded = [this] { events_.panicked(true); }});
    }
    pci_.attach(0, 0, host_bridge_);
    pci_.attach(1, 0, isa_bridge_);
    pci_.attach(1, 3, pm_);
    pci_.attach(2, 0, vga_pci_);
    vga_pci_.set_mapping_listener([this] {
        if (ready_) map_vga();
    });

    devices_ = {&local_apic_, &io_apic_,  &pic_master_, &pic_slave_,           &pit_,        &hpet_,    &rtc_,
                &vmmouse_,    &keyboard_, &mouse_,      &keyboard_controller_, &port_92_,    &port_61_, &reset_control_,
                &post_,       &vga_,      &pci_,        &host_bridge_,         &isa_bridge_, &pm_,      &vga_pci_,
                &dma_,        &speaker_};
    for (const auto& serial : serials_) {
        if (serial) devices_.push_back(serial.get());
    }
    if (debug_console_) devices_.push_back(debug_console_.get());
    if (debug_exit_) devices_.push_back(debug_exit_.get());
    if (pvpanic_) devices_.push_back(pvpanic_.get());

    if (options.firmware) devices_.push_back(&fw_cfg_);
    add_drives(options);
    add_floppies(options);
    add_flashes(options);
    if (options.sound_blaster) add_sound_blaster();
    if (options.ac97) add_ac97();
    if (options.usb_keyboard || options.usb_tablet) add_usb(options);

    ready_ = true;
    map_ports();
    if (options.firmware) {
        map("fw_cfg", 0x510, 2, fw_cfg_.ports());
        map("fw_cfg dma", 0x514, 8, fw_cfg_.dma_ports());
    }
    memory_map_.place_page("io_apic", devices::IoApic::kDefaultBase, io_apic_.registers());
    memory_map_.place_page("hpet", devices::Hpet::kDefaultBase, with_cycles(hpet_.registers()));
    fill_cmos(options);
    reset();
}

Pc::~Pc() = default;

void Pc::map(std::string name, u16 first, u32 count, RegisterSpace space) {
    const Result<void> mapped = io_.map(std::move(name), first, count, std::move(space));
    CHECK(mapped.ok());
}

void Pc::place(const std::string& name, const devices::PciFunction::Window& window, RegisterSpace space) {
    io_.unmap(name);
    if (!window.enabled) return;
    const Result<void> mapped =
        io_.map(name, static_cast<u16>(window.base), static_cast<u32>(window.size), std::move(space));
    if (!mapped) log::warning("{}; it stays invisible", mapped.error().message);
}

void Pc::map_ports() {
    map("dma1", 0x00, 0x10, dma_.first_registers());
    map("pic", 0x20, 2, pic_master_.registers());
    map("pit", 0x40, 4, pit_.registers());
    map("i8042 data", 0x60, 1, keyboard_controller_.registers());
    map("port61", 0x61, 1, port_61_.registers());
    map("i8042 command", 0x64, 1, from_offset(keyboard_controller_.registers(), 1));
    map("rtc", 0x70, 4, rtc_.registers());
    map("post", 0x80, 1, post_.registers());
    map("dma pages", 0x81, 15, dma_.page_registers());
    map("port92", 0x92, 1, port_92_.registers());
    map("pic2", 0xA0, 2, pic_slave_.registers());
    map("apm", 0xB2, 2, pm_.apm_registers());
    map("dma2", 0xC0, 0x20, dma_.second_registers());
    map("coprocessor", 0xF0, 2,
        {.read = nullptr,
         .write = [this](u64 offset, unsigned, u64) { write_coprocessor_port(offset); },
         .peek = nullptr,
         .max_size = 1});
    map("vga", 0x3B0, 0x30, vga_.registers());
    map("vga_dispi", 0x1CE, 4, vga_.dispi());
    map("vmmouse", 0x5658, 4,
        {.read = [this](u64, unsigned size) { return size == 4 ? call_vmmouse() : ~u64{0}; },
         .write = [](u64, unsigned, u64) {},
         .peek = nullptr,
         .max_size = 4});
    map("elcr", 0x4D0, 1, pic_master_.elcr());
    map("elcr2", 0x4D1, 1, pic_slave_.elcr());
    map("pci", 0xCF8, 8, pci_.registers());
    for (unsigned i = 0; i < kSerialPorts; ++i) {
        if (serials_[i]) map(kSerialLines[i].name, kSerialLines[i].port, 8, serials_[i]->registers());
    }
    if (debug_console_) {
        map("debugcon", 0xE9, 1, debug_console_->registers());
        map("debugcon firmware", 0x402, 1, debug_console_->registers());
    }
    if (pvpanic_) map("pvpanic", boot::kPvpanicPort, 1, pvpanic_->registers());
    if (debug_exit_) map("debug_exit", 0xF4, 4, debug_exit_->registers());
}

void Pc::map_pm_windows() {
    using devices::Piix4Pm;
    io_.unmap("smbus");  // either may move to where the other was
    place("piix4_pm", {.enabled = pm_.pm_decoded(), .io = true, .base = pm_.pm_base(), .size = Piix4Pm::kPmWindowBytes},
          pm_.pm_registers());
    place("smbus",
          {.enabled = pm_.smbus_decoded(), .io = true, .base = pm_.smbus_base(), .size = Piix4Pm::kSmbusWindowBytes},
          pm_.smbus_registers());
}

}  // namespace bantam
