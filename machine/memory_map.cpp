#include "machine/memory_map.h"

#include <algorithm>

#include "base/log.h"

namespace bantam {
namespace {
constexpr u64 kFourGiB = u64{1} << 32;
constexpr u64 kLowBiosBytes = 0x20000;
}  // namespace

void MemoryMap::install_bios(std::vector<u8> image) {
    CHECK(!image.empty() && image.size() % kPageSize == 0);
    show_low_bios(image);
    const u64 base = kFourGiB - image.size();
    memory_.map_rom("bios", {base}, std::move(image));
}

void MemoryMap::show_low_bios(std::span<const u8> image) {
    const std::span<const u8> end = image.last(std::min<u64>(image.size(), kLowBiosBytes));
    std::copy(end.begin(), end.end(), low_rom_.end() - static_cast<std::ptrdiff_t>(end.size()));
}

void MemoryMap::show_flash(const std::string& name, u64 base, std::span<const u8> array, bool array_shown,
                           RegisterSpace registers) {
    memory_.unmap(name);
    if (array_shown) {
        memory_.map_device_rom(name, {base}, array, std::move(registers));
    } else {
        memory_.map_mmio(name, {base}, array.size(), std::move(registers));
    }
}

std::vector<u8> MemoryMap::rom_bytes(u64 base, u64 size) const {
    const auto first = low_rom_.begin() + static_cast<std::ptrdiff_t>(base - kVgaBiosBase);
    return {first, first + static_cast<std::ptrdiff_t>(size)};
}

void MemoryMap::apply(const devices::I440fx::Segment& segment) {
    const std::string name = fmt::format("shadow-{:05x}", segment.base);
    memory_.unmap(name);
    flush_staged(name);
    if (segment.read_dram && segment.write_dram) return;
    if (segment.read_dram) {  // DRAM, protected against writes
        std::vector<u8> contents(segment.size);
        memory_.copy_out({segment.base}, contents);
        memory_.map_rom(name, {segment.base}, std::move(contents));
        return;
    }
    if (!segment.write_dram) {
        memory_.map_rom(name, {segment.base}, rom_bytes(segment.base, segment.size));
        return;
    }
    Staged& staged = staged_[name];
    staged = {segment.base, rom_bytes(segment.base, segment.size), std::vector<u8>(segment.size),
              std::vector<bool>(segment.size)};
    const auto read = [&staged](u64 offset, unsigned) { return u64{staged.rom[offset]}; };
    const auto write = [&staged](u64 offset, unsigned, u64 value) {
        staged.written[offset] = static_cast<u8>(value);
        staged.dirty[offset] = true;
    };
    memory_.map_mmio(name, {segment.base}, segment.size, {.read = read, .write = write, .peek = read, .max_size = 1});
}

void MemoryMap::flush_staged(const std::string& name) {
    const auto found = staged_.find(name);
    if (found == staged_.end()) return;
    const Staged& staged = found->second;
    for (u64 offset = 0; offset < staged.written.size(); ++offset) {
        if (staged.dirty[offset]) memory_.copy_in({staged.base + offset}, {&staged.written[offset], 1});
    }
    staged_.erase(found);
}

void MemoryMap::show_vga(bool shown, const RegisterSpace& space) {
    if (shown == vga_shown_) return;
    vga_shown_ = shown;
    if (shown) {
        memory_.map_mmio("vga", {kVgaBase}, kVgaBytes, space);
    } else {
        memory_.unmap("vga");
    }
}

bool MemoryMap::occupied(u64 base, u64 size) const {
    const std::vector<PhysicalMemory::RegionInfo> regions = memory_.regions();
    return std::any_of(regions.begin(), regions.end(), [&](const PhysicalMemory::RegionInfo& region) {
        return region.base.value < base + size && base < region.base.value + region.size;
    });
}

/// Takes `name` out of the map; true when it may be mapped at `base`.
bool MemoryMap::vacate(const std::string& name, std::optional<u64> base, u64 size) {
    memory_.unmap(name);
    if (!base) return false;
    if (*base >= kLegacyEnd && !occupied(*base, size)) return true;
    log::warning("{} at {:x}h collides with another device there and stays invisible", name, *base);
    return false;
}

void MemoryMap::place(const std::string& name, std::optional<u64> base, u64 size, const RegisterSpace& space) {
    if (vacate(name, base, size)) memory_.map_mmio(name, {*base}, size, space);
}

void MemoryMap::place_memory(const std::string& name, std::optional<u64> base, std::span<u8> bytes,
                             std::function<void(u64 offset)> written) {
    if (vacate(name, base, bytes.size())) memory_.map_memory(name, {*base}, bytes, std::move(written));
}

void MemoryMap::place_rom(const std::string& name, std::optional<u64> base, const std::vector<u8>& contents) {
    if (vacate(name, base, contents.size())) memory_.map_rom(name, {*base}, contents);
}

}  // namespace bantam
