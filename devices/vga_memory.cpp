// Vga's CPU window on its four planes: address decoding (map select, odd/even, chain-4), latches, write modes 0-3 and
// read modes 0-1, after the "Video Memory" and "Graphics Controller" sections of IBM's reference.
#include "base/bits.h"
#include "devices/vga.h"

namespace bantam::devices {
namespace {
/// A mask of planes (bits 0-3) as a mask of bytes.
constexpr u32 plane_bytes(u8 planes) {
    u32 mask = 0;
    for (unsigned p = 0; p < 4; ++p) {
        if (bit(planes, p)) mask |= 0xFFu << (8 * p);
    }
    return mask;
}

constexpr u32 in_all_planes(u8 value) { return value * 0x01010101u; }
}  // namespace

Vga::Decoded Vga::decode(u64 offset, bool write) const {
    Decoded d;
    // DEVIATION: miscellaneous output bit 1 (enable RAM) does not hide display memory. GRUB built as firmware clears it
    // and writes its text all the same.
    u64 address = offset & 0x1FFFF;
    switch ((r_.graphics[6] >> 2) & 3) {
        case 0:
            break;
        case 1:
            if (address >= 0x10000) return d;
            break;
        case 2:
            if (address < 0x10000 || address >= 0x18000) return d;
            address -= 0x10000;
            break;
        default:
            if (address < 0x18000) return d;
            address -= 0x18000;
            break;
    }
    d.hit = true;
    const bool chain_4 = bit(r_.sequencer[4], 3);
    const bool odd_even = write ? !bit(r_.sequencer[4], 2) : bit(r_.graphics[5], 4);
    d.read_plane = r_.graphics[4] & 3;
    d.planes = r_.sequencer[2] & 0x0F;
    if (chain_4) {
        d.read_plane = static_cast<u8>(address & 3);
        d.planes &= static_cast<u8>(1u << (address & 3));
        address &= ~u64{3};
    } else if (odd_even) {
        const bool odd = bit(address, 0);
        d.read_plane = static_cast<u8>((r_.graphics[4] & 2) | (odd ? 1 : 0));
        d.planes &= odd ? 0x0A : 0x05;
        address &= ~u64{1};
        // Chain odd/even (graphics 6 bit 1) puts a higher address bit in place of A0: bit 16, or the page bit.
        if (bit(r_.graphics[6], 1)) {
            const bool high = ((r_.graphics[6] >> 2) & 3) == 0 ? bit(offset, 16) : !bit(r_.misc_output, 5);
            address |= high ? 1 : 0;
        }
    }
    // Without the extended memory bit each plane has 16 KiB.
    const u64 plane_mask = bit(r_.sequencer[4], 1) ? 0xFFFF : 0x3FFF;
    d.address = static_cast<u32>(address & plane_mask);
    return d;
}

u8 Vga::peek_memory(u64 offset) const {
    if (dispi_linear()) {
        const u32 at = banked(offset);
        return at < kMemoryBytes ? memory_[at] : u8{0xFF};
    }
    const Decoded d = decode(offset, false);
    if (!d.hit) return 0xFF;
    if (!bit(r_.graphics[5], 3)) return plane_byte(d.address, d.read_plane);
    // Read mode 1: a one for each pixel whose colour equals colour compare in the planes that count.
    u8 differs = 0;
    for (unsigned p = 0; p < 4; ++p) {
        if (!bit(r_.graphics[7], p)) continue;
        const u8 wanted = bit(r_.graphics[2], p) ? 0xFF : 0x00;
        differs |= static_cast<u8>(plane_byte(d.address, p) ^ wanted);
    }
    return static_cast<u8>(~differs);
}

u8 Vga::read_memory(u64 offset) {
    if (dispi_linear()) return peek_memory(offset);
    const Decoded d = decode(offset, false);
    if (!d.hit) return 0xFF;
    for (unsigned p = 0; p < 4; ++p) r_.latch[p] = plane_byte(d.address, p);
    return peek_memory(offset);
}

void Vga::write_memory(u64 offset, u8 value) {
    if (dispi_linear()) {
        if (const u32 at = banked(offset); at < kMemoryBytes) {
            memory_[at] = value;
            page_versions_[at / kPageSize] = ++picture_version_;
        }
        return;
    }
    const Decoded d = decode(offset, true);
    if (!d.hit || d.planes == 0) return;
    cell_written(d.address, d.planes);
    const auto& g = r_.graphics;
    const u32 latch = static_cast<u32>(r_.latch[0] | r_.latch[1] << 8 | r_.latch[2] << 16) | u32{r_.latch[3]} << 24;
    const unsigned rotation = g[3] & 7;
    const u8 rotated = static_cast<u8>(value >> rotation | value << (8 - rotation));
    u32 data = 0;
    u8 bit_mask = g[8];
    bool combine = true;
    switch (g[5] & 3) {
        case 0: {
            const u32 enabled = plane_bytes(g[1]);
            data = (in_all_planes(rotated) & ~enabled) | (plane_bytes(g[0]) & enabled);
            break;
        }
        case 1:
            data = latch;
            bit_mask = 0xFF;
            combine = false;
            break;
        case 2:
            data = plane_bytes(value & 0x0F);
            break;
        default:
            data = plane_bytes(g[0]);
            bit_mask &= rotated;
            break;
    }
    if (combine) {
        switch ((g[3] >> 3) & 3) {
            case 1:
                data &= latch;
                break;
            case 2:
                data |= latch;
                break;
            case 3:
                data ^= latch;
                break;
            default:
                break;
        }
        const u32 mask = in_all_planes(bit_mask);
        data = (data & mask) | (latch & ~mask);
    }
    u8* cell = &memory_[d.address * std::size_t{4}];
    for (unsigned p = 0; p < 4; ++p) {
        if (bit(d.planes, p)) cell[p] = static_cast<u8>(data >> (8 * p));
    }
}

RegisterSpace Vga::memory() {
    // The CPU's wider accesses reach the planes a byte at a time, low address first.
    return {.read =
                [this](u64 offset, unsigned size) {
                    u64 value = 0;
                    for (unsigned i = 0; i < size; ++i) value |= u64{read_memory(offset + i)} << (8 * i);
                    return value;
                },
            .write =
                [this](u64 offset, unsigned size, u64 value) {
                    for (unsigned i = 0; i < size; ++i) write_memory(offset + i, static_cast<u8>(value >> (8 * i)));
                },
            .peek =
                [this](u64 offset, unsigned size) {
                    u64 value = 0;
                    for (unsigned i = 0; i < size; ++i) value |= u64{peek_memory(offset + i)} << (8 * i);
                    return value;
                },
            .max_size = 8};
}

}  // namespace bantam::devices
