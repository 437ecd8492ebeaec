// See intel_flash.h.
#include "devices/intel_flash.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/log.h"

namespace bantam::devices {
namespace {

// J3, table "Command Bus-Cycle Definitions".
enum Command : u8 {
    kSetBlockLockBit = 0x01,  // second cycle
    kByteProgramOld = 0x10,
    kBlockErase = 0x20,
    kByteProgram = 0x40,
    kClearStatus = 0x50,
    kLockSetup = 0x60,
    kReadStatus = 0x70,
    kReadIdentifier = 0x90,
    kReadQuery = 0x98,
    kSuspend = 0xB0,
    kConfirm = 0xD0,
    kWriteToBuffer = 0xE8,
};
constexpr u8 kSequenceError = IntelFlash::kProgramError | IntelFlash::kEraseError;
constexpr u8 kErased = 0xFF;
constexpr u8 kManufacturerIntel = 0x89, kDevice128J3 = 0x18;
constexpr u32 kQueryMask = 0xFF;  // the tables repeat every 256 bytes

}  // namespace

IntelFlash::IntelFlash(Scheduler& scheduler, std::string name, storage::BlockDevice& medium, std::vector<u8> contents,
                       Pins pins)
    : name_(std::move(name)),
      scheduler_(scheduler),
      medium_(medium),
      pins_(std::move(pins)),
      array_(std::move(contents)),
      locked_(array_.size() / kBlockBytes),
      dirty_(array_.size() / kBlockBytes),
      vpen_(!medium.readonly()),
      write_back_timer_(scheduler, name_ + "-write-back", [this] { write_back(); }) {
    CHECK(!array_.empty() && array_.size() % kBlockBytes == 0 && locked_.size() <= 0x10000);
    CHECK(array_.size() == medium.sector_count() * storage::kSectorSize);
}

IntelFlash::~IntelFlash() {
    write_back();
    for (const storage::BlockDevice::Request& request : under_way_) judge(request);
}

void IntelFlash::reset() {
    r_ = {};
    if (pins_.array_shown) pins_.array_shown(true);
}

void IntelFlash::describe(Archive& archive) {
    archive.field("shows", r_.shows);
    archive.field("expects", r_.expects);
    archive.field("status", r_.status);
    archive.field("block", r_.block);
    archive.field("buffer_start", r_.buffer_start);
    archive.field("buffer_bytes", r_.buffer_bytes);
    archive.field("buffer_filled", r_.buffer_filled);
    archive.field("sequence_error", r_.sequence_error);
    archive.bytes("buffer", r_.buffer.data(), r_.buffer.size());
    archive.bytes("array", array_.data(), array_.size());
    archive.bytes("locked", locked_.data(), locked_.size());
    if (!archive.loading()) return;
    r_.shows = std::min(r_.shows, Shows::status);
    r_.expects = std::min(r_.expects, Expects::buffer_confirm);
    r_.block %= static_cast<u32>(locked_.size());
    r_.buffer_bytes = std::clamp<u16>(r_.buffer_bytes, 1, kBufferBytes);
    r_.buffer_filled = std::min(r_.buffer_filled, r_.buffer_bytes);
    r_.buffer_start = std::min(r_.buffer_start, static_cast<u32>(array_.size()) - r_.buffer_bytes);
    // The file may hold anything by now.
    std::fill(dirty_.begin(), dirty_.end(), u8{1});
    write_back_timer_.arm(scheduler_.now() + kWriteBackNs);
    if (pins_.array_shown) pins_.array_shown(shows_array());
}

std::string IntelFlash::info() const {
    constexpr std::array kShown{"array", "identifier codes", "CFI query", "status register"};
    return fmt::format("{}: {}; {} blocks of {} bytes, {} locked; shows its {}, status {:02x}h{}", name_,
                       medium_.info(), locked_.size(), kBlockBytes,
                       std::count_if(locked_.begin(), locked_.end(), [](u8 bit) { return bit != 0; }),
                       kShown.at(static_cast<std::size_t>(r_.shows)), r_.status, vpen_ ? "" : ", VPEN low");
}

RegisterSpace IntelFlash::registers() {
    const auto peek = [this](u64 offset, unsigned) { return u64{read(static_cast<u32>(offset))}; };
    return {
        .read = peek,
        .write = [this](u64 offset, unsigned, u64 value) { write(static_cast<u32>(offset), static_cast<u8>(value)); },
        .peek = peek,
        .max_size = 1};
}

u8 IntelFlash::read(u32 offset) const {
    switch (r_.shows) {
        case Shows::array:
            return array_.at(offset);
        case Shows::identifier:
            return identifier(offset);
        case Shows::query:
            return query(offset);
        case Shows::status:
            break;
    }
    return r_.status;
}

// J3, table "Identifier Codes".
u8 IntelFlash::identifier(u32 offset) const {
    switch (offset & kQueryMask) {
        case 0:
            return kManufacturerIntel;
        case 1:
            return kDevice128J3;
        case 2:
            return locked_.at(offset / kBlockBytes);
        default:
            return 0;
    }
}

// JESD68.01, 2.3: the query structure; from 31h on Intel's own table (J3, "Primary Vendor-Specific Extended Query").
u8 IntelFlash::query(u32 offset) const {
    constexpr u32 kFirst = 0x10;
    const auto last_block = static_cast<u32>(locked_.size() - 1);
    const std::array<u8, 48> table{'Q',
                                   'R',
                                   'Y',
                                   0x01,
                                   0x00,
                                   0x31,
                                   0x00,
                                   0,
                                   0,
                                   0,
                                   0,  // command set 0001h, its table at 31h, no alternate one
                                   0x27,
                                   0x36,
                                   0x00,
                                   0x00,  // VCC 2.7 V to 3.6 V, no VPP
                                   0x07,
                                   0x07,
                                   0x0A,
                                   0x00,  // typical: 128 us, 128 us a buffer, 1024 ms a block
                                   0x01,
                                   0x01,
                                   0x02,
                                   0x00,  // at most so many powers of two more
                                   static_cast<u8>(std::bit_width(array_.size() - 1)),
                                   0x00,
                                   0x00,  // size as a power of two, rounded up; x8
                                   static_cast<u8>(std::bit_width(kBufferBytes - 1)),
                                   0x00,
                                   0x01,
                                   static_cast<u8>(last_block),
                                   static_cast<u8>(last_block >> 8),
                                   kBlockBytes >> 8 & 0xFF,
                                   kBlockBytes >> 16,
                                   'P',
                                   'R',
                                   'I',
                                   '1',
                                   '1',
                                   0x08,
                                   0x00,
                                   0x00,
                                   0x00,  // legacy lock and unlock
                                   0x00,
                                   0x01,
                                   0x00,
                                   0x33,
                                   0x00,
                                   0x00};  // block status: lock bits; 3.3 V; no protection fields
    const u32 index = (offset & kQueryMask) - kFirst;
    return index < table.size() ? table.at(index) : u8{0};
}

void IntelFlash::write(u32 offset, u8 value) {
    switch (r_.expects) {
        case Expects::command:
            command(offset, value);
            break;
        case Expects::program_data:
            program(offset, {&value, 1});
            break;
        case Expects::erase_confirm:
            if (value == kConfirm) {
                erase();
            } else {
                finish(kSequenceError);
            }
            break;
        case Expects::lock_confirm:
            confirm_lock(value);
            break;
        case Expects::buffer_count:
            r_.buffer_bytes = static_cast<u16>(value + 1);
            r_.buffer_filled = 0;
            r_.buffer_start = r_.block * kBlockBytes;  // until the first byte says
            r_.sequence_error = false;
            r_.buffer.fill(kErased);
            r_.expects = Expects::buffer_data;
            break;
        case Expects::buffer_data:
            fill_buffer(offset, value);
            break;
        case Expects::buffer_confirm:
            if (value == kConfirm && !r_.sequence_error) {
                program(r_.buffer_start, std::span(r_.buffer).first(r_.buffer_bytes));
            } else {
                finish(kSequenceError);
            }
            break;
    }
}

void IntelFlash::command(u32 offset, u8 code) {
    const auto begin = [&](Expects expects) {
        r_.block = offset / kBlockBytes;
        r_.expects = expects;
        show(Shows::status);
    };
    switch (code) {
        case kByteProgramOld:
        case kByteProgram:
            return begin(Expects::program_data);
        case kBlockErase:
            return begin(Expects::erase_confirm);
        case kLockSetup:
            return begin(Expects::lock_confirm);
        case kWriteToBuffer:
            r_.status |= kReady;  // XSR.7: the buffer is free
            return begin(Expects::buffer_count);
        case kReadStatus:
        case kSuspend:
            return show(Shows::status);
        case kReadIdentifier:
            return show(Shows::identifier);
        case kReadQuery:
            return show(Shows::query);
        case kClearStatus:
            r_.status = 0;
            return show(Shows::array);
        default:  // FFh, and whatever else is no command
            return show(Shows::array);
    }
}

// The first byte's address is where the buffer begins; the others must lie in the bytes that were announced, and all in
// the block of the command.
void IntelFlash::fill_buffer(u32 offset, u8 value) {
    if (r_.buffer_filled == 0) {
        r_.buffer_start = std::min(offset, static_cast<u32>(array_.size()) - r_.buffer_bytes);
        const u32 last = offset + r_.buffer_bytes - 1;
        if (offset / kBlockBytes != r_.block || last / kBlockBytes != r_.block) r_.sequence_error = true;
    }
    const u32 at = offset - r_.buffer_start;
    if (at < r_.buffer_bytes) {
        r_.buffer.at(at) = value;
    } else {
        r_.sequence_error = true;
    }
    if (++r_.buffer_filled >= r_.buffer_bytes) r_.expects = Expects::buffer_confirm;
}

/// Why `block` cannot be changed, as status bits; 0: it can.
u8 IntelFlash::protection(u32 block) const {
    if (!vpen_) return kVpen;
    if (locked_.at(block) != 0) return kDeviceProtect;
    return 0;
}

void IntelFlash::program(u32 offset, std::span<const u8> data) {
    const u32 block = offset / kBlockBytes;
    if (const u8 protect = protection(block); protect != 0) return finish(kProgramError | protect);
    for (const u8 byte : data) array_.at(offset++) &= byte;  // programming only clears bits
    changed(block);
    finish(0);
}

void IntelFlash::erase() {
    if (const u8 protect = protection(r_.block); protect != 0) return finish(kEraseError | protect);
    std::fill_n(array_.begin() + static_cast<std::ptrdiff_t>(r_.block) * kBlockBytes, kBlockBytes, kErased);
    changed(r_.block);
    finish(0);
}

void IntelFlash::confirm_lock(u8 value) {
    if (value != kSetBlockLockBit && value != kConfirm) return finish(kSequenceError);
    const bool set = value == kSetBlockLockBit;
    if (!vpen_) return finish(kVpen | unsigned{set ? kProgramError : kEraseError});
    if (set) {
        locked_.at(r_.block) = 1;
    } else {
        std::fill(locked_.begin(), locked_.end(), u8{0});
    }
    finish(0);
}

/// Ends a sequence; errors stay in the status register until it is cleared.
void IntelFlash::finish(unsigned error_bits) {
    r_.status |= static_cast<u8>(kReady | error_bits);
    r_.expects = Expects::command;
    show(Shows::status);
}

void IntelFlash::show(Shows shows) {
    const bool before = shows_array();
    r_.shows = shows;
    if (before != shows_array() && pins_.array_shown) pins_.array_shown(shows_array());
}

void IntelFlash::changed(u32 block) {
    dirty_.at(block) = 1;
    if (!write_back_timer_.armed()) write_back_timer_.arm(scheduler_.now() + kWriteBackNs);
}

void IntelFlash::write_back() {
    for (const storage::BlockDevice::Request& request : under_way_) judge(request);
    under_way_.clear();
    if (!vpen_) return;
    constexpr u32 kSectors = kBlockBytes / storage::kSectorSize;
    for (u32 block = 0; block < dirty_.size(); ++block) {
        if (dirty_[block] == 0) continue;
        dirty_[block] = 0;
        under_way_.push_back(medium_.write(u64{block} * kSectors,
                                           std::span(array_).subspan(std::size_t{block} * kBlockBytes, kBlockBytes)));
    }
    if (!under_way_.empty()) under_way_.push_back(medium_.flush());
}

/// A host that cannot keep what is programmed lowers VPEN: the guest gets errors from here on.
void IntelFlash::judge(const storage::BlockDevice::Request& request) {
    const Result<void>& result = request->finish();
    if (result || !vpen_) return;
    log::error("{}: {}; what the guest writes to this flash memory from now on fails", name_, result.error().message);
    vpen_ = false;
}

}  // namespace bantam::devices
