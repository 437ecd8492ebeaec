// See pci.h.
#include "devices/pci.h"

#include <fmt/format.h>

#include "base/bits.h"
#include "base/check.h"

namespace bantam::devices {
namespace {
constexpr unsigned kCommand = 0x04;
constexpr unsigned kStatus = 0x06;
constexpr unsigned kBar0 = 0x10;
constexpr unsigned kBarEnd = 0x28;
constexpr u8 kRomBar = 0x30;

constexpr bool overlaps(unsigned offset, unsigned size, unsigned begin, unsigned end) {
    return offset < end && offset + size > begin;
}
}  // namespace

PciFunction::PciFunction(std::string name, Identity identity) : name_(std::move(name)) {
    const auto word = [this](u8 offset, u16 value) {
        define(offset, static_cast<u8>(value), 0);
        define(static_cast<u8>(offset + 1), static_cast<u8>(value >> 8), 0);
    };
    word(0x00, identity.vendor);
    word(0x02, identity.device);
    define(0x08, identity.revision, 0);
    define(0x09, static_cast<u8>(identity.class_code), 0);
    word(0x0A, static_cast<u16>(identity.class_code >> 8));
    define(0x0E, identity.multifunction ? 0x80 : 0x00, 0);
    word(0x2C, identity.subsystem_vendor);
    word(0x2E, identity.subsystem);
    define(0x3D, identity.interrupt_pin, 0);
    if (identity.interrupt_pin != 0) define(0x3C, 0, 0xFF);
    // Command: I/O, memory, bus master, parity error response, SERR# enable. Status: error bits are cleared by ones.
    define(kCommand, 0, 0x47);
    define(kCommand + 1, 0, 0x01);
    define_write_one_to_clear(kStatus + 1, 0xF9);
}

void PciFunction::define(u8 offset, u8 value, u8 writable) {
    config_[offset] = value;
    defaults_[offset] = value;
    writable_[offset] = writable;
}

void PciFunction::add_bar(unsigned index, Space space, u32 size) {
    CHECK(index < bars_.size() && size >= 4 && (size & (size - 1)) == 0);
    bars_[index] = {.space = space, .size = size};
    const u32 type = space == Space::io ? 1 : space == Space::prefetchable_memory ? 8 : 0;
    const u32 writable = ~(size - 1) & (space == Space::io ? ~u32{3} : ~u32{15});
    for (unsigned i = 0; i < 4; ++i) {
        define(static_cast<u8>(kBar0 + 4 * index + i), static_cast<u8>(type >> (8 * i)),
               static_cast<u8>(writable >> (8 * i)));
    }
}

void PciFunction::add_rom_bar(u32 size) {
    CHECK(size >= 0x800 && (size & (size - 1)) == 0);
    rom_size_ = size;
    const u32 writable = ~(size - 1) | 1;
    for (unsigned i = 0; i < 4; ++i) define(static_cast<u8>(kRomBar + i), 0, static_cast<u8>(writable >> (8 * i)));
}

void PciFunction::reset() {
    config_ = defaults_;
    config_changed(0, 256);
    if (mapping_listener_) mapping_listener_();
}

void PciFunction::describe(Archive& archive) {
    archive.bytes("config", config_.data(), config_.size());
    if (!archive.loading()) return;
    // Identity and base address bits that software could not have written are not taken from a file either.
    for (unsigned i = 0; i < kStatus; ++i) {
        config_[i] = replace_bits<u8>(defaults_[i], config_[i], writable_[i]);
    }
    for (unsigned i = kBar0; i < kBarEnd; ++i) {
        config_[i] = replace_bits<u8>(defaults_[i], config_[i], writable_[i]);
    }
    config_changed(0, 256);
    if (mapping_listener_) mapping_listener_();
}

std::string PciFunction::info() const {
    std::string text = fmt::format("{}: {:04x}:{:04x} class {:06x} command {:04x} irq {} pin {}\n", name_, config16(0),
                                   config16(2), config32(8) >> 8, config16(kCommand), config_[0x3C], config_[0x3D]);
    for (unsigned i = 0; i < bars_.size(); ++i) {
        if (bars_[i].size == 0) continue;
        const Window w = window(i);
        text += fmt::format("  BAR{}: {} {:#x} size {:#x}{}\n", i, w.io ? "io" : "memory", w.base, w.size,
                            w.enabled ? "" : " (off)");
    }
    return text;
}

u16 PciFunction::config16(u8 offset) const {
    return static_cast<u16>(config_[offset] | config_[(offset + 1) & 0xFF] << 8);
}

u32 PciFunction::config32(u8 offset) const {
    return config16(offset) | static_cast<u32>(config16(static_cast<u8>(offset + 2))) << 16;
}

u32 PciFunction::read_config(u8 offset, unsigned size) const {
    u32 value = 0;
    for (unsigned i = 0; i < size; ++i) value |= static_cast<u32>(config_[(offset + i) & 0xFF]) << (8 * i);
    return value;
}

void PciFunction::write_config(u8 offset, unsigned size, u32 value) {
    for (unsigned i = 0; i < size; ++i) {
        const unsigned at = (offset + i) & 0xFF;
        const u8 byte = static_cast<u8>(value >> (8 * i));
        config_[at] = static_cast<u8>(config_[at] & ~(byte & clear_on_one_[at]));
        config_[at] = replace_bits<u8>(config_[at], byte, writable_[at]);
    }
    config_changed(offset, size);
    const bool maps = overlaps(offset, size, kCommand, kCommand + 2) || overlaps(offset, size, kBar0, kBarEnd) ||
                      overlaps(offset, size, kRomBar, kRomBar + 4);
    if (maps && mapping_listener_) mapping_listener_();
}

void PciFunction::config_changed(unsigned, unsigned) {}

PciFunction::Window PciFunction::window(unsigned index) const {
    const Bar& bar = bars_[index];
    Window w;
    if (bar.size == 0) return w;
    w.io = bar.space == Space::io;
    w.size = bar.size;
    w.base = config32(static_cast<u8>(kBar0 + 4 * index)) & ~u32{w.io ? 3u : 15u};
    // A sizing write leaves all ones there for a moment; nothing decodes the top of the space on a PC.
    const bool sizing = w.base == (~(u64{bar.size} - 1) & (w.io ? 0xFFFFFFFC : 0xFFFFFFF0));
    w.enabled = bit(config_[kCommand], w.io ? 0 : 1) && w.base != 0 && !sizing;
    return w;
}

PciFunction::Window PciFunction::rom_window() const {
    Window w;
    if (rom_size_ == 0) return w;
    const u32 value = config32(kRomBar);
    w.size = rom_size_;
    w.base = value & ~u32{0x7FF};
    const bool sizing = w.base == static_cast<u32>(~(rom_size_ - 1) & ~0x7FFu);
    w.enabled = bit(config_[kCommand], 1) && bit(value, 0) && w.base != 0 && !sizing;
    return w;
}

void PciBus::describe(Archive& archive) { archive.field("config_address", r_.config_address); }

std::string PciBus::info() const {
    std::string text;
    for (unsigned i = 0; i < slots_.size(); ++i) {
        if (slots_[i] != nullptr) text += fmt::format("00:{:02x}.{} {}", i / 8, i % 8, slots_[i]->info());
    }
    return text;
}

void PciBus::attach(unsigned device, unsigned function, PciFunction& pci_function) {
    CHECK(device < 32 && function < 8 && slots_[device * 8 + function] == nullptr);
    slots_[device * 8 + function] = &pci_function;
}

/// The function that CONFIG_ADDRESS selects on bus 0; null: disabled, another bus, an empty slot.
PciFunction* PciBus::selected() const {
    if (!bit(r_.config_address, 31) || bits(r_.config_address, 16, 8) != 0) return nullptr;
    return slots_[bits(r_.config_address, 8, 8)];
}

u32 PciBus::read(u64 offset, unsigned size) {
    const u32 all_ones = static_cast<u32>(mask_for(size));
    if (offset < 4) {
        if (offset == 0 && size == 4) return r_.config_address;
        if (offset == 1 && size == 1 && pins_.reset_control.read)
            return static_cast<u32>(pins_.reset_control.read(0, 1));
        return all_ones;
    }
    const PciFunction* function = selected();
    if (function == nullptr || offset + size > 8) return all_ones;
    return function->read_config(static_cast<u8>((r_.config_address & 0xFC) + (offset & 3)), size);
}

void PciBus::write(u64 offset, unsigned size, u32 value) {
    if (offset < 4) {
        if (offset == 0 && size == 4) r_.config_address = value & 0x80FFFFFC;
        if (offset == 1 && size == 1 && pins_.reset_control.write) pins_.reset_control.write(0, 1, value);
        return;
    }
    PciFunction* function = selected();
    if (function == nullptr || offset + size > 8) return;
    function->write_config(static_cast<u8>((r_.config_address & 0xFC) + (offset & 3)), size, value);
}

RegisterSpace PciBus::registers() {
    return {.read = [this](u64 offset, unsigned size) { return u64{read(offset, size)}; },
            .write = [this](u64 offset, unsigned size, u64 value) { write(offset, size, static_cast<u32>(value)); },
            .peek = [this](u64 offset, unsigned size) { return u64{read(offset, size)}; },
            .max_size = 4};
}

}  // namespace bantam::devices
