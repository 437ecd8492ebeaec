// See fw_cfg.h.
#include "devices/fw_cfg.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "base/check.h"

namespace bantam::devices {
namespace {

constexpr u32 kTraditional = 1, kDma = 2;  // bits of the ID item
constexpr u16 kSelectorMask = 0x3FFF | 0x8000;
constexpr u64 kDmaSignature = 0x51454D5520434647;  // "QEMU CFG"
enum DmaControl : u32 { kError = 1, kRead = 2, kSkip = 4, kSelect = 8, kWrite = 16 };
constexpr std::size_t kCommandBytes = 16, kDirectoryEntryBytes = 64;
constexpr std::size_t kPiece = 4096;  // of a transfer, so that a length the guest makes up costs no memory

u64 big_endian(std::span<const u8> bytes) {
    u64 value = 0;
    for (const u8 byte : bytes) value = value << 8 | byte;
    return value;
}

void append_big_endian(std::vector<u8>& bytes, u64 value, unsigned size) {
    for (unsigned i = size; i-- > 0;) bytes.push_back(static_cast<u8>(value >> (8 * i)));
}

/// The `size` low bytes of `value` in the other byte order.
u64 swapped(u64 value, unsigned size) {
    u64 result = 0;
    for (unsigned i = 0; i < size; ++i) result = result << 8 | ((value >> (8 * i)) & 0xFF);
    return result;
}

}  // namespace

FwCfg::FwCfg(PhysicalMemory& memory) : memory_(memory) {
    set_item(kSignature, {'Q', 'E', 'M', 'U'});
    set_item(kId, {kTraditional | kDma, 0, 0, 0});
    rebuild_directory();
}

void FwCfg::describe(Archive& archive) {
    archive.field("selector", r_.selector);
    archive.field("offset", r_.offset);
    archive.field("dma_address", r_.dma_address);
}

std::string FwCfg::info() const {
    std::string text = fmt::format("fw_cfg: item {:04x} offset {:#x}\n", r_.selector, r_.offset);
    for (std::size_t i = 0; i < files_.size(); ++i) {
        const u16 key = static_cast<u16>(kFirstFile + i);
        text += fmt::format("  {:04x} {} ({} bytes)\n", key, files_[i], items_.at(key).size());
    }
    return text;
}

u16 FwCfg::key_of(std::string_view name) const {
    const auto found = std::find(files_.begin(), files_.end(), name);
    return found == files_.end() ? u16{0} : static_cast<u16>(kFirstFile + (found - files_.begin()));
}

u16 FwCfg::set_file(std::string_view name, std::vector<u8> contents) {
    CHECK(!name.empty() && name.size() < kFileNameBytes);
    u16 key = key_of(name);
    if (key == 0) {
        key = static_cast<u16>(kFirstFile + files_.size());
        files_.emplace_back(name);
    }
    items_[key] = std::move(contents);
    rebuild_directory();
    return key;
}

void FwCfg::rebuild_directory() {
    std::vector<u8> directory;
    append_big_endian(directory, files_.size(), 4);
    for (std::size_t i = 0; i < files_.size(); ++i) {
        const u16 key = static_cast<u16>(kFirstFile + i);
        append_big_endian(directory, items_.at(key).size(), 4);
        append_big_endian(directory, key, 2);
        append_big_endian(directory, 0, 2);
        directory.insert(directory.end(), files_[i].begin(), files_[i].end());
        directory.resize(4 + (i + 1) * kDirectoryEntryBytes);
    }
    items_[kFileDirectory] = std::move(directory);
}

void FwCfg::select(u16 key) {
    r_.selector = key & kSelectorMask;
    r_.offset = 0;
    if (select_listener_) select_listener_(r_.selector);
}

/// What is left of the selected item; nothing when there is no such item.
std::span<const u8> FwCfg::current() const {
    const auto found = items_.find(r_.selector);
    if (found == items_.end() || r_.offset >= found->second.size()) return {};
    return std::span<const u8>(found->second).subspan(r_.offset);
}

u8 FwCfg::read_data() {
    const std::span<const u8> left = current();
    if (left.empty()) return 0;
    ++r_.offset;
    return left[0];
}

RegisterSpace FwCfg::ports() {
    return {.read = [this](u64 offset, unsigned) { return offset == 1 ? u64{read_data()} : u64{0}; },
            .write =
                [this](u64 offset, unsigned size, u64 value) {
                    if (offset == 0 && size == 2) select(static_cast<u16>(value));
                },
            .peek = nullptr,
            .max_size = 2};
}

RegisterSpace FwCfg::dma_ports() {
    const auto read = [](u64 offset, unsigned size) {
        const unsigned shift = static_cast<unsigned>(8 * (8 - offset - size));
        return swapped((kDmaSignature >> shift) & mask_for(size), size);
    };
    return {.read = read,
            .write = [this](u64 offset, unsigned size, u64 value) { write_dma(offset, size, static_cast<u32>(value)); },
            .peek = read,
            .max_size = 4};
}

void FwCfg::write_dma(u64 offset, unsigned size, u32 value) {
    if (size != 4) return;
    const u64 half = swapped(value, 4);
    if (offset == 0) {
        r_.dma_address = half << 32;
        return;
    }
    r_.dma_address |= half;
    run_dma();
    r_.dma_address = 0;
}

/// Zeroes guest memory; what lies outside RAM is skipped, for a length costs the guest nothing and us time.
void FwCfg::write_zeroes(u64 address, u64 length) {
    constexpr std::array<u8, kPiece> kZeroes{};
    const auto zero_part = [&](u64 begin, u64 end) {
        begin = std::max(begin, address);
        end = std::min(end, address + length);
        while (begin < end) {
            const u64 count = std::min<u64>(end - begin, kPiece);
            memory_.copy_in({begin}, std::span(kZeroes).first(count));
            begin += count;
        }
    };
    zero_part(0, memory_.low_ram_bytes());
    zero_part(PhysicalMemory::kHighRamBase, PhysicalMemory::kHighRamBase + memory_.high_ram_bytes());
}

/// Carries out the command at dma_address: control, length and address, all big-endian. Zero in its control field says
/// that it is done.
void FwCfg::run_dma() {
    const Physical command{r_.dma_address};
    std::array<u8, kCommandBytes> bytes{};
    memory_.copy_out(command, bytes);
    const u32 control = static_cast<u32>(big_endian(std::span(bytes).first(4)));
    const u64 address = big_endian(std::span(bytes).subspan(8, 8));
    const u64 length = std::min(big_endian(std::span(bytes).subspan(4, 4)), ~address);  // no wrap to address 0
    if ((control & kSelect) != 0) select(static_cast<u16>(control >> 16));

    u32 result = 0;
    if ((control & kRead) != 0) {
        const std::span<const u8> data = current().first(std::min<u64>(length, current().size()));
        memory_.copy_in({address}, data);
        r_.offset += static_cast<u32>(data.size());
        write_zeroes(address + data.size(), length - data.size());
    } else if ((control & kWrite) != 0) {
        result = kError;
    } else if ((control & kSkip) != 0) {
        r_.offset += static_cast<u32>(std::min<u64>(length, current().size()));
    }
    std::array<u8, 4> answer{0, 0, 0, static_cast<u8>(result)};
    memory_.copy_in(command, answer);
}

}  // namespace bantam::devices
