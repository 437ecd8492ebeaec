// MemoryMap: what of the physical address space is RAM, ROM and registers on this board: VGA memory at A0000h, the
// option ROM and BIOS areas C0000h-FFFFFh under the 440FX's attribute map, the BIOS below 4 GiB, and the APIC and HPET
// pages. The chips say what they decode; this puts it into PhysicalMemory.
//
// A stretch of the attribute map that takes writes into DRAM while reads still come from ROM is served as registers:
// the written bytes wait in a buffer and reach RAM when the stretch is next mapped otherwise. Firmware does that for
// microseconds while it copies itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "devices/i440fx.h"
#include "mmu/physical_memory.h"

namespace bantam {

class MemoryMap {
public:
    static constexpr u64 kVgaBase = 0xA0000;
    static constexpr u64 kVgaBytes = 0x20000;
    static constexpr u64 kVgaBiosBase = 0xC0000;
    static constexpr u64 kLegacyEnd = 0x100000;

    explicit MemoryMap(PhysicalMemory& memory) : memory_(memory) {}

    /// Places a BIOS image (a multiple of 4 KiB, at most 16 MiB) to end at 4 GiB, and its last 128 KiB to end at 1 MiB.
    void install_bios(std::vector<u8> image);
    /// What the last 128 KiB below 1 MiB show while they show ROM: the end of `image`; from the next apply() on.
    void show_low_bios(std::span<const u8> image);
    /// Shows a flash memory at `base`: its array, with its registers for writes, or its registers alone.
    void show_flash(const std::string& name, u64 base, std::span<const u8> array, bool array_shown,
                    RegisterSpace registers);

    /// Applies one stretch of the attribute map.
    void apply(const devices::I440fx::Segment& segment);
    /// Shows or hides VGA memory (hidden while SMRAM is open).
    void show_vga(bool shown, const RegisterSpace& space);

    /// Maps `size` bytes (whole pages) of registers called `name` at `base`, or nowhere. Below 1 MiB, or where
    /// something else is mapped, they stay unmapped and a warning says so: guests can move the local APIC and PCI
    /// windows anywhere.
    void place(const std::string& name, std::optional<u64> base, u64 size, const RegisterSpace& space);
    /// The same for one page.
    void place_page(const std::string& name, std::optional<u64> base, const RegisterSpace& space) {
        place(name, base, kPageSize, space);
    }
    /// The same for a device's memory; `written`: see PhysicalMemory::map_memory.
    void place_memory(const std::string& name, std::optional<u64> base, std::span<u8> bytes,
                      std::function<void(u64 offset)> written);
    /// The same for read-only memory.
    void place_rom(const std::string& name, std::optional<u64> base, const std::vector<u8>& contents);

private:
    [[nodiscard]] std::vector<u8> rom_bytes(u64 base, u64 size) const;
    void flush_staged(const std::string& name);
    [[nodiscard]] bool occupied(u64 base, u64 size) const;
    [[nodiscard]] bool vacate(const std::string& name, std::optional<u64> base, u64 size);

    struct Staged {
        u64 base = 0;
        std::vector<u8> rom;
        std::vector<u8> written;
        std::vector<bool> dirty;
    };

    PhysicalMemory& memory_;
    std::vector<u8> low_rom_ = std::vector<u8>(kLegacyEnd - kVgaBiosBase, 0xFF);  // what the ISA bus answers
    std::map<std::string, Staged> staged_;
    bool vga_shown_ = false;
};

}  // namespace bantam
