// See vmmouse.h.
#include "devices/vmmouse.h"

#include <fmt/format.h>

#include <algorithm>

namespace bantam::devices {
namespace {
constexpr u32 kMagic = 0x564D5868;
constexpr u16 kGetVersion = 10, kPointerData = 39, kPointerStatus = 40, kPointerCommand = 41;
// Arguments of kPointerCommand
constexpr u32 kEnable = 0x45414552, kDisable = 0xF5, kRequestAbsolute = 0x53424152, kRequestRelative = 0x4C455252;
constexpr u32 kVersionId = 0x3442554A;  // the first word after kEnable
constexpr u32 kInterfaceVersion = 6;
constexpr u32 kError = 0xFFFF0000;
constexpr u32 kLeft = 0x20, kRight = 0x10, kMiddle = 0x08;
}  // namespace

void Vmmouse::describe(Archive& archive) {
    archive.field("enabled", r_.enabled);
    archive.field("absolute", r_.absolute);
    archive.field("failed", r_.failed);
    archive.field("count", r_.count);
    archive.field("queue", r_.queue);
    if (archive.loading() && r_.count > r_.queue.size()) r_.count = 0;
}

std::string Vmmouse::info() const {
    return fmt::format("vmmouse: {}, {} words wait\n", !r_.enabled ? "off" : r_.absolute ? "absolute" : "on", r_.count);
}

void Vmmouse::call(CallRegisters& registers) {
    const bool ours = registers.eax == kMagic;
    registers.eax = ~u32{0};
    if (!ours) return;
    switch (static_cast<u16>(registers.ecx)) {
        case kGetVersion:
            registers.eax = kInterfaceVersion;
            registers.ebx = kMagic;
            break;
        case kPointerData:
            data(registers);
            break;
        case kPointerStatus:
            registers.eax = r_.count | (r_.enabled && !r_.failed ? 0 : kError);
            break;
        case kPointerCommand:
            registers.eax = 0;
            command(registers.ebx);
            break;
        default:
            break;  // not a call of this device
    }
}

void Vmmouse::command(u32 argument) {
    switch (argument) {
        case kEnable:
            r_ = {};
            r_.enabled = true;
            r_.queue[r_.count++] = kVersionId;
            break;
        case kDisable:
            r_ = {};
            break;
        case kRequestAbsolute:
        case kRequestRelative:
            r_.absolute = argument == kRequestAbsolute;
            break;
        default:
            break;  // not a command of this device
    }
}

/// EBX words, four at most, in EAX, EBX, ECX, EDX. Asking for more than wait is an error until the next enable.
void Vmmouse::data(CallRegisters& registers) {
    const u32 words = registers.ebx;
    if (!r_.enabled || words == 0 || words > kReportWords || words > r_.count) {
        r_.failed = true;
        return;
    }
    u32* const to[kReportWords] = {&registers.eax, &registers.ebx, &registers.ecx, &registers.edx};
    for (u32 i = 0; i < words; ++i) *to[i] = r_.queue[i];
    std::copy(r_.queue.begin() + words, r_.queue.begin() + r_.count, r_.queue.begin());
    r_.count -= words;
    std::fill(r_.queue.begin() + r_.count, r_.queue.begin() + r_.count + words, 0);
}

void Vmmouse::point(u16 x, u16 y, u8 buttons, int wheel) {
    if (!absolute() || r_.failed) return;
    if (r_.count + kReportWords > r_.queue.size()) r_.count -= kReportWords;  // the newest position counts
    const u32 pressed =
        ((buttons & 1) != 0 ? kLeft : 0) | ((buttons & 2) != 0 ? kRight : 0) | ((buttons & 4) != 0 ? kMiddle : 0);
    const auto notches = static_cast<u32>(std::clamp(wheel, -127, 127));
    for (const u32 word : {pressed, u32{x}, u32{y}, notches}) r_.queue[r_.count++] = word;
    if (pins_.report_waits) pins_.report_waits();
}

}  // namespace bantam::devices
