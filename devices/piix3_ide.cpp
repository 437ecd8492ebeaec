// See piix3_ide.h.
#include "devices/piix3_ide.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"

namespace bantam::devices {
namespace {
constexpr u8 kTiming = 0x40;  // IDETIM of the primary channel, the secondary's at 42h
constexpr u8 kDecode = 0x80;  // IDETIM's upper byte: IDE decode enable
constexpr u8 kStart = 0x01, kToMemory = 0x08;
constexpr u8 kActive = 0x01, kError = 0x02, kInterrupt = 0x04, kCapable = 0x60;
constexpr u32 kRegionMax = 0x10000, kEndOfTable = 0x80000000;
}  // namespace

Piix3Ide::Piix3Ide(PhysicalMemory& memory, Pins pins)
    : PciFunction("piix3_ide", {.vendor = 0x8086, .device = 0x7010, .class_code = 0x010180}),
      memory_(memory),
      pins_(std::move(pins)),
      channels_{IdeChannel("ide0", {.interrupt = [this](bool level) { interrupt_changed(0, level); },
                                    .dma_requested = [this] { run(0); }}),
                IdeChannel("ide1", {.interrupt = [this](bool level) { interrupt_changed(1, level); },
                                    .dma_requested = [this] { run(1); }})} {
    define(0x04, 0, 0x05);
    define(0x05, 0, 0);
    define(0x06, 0x80, 0);
    define(0x07, 0x02, 0);
    define_write_one_to_clear(0x07, 0x38);
    define(0x0D, 0, 0xF0);
    add_bar(kBusMasterBar, Space::io, 16);
    for (u8 i = 0; i < 4; ++i)
        define(static_cast<u8>(kTiming + i), (i & 1) != 0 ? kDecode : 0, (i & 1) != 0 ? 0xF3 : 0xFF);
    define(0x44, 0, 0xFF);  // slave timing
}

void Piix3Ide::reset() {
    engines_ = {};
    PciFunction::reset();
}

void Piix3Ide::describe(Archive& archive) {
    PciFunction::describe(archive);
    for (Engine& engine : engines_) {
        archive.begin_section("engine");
        archive.field("command", engine.command);
        archive.field("status", engine.status);
        archive.field("table", engine.table);
        archive.field("next", engine.next);
        archive.field("address", engine.address);
        archive.field("left", engine.left);
        archive.field("last", engine.last);
        archive.end_section();
        if (archive.loading()) engine.left = std::min(engine.left, kRegionMax);
    }
}

std::string Piix3Ide::info() const {
    std::string text = PciFunction::info();
    for (unsigned i = 0; i < kChannels; ++i) {
        const Engine& engine = engines_.at(i);
        text += fmt::format("  channel {}{}: command {:02x} status {:02x} table {:08x}\n", i,
                            channel_decoded(i) ? "" : " (off)", engine.command, engine.status, engine.table);
    }
    return text;
}

bool Piix3Ide::channel_decoded(unsigned index) const {
    return (config(static_cast<u8>(kTiming + 1 + 2 * index)) & kDecode) != 0 && bit(config(4), 0);
}

void Piix3Ide::config_changed(unsigned offset, unsigned size) {
    const bool decode = (offset < kTiming + 4u && offset + size > kTiming) || offset <= 4;
    if (decode && pins_.decode_changed) pins_.decode_changed();
}

void Piix3Ide::interrupt_changed(unsigned index, bool level) {
    if (level) engines_.at(index).status |= kInterrupt;
    if (pins_.interrupt) pins_.interrupt(index, level);
}

u8 Piix3Ide::read(u64 offset) const {
    const Engine& engine = engines_.at(offset >> 3 & 1);
    switch (offset & 7) {
        case 0:
            return engine.command;
        case 2:
            return engine.status;
        case 4:
        case 5:
        case 6:
        case 7:
            return static_cast<u8>(engine.table >> (8 * (offset & 3)));
        default:
            return 0;
    }
}

void Piix3Ide::write(u64 offset, u8 value) {
    const unsigned index = static_cast<unsigned>(offset >> 3 & 1);
    Engine& engine = engines_.at(index);
    switch (offset & 7) {
        case 0:
            write_command(index, value);
            break;
        case 2:
            engine.status =
                static_cast<u8>((engine.status & ~kCapable & ~(value & (kError | kInterrupt))) | (value & kCapable));
            break;
        case 4:
        case 5:
        case 6:
        case 7: {
            const unsigned shift = static_cast<unsigned>(8 * (offset & 3));
            engine.table = replace_bits<u32>(engine.table, u32{value} << shift, u32{0xFF} << shift) & ~u32{3};
            break;
        }
        default:
            break;
    }
}

void Piix3Ide::write_command(unsigned index, u8 value) {
    Engine& engine = engines_.at(index);
    const bool starts = (value & kStart) != 0 && (engine.command & kStart) == 0;
    if ((value & kStart) == 0) engine.status &= static_cast<u8>(~kActive);
    engine.command = value & (kStart | kToMemory);
    if (!starts) return;
    engine.status |= kActive;
    engine.next = engine.table;
    engine.left = 0;
    engine.last = false;
    run(index);
}

/// Moves bytes while the drive asks and the engine is active. Every region moves two bytes at least and the drive has
/// one buffer at most ready, so this ends.
void Piix3Ide::run(unsigned index) {
    Engine& engine = engines_.at(index);
    IdeDrive* drive = channels_.at(index).selected();
    if (drive == nullptr || !bus_master()) return;
    while ((engine.status & kActive) != 0 && drive->dma_request()) {
        if (engine.left == 0) {
            if (engine.last) break;
            std::array<u8, 8> descriptor{};
            memory_.copy_out({engine.next}, descriptor);
            const auto word = [&descriptor](unsigned at) {
                return static_cast<u32>(descriptor.at(at) | descriptor.at(at + 1) << 8 | descriptor.at(at + 2) << 16) |
                       u32{descriptor.at(at + 3)} << 24;
            };
            engine.address = word(0) & ~u32{1};
            const u32 count = word(4) & 0xFFFE;
            engine.left = count == 0 ? kRegionMax : count;
            engine.last = (word(4) & kEndOfTable) != 0;
            // A table does not cross a 64 KiB boundary: the counter is that wide.
            engine.next = replace_bits<u32>(engine.next, engine.next + 8, 0xFFFF);
        }
        const bool to_host = drive->dma_to_host();
        if (to_host != ((engine.command & kToMemory) != 0)) {  // drive and engine disagree: a programming error
            engine.status = static_cast<u8>((engine.status & ~kActive) | kError);
            return;
        }
        std::span<u8> data = drive->dma_span();
        data = data.first(std::min<std::size_t>(data.size(), engine.left));
        if (to_host) {
            memory_.copy_in({engine.address}, data);
        } else {
            memory_.copy_out({engine.address}, data);
        }
        const auto moved = static_cast<u32>(data.size());
        engine.address += moved;
        engine.left -= moved;
        drive->dma_advance(moved);
    }
    if (engine.left == 0 && engine.last) engine.status &= static_cast<u8>(~kActive);
}

RegisterSpace Piix3Ide::engine_registers() {
    const auto get = [this](u64 offset, unsigned) { return u64{read(offset)}; };
    return {.read = get,
            .write = [this](u64 offset, unsigned, u64 value) { write(offset, static_cast<u8>(value)); },
            .peek = get,
            .max_size = 1};
}

}  // namespace bantam::devices
