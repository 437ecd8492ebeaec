// See system_ports.h.
#include "devices/system_ports.h"

#include <fmt/format.h>

#include "base/log.h"

namespace bantam::devices {
namespace {
// Timer 1 asks for a DRAM refresh every 18 of its ticks (15.085 us); bit 4 of port 61h toggles with each.
constexpr u64 kRefreshHz = 1'193'182;
constexpr u64 kRefreshTicks = 18;

template <class Chip>
RegisterSpace readable_registers(Chip& chip) {
    RegisterSpace space = byte_registers(chip);
    space.peek = [&chip](u64 offset, unsigned) { return u64{chip.read(offset)}; };
    return space;
}
}  // namespace

void SystemControlB::reset() {
    const Registers before = r_;
    r_ = {};
    if (bool(before.control & 1) && pins_.timer2_gate) pins_.timer2_gate(false);
    if (bool(before.control & 2) && pins_.speaker_data) pins_.speaker_data(false);
    if (before.nmi_level && pins_.nmi) pins_.nmi(false);
}

void SystemControlB::describe(Archive& archive) {
    archive.field("control", r_.control);
    archive.field("nmi_status", r_.nmi_status);
    archive.field("nmi_level", r_.nmi_level);
}

std::string SystemControlB::info() const {
    return fmt::format("port61: {:02x}, timer 2 gate {}, speaker {}, NMI {}\n", read(0), r_.control & 1,
                       (r_.control >> 1) & 1, r_.nmi_level ? "asserted" : "idle");
}

u8 SystemControlB::read(u64) const {
    u8 value = static_cast<u8>(r_.control | r_.nmi_status);
    if ((ticks_from_ns(scheduler_.now(), kRefreshHz) / kRefreshTicks & 1) != 0) value |= 0x10;
    if (pins_.timer2_output && pins_.timer2_output()) value |= 0x20;
    return value;
}

void SystemControlB::write(u64, u8 value) {
    const u8 changed = static_cast<u8>((value ^ r_.control) & 0x0F);
    r_.control = value & 0x0F;
    // Bits 2 (SERR#) and 3 (IOCHK#): one disables the source and clears what it latched.
    if ((value & 4) != 0) r_.nmi_status &= 0x7F;
    if ((value & 8) != 0) r_.nmi_status &= 0xBF;
    if ((changed & 1) != 0 && pins_.timer2_gate) pins_.timer2_gate((value & 1) != 0);
    if ((changed & 2) != 0 && pins_.speaker_data) pins_.speaker_data((value & 2) != 0);
    update_nmi();
}

RegisterSpace SystemControlB::registers() { return readable_registers(*this); }

void SystemControlB::raise_iochk() {
    if ((r_.control & 8) == 0) r_.nmi_status |= 0x40;
    update_nmi();
}

void SystemControlB::raise_serr() {
    if ((r_.control & 4) == 0) r_.nmi_status |= 0x80;
    update_nmi();
}

void SystemControlB::update_nmi() {
    const bool level = r_.nmi_status != 0;
    if (level == r_.nmi_level) return;
    r_.nmi_level = level;
    if (pins_.nmi) pins_.nmi(level);
}

RegisterSpace BytePort::registers() { return readable_registers(*this); }

void SystemControlA::reset() {
    const bool a20_was_open = (value_ & 2) != 0;
    BytePort::reset();
    if (a20_was_open && pins_.a20) pins_.a20(false);
}

std::string SystemControlA::info() const {
    return fmt::format("port92: A20 {}\n", (value_ & 2) != 0 ? "opened" : "not opened");
}

void SystemControlA::write(u64, u8 value) {
    const u8 before = value_;
    value_ = value & 0x03;
    if (((before ^ value_) & 2) != 0 && pins_.a20) pins_.a20((value & 2) != 0);
    if ((before & 1) == 0 && (value & 1) != 0 && pins_.reset) pins_.reset();
}

void ResetControl::write(u64, u8 value) {
    const bool pulse = (value_ & 4) == 0 && (value & 4) != 0;
    const bool hard = (value & 2) != 0;
    value_ = value & 0x06;
    if (pulse && pins_.reset) pins_.reset(hard);
}

std::string PostPort::info() const { return fmt::format("post: code {:02x}\n", value_); }

void PostPort::write(u64, u8 value) {
    if (value != value_) log::debug("POST code {:02x}", value);
    value_ = value;
}

}  // namespace bantam::devices
