// See i440fx.h.
#include "devices/i440fx.h"

#include <fmt/format.h>

#include "base/bits.h"

namespace bantam::devices {
namespace {
// Firmware looks for fw_cfg on boards whose host bridge bears this subsystem (PCI SIG ids of QEMU's machines).
constexpr u16 kVirtualMachineVendor = 0x1AF4, kVirtualMachine = 0x1100;
constexpr u8 kPam0 = 0x59;
constexpr u8 kSmram = 0x72;
constexpr u8 kOpen = 0x40, kClosed = 0x20, kLocked = 0x10, kEnabled = 0x08;
}  // namespace

I440fx::I440fx(Pins pins)
    : PciFunction("i440fx", {.vendor = 0x8086,
                             .device = 0x1237,
                             .revision = 0x02,
                             .class_code = 0x060000,
                             .subsystem_vendor = kVirtualMachineVendor,
                             .subsystem = kVirtualMachine}),
      pins_(std::move(pins)) {
    define(0x04, 0x06, 0x40);  // memory access and bus master are hard-wired on
    define(0x06, 0x80, 0);
    define(0x07, 0x02, 0);
    define(0x0D, 0, 0xF8);  // master latency timer
    // PMCCFG, DETURBO, DRAM timing, type, bounds, fixed hole: stored.
    define(0x50, 0, 0x70);
    define(0x51, 0, 0x40);
    define(0x52, 0, 0xFF);
    define(0x53, 0x80, 0xA8);
    define(0x57, 0x01, 0x3F);
    define(0x58, 0, 0x3E);
    for (u8 i = 0; i < 7; ++i) define(static_cast<u8>(kPam0 + i), 0, i == 0 ? 0x30 : 0x33);
    for (u8 i = 0; i < 8; ++i) define(static_cast<u8>(0x60 + i), 0x01, 0xFF);
    define(0x68, 0, 0xC0);
    define(kSmram, 0x02, 0x78);
    define(0x90, 0, 0xFF);  // error command
    define(0x93, 0, 0x06);  // turbo reset control; the board resets through CF9h
    for (unsigned i = 0; i < kSegments; ++i) reported_[i] = segment(i);
}

I440fx::Segment I440fx::segment(unsigned index) const {
    Segment s;
    u8 attributes = 0;
    if (index == 0) {
        s.base = 0xF0000;
        s.size = 0x10000;
        attributes = static_cast<u8>(config(kPam0) >> 4);
    } else {
        s.base = 0xC0000 + (index - 1) * 0x4000;
        s.size = 0x4000;
        const u8 pam = config(static_cast<u8>(kPam0 + 1 + (index - 1) / 2));
        attributes = static_cast<u8>((index & 1) != 0 ? pam : pam >> 4);
    }
    s.read_dram = bit(attributes, 0);
    s.write_dram = bit(attributes, 1);
    return s;
}

bool I440fx::smram_enabled() const { return (config(kSmram) & kEnabled) != 0; }
bool I440fx::smram_open() const { return smram_enabled() && (config(kSmram) & kOpen) != 0; }
bool I440fx::smram_closed_to_data() const { return (config(kSmram) & kClosed) != 0; }

void I440fx::config_changed(unsigned offset, unsigned size) {
    const bool everything = size == 256;
    for (unsigned i = 0; i < kSegments; ++i) {
        const Segment now = segment(i);
        if (!everything && now == reported_[i]) continue;
        reported_[i] = now;
        if (pins_.segment_changed) pins_.segment_changed(now);
    }
    if (offset > kSmram || offset + size <= kSmram) return;
    // D_LCK: D_OPEN reads as 0 from now on, and only a reset makes the register writable again.
    const bool locked = (config(kSmram) & kLocked) != 0;
    if (locked) set_config(kSmram, static_cast<u8>(config(kSmram) & ~kOpen));
    define_writable(kSmram, locked ? 0x20 : 0x78);
    if (pins_.smram_changed) pins_.smram_changed();
}

std::string I440fx::info() const {
    std::string text = PciFunction::info();
    for (unsigned i = 0; i < kSegments; ++i) {
        const Segment s = segment(i);
        if (s.read_dram || s.write_dram) {
            text += fmt::format("  {:05x}-{:05x} DRAM:{}{}\n", s.base, s.base + s.size - 1, s.read_dram ? " read" : "",
                                s.write_dram ? " write" : "");
        }
    }
    return text + fmt::format("  SMRAM {:02x}\n", config(kSmram));
}

}  // namespace bantam::devices
