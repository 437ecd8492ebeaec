// GuestRam: RAM by physical address, for whoever follows a guest's pointers through it. What lies outside reads as 0.
#pragma once

#include <cstring>
#include <span>

#include "base/types.h"
#include "mmu/physical_memory.h"

namespace bantam::scenario {

class GuestRam {
public:
    /// `low` lies from address 0 up, `high` from PhysicalMemory::kHighRamBase up.
    explicit GuestRam(std::span<const u8> low, std::span<const u8> high = {}) : low_(low), high_(high) {}
    explicit GuestRam(const PhysicalMemory& memory)
        : GuestRam(memory.ram().first(memory.low_ram_bytes()), memory.ram().subspan(memory.low_ram_bytes())) {}

    [[nodiscard]] bool holds(u64 address, u64 bytes) const { return at(address, bytes) != nullptr; }
    [[nodiscard]] u16 half(u64 address) const { return read<u16>(address); }
    [[nodiscard]] i16 signed_half(u64 address) const { return read<i16>(address); }
    [[nodiscard]] u32 word(u64 address) const { return read<u32>(address); }
    /// A pointer of 4 or 8 bytes.
    [[nodiscard]] u64 pointer(u64 address, unsigned bytes) const {
        return bytes == 8 ? read<u64>(address) : read<u32>(address);
    }
    /// Bit `number` from `address` on, the highest of each byte first.
    [[nodiscard]] bool bit(u64 address, u64 number) const {
        const u8* byte = at(address + number / 8, 1);
        return byte != nullptr && (*byte >> (7 - number % 8) & 1) != 0;
    }
    /// Behind the last byte.
    [[nodiscard]] u64 end() const { return address_of(low_.size() + high_.size()); }
    /// Of an offset in PhysicalMemory::ram().
    [[nodiscard]] u64 address_of(u64 offset) const {
        return offset < low_.size() ? offset : offset - low_.size() + PhysicalMemory::kHighRamBase;
    }

private:
    [[nodiscard]] const u8* at(u64 address, u64 bytes) const {
        const bool above = address >= PhysicalMemory::kHighRamBase;
        const std::span<const u8> part = above ? high_ : low_;
        const u64 offset = above ? address - PhysicalMemory::kHighRamBase : address;
        return offset < part.size() && bytes <= part.size() - offset ? &part[offset] : nullptr;
    }
    template <class T>
    [[nodiscard]] T read(u64 address) const {
        T value = 0;
        if (const u8* bytes = at(address, sizeof value)) std::memcpy(&value, bytes, sizeof value);
        return value;
    }

    std::span<const u8> low_, high_;
};

}  // namespace bantam::scenario
