#include "devices/piix4_pm.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"

namespace bantam::devices {
namespace {
// Configuration space
constexpr u8 kCommand = 0x04, kPmBase = 0x40, kDevActB = 0x58, kPmRegMisc = 0x80, kSmbBase = 0x90,
             kSmbHostConfig = 0xD2;
// Offsets from PMBASE
constexpr u64 kPmSts = 0x00, kPmEn = 0x02, kPmCntrl = 0x04, kPmTmr = 0x08, kGpSts = 0x0C, kGpEn = 0x0E, kGlbSts = 0x18,
              kGlbCtl = 0x28;
// PMSTS and PMEN
constexpr u16 kTimerOverflow = 1 << 0, kGlobalStatus = 1 << 5, kPowerButton = 1 << 8, kRtc = 1 << 10, kResume = 1 << 15;
constexpr u16 kStatusBits = 0x8D31, kEnableBits = 0x0521;
// PMCNTRL: SCI_EN, BRLD_EN_BM and SUS_TYP are kept; GBL_RLS and SUS_EN act and read as zero
constexpr u16 kSciEnable = 1 << 0, kGlobalRelease = 1 << 2, kSuspendEnable = 1 << 13, kControlBits = 0x1C03;
// GLBSTS and GLBCTL
constexpr u16 kBiosStatus = 1 << 0, kApmStatus = 1 << 5;
constexpr u8 kSmiEnable = 1 << 0, kBiosRelease = 1 << 1;
constexpr unsigned kApmcEnable = 25;  // bit of DEVACTB
constexpr unsigned kHalf = Piix4Pm::kTimerBits - 1;

u8 byte_of(u64 value, u64 index) { return static_cast<u8>(value >> (8 * index)); }
u16 with_byte(u16 word, u64 index, u8 value) {
    return index == 0 ? replace_bits<u16>(word, value, 0x00FF)
                      : replace_bits<u16>(word, static_cast<u16>(value << 8), 0xFF00);
}
u16 byte_at(u64 index, u8 value) { return static_cast<u16>(value << (8 * index)); }

/// Registers that keep what is written and do nothing else here: PCNTRL, GLBEN, GLBCTL, DEVCTL, GPOREG.
bool is_plain(u64 offset) {
    return (offset >= 0x10 && offset < 0x14) || offset == 0x20 || offset == 0x21 ||
           (offset >= kGlbCtl && offset < 0x30) || (offset >= 0x34 && offset < 0x38);
}
}  // namespace

Piix4Pm::Piix4Pm(Scheduler& scheduler, Pins pins)
    : PciFunction("piix4_pm",
                  {.vendor = 0x8086, .device = 0x7113, .revision = 3, .class_code = 0x068000, .interrupt_pin = 1}),
      scheduler_(scheduler),
      pins_(std::move(pins)),
      overflow_(scheduler, "piix4_pm", [this] { update(); }) {
    define(kCommand, 0, 0x01);
    define(kCommand + 1, 0, 0x00);
    define(0x06, 0x80, 0);
    define(0x07, 0x02, 0);
    define_write_one_to_clear(0x07, 0x08);
    define(kPmBase, 0x01, 0xC0);
    define(kPmBase + 1, 0, 0xFF);
    // CNTA, CNTB, GPICTL, DEVRESD, DEVACTA, DEVACTB, DEVRESA-J: nothing is ever idle here, so they only keep their
    // value.
    for (u8 offset = 0x44; offset < 0x80; ++offset) define(offset, 0, 0xFF);
    define(kPmRegMisc, 0, 0x01);
    define(kSmbBase, 0x01, 0xF0);
    define(kSmbBase + 1, 0, 0xFF);
    define(kSmbHostConfig, 0, 0x0F);
    for (u8 offset = 0xD3; offset < 0xD6; ++offset) define(offset, 0, 0xFF);  // SMBSLVC, SMBSHDW1, SMBSHDW2
}

void Piix4Pm::reset() {
    if (r_.sci && pins_.sci) pins_.sci(false);
    overflow_.disarm();
    r_ = {};
    r_.timer_half = timer_ticks() >> kHalf;  // the timer itself runs on
    PciFunction::reset();
}

void Piix4Pm::describe(Archive& archive) {
    archive.field("status", r_.status);
    archive.field("enable", r_.enable);
    archive.field("control", r_.control);
    archive.field("general_status", r_.general_status);
    archive.field("general_enable", r_.general_enable);
    archive.field("global_status", r_.global_status);
    archive.field("plain", r_.plain);
    archive.field("apm_control", r_.apm_control);
    archive.field("apm_status", r_.apm_status);
    archive.field("timer_half", r_.timer_half);
    archive.field("smbus", r_.smbus);
    archive.field("sci", r_.sci);
    archive.field("event", r_.event);
    PciFunction::describe(archive);
}

std::string Piix4Pm::info() const {
    return PciFunction::info() + fmt::format(
                                     "  PMBASE {:04x}{} SMBBA {:04x}{}\n  pmsts={:04x} pmen={:04x} pmcntrl={:04x} "
                                     "gpsts={:04x} gpen={:04x} timer={:06x} sci={}\n",
                                     pm_base(), pm_decoded() ? "" : " (off)", smbus_base(),
                                     smbus_decoded() ? "" : " (off)", r_.status, r_.enable, r_.control,
                                     r_.general_status, r_.general_enable, timer_value(), int{r_.sci});
}

// --- PCI configuration

u16 Piix4Pm::pm_base() const { return config16(kPmBase) & 0xFFC0; }
bool Piix4Pm::pm_decoded() const { return bit(config(kPmRegMisc), 0) && pm_base() != 0; }
u16 Piix4Pm::smbus_base() const { return config16(kSmbBase) & 0xFFF0; }
bool Piix4Pm::smbus_decoded() const { return bit(config(kCommand), 0) && smbus_base() != 0; }

void Piix4Pm::config_changed(unsigned offset, unsigned size) {
    const auto touches = [offset, size](unsigned begin, unsigned end) { return offset < end && offset + size > begin; };
    // Reset and load (the whole space) bring their own levels.
    if (size < 256 && touches(kSmbHostConfig, kSmbHostConfig + 1)) update();
    const bool decode = touches(kCommand, kCommand + 1) || touches(kPmBase, kPmBase + 2) ||
                        touches(kPmRegMisc, kPmRegMisc + 1) || touches(kSmbBase, kSmbBase + 2);
    if (decode && pins_.decode_changed) pins_.decode_changed();
}

// --- events

void Piix4Pm::update() {
    const u64 half = timer_ticks() >> kHalf;
    if (half != r_.timer_half) {
        r_.timer_half = half;
        r_.status |= kTimerOverflow;
    }
    // The most significant bit toggles: only worth an event where it would raise SCI.
    if ((r_.enable & kTimerOverflow) != 0 && (r_.status & kTimerOverflow) == 0) {
        overflow_.arm(ns_from_ticks((half + 1) << kHalf, kTimerHz));
    } else {
        overflow_.disarm();
    }
    const bool event = (r_.status & r_.enable) != 0 || (r_.general_status & r_.general_enable) != 0;
    const bool sci_enabled = (r_.control & kSciEnable) != 0;
    const bool level = (event && sci_enabled) || smbus_interrupt();
    // Without SCI_EN an event is an SMI, once, when SMIs are enabled.
    const bool smi = event && !r_.event && !sci_enabled && smi_enabled();
    r_.event = event;
    if (level != r_.sci) {
        r_.sci = level;
        if (pins_.sci) pins_.sci(level);
    }
    if (smi && pins_.smi) pins_.smi();
}

/// SMBHSTCFG routes the host controller's interrupt to IRQ9, which is SCI's line (or to SMI#).
bool Piix4Pm::smbus_interrupt() const {
    constexpr u64 kRouteIrq9 = 4;
    return r_.smbus.interrupt_pending() && bits(config(kSmbHostConfig), 1, 3) == kRouteIrq9;
}

bool Piix4Pm::smi_enabled() const { return (r_.plain[kGlbCtl] & kSmiEnable) != 0; }

void Piix4Pm::set_status(u16 bits) {
    r_.status |= bits;
    update();
}

void Piix4Pm::press_power_button() { set_status(kPowerButton); }
void Piix4Pm::rtc_alarm() { set_status(kRtc); }
void Piix4Pm::resume() { set_status(kResume); }

void Piix4Pm::raise_general_event(unsigned event) {
    r_.general_status = static_cast<u16>(r_.general_status | 1u << (event & 15));
    update();
}

// --- registers

u32 Piix4Pm::timer_value() const { return static_cast<u32>(bits(timer_ticks(), 0, kTimerBits)); }

u32 Piix4Pm::read_pm(u64 offset, unsigned size) {
    update();
    return peek_pm(offset, size);
}

u32 Piix4Pm::peek_pm(u64 offset, unsigned size) const {
    const u32 timer = timer_value();  // once: bytes of different moments would make it go backwards
    u32 value = 0;
    for (unsigned i = 0; i < size; ++i) value |= u32{pm_byte(offset + i, timer)} << (8 * i);
    return value;
}

u8 Piix4Pm::pm_byte(u64 offset, u32 timer) const {
    const u64 index = offset & 1;
    switch (offset & ~u64{1}) {
        case kPmSts:
            return byte_of(r_.status, index);
        case kPmEn:
            return byte_of(r_.enable, index);
        case kPmCntrl:
            return byte_of(r_.control, index);
        case kPmTmr:
        case kPmTmr + 2:
            return byte_of(timer, offset - kPmTmr);
        case kGpSts:
            return byte_of(r_.general_status, index);
        case kGpEn:
            return byte_of(r_.general_enable, index);
        case kGlbSts:
            return byte_of(r_.global_status, index);
        default:
            // PLVL2, PLVL3, DEVSTS and GPIREG read as zero: no clock stops, no device traps, no input pin is wired.
            return is_plain(offset) ? r_.plain.at(offset) : u8{0};
    }
}

void Piix4Pm::write_pm(u64 offset, u8 value) {
    update();
    const u64 index = offset & 1;
    switch (offset & ~u64{1}) {
        case kPmSts:
            r_.status = static_cast<u16>(r_.status & ~(byte_at(index, value) & kStatusBits));
            break;
        case kPmEn:
            r_.enable = with_byte(r_.enable, index, value) & kEnableBits;
            break;
        case kPmCntrl:
            write_control(with_byte(r_.control, index, value), byte_at(index, value));
            break;
        case kGpSts:
            r_.general_status = static_cast<u16>(r_.general_status & ~byte_at(index, value));
            break;
        case kGpEn:
            r_.general_enable = with_byte(r_.general_enable, index, value);
            break;
        case kGlbSts:
            r_.global_status = static_cast<u16>(r_.global_status & ~byte_at(index, value));
            break;
        default:
            if (!is_plain(offset)) return;
            if (offset == kGlbCtl && (value & kBiosRelease) != 0) {
                r_.status |= kGlobalStatus;
                value &= static_cast<u8>(~kBiosRelease);
            }
            r_.plain.at(offset) = value;
            break;
    }
    update();
}

void Piix4Pm::write_control(u16 value, u16 written) {
    r_.control = value & kControlBits;
    if ((written & kGlobalRelease) != 0) {
        r_.global_status |= kBiosStatus;
        if (smi_enabled() && pins_.smi) pins_.smi();
    }
    if ((written & kSuspendEnable) == 0) return;
    const auto type = static_cast<unsigned>(bits(value, 10, 3));
    if (type == kSleepTypeSoftOff) {
        if (pins_.power_off) pins_.power_off();
    } else if (type <= kSleepTypeLast && pins_.suspend) {
        pins_.suspend(type);
    }
}

void Piix4Pm::write_apm(u64 offset, u8 value) {
    if (offset != 0) {
        r_.apm_status = value;
        return;
    }
    r_.apm_control = value;
    if (value == kAcpiEnable) r_.control |= kSciEnable;
    if (value == kAcpiDisable) r_.control = static_cast<u16>(r_.control & ~kSciEnable);
    update();
    if (bit(config32(kDevActB), kApmcEnable) && smi_enabled()) {
        r_.global_status |= kApmStatus;
        if (pins_.smi) pins_.smi();
    }
}

RegisterSpace Piix4Pm::pm_registers() {
    return {.read = [this](u64 offset, unsigned size) { return u64{read_pm(offset, size)}; },
            .write =
                [this](u64 offset, unsigned size, u64 value) {
                    for (unsigned i = 0; i < size; ++i) write_pm(offset + i, byte_of(value, i));
                },
            .peek = [this](u64 offset, unsigned size) { return u64{peek_pm(offset, size)}; },
            .max_size = 4};
}

RegisterSpace Piix4Pm::apm_registers() {
    const auto read_apm = [this](u64 offset, unsigned) { return u64{offset == 0 ? r_.apm_control : r_.apm_status}; };
    return {.read = read_apm,
            .write = [this](u64 offset, unsigned, u64 value) { write_apm(offset, static_cast<u8>(value)); },
            .peek = read_apm,
            .max_size = 1};
}

RegisterSpace Piix4Pm::smbus_registers() {
    return {.read = [this](u64 offset, unsigned) { return u64{r_.smbus.read(offset)}; },
            .write =
                [this](u64 offset, unsigned, u64 value) {
                    r_.smbus.write(offset, static_cast<u8>(value));
                    update();
                    const bool smi = r_.smbus.interrupt_pending() && bits(config(kSmbHostConfig), 1, 3) == 0;
                    if (smi && pins_.smi) pins_.smi();
                },
            .peek = [this](u64 offset, unsigned) { return u64{r_.smbus.peek(offset)}; },
            .max_size = 1};
}

}  // namespace bantam::devices
