// The local APIC's registers by number and the bits inside them (SDM vol. 3, tables 11-1, 11-3 and 11-6). Private to
// local_apic*.cpp.
#pragma once

#include <array>

#include "base/bits.h"
#include "devices/apic_bus.h"

namespace bantam::devices {

// Registers by number: offset / 10h, MSR - 800h (SDM vol. 3, table 11-1 and table 11-6).
enum LocalApicRegister : unsigned {
    kRegId = 0x02,
    kRegVersion = 0x03,
    kRegTpr = 0x08,
    kRegPpr = 0x0A,
    kRegEoi = 0x0B,
    kRegLdr = 0x0D,
    kRegDfr = 0x0E,
    kRegSvr = 0x0F,
    kRegIsr = 0x10,
    kRegTmr = 0x18,
    kRegIrr = 0x20,
    kRegEsr = 0x28,
    kRegIcrLow = 0x30,
    kRegIcrHigh = 0x31,
    kRegLvt = 0x32,
    kRegInitialCount = 0x38,
    kRegCurrentCount = 0x39,
    kRegDivide = 0x3E,
    kRegSelfIpi = 0x3F,
};

// Error status register
constexpr u32 kSendIllegalVector = 1 << 5, kReceiveIllegalVector = 1 << 6, kIllegalRegister = 1 << 7;

// ICR: vector, mode, destination mode, level, trigger mode, shorthand
constexpr u32 kIcrWritable = 0x000CCFFF;
constexpr u32 kLvtLevel = 1 << 15, kLvtRemoteIrr = 1 << 14;
constexpr u8 kFirstLegalVector = 16;

/// Delivery mode in an LVT entry or ICR.
inline DeliveryMode lvt_mode(u32 lvt_or_icr) { return static_cast<DeliveryMode>(bits(lvt_or_icr, 8, 3)); }

/// Bit `vector` of IRR, ISR or TMR.
inline bool vector_bit(const std::array<u32, 8>& set, u8 vector) { return bit(set[vector / 32u], vector % 32u); }

}  // namespace bantam::devices
