// See ide_drive.h.
#include "devices/ide_drive.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"

namespace bantam::devices {
namespace {
// A medium of 500 MB/s that finds any sector in 10 us: fast, yet slow enough that polling drivers see BSY.
constexpr u64 kAccess_ns = 10'000, kNsPerByte = 2;
constexpr u32 kPacketBytes = 12;
constexpr u8 kDeviceAlways = 0xA0;  // obsolete bits that read as ones
}  // namespace

IdeDrive::IdeDrive(Scheduler& scheduler, std::string name)
    : name_(std::move(name)), scheduler_(scheduler), buffer_(kBufferBytes), timer_(scheduler, name_, [this] {
          if (r_.phase == Phase::busy) work();
      }) {}

u64 IdeDrive::access_ns(u64 bytes) { return kAccess_ns + bytes * kNsPerByte; }

void IdeDrive::reset() {
    r_ = {};
    timer_.disarm();
    request_ = nullptr;
    std::fill(buffer_.begin(), buffer_.end(), u8{0});
    block_bytes_ = 512;
    set_signature();
    changed();
}

void IdeDrive::software_reset() {
    timer_.disarm();
    request_ = nullptr;
    r_ = {};
    set_signature();
    changed();
}

void IdeDrive::describe(Archive& archive) {
    archive.field("error", r_.error);
    archive.field("status", r_.status);
    archive.field("device", r_.device);
    archive.field("task", r_.task);
    archive.field("previous", r_.previous);
    archive.field("features", r_.features);
    archive.field("features_previous", r_.features_previous);
    archive.field("command", r_.command);
    archive.field("phase", r_.phase);
    archive.field("interrupt", r_.interrupt);
    archive.field("dma", r_.dma);
    archive.field("position", r_.position);
    archive.field("block_end", r_.block_end);
    archive.field("end", r_.end);
    archive.field("block_bytes", block_bytes_);
    archive.bytes("buffer", buffer_.data(), buffer_.size());
    if (!archive.loading()) return;
    request_ = nullptr;
    r_.end = std::min(r_.end, kBufferBytes);
    r_.block_end = std::min(r_.block_end, r_.end);
    r_.position = std::min(r_.position, r_.block_end);
    block_bytes_ = std::clamp(block_bytes_, 2u, kBufferBytes) & ~1u;
    const bool moving = r_.phase == Phase::data_in || r_.phase == Phase::data_out || r_.phase == Phase::packet;
    if (r_.phase > Phase::data_out || (moving && r_.position >= r_.block_end)) r_.phase = Phase::idle;
    changed();
}

std::string IdeDrive::info() const {
    return fmt::format("{}: {}\n  status={:02x} error={:02x} command={:02x}{}\n", name_, describe_medium(), r_.status,
                       r_.error, r_.command, r_.interrupt ? " INTRQ" : "");
}

// --- registers

u8 IdeDrive::peek(u8 index, bool previous) const {
    switch (index) {
        case kError:
            return r_.error;
        case kCount:
        case kLbaLow:
        case kLbaMid:
        case kLbaHigh:
            return (previous ? r_.previous : r_.task)[index - kCount];
        case kDevice:
            return r_.device | kDeviceAlways;
        case kStatus:
            return r_.status;
        default:
            return 0xFF;
    }
}

u8 IdeDrive::read_status() {
    if (r_.interrupt) {
        r_.interrupt = false;
        changed();
    }
    return r_.status;
}

void IdeDrive::write(u8 index, u8 value) {
    if ((r_.status & kBusy) != 0) return;
    switch (index) {
        case kError:
            r_.features_previous = r_.features;
            r_.features = value;
            break;
        case kCount:
        case kLbaLow:
        case kLbaMid:
        case kLbaHigh:
            r_.previous[index - kCount] = r_.task[index - kCount];
            r_.task[index - kCount] = value;
            break;
        case kDevice:
            r_.device = value;
            break;
        default:
            break;
    }
}

void IdeDrive::command(u8 value) {
    const bool occupied = (r_.status & (kBusy | kDrq)) != 0;
    if (occupied && !interrupts_others(value)) return;
    timer_.disarm();
    request_ = nullptr;
    r_.interrupt = false;
    r_.command = value;
    r_.error = 0;
    r_.dma = false;
    r_.phase = Phase::idle;
    r_.status &= static_cast<u8>(~(kErr | kFault | kDrq | kBusy));
    changed();
    execute(value);
}

// --- the course of a command

void IdeDrive::raise_interrupt() {
    r_.interrupt = true;
    changed();
}

void IdeDrive::busy_for(u64 ns) {
    r_.phase = Phase::busy;
    r_.status = static_cast<u8>((r_.status & ~kDrq) | kBusy);
    timer_.arm(scheduler_.now() + ns);
}

void IdeDrive::access(u64 ns) {
    request_ = submit();
    busy_for(ns);
}

storage::BlockDevice::Request IdeDrive::take() {
    storage::BlockDevice::Request request = request_ ? std::move(request_) : submit();
    request_ = nullptr;
    const Result<void>& done = request->finish();
    if (done) return request;
    log::error("{}: {}", name_, done.error().message);
    return nullptr;
}

void IdeDrive::finish(bool quiet) {
    r_.phase = Phase::idle;
    r_.status = kReady | kSeekComplete;
    if (!quiet) raise_interrupt();
}

void IdeDrive::fail(u8 error) {
    r_.phase = Phase::idle;
    r_.error = error;
    r_.status = kReady | kSeekComplete | kErr;
    raise_interrupt();
}

void IdeDrive::begin_data(bool to_host, u32 bytes, u32 block, bool quiet) {
    CHECK(bytes != 0 && bytes <= kBufferBytes && block >= 2);
    r_.phase = to_host ? Phase::data_in : Phase::data_out;
    r_.position = 0;
    r_.end = bytes;
    block_bytes_ = std::min(block, kBufferBytes) & ~1u;
    begin_block(quiet);
}

void IdeDrive::begin_packet() {
    r_.phase = Phase::packet;
    r_.position = 0;
    r_.end = r_.block_end = kPacketBytes;
    r_.status = kReady | kSeekComplete | kDrq;
}

void IdeDrive::begin_block(bool quiet) {
    r_.block_end = r_.dma ? r_.end : std::min(r_.position + block_bytes_, r_.end);
    r_.status = kReady | kSeekComplete | kDrq;
    if (r_.dma) {
        changed();
        return;
    }
    block_begins(r_.block_end - r_.position);
    if (!quiet) raise_interrupt();
}

void IdeDrive::advance(u32 bytes) {
    r_.position += bytes;
    if (r_.position < r_.block_end) return;
    if (r_.position >= r_.end) {
        r_.status &= static_cast<u8>(~kDrq);
        buffer_done();
    } else {
        begin_block(false);
    }
}

void IdeDrive::dma_advance(u32 bytes) {
    CHECK(dma_request() && bytes <= r_.end - r_.position);
    advance(bytes);
}

u16 IdeDrive::read_data() {
    if (r_.phase != Phase::data_in || r_.dma) return 0xFFFF;
    const u32 at = r_.position;
    const u8 high = at + 1 < r_.block_end ? buffer_[at + 1] : u8{0};
    const auto value = static_cast<u16>(buffer_[at] | high << 8);
    advance(std::min(2u, r_.block_end - at));
    return value;
}

void IdeDrive::write_data(u16 value) {
    if ((r_.phase != Phase::data_out && r_.phase != Phase::packet) || r_.dma) return;
    const u32 at = r_.position;
    buffer_[at] = static_cast<u8>(value);
    if (at + 1 < r_.block_end) buffer_[at + 1] = static_cast<u8>(value >> 8);
    advance(std::min(2u, r_.block_end - at));
}

}  // namespace bantam::devices
