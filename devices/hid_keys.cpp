#include "devices/hid_keys.h"

#include <algorithm>
#include <array>

namespace bantam::devices {
namespace {

// Usages 04h (A) to 65h (application), then E0h (left control) to E7h (right GUI). 0: no such key.
constexpr unsigned kFirst = 0x04, kFirstModifier = kFirstHidModifier;
constexpr std::array<u16, 98> kKeys{
    0x1E,   0x30,   0x2E,   0x20,   0x12,   0x21,   0x22,   0x23, 0x17,   0x24,   0x25,   0x26,    // A-L
    0x32,   0x31,   0x18,   0x19,   0x10,   0x13,   0x1F,   0x14, 0x16,   0x2F,   0x11,   0x2D,    // M-X
    0x15,   0x2C,   0x02,   0x03,   0x04,   0x05,   0x06,   0x07, 0x08,   0x09,   0x0A,   0x0B,    // Y Z 1-0
    0x1C,   0x01,   0x0E,   0x0F,   0x39,   0x0C,   0x0D,   0x1A, 0x1B,   0x2B,   0x2B,   0x27,    // Enter to ;
    0x28,   0x29,   0x33,   0x34,   0x35,   0x3A,   0x3B,   0x3C, 0x3D,   0x3E,   0x3F,   0x40,    // ' to F6
    0x41,   0x42,   0x43,   0x44,   0x57,   0x58,   0xE037, 0x46, 0xE046, 0xE052, 0xE047, 0xE049,  // F7 to page up
    0xE053, 0xE04F, 0xE051, 0xE04D, 0xE04B, 0xE050, 0xE048, 0x45, 0xE035, 0x37,   0x4A,   0x4E,    // delete to kp +
    0xE01C, 0x4F,   0x50,   0x51,   0x4B,   0x4C,   0x4D,   0x47, 0x48,   0x49,   0x52,   0x53,    // kp enter to kp .
    0x56,   0xE05D};                                                                               // 102nd, application
constexpr std::array<u16, 8> kModifiers{0x1D, 0x2A, 0x38, 0xE05B, 0xE01D, 0x36, 0xE038, 0xE05C};

}  // namespace

std::optional<u16> set1_of_hid(unsigned usage) {
    if (usage >= kFirst && usage < kFirst + kKeys.size()) return kKeys.at(usage - kFirst);
    if (usage >= kFirstModifier && usage < kFirstModifier + kModifiers.size())
        return kModifiers.at(usage - kFirstModifier);
    return std::nullopt;
}

std::optional<u8> hid_of_set1(u16 code) {
    const auto key = std::find(kKeys.begin(), kKeys.end(), code);
    if (key != kKeys.end()) return static_cast<u8>(kFirst + static_cast<unsigned>(key - kKeys.begin()));
    const auto modifier = std::find(kModifiers.begin(), kModifiers.end(), code);
    if (modifier == kModifiers.end()) return std::nullopt;
    return static_cast<u8>(kFirstModifier + static_cast<unsigned>(modifier - kModifiers.begin()));
}

}  // namespace bantam::devices
