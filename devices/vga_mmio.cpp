// Vga's registers as memory, as QEMU's "Standard VGA" specification lays them out behind base address register 2: EDID
// at 0, ports 3C0h-3DFh at 400h, DISPI's registers side by side at 500h, QEMU's extension at 600h (its size, and the
// frame buffer's byte order). The rest reads as zero. SeaVGABIOS reads EDID from there by offsets beyond 64 KiB in real
// mode, which faults unless the firmware that calls it has given segments limits of 4 GiB.
#include "base/bits.h"
#include "devices/vga.h"
#include "devices/vga_edid.h"

namespace bantam::devices {
namespace {
constexpr u64 kPorts = 0x400, kPortsEnd = 0x420;
constexpr u64 kDispi = 0x500, kDispiEnd = 0x516;
constexpr u64 kExtension = 0x600, kByteOrder = 0x604;
constexpr u32 kExtensionBytes = 8;
constexpr u32 kLittleEndian = 0x1E1E1E1E;
constexpr u64 kFirstPort = 0x10;  // 3C0h, from 3B0h
}  // namespace

RegisterSpace Vga::mmio() {
    const auto constant = [edid = monitor_edid()](u64 offset) -> u8 {
        if (offset < edid.size()) return edid[offset];
        if (offset >= kExtension && offset < kByteOrder) {
            return static_cast<u8>(kExtensionBytes >> (offset - kExtension) * 8);
        }
        if (offset >= kByteOrder && offset < kExtension + kExtensionBytes) {
            return static_cast<u8>(kLittleEndian >> (offset - kByteOrder) * 8);
        }
        return 0;
    };
    const auto peek_byte = [this, constant](u64 offset) -> u8 {
        if (offset >= kPorts && offset < kPortsEnd) return peek(offset - kPorts + kFirstPort);
        if (offset >= kDispi && offset < kDispiEnd) {
            return static_cast<u8>(read_dispi(static_cast<u16>((offset - kDispi) / 2)) >> offset % 2 * 8);
        }
        return constant(offset);
    };
    const auto read_byte = [this, peek_byte](u64 offset) -> u8 {
        return offset >= kPorts && offset < kPortsEnd ? read(offset - kPorts + kFirstPort) : peek_byte(offset);
    };
    const auto in_bytes = [](const auto& byte) {
        return [byte](u64 offset, unsigned size) {
            u64 value = 0;
            for (unsigned i = 0; i < size; ++i) value |= u64{byte(offset + i)} << 8 * i;
            return value;
        };
    };
    const auto write = [this](u64 offset, unsigned size, u64 value) {
        if (offset >= kPorts && offset < kPortsEnd) {  // a word is an index and its data
            for (unsigned i = 0; i < size; ++i) {
                this->write(offset - kPorts + kFirstPort + i, static_cast<u8>(value >> 8 * i));
            }
        } else if (offset >= kDispi && offset < kDispiEnd) {
            const auto index = static_cast<u16>((offset - kDispi) / 2);
            const auto whole = static_cast<u16>(size == 2 ? value : value << offset % 2 * 8);
            const auto bytes = static_cast<u16>(size == 2 ? 0xFFFF : 0xFF << offset % 2 * 8);
            write_dispi(index, replace_bits<u16>(read_dispi(index), whole, bytes));
        } else if (offset / 4 == kByteOrder / 4 && static_cast<u8>(value) != (kLittleEndian & 0xFF)) {
            warn_once(kBigEndian, "the frame buffer has little-endian pixels only");
        }
    };
    return {.read = in_bytes(read_byte), .write = write, .peek = in_bytes(peek_byte), .max_size = 2};
}

}  // namespace bantam::devices
