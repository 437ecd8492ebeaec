// See ata_disk.h. This file: commands and transfers; ata_identify.cpp has what the disk says about itself.
#include "devices/ata_disk.h"

#include <algorithm>

#include "base/bits.h"

namespace bantam::devices {
namespace {

constexpr u32 kSector = storage::kSectorSize;
constexpr u8 kMaxMultiple = 16;
constexpr u8 kLbaMode = 0x40;
constexpr u64 kCommand_ns = 5'000;
constexpr u64 kFlush_ns = 100'000;

enum Command : u8 {
    kNop = 0x00,
    kReadSectors = 0x20,
    kReadSectorsNoRetry = 0x21,
    kReadSectorsExt = 0x24,
    kReadDmaExt = 0x25,
    kReadNativeMaxExt = 0x27,
    kReadMultipleExt = 0x29,
    kWriteSectors = 0x30,
    kWriteSectorsNoRetry = 0x31,
    kWriteSectorsExt = 0x34,
    kWriteDmaExt = 0x35,
    kWriteMultipleExt = 0x39,
    kReadVerify = 0x40,
    kReadVerifyNoRetry = 0x41,
    kReadVerifyExt = 0x42,
    kSeek = 0x70,
    kDiagnostic = 0x90,
    kInitializeParameters = 0x91,
    kReadMultiple = 0xC4,
    kWriteMultiple = 0xC5,
    kSetMultiple = 0xC6,
    kReadDma = 0xC8,
    kReadDmaNoRetry = 0xC9,
    kWriteDma = 0xCA,
    kWriteDmaNoRetry = 0xCB,
    kStandbyImmediate = 0xE0,
    kIdleImmediate = 0xE1,
    kStandby = 0xE2,
    kIdle = 0xE3,
    kCheckPower = 0xE5,
    kSleep = 0xE6,
    kFlushCache = 0xE7,
    kFlushCacheExt = 0xEA,
    kIdentify = 0xEC,
    kSetFeatures = 0xEF,
    kReadNativeMax = 0xF8,
};

enum Feature : u8 {  // of SET FEATURES
    kEnableWriteCache = 0x02,
    kSetTransferMode = 0x03,
    kDisableLookAhead = 0x55,
    kKeepSettings = 0x66,  // at a software reset
    kDisableWriteCache = 0x82,
    kEnableLookAhead = 0xAA,
    kRevertSettings = 0xCC,
};

/// The retired power commands 94h-99h mean the same as E0h-E6h.
u8 power_command(u8 code) {
    constexpr std::array<u8, 6> kOld{kStandbyImmediate, kIdleImmediate, kStandby, kIdle, kCheckPower, kSleep};
    return code >= 0x94 && code <= 0x99 ? kOld[code - 0x94u] : code;
}

}  // namespace

AtaDisk::AtaDisk(Scheduler& scheduler, std::string name, storage::BlockDevice& image, std::string serial)
    : IdeDrive(scheduler, std::move(name)), image_(image), serial_(std::move(serial)) {
    AtaDisk::reset();
}

void AtaDisk::reset() {
    s_ = {};
    IdeDrive::reset();
}

void AtaDisk::describe(Archive& archive) {
    archive.field("heads", s_.heads);
    archive.field("sectors", s_.sectors);
    archive.field("multiple", s_.multiple);
    archive.field("transfer_mode", s_.transfer_mode);
    archive.field("write_cache", s_.write_cache);
    archive.field("look_ahead", s_.look_ahead);
    archive.field("power", s_.power);
    archive.field("lba", s_.lba);
    archive.field("remaining", s_.remaining);
    archive.field("writing", s_.writing);
    archive.field("extended", s_.extended);
    archive.field("block_sectors", s_.block_sectors);
    archive.field("verify", s_.verify);
    if (archive.loading()) {
        s_.heads = std::clamp<u8>(s_.heads, 1, 16);
        s_.sectors = std::max<u8>(s_.sectors, 1);
        s_.multiple = std::min(s_.multiple, kMaxMultiple);
        s_.block_sectors = std::clamp<u8>(s_.block_sectors, 1, kMaxMultiple);
        s_.remaining = std::min<u32>(s_.remaining, 0x10000);
    }
    IdeDrive::describe(archive);
}

// 9.12: the signature of a device without the PACKET command set, and "passed" in the error register.
void AtaDisk::set_signature() {
    r_.task = {1, 1, 0, 0};
    r_.error = 1;
    r_.status = kReady | kSeekComplete;
    s_.multiple = 0;
    s_.remaining = 0;
    s_.power = 0xFF;
}

void AtaDisk::execute(u8 code) {
    switch (power_command(code)) {
        case kReadSectors:
        case kReadSectorsNoRetry:
            return start({});
        case kReadSectorsExt:
            return start({.extended = true});
        case kReadMultiple:
            return start({.multiple = true});
        case kReadMultipleExt:
            return start({.extended = true, .multiple = true});
        case kReadDma:
        case kReadDmaNoRetry:
            return start({.dma = true});
        case kReadDmaExt:
            return start({.extended = true, .dma = true});
        case kReadVerify:
        case kReadVerifyNoRetry:
            return start({.verify = true});
        case kReadVerifyExt:
            return start({.extended = true, .verify = true});
        case kWriteSectors:
        case kWriteSectorsNoRetry:
            return start({.write = true});
        case kWriteSectorsExt:
            return start({.write = true, .extended = true});
        case kWriteMultiple:
            return start({.write = true, .multiple = true});
        case kWriteMultipleExt:
            return start({.write = true, .extended = true, .multiple = true});
        case kWriteDma:
        case kWriteDmaNoRetry:
            return start({.write = true, .dma = true});
        case kWriteDmaExt:
            return start({.write = true, .extended = true, .dma = true});
        case kFlushCache:
        case kFlushCacheExt:
        case kStandbyImmediate:
        case kStandby:
        case kSleep:
            return access(kFlush_ns);
        case kSetFeatures:
            if (flushes()) return access(kFlush_ns);
            return busy_for(kCommand_ns);
        case kIdentify:
        case kSeek:
        case kInitializeParameters:
        case kSetMultiple:
        case kIdleImmediate:
        case kIdle:
        case kCheckPower:
        case kReadNativeMax:
        case kReadNativeMaxExt:
            return busy_for(kCommand_ns);
        default:  // NOP aborts too
            return fail(kAbort);
    }
}

void AtaDisk::work() {
    switch (power_command(r_.command)) {
        case kFlushCache:
        case kFlushCacheExt:
        case kStandbyImmediate:
        case kStandby:
        case kSleep:
            return flushed();
        case kIdleImmediate:
        case kIdle:
            s_.power = 0xFF;
            return finish();
        case kCheckPower:
            r_.task[0] = s_.power;
            return finish();
        case kIdentify:
            identify();
            return begin_data(true, kSector, kSector);
        case kSeek: {
            u64 lba = 0;
            if (!take_address(false, lba) || lba >= image_.sector_count()) return fail(kIdNotFound);
            return finish();
        }
        case kInitializeParameters:
            if (r_.task[0] == 0) return fail(kAbort);
            s_.heads = static_cast<u8>((r_.device & 0x0F) + 1);
            s_.sectors = r_.task[0];
            return finish();
        case kSetMultiple:
            if (r_.task[0] > kMaxMultiple || (r_.task[0] & (r_.task[0] - 1)) != 0) return fail(kAbort);
            s_.multiple = r_.task[0];
            return finish();
        case kSetFeatures:
            return set_features();
        case kReadNativeMax:
            return native_max(false);
        case kReadNativeMaxExt:
            return native_max(true);
        default:
            return piece_done();
    }
}

/// The running command puts what was written on stable storage.
bool AtaDisk::flushes() const {
    switch (power_command(r_.command)) {
        case kFlushCache:
        case kFlushCacheExt:
        case kStandbyImmediate:
        case kStandby:
        case kSleep:
            return true;
        case kSetFeatures:
            return r_.features == kDisableWriteCache;
        default:
            return false;
    }
}

void AtaDisk::flushed() {
    if (take() == nullptr) return fail(kAbort);
    const u8 code = power_command(r_.command);
    if (code == kStandbyImmediate || code == kStandby || code == kSleep) s_.power = 0;
    finish();
}

void AtaDisk::set_features() {
    switch (r_.features) {
        case kEnableWriteCache:
            s_.write_cache = true;
            break;
        case kDisableWriteCache:
            if (take() == nullptr) return fail(kAbort);
            s_.write_cache = false;
            break;
        case kSetTransferMode: {  // transfer mode: PIO default, PIO 0-4, multiword DMA 0-2, Ultra DMA 0-5
            const u8 kind = r_.task[0] >> 3, mode = r_.task[0] & 7;
            const bool known = (kind == 0 && mode <= 1) || (kind == 1 && mode <= 4) || (kind == 4 && mode <= 2) ||
                               (kind == 8 && mode <= 5);
            if (!known) return fail(kAbort);
            s_.transfer_mode = r_.task[0];
            break;
        }
        case kDisableLookAhead:
            s_.look_ahead = false;
            break;
        case kEnableLookAhead:
            s_.look_ahead = true;
            break;
        case kKeepSettings:
        case kRevertSettings:
            break;
        default:
            return fail(kAbort);
    }
    finish();
}

void AtaDisk::native_max(bool extended) {
    const u64 last = image_.sector_count() - 1;
    s_.extended = extended;
    r_.device |= kLbaMode;
    set_address(extended ? last : std::min<u64>(last, 0x0FFFFFFF));
    finish();
}

// --- addresses

/// The address in the task file; false when it is no CHS address of the current translation.
bool AtaDisk::take_address(bool extended, u64& lba) const {
    const u64 low = r_.task[1] | u64{r_.task[2]} << 8 | u64{r_.task[3]} << 16;
    if (extended) {
        lba = low | u64{r_.previous[1]} << 24 | u64{r_.previous[2]} << 32 | u64{r_.previous[3]} << 40;
        return (r_.device & kLbaMode) != 0;
    }
    if ((r_.device & kLbaMode) != 0) {
        lba = low | u64{r_.device & 0x0Fu} << 24;
        return true;
    }
    const u64 sector = r_.task[1], cylinder = low >> 8, head = r_.device & 0x0Fu;
    if (sector == 0 || sector > s_.sectors || head >= s_.heads) return false;
    lba = (cylinder * s_.heads + head) * s_.sectors + sector - 1;
    return true;
}

void AtaDisk::set_address(u64 lba) {
    if (s_.extended) {
        for (unsigned i = 0; i < 3; ++i) {
            r_.task[1 + i] = static_cast<u8>(lba >> (8 * i));
            r_.previous[1 + i] = static_cast<u8>(lba >> (24 + 8 * i));
        }
        return;
    }
    u64 low = lba & 0xFFFFFF, high = lba >> 24;
    if ((r_.device & kLbaMode) == 0) {
        const u64 track = lba / s_.sectors;
        high = track % s_.heads;
        low = (lba % s_.sectors + 1) | (track / s_.heads & 0xFFFF) << 8;
    }
    for (unsigned i = 0; i < 3; ++i) r_.task[1 + i] = static_cast<u8>(low >> (8 * i));
    r_.device = static_cast<u8>((r_.device & 0xF0) | (high & 0x0F));
}

u32 AtaDisk::take_count(bool extended) const {
    const u32 count = r_.task[0] | (extended ? u32{r_.previous[0]} << 8 : 0u);
    return count != 0 ? count : extended ? 0x10000 : 0x100;
}

// --- transfers

void AtaDisk::start(const Transfer& transfer) {
    u64 lba = 0;
    s_.extended = transfer.extended;
    s_.power = 0xFF;
    if (transfer.multiple && s_.multiple == 0) return fail(kAbort);
    const u32 count = take_count(transfer.extended);
    const u64 size = image_.sector_count();
    if (!take_address(transfer.extended, lba) || lba >= size) return fail(kIdNotFound);
    if (transfer.write && image_.readonly()) return fail(kAbort | kUncorrectable);  // bit 6 of a write: write protected
    s_.lba = lba;
    s_.remaining = count;
    s_.writing = transfer.write;
    s_.verify = transfer.verify;
    s_.block_sectors = transfer.multiple ? s_.multiple : u8{1};
    r_.dma = transfer.dma;
    if (!transfer.write) return access_piece();
    begin_data(false, piece_sectors() * kSector, s_.block_sectors * kSector, true);
}

/// Sectors that move through the buffer at once: a DRQ block by PIO, a full buffer by DMA.
u32 AtaDisk::piece_sectors() const {
    return std::min<u32>(s_.remaining, r_.dma || s_.verify ? kBufferBytes / kSector : s_.block_sectors);
}

bool AtaDisk::piece_in_range() const {
    const u64 size = image_.sector_count();
    return s_.lba < size && piece_sectors() <= size - s_.lba;
}

/// Reads the next piece, or writes the one that the host gave.
void AtaDisk::access_piece() {
    if (!piece_in_range()) return fail_at(std::max(s_.lba, image_.sector_count()), kIdNotFound);
    access(access_ns(u64{piece_sectors()} * kSector));
}

storage::BlockDevice::Request AtaDisk::submit() {
    if (flushes()) return image_.flush();
    if (!s_.writing) return image_.read(s_.lba, piece_sectors());
    return image_.write(s_.lba, std::span(buffer()).first(std::size_t{piece_sectors()} * kSector));
}

void AtaDisk::piece_done() {
    const u32 sectors = piece_sectors();
    if (sectors == 0 || !piece_in_range()) return fail(kAbort);  // only a damaged saved state gets here
    const storage::BlockDevice::Request piece = take();
    if (piece == nullptr) return fail_at(s_.lba, s_.writing ? kAbort : kUncorrectable);
    if (s_.writing) {
        if (!s_.write_cache && !image_.flush()->finish().ok()) return fail_at(s_.lba, kAbort);
    } else if (!s_.verify) {
        std::copy(piece->data().begin(), piece->data().end(), buffer().begin());
        return begin_data(true, sectors * kSector, s_.block_sectors * kSector);
    }
    piece_moved(sectors);
    if (s_.remaining == 0) return finish();
    if (s_.verify) return access_piece();
    begin_data(false, piece_sectors() * kSector, s_.block_sectors * kSector);
}

/// Advances past a piece; the task file names the last sector when all are done.
void AtaDisk::piece_moved(u32 sectors) {
    s_.lba += sectors;
    s_.remaining -= sectors;
    if (s_.remaining == 0) set_address(s_.lba - 1);
}

void AtaDisk::buffer_done() {
    if (r_.command == kIdentify) return finish(true);
    if (r_.phase == Phase::data_out) return access_piece();
    piece_moved(piece_sectors());
    if (s_.remaining != 0) return access_piece();
    finish(!r_.dma);  // PIO reads end with the last word taken, DMA with an interrupt
}

void AtaDisk::fail_at(u64 lba, u8 error) {
    set_address(lba);
    fail(error);
}

}  // namespace bantam::devices
