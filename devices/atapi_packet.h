// Operation codes, sense data and big-endian fields of packet commands (SPC-2, MMC-3).
#pragma once

#include <array>
#include <vector>

#include "base/types.h"

namespace bantam::devices::packet {

enum Operation : u8 {
    kTestUnitReady = 0x00,
    kRequestSense = 0x03,
    kInquiry = 0x12,
    kStartStop = 0x1B,
    kPreventAllow = 0x1E,
    kReadCapacity = 0x25,
    kRead10 = 0x28,
    kSeek10 = 0x2B,
    kSynchronizeCache = 0x35,
    kReadToc = 0x43,
    kGetConfiguration = 0x46,
    kGetEventStatus = 0x4A,
    kReadDiscInformation = 0x51,
    kModeSense10 = 0x5A,
    kRead12 = 0xA8,
    kSetSpeed = 0xBB,
    kMechanismStatus = 0xBD,
    kReadCd = 0xBE,
};
enum SenseKey : u8 { kNotReady = 2, kMediumError = 3, kIllegalRequest = 5, kUnitAttention = 6 };
enum SenseCode : u8 {
    kAscUnrecoveredRead = 0x11,
    kAscInvalidCommand = 0x20,
    kAscOutOfRange = 0x21,
    kAscInvalidField = 0x24,
    kAscMediumChanged = 0x28,
    kAscReset = 0x29,
    kAscNoMedium = 0x3A,
    kAscRemovalPrevented = 0x53,
};

template <class Bytes>
[[nodiscard]] u32 get_be(const Bytes& bytes, std::size_t at, unsigned size) {
    u32 value = 0;
    for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
    return value;
}

inline void put_be(std::vector<u8>& bytes, std::size_t at, u32 value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) bytes[at + i] = static_cast<u8>(value >> (8 * (size - 1 - i)));
}

}  // namespace bantam::devices::packet
