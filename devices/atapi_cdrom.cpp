// See atapi_cdrom.h. This file: the packet protocol and reading; atapi_replies.cpp has the other commands' data.
#include "devices/atapi_cdrom.h"

#include <algorithm>

#include "base/bits.h"
#include "devices/atapi_packet.h"
#include "devices/ide_identify.h"

namespace bantam::devices {
namespace {

using namespace packet;

constexpr u32 kBlock = 2048, kSectorsPerBlock = kBlock / storage::kSectorSize;
constexpr u32 kPieceBlocks = IdeDrive::kBufferBytes / kBlock;
constexpr u64 kCommand_ns = 5'000;
// Interrupt reason, which packet commands put in place of the sector count (ATA/ATAPI-6, 7.8)
constexpr u8 kCommandNext = 0x01, kToHost = 0x02;
constexpr u8 kUseDma = 0x01;  // features of PACKET

enum Command : u8 { kPacket = 0xA0, kIdentifyPacket = 0xA1, kIdentify = 0xEC, kSetFeatures = 0xEF };

bool is_power_command(u8 code) { return code == 0xE0 || code == 0xE1 || code == 0xE5 || code == 0xE6; }

}  // namespace

AtapiCdrom::AtapiCdrom(Scheduler& scheduler, std::string name, storage::BlockDevice* medium, std::string serial)
    : IdeDrive(scheduler, std::move(name)), medium_(medium), serial_(std::move(serial)) {
    AtapiCdrom::reset();
}

void AtapiCdrom::reset() {
    s_ = {};
    s_.attention = true;
    s_.attention_asc = kAscReset;
    IdeDrive::reset();
}

void AtapiCdrom::describe(Archive& archive) {
    archive.field("sense", s_.sense);
    archive.field("asc", s_.asc);
    archive.field("ascq", s_.ascq);
    archive.field("attention", s_.attention);
    archive.field("attention_asc", s_.attention_asc);
    archive.field("tray_open", s_.tray_open);
    archive.field("locked", s_.locked);
    archive.field("event", s_.event);
    archive.field("transfer_mode", s_.transfer_mode);
    archive.field("lba", s_.lba);
    archive.field("remaining", s_.remaining);
    archive.field("limit", s_.limit);
    archive.field("packet", s_.packet);
    if (archive.loading()) s_.limit = std::clamp(s_.limit, 2u, kBufferBytes - 2);
    IdeDrive::describe(archive);
}

// ATA/ATAPI-6, 9.12: the signature of the PACKET command set.
void AtapiCdrom::set_signature() {
    r_.task = {1, 1, 0x14, 0xEB};
    r_.error = 1;
    r_.status = 0;
    s_.remaining = 0;
}

std::string AtapiCdrom::describe_medium() const {
    if (s_.tray_open) return "CD-ROM, tray open";
    if (medium_ == nullptr) return "CD-ROM, no medium";
    return "CD-ROM, " + medium_->info() + (s_.locked ? ", locked" : "");
}

u32 AtapiCdrom::blocks() const {
    const u64 count = (medium_->sector_count() + kSectorsPerBlock - 1) / kSectorsPerBlock;
    return static_cast<u32>(std::min<u64>(count, 0xFFFFFFFF));
}

void AtapiCdrom::insert(storage::BlockDevice* medium) {
    medium_ = medium;
    s_.locked = false;
    move_tray(false);
    s_.event = medium != nullptr ? kNewMedia : kMediaRemoval;
    if (medium == nullptr) return;
    s_.attention = true;
    s_.attention_asc = kAscMediumChanged;
}

void AtapiCdrom::eject() {
    if (medium_ != nullptr && !s_.tray_open) s_.event = kMediaRemoval;
    medium_ = nullptr;
    s_.locked = false;
    move_tray(true);
}

void AtapiCdrom::move_tray(bool open) {
    if (s_.tray_open == open) return;
    s_.tray_open = open;
    if (tray_listener_) tray_listener_();
}

// --- ATA commands

void AtapiCdrom::execute(u8 code) {
    switch (code) {
        case kPacket:
            r_.dma = false;
            r_.task[0] = kCommandNext;
            return begin_packet();
        case kDeviceReset:
            return software_reset();
        case kIdentify:
            set_signature();
            return fail(kAbort);
        case kIdentifyPacket:
        case kSetFeatures:
            return busy_for(kCommand_ns);
        default:
            if (is_power_command(code)) return busy_for(kCommand_ns);
            return fail(kAbort);
    }
}

void AtapiCdrom::work() {
    switch (r_.command) {
        case kPacket:
            return s_.remaining != 0 ? piece_done() : run_packet();
        case kIdentifyPacket:
            identify();
            return begin_data(true, IdentifyData::kBytes, IdentifyData::kBytes);
        case kSetFeatures:
            if (r_.features == 0x03) s_.transfer_mode = r_.task[0];
            if (r_.features != 0x03 && r_.features != 0x66 && r_.features != 0xCC) return fail(kAbort);
            return finish();
        default:
            if (r_.command == 0xE5) r_.task[0] = 0xFF;  // CHECK POWER MODE: active
            return finish();
    }
}

void AtapiCdrom::identify() {
    IdentifyData words(buffer());
    words.set(0, 0x85C0);  // ATAPI, CD-ROM, removable, 12-byte packets, DRQ within 50 us
    words.text(10, 10, serial_);
    words.text(23, 4, "1.0");
    words.text(27, 20, "BANTAM CD-ROM");
    words.set(49, 0x0B00);  // IORDY, LBA, DMA
    words.set(53, 0x0006);
    words.transfer_modes(s_.transfer_mode);
    words.set(80, 0x007E);
    words.set(82, 0x4210);  // NOP, DEVICE RESET, PACKET
    words.set(83, 0x4000);
    words.set(84, 0x4000);
    words.set(85, 0x4210);
    words.set(87, 0x4000);
    words.finish();
}

// --- the packet protocol

void AtapiCdrom::buffer_done() {
    if (r_.phase == Phase::packet) {
        std::copy_n(buffer().begin(), s_.packet.size(), s_.packet.begin());
        s_.remaining = 0;
        const u32 limit = r_.task[2] | u32{r_.task[3]} << 8;
        s_.limit = limit == 0 || limit == 0xFFFF ? 0xFFFE : std::max(limit & ~1u, 2u);
        return busy_for(kCommand_ns);
    }
    if (r_.command != kPacket) return finish(true);
    if (s_.remaining != 0) return access_piece();
    packet_done();
}

void AtapiCdrom::block_begins(u32 bytes) {
    if (r_.command != kPacket) return;
    r_.task[0] = kToHost;
    r_.task[2] = static_cast<u8>(bytes);
    r_.task[3] = static_cast<u8>(bytes >> 8);
}

void AtapiCdrom::packet_done() {
    r_.task[0] = kCommandNext | kToHost;
    finish();
}

void AtapiCdrom::packet_failed(Sense sense) {
    s_.sense = sense.key;
    s_.asc = sense.asc;
    s_.ascq = sense.ascq;
    s_.remaining = 0;
    r_.task[0] = kCommandNext | kToHost;
    fail(static_cast<u8>(sense.key << 4 | (sense.key == kIllegalRequest ? kAbort : 0)));
}

void AtapiCdrom::reply(u32 bytes, u32 allocation) {
    const u32 count = std::min(bytes, allocation);
    if (count == 0) return packet_done();
    r_.dma = (r_.features & kUseDma) != 0;
    begin_data(true, count, s_.limit);
}

bool AtapiCdrom::require_medium() {
    if (ready()) return true;
    packet_failed({kNotReady, kAscNoMedium, u8{s_.tray_open ? u8{2} : u8{1}}});
    return false;
}

void AtapiCdrom::run_packet() {
    const auto& p = s_.packet;
    const u8 code = p[0];
    // SPC-2, 5.6: a unit attention is reported once, by the first command but these.
    if (s_.attention && code != kInquiry && code != kRequestSense && code != kGetEventStatus) {
        s_.attention = false;
        return packet_failed({kUnitAttention, s_.attention_asc, 0});
    }
    if (code != kRequestSense) s_.sense = s_.asc = s_.ascq = 0;
    switch (code) {
        case kTestUnitReady:
        case kSynchronizeCache:
        case kSetSpeed:
            if (code == kTestUnitReady && !require_medium()) return;
            return packet_done();
        case kRequestSense:
            return request_sense();
        case kInquiry:
            return inquiry();
        case kStartStop:
            return start_stop();
        case kPreventAllow:
            s_.locked = bit(p[4], 0);
            return packet_done();
        case kReadCapacity:
            if (!require_medium()) return;
            put_be(buffer(), 0, blocks() - 1, 4);
            put_be(buffer(), 4, kBlock, 4);
            return reply(8, 8);
        case kSeek10:
            if (!require_medium()) return;
            if (get_be(p, 2, 4) >= blocks()) return packet_failed({kIllegalRequest, kAscOutOfRange, 0});
            return packet_done();
        case kRead10:
            return read_blocks(get_be(p, 2, 4), get_be(p, 7, 2));
        case kRead12:
            return read_blocks(get_be(p, 2, 4), get_be(p, 6, 4));
        case kReadCd:  // user data of mode 1 and nothing else
            if ((p[9] & 0xF8) == 0) return require_medium() ? packet_done() : void();
            if ((p[9] & 0xF8) != 0x10 || (p[1] & 0x1C) > 0x08 || (p[10] & 7) != 0)
                return packet_failed({kIllegalRequest, kAscInvalidField, 0});
            return read_blocks(get_be(p, 2, 4), get_be(p, 6, 3));
        case kReadToc:
            return read_toc();
        case kGetConfiguration:
            return get_configuration();
        case kGetEventStatus:
            return event_status();
        case kMechanismStatus:
            return mechanism_status();
        case kReadDiscInformation:
            return disc_information();
        case kModeSense10:
            return mode_sense();
        default:
            return packet_failed({kIllegalRequest, kAscInvalidCommand, 0});
    }
}

void AtapiCdrom::read_blocks(u32 lba, u32 count) {
    if (!require_medium()) return;
    const u32 size = blocks();
    if (lba >= size || count > size - lba) return packet_failed({kIllegalRequest, kAscOutOfRange, 0});
    if (count == 0) return packet_done();
    s_.lba = lba;
    s_.remaining = count;
    access_piece();
}

u32 AtapiCdrom::piece_blocks() const { return std::min(s_.remaining, kPieceBlocks); }

bool AtapiCdrom::piece_in_range() const { return ready() && s_.lba < blocks() && piece_blocks() <= blocks() - s_.lba; }

void AtapiCdrom::access_piece() {
    // The medium may have changed while the command was running.
    if (!ready()) return packet_failed({kNotReady, kAscNoMedium, 1});
    if (!piece_in_range()) return packet_failed({kIllegalRequest, kAscOutOfRange, 0});
    access(access_ns(u64{piece_blocks()} * kBlock));
}

/// An image may end inside its last block: the rest reads as zeroes.
storage::BlockDevice::Request AtapiCdrom::submit() {
    const u64 first = u64{s_.lba} * kSectorsPerBlock;
    const u64 sectors = std::min<u64>(u64{piece_blocks()} * kSectorsPerBlock, medium_->sector_count() - first);
    return medium_->read(first, static_cast<u32>(sectors));
}

void AtapiCdrom::piece_done() {
    if (s_.attention) {  // the medium was changed meanwhile
        s_.attention = false;
        return packet_failed({kUnitAttention, s_.attention_asc, 0});
    }
    if (!piece_in_range()) return packet_failed({kNotReady, kAscNoMedium, 1});
    const storage::BlockDevice::Request piece = take();
    if (piece == nullptr) return packet_failed({kMediumError, kAscUnrecoveredRead, 0});
    const u32 count = piece_blocks();
    std::fill(buffer().begin(), buffer().end(), u8{0});
    std::copy(piece->data().begin(), piece->data().end(), buffer().begin());
    s_.lba += count;
    s_.remaining -= count;
    r_.dma = (r_.features & kUseDma) != 0;
    begin_data(true, count * kBlock, s_.limit);
}

}  // namespace bantam::devices
