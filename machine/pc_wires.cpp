// The board's gates and resets: what happens between the pins that pc.cpp connects.
#include "base/check.h"
#include "base/log.h"
#include "machine/pc.h"

namespace bantam {
namespace {
constexpr unsigned kFpuIrq = 13;
constexpr unsigned kLint1 = 1;
constexpr u32 kFrameBufferBase = 0xFD000000, kVgaRegistersBase = 0xFEBF0000;
constexpr u32 kIdeBusMasterBase = 0xC000;
constexpr u64 kClearBusy = 0, kResetCoprocessor = 1;  // ports F0h and F1h

// Programs time themselves by port accesses, above all by OUT to port 80h, and wait in loops of IN. Standard cycles of
// the ISA bus at 8.33 MHz: six clocks to an 8-bit, three to a 16-bit slave (IEEE P996 draft); 32 bits go to PCI, four
// clocks at 33 MHz (PCI 2.1, 3.3.1). By width alone: which chip takes part is not asked.
u64 io_cycle_ns(unsigned size) { return size == 1 ? 720 : size == 2 ? 360 : 120; }

// "About 140 cycles" from Skylake on (Intel 64 Optimization Reference Manual, 2.7.4), of a processor of 1 GHz.
constexpr u64 kPause_ns = 140;
// A row of RDTSC on a processor of AMD's family 1Ah: 24 ticks of 2.6 GHz each.
constexpr u64 kTimeStamp_ns = 9;
// A guest that has spun this often without an interrupt waits for one, or for time to pass: a spin lock is not held as
// long. Hypervisors then take the processor away for a while (SDM vol. 3, 25.1.3, "PAUSE-loop exiting"). PERF: SeaBIOS
// waits for the floppy controller so; a wait costs a fourth.
constexpr u32 kPatience = 1024;
constexpr u64 kLongPause_ns = 10'000;
}  // namespace

void Pc::Wires::describe(Archive& archive) {
    archive.field("pit_out0", pit_out0);
    archive.field("rtc_irq", rtc_irq);
    archive.field("hpet_legacy", hpet_legacy);
    archive.field("a20_keyboard", a20_keyboard);
    archive.field("a20_port92", a20_port92);
    archive.field("nmi_request", nmi_request);
    archive.field("nmi_enabled", nmi_enabled);
    archive.field("ferr", ferr);
    archive.field("smm_active", smm_active);
    archive.field("pauses", pauses);
    archive.field("sound_irq", sound_irq);
    archive.field("sound_requests", sound_requests);
}

void Pc::reset() {
    // Receivers first: the chips behind them drive their lines' levels anew.
    wires_ = {};
    irqs_.reset();
    for (devices::Device* device : devices_) device->reset();
    cpu_.reset();
    local_apic_.set_base(cpu_.state.apic_base);
    place_local_apic();
    map_pm_windows();
    if (!flashes_.empty()) memory_map_.show_low_bios(flashes_.front()->array());
    for (unsigned i = 0; i < devices::I440fx::kSegments; ++i) memory_map_.apply(host_bridge_.segment(i));
    show_vga();
}

void Pc::init_processor() { cpu_.pulse_init(); }

void Pc::describe(Archive& archive) {
    archive.field("cpu", cpu_.state);
    archive.field("wires", wires_);
    archive.field("irqs", irqs_);
    for (devices::Device* device : devices_) archive.field(device->name(), *device);
    archive.field("memory", memory_);
}

u64 Pc::tsc() { return ticks_from_ns(scheduler_.now(), cpu_.model.tsc_hz) + cpu_.state.tsc_offset; }

void Pc::apic_base_written(u64 value) {
    local_apic_.set_base(value);
    place_local_apic();
}

void Pc::place_local_apic() {
    std::optional<u64> base;
    if (local_apic_.decodes_memory()) base = local_apic_.base() & ~kPageMask;
    memory_map_.place_page("local_apic", base, local_apic_.registers());
}

void Pc::set_pit_output(bool level) {
    wires_.pit_out0 = level;
    route_timers();
}

void Pc::set_rtc_interrupt(bool level) {
    wires_.rtc_irq = level;
    route_timers();
}

// HPET specification 1.0a, 2.3.5: under legacy replacement its timers 0 and 1 take the places of the 8254 and the RTC.
void Pc::route_timers() {
    irqs_.set(0, IrqSource::timer, wires_.pit_out0 && !wires_.hpet_legacy);
    irqs_.set(8, IrqSource::rtc, wires_.rtc_irq && !wires_.hpet_legacy);
}

void Pc::set_a20_source(bool keyboard_controller, bool open) {
    (keyboard_controller ? wires_.a20_keyboard : wires_.a20_port92) = open;
    memory_.set_a20(wires_.a20_keyboard || wires_.a20_port92);
}

void Pc::set_nmi_source() { local_apic_.set_lint(kLint1, wires_.nmi_request && wires_.nmi_enabled); }

void Pc::map_vga() {
    using devices::PciFunction;
    const auto base_of = [](const PciFunction::Window& window) {
        return window.enabled ? std::optional<u64>(window.base) : std::nullopt;
    };
    const PciFunction::Window frame_buffer = vga_pci_.window(devices::VgaPci::kFrameBuffer);
    memory_map_.place_memory("vga_lfb", base_of(frame_buffer), vga_.linear_memory(),
                             [this](u64 offset) { vga_.memory_written(offset); });
    vga_.memory_remapped();
    memory_map_.place_page("vga_mmio", base_of(vga_pci_.window(devices::VgaPci::kRegisters)), vga_.mmio());
    if (!vga_bios_.empty()) memory_map_.place_rom("vga_bios", base_of(vga_pci_.rom_window()), vga_bios_);
}

void Pc::install_vga_bios(std::vector<u8> image) {
    CHECK(image.size() <= devices::VgaPci::kRomBytes);
    vga_bios_ = std::move(image);
    if (!vga_bios_.empty()) vga_bios_.resize(devices::VgaPci::kRomBytes, 0xFF);
}

// 440FX datasheet, 3.2.19: DRAM shows at A0000h while SMRAM is open, and in system management mode while it is enabled.
// Closed to data (D_CLS) it answers code fetches only; firmware opens it so for moments to draw, so VGA shows then.
void Pc::show_vga() {
    const bool smram = host_bridge_.smram_open() ||
                       (wires_.smm_active && host_bridge_.smram_enabled() && !host_bridge_.smram_closed_to_data());
    memory_map_.show_vga(!smram, vga_.memory());
}

void Pc::set_smm_active(bool active) {
    wires_.smm_active = active;
    show_vga();
}

// With CR0.NE clear, FERR# raises IRQ13; the handler writes port F0h, which drops the request and asserts IGNNE# until
// FERR# goes away (SDM vol. 1, D.2.1.2).
void Pc::set_ferr(bool asserted) {
    wires_.ferr = asserted;
    if (asserted) {
        irqs_.set(kFpuIrq, IrqSource::fpu, true);
    } else {
        irqs_.set(kFpuIrq, IrqSource::fpu, false);
        cpu_.set_ignne(false);
    }
}

void Pc::write_coprocessor_port(u64 offset) {
    if (offset != kClearBusy && offset != kResetCoprocessor) return;
    irqs_.set(kFpuIrq, IrqSource::fpu, false);
    if (offset == kClearBusy && wires_.ferr) cpu_.set_ignne(true);
}

// The call's arguments and results are the processor's own registers; IN itself sets EAX.
u64 Pc::call_vmmouse() {
    auto& gpr = cpu_.state.gpr;
    const auto low = [&gpr](Gpr index) { return static_cast<u32>(gpr[index]); };
    devices::Vmmouse::CallRegisters registers{.eax = low(kRax), .ebx = low(kRbx), .ecx = low(kRcx), .edx = low(kRdx)};
    vmmouse_.call(registers);
    if (registers.ebx != low(kRbx)) gpr[kRbx] = registers.ebx;
    if (registers.ecx != low(kRcx)) gpr[kRcx] = registers.ecx;
    if (registers.edx != low(kRdx)) gpr[kRdx] = registers.edx;
    return registers.eax;
}

void Pc::shutdown() {
    log::info("triple fault at {:04x}:{:x}", cpu_.state.segment[kCs].selector, cpu_.state.instruction_rip);
}

u8 Pc::acknowledge_interrupt() {
    const u8 vector = local_apic_.acknowledge();
    if (interrupt_trace_) interrupt_trace_(vector);
    wires_.pauses = 0;
    return vector;
}

void Pc::pause() {
    if (wires_.pauses < kPatience) ++wires_.pauses;
    events_.stall(wires_.pauses < kPatience ? kPause_ns : kLongPause_ns);
}

void Pc::time_stamp_read() { events_.stall(kTimeStamp_ns); }

u32 Pc::read_port(u16 port, unsigned size) {
    u32 value = io_.read(port, size);
    for (const auto& trace : port_traces_) trace(false, port, size, value);
    events_.stall(io_cycle_ns(size));
    return value;
}

void Pc::write_port(u16 port, unsigned size, u32 value) {
    for (const auto& trace : port_traces_) trace(true, port, size, value);
    io_.write(port, size, value);
    events_.stall(io_cycle_ns(size));
}

/// `space` beyond PCI, where programs poll it: the HPET's counter.
RegisterSpace Pc::with_cycles(RegisterSpace space) {
    const auto after_cycle = [this](const auto& access) {
        return [this, access](u64 offset, unsigned size, auto... value) {
            events_.stall(io_cycle_ns(4));
            return access(offset, size, value...);
        };
    };
    space.read = after_cycle(space.read);
    space.write = after_cycle(space.write);
    return space;
}

void Pc::input_waiting() {
    for (const auto& serial : serials_) {
        if (serial) serial->receive_ready();
    }
}

void Pc::send_serial_rest() const {
    for (const auto& serial : serials_) {
        if (serial) serial->send_rest();
    }
}

void Pc::set_up_without_firmware(const devices::VgaFont& font) {
    constexpr u8 kReadWrite = 0x33;
    for (u8 pam = 0x59; pam <= 0x5F; ++pam) host_bridge_.write_config(pam, 1, pam == 0x59 ? 0x30u : kReadWrite);
    for (unsigned i = 0; i < boot::kPirqRoutes.size(); ++i)
        isa_bridge_.write_config(static_cast<u8>(0x60 + i), 1, boot::kPirqRoutes[i]);
    io_.write(0x4D1, 1, 0x0E);               // ELCR2: IRQ 9 (SCI), 10 and 11 are level-triggered
    pm_.write_config(0x40, 4, kPmBase | 1);  // PMBASE
    pm_.write_config(0x80, 1, 1);            // PMREGMISC: decode it
    pm_.write_config(0x3C, 1, boot::kSciIrq);
    vga_.set_text_mode_3(font);
    io_.write(0x64, 1, 0x60);  // 8042 command byte: translate, mouse off, passed its self-test, IRQ 1
    io_.write(0x60, 1, 0x65);
    vga_pci_.write_config(0x10, 4, kFrameBufferBase);
    vga_pci_.write_config(0x18, 4, kVgaRegistersBase);
    vga_pci_.write_config(0x04, 2, 3);  // I/O and memory
    io_.write(0xD6, 1, 0xC0);           // DMA channel 4: cascade, unmasked
    io_.write(0xD4, 1, 0);
    if (has_ide_) {
        ide_.write_config(0x40, 4, 0x80008000);  // both channels decode
        ide_.write_config(0x20, 4, kIdeBusMasterBase);
        ide_.write_config(0x04, 2, 5);  // I/O and bus master
    }
    if (audio_controller_) set_up_ac97();
    if (usb_) set_up_usb();
    if (local_apic_.enabled()) local_apic_.enter_virtual_wire_mode();
    io_apic_.write(0, 0);  // IOREGSEL: the identification register, written through IOWIN
    io_apic_.write(0x10, u32{boot::kIoApicId} << 24);
}

bool Pc::can_wake_masked() const {
    constexpr u32 kMasked = 0x10000, kModeMask = 0x700, kNmiMode = 0x400;
    constexpr u64 kLvtLint0 = 0x350;
    // LINT0 as NMI is the old watchdog by the 8254. LINT1 comes from port 61h, which nothing drives while the processor
    // stands still.
    const u32 lint0 = local_apic_.peek(kLvtLint0);
    return ((lint0 & kMasked) == 0 && (lint0 & kModeMask) == kNmiMode) ||
           io_apic_.can_send(devices::DeliveryMode::nmi) || io_apic_.can_send(devices::DeliveryMode::smi) ||
           io_apic_.can_send(devices::DeliveryMode::init);
}

}  // namespace bantam
