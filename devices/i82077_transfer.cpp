// Commands that read, write or look at sectors (datasheet, 5.1). The execution phase is a chain of waits on one timer:
// implied seek, head load, the sector's data field, its bytes, its CRC, the next sector. See i82077.h.
#include "base/bits.h"
#include "base/log.h"
#include "devices/i82077.h"
#include "devices/i82077_bits.h"

namespace bantam::devices {
namespace {
// A track in bytes: gap 4a, index mark and gap 1; then a slot per sector, which begins with its ID field (sync, mark,
// C, H, R, N, CRC), gap 2, sync and data mark (System/34 format; datasheet, figure 5-1).
constexpr u64 kPreamble = 146, kIdField = 22, kToData = 60, kCrc = 2;
constexpr u8 kSkip = 0x20, kMfm = 0x40, kMultiTrack = 0x80;
constexpr u8 kDeletedBit = 0x08;  // tells READ / WRITE DELETED DATA from READ / WRITE DATA
constexpr u8 kScanEqual = 0x11, kScanLowOrEqual = 0x19, kScanCode = 0x1F;
constexpr u8 kVerifyCount = 0x80;  // EC
constexpr u64 kIdBytes = 4;

// Of the command's bytes
constexpr unsigned kUnit = 1, kCylinder = 2, kHead = 3, kSector = 4, kSize = 5, kEot = 6, kLength = 8;
constexpr unsigned kFormatSize = 2, kFormatSectors = 3, kFormatFill = 5;
}  // namespace

void I82077::start_read() { start(Operation::read); }
void I82077::start_write() { start(Operation::write); }
void I82077::start_verify() { start(Operation::verify); }
void I82077::start_scan() { start(Operation::scan); }
void I82077::start_read_track() { start(Operation::read_track); }
void I82077::start_read_id() { start(Operation::read_id); }
void I82077::start_format() { start(Operation::format); }

void I82077::start(Operation operation) {
    r_.phase = Phase::execution;
    r_.operation = operation;
    r_.stage = Stage::none;
    r_.head = static_cast<u8>(bits(r_.command[kUnit], 2, 1));
    r_.st0 = r_.command[kUnit] & 3;
    r_.st1 = r_.st2 = r_.pending_st1 = 0;
    r_.sectors_done = 0;
    r_.position = r_.accepted = 0;
    r_.request = r_.terminal_count = false;
    r_.scan_equal = r_.scan_holds = r_.format_fits = true;
    fifo_.clear();
    const bool addressed = operation != Operation::format && operation != Operation::read_id;
    if (addressed) {
        r_.id_cylinder = r_.command[kCylinder];
        r_.id_head = r_.command[kHead];
        r_.id_sector = r_.command[kSector];
        r_.id_size = r_.command[kSize];
        r_.last_eot = r_.command[kEot];
    } else if (operation == Operation::format) {
        r_.last_eot = r_.command[kFormatSectors];
        r_.id_size = r_.command[kFormatSize];
    }
    const bool writes = operation == Operation::write || operation == Operation::format;
    if (const FloppyDrive* drive = selected(); writes && drive != nullptr && drive->write_protected())
        return finish(kAbnormal, kNotWritable, 0);
    const unsigned unit = r_.command[kUnit] & 3;
    if (addressed && (r_.configure & kImpliedSeek) != 0 && r_.id_cylinder != r_.cylinder.at(unit)) {
        r_.stage = Stage::seeking;
        const u8 from = r_.cylinder.at(unit);
        const bool inward = r_.id_cylinder > from;
        start_seek({.active = true,
                    .inward = inward,
                    .target = r_.id_cylinder,
                    .steps = static_cast<u8>(inward ? r_.id_cylinder - from : from - r_.id_cylinder)});
    } else {
        load_head();
    }
    update_request();
}

// HLT counts units of 2 ms at 500 kbit/s, 0 standing for 128; HUT units of 16 ms, 0 for 16 (see finish).
void I82077::load_head() {
    const bool loaded = r_.head_loaded_drive == (r_.dor & 3) && scheduler_.now() < r_.head_loaded_until_ns;
    const unsigned field = r_.specify[1] >> 1;
    const u64 units = field == 0 ? 128 : field;
    wait(Stage::head_load, loaded ? 0 : units * (u64{1'000'000'000} / kilobits_per_second()));
}

u64 I82077::byte_ns() const { return u64{8'000'000} / kilobits_per_second(); }

u64 I82077::until_angle(u64 offset_ns) const {
    const FloppyDrive* drive = selected();
    const u64 rotation = drive != nullptr ? drive->rotation_ns() : 1;
    return (offset_ns % rotation + rotation - turned_ns() % rotation) % rotation;
}

u64 I82077::until_index() const {
    const u64 ns = until_angle(0);
    const FloppyDrive* drive = selected();
    return ns == 0 && drive != nullptr ? drive->rotation_ns() : ns;
}

void I82077::wait(Stage stage, u64 ns) {
    const bool paced_by_host = stage == Stage::moving && non_dma();
    const u64 waited = paced_by_host ? ns : ns / options_.speed_factor;
    r_.stage = stage;
    r_.ahead_ns += ns - waited;
    execution_timer_.arm(scheduler_.now() + waited);
}

bool I82077::track_readable(const FloppyDrive& drive) const {
    return drive.sectors(r_.head) != 0 && drive.kilobits_per_second() == kilobits_per_second() &&
           (r_.command[0] & kMfm) != 0;
}

/// Where the slot of `sector` (from 1) of `slots` begins, after the index.
u64 I82077::slot_ns(unsigned sector, unsigned slots, const FloppyDrive& drive) const {
    const u64 track_bytes = drive.rotation_ns() / byte_ns();
    return (kPreamble + (track_bytes - kPreamble) * (sector - 1) / slots) * byte_ns();
}

void I82077::search() {
    FloppyDrive* drive = selected();
    execution_timer_.disarm();
    r_.stage = Stage::no_index;
    if (drive == nullptr) return;
    if (!drive->has_disk()) {
        if (options_.empty_drive_ends_search) wait(Stage::no_index, 2 * drive->rotation_ns());
        return;
    }
    if (r_.operation == Operation::format) return wait(Stage::finding, until_index());
    const u64 two_indexes = until_index() + drive->rotation_ns();
    if (!track_readable(*drive)) {
        r_.st1 |= kMissingAddressMark;
        return wait(Stage::failing, two_indexes);
    }
    const unsigned count = drive->sectors(r_.head);
    if (r_.operation == Operation::read_id) return search_any_id(*drive, count);
    if (r_.operation == Operation::read_track) {
        const unsigned sector = r_.sectors_done % count + 1;
        const u64 offset = slot_ns(sector, count, *drive) + kToData * byte_ns();
        r_.physical_sector = static_cast<u8>(sector);
        reading_ = drive->read(r_.head, sector);
        return wait(Stage::finding, r_.sectors_done == 0 ? until_index() + offset : until_angle(offset));
    }
    const bool there = r_.id_cylinder == *drive->cylinder() && r_.id_head == r_.head && r_.id_sector >= 1 &&
                       r_.id_sector <= count && r_.id_size == kSectorSizeCode;
    if (!there) {
        r_.st1 |= kNoData;
        if (r_.id_cylinder != *drive->cylinder()) r_.st2 |= kWrongCylinder;
        return wait(Stage::failing, two_indexes);
    }
    r_.physical_sector = r_.id_sector;
    if (r_.operation != Operation::write) reading_ = drive->read(r_.head, r_.id_sector);
    wait(Stage::finding, until_angle(slot_ns(r_.id_sector, count, *drive) + kToData * byte_ns()));
}

void I82077::search_any_id(const FloppyDrive& drive, unsigned count) {
    u64 soonest = drive.rotation_ns();
    for (unsigned sector = 1; sector <= count; ++sector) {
        const u64 ns = until_angle(slot_ns(sector, count, drive));
        if (ns >= soonest) continue;
        soonest = ns;
        r_.physical_sector = static_cast<u8>(sector);
    }
    wait(Stage::finding, soonest + kIdField * byte_ns());
}

void I82077::execution_due() {
    const u64 late = scheduler_.now() - std::min(scheduler_.now(), execution_timer_.deadline_ns());
    r_.slip_ns = std::min(r_.slip_ns + late, scheduler_.now());
    if (r_.phase != Phase::execution) return;
    switch (r_.stage) {
        case Stage::head_load:
            return search();
        case Stage::failing:
            return finish(kAbnormal, r_.st1, r_.st2);
        case Stage::finding:
            return found();
        case Stage::moving:
            return move_byte();
        case Stage::checking:
            return sector_done();
        case Stage::no_index:
            return finish(kAbnormal, r_.st1 | kMissingAddressMark, r_.st2);
        case Stage::none:
        case Stage::seeking:
        case Stage::draining:
            return;
    }
}

/// The drive, if its head is still over the sector that was looked for.
FloppyDrive* I82077::drive_at_sector() const {
    FloppyDrive* drive = selected();
    const bool there = drive != nullptr && r_.physical_sector >= 1 && r_.physical_sector <= drive->sectors(r_.head);
    return there ? drive : nullptr;
}

void I82077::found() {
    if (r_.operation == Operation::format) return found_format_slot();
    FloppyDrive* drive = drive_at_sector();
    if (drive == nullptr) return search();
    if (r_.operation == Operation::read_id) {
        r_.id_cylinder = *drive->cylinder();
        r_.id_head = r_.head;
        r_.id_sector = r_.physical_sector;
        r_.id_size = kSectorSizeCode;
        return finish(0, 0, 0);
    }
    if (r_.operation == Operation::read_track) {
        const bool expected = r_.id_cylinder == *drive->cylinder() && r_.id_head == r_.head &&
                              r_.id_sector == r_.physical_sector && r_.id_size == kSectorSizeCode;
        if (!expected) r_.st1 |= kNoData;
    } else if (r_.operation != Operation::write) {
        const bool wants_deleted = r_.operation == Operation::read && (r_.command[0] & kDeletedBit) != 0;
        if (drive->deleted(r_.head, r_.physical_sector) != wants_deleted) {
            r_.st2 |= kControlMark;
            if ((r_.command[0] & kSkip) != 0) return next_sector();
        }
    }
    if (r_.operation != Operation::write && !fetch_sector(*drive))
        return finish(kAbnormal, kDataError, kDataErrorInData);
    r_.position = 0;
    wait(Stage::moving, byte_ns());
}

bool I82077::fetch_sector(FloppyDrive& drive) {
    if (!reading_) reading_ = drive.read(r_.head, r_.physical_sector);  // after a state was loaded
    const Result<void>& result = reading_->finish();
    if (result) {
        std::copy_n(reading_->data().begin(), sector_.size(), sector_.begin());
    } else {
        log::warning("{}: {}; the guest sees a data error", drive.name(), result.error().message);
    }
    const bool ok = result.ok();
    reading_.reset();
    return ok;
}

void I82077::move_byte() {
    const bool writes = r_.operation == Operation::write;
    note_activity(writes);
    u8& byte = sector_.at(r_.position % sector_.size());
    if (from_host()) {
        const bool given_by_host = !fifo_.empty();  // after TC zeros stand in
        const std::optional<u8> given = take_from_host();
        if (!given) return finish(kAbnormal, kOverrun, r_.st2);
        if (writes) {
            byte = *given;
        } else if (given_by_host) {
            compare(byte, *given);
        }
    } else if (to_host() && !give_to_host(byte)) {
        return finish(kAbnormal, kOverrun, r_.st2);
    }
    if (++r_.position < sector_.size()) return wait(Stage::moving, byte_ns());
    update_request();
    wait(Stage::checking, kCrc * byte_ns());
}

// Flip-flops of SRB: Model 30 latches activity until DIR is read, PS/2 toggles.
void I82077::note_activity(bool writes) {
    constexpr u8 kWriteData = 0x10, kReadData = 0x08, kWriteEnable = 0x04;
    if (options_.interface == Interface::model30) {
        r_.data_activity |= writes ? kWriteData | kWriteEnable : kReadData;
    } else {
        r_.data_activity ^= writes ? kWriteData : kReadData;
    }
}

// Byte by byte; FFh from either side stands for any byte.
void I82077::compare(u8 disk, u8 host) {
    constexpr u8 kAny = 0xFF;
    if (disk == host || disk == kAny || host == kAny) return;
    r_.scan_equal = false;
    const u8 code = r_.command[0] & kScanCode;
    const bool holds = code == kScanEqual ? false : code == kScanLowOrEqual ? disk < host : disk > host;
    r_.scan_holds = r_.scan_holds && holds;
}

void I82077::sector_done() {
    if (r_.operation == Operation::format) return finish_format();
    if (r_.operation == Operation::write && !store_sector()) return finish(kAbnormal | kEquipmentCheck, 0, 0);
    ++r_.sectors_done;
    r_.position = r_.accepted = 0;
    const bool marked = (r_.st2 & kControlMark) != 0 && (r_.command[0] & kSkip) == 0;
    if (r_.operation == Operation::scan && r_.scan_holds) {
        return finish(0, 0, static_cast<u8>(r_.st2 | (r_.scan_equal ? kScanEqualHit : 0)));
    }
    r_.scan_equal = r_.scan_holds = true;
    if (marked) return finish_drained(0);
    update_request();
    next_sector();
}

bool I82077::store_sector() {
    FloppyDrive* drive = drive_at_sector();
    if (drive == nullptr || drive->write_protected()) return false;
    const bool deleted = r_.operation == Operation::write && (r_.command[0] & kDeletedBit) != 0;
    const Result<void> stored = drive->write(r_.head, r_.physical_sector, sector_, deleted)->finish();
    if (!stored) log::warning("{}: {}; the guest sees a write fault", drive->name(), stored.error().message);
    return stored.ok();
}

void I82077::next_sector() {
    const bool multi_track = (r_.command[0] & kMultiTrack) != 0 && r_.operation != Operation::read_track;
    const bool counted = r_.operation == Operation::verify && (r_.command[kUnit] & kVerifyCount) != 0;
    if (r_.terminal_count || (counted && r_.sectors_done == r_.command[kLength])) {
        advance_id();
        return finish_drained(0);
    }
    // The scans' last byte is STP, the distance from sector to sector.
    const unsigned step = r_.operation == Operation::scan && r_.command[kLength] > 1 ? r_.command[kLength] : 1;
    const bool last = r_.operation == Operation::read_track ? r_.sectors_done == r_.last_eot
                      : r_.operation == Operation::scan     ? r_.id_sector + step > r_.last_eot
                                                            : r_.id_sector == r_.last_eot;
    if (!last) {
        r_.id_sector = static_cast<u8>(r_.id_sector + step);
    } else if (multi_track && r_.head == 0) {
        advance_id();
        r_.head = 1;
    } else {
        return end_of_track();
    }
    search();
}

void I82077::end_of_track() {
    advance_id();
    if (r_.operation == Operation::scan) return finish(0, 0, r_.st2 | kScanNotSatisfied);
    if (r_.operation == Operation::verify) return finish(0, 0, r_.st2);
    finish_drained(kEndOfCylinder);  // no TC came
}

// What C, H and R show at the end (datasheet, table 5-6).
void I82077::advance_id() {
    const bool multi_track = (r_.command[0] & kMultiTrack) != 0 && r_.operation != Operation::read_track;
    if (r_.id_sector != r_.last_eot) {
        ++r_.id_sector;
        return;
    }
    r_.id_sector = 1;
    if (multi_track) r_.id_head ^= 1;
    if (!multi_track || r_.head == 1) ++r_.id_cylinder;
}

/// Ends the command when the host has what the FIFO holds; TC then makes the end a normal one.
void I82077::finish_drained(u8 st1) {
    r_.pending_st1 = st1;
    execution_timer_.disarm();
    r_.stage = Stage::draining;
    if (fifo_.empty() || !to_host()) conclude();
}

void I82077::conclude() {
    const u8 st1 = static_cast<u8>(r_.st1 | (r_.terminal_count ? 0 : r_.pending_st1));
    finish(st1 != 0 ? kAbnormal : 0, st1, r_.st2);
}

void I82077::finish(u8 st0, u8 st1, u8 st2) {
    r_.st0 |= static_cast<u8>(st0 | r_.head << 2);
    execution_timer_.disarm();
    reading_.reset();
    fifo_.clear();
    r_.request = false;
    r_.stage = Stage::none;
    r_.operation = Operation::none;
    const unsigned field = r_.specify[0] & 0x0F;
    r_.head_loaded_drive = r_.dor & 3;
    r_.head_loaded_until_ns =
        scheduler_.now() + (field == 0 ? 16 : field) * (u64{8'000'000'000} / kilobits_per_second());
    give_result({r_.st0, st1, st2, r_.id_cylinder, r_.id_head, r_.id_sector, r_.id_size});
    r_.interrupt = r_.operation_ended = true;
    update_pins();
}

// --- FORMAT TRACK: the host gives C, H, R, N of each sector as its slot passes

void I82077::found_format_slot() {
    FloppyDrive* drive = selected();
    if (drive == nullptr || !drive->has_disk()) return search();
    const unsigned slots = r_.last_eot;
    if (slots == 0) return wait(Stage::checking, until_index());
    std::array<u8, kIdBytes> id{};
    for (u8& byte : id) {
        const std::optional<u8> given = take_from_host();
        if (!given) return finish(kAbnormal, kOverrun, 0);
        byte = *given;
    }
    r_.accepted = 0;
    r_.id_cylinder = id[0];
    r_.id_head = id[1];
    r_.id_sector = id[2];
    r_.id_size = id[3];
    if (!format_sector(*drive)) r_.format_fits = false;
    ++r_.sectors_done;
    update_request();
    if (r_.sectors_done == slots) return wait(Stage::checking, until_index());
    wait(Stage::finding, until_angle(slot_ns(r_.sectors_done + 1u, slots, *drive)));
}

bool I82077::format_sector(FloppyDrive& drive) {
    const bool fits = track_readable(drive) && drive.sectors(r_.head) == r_.last_eot && r_.id_size == kSectorSizeCode &&
                      r_.id_cylinder == *drive.cylinder() && r_.id_head == r_.head && r_.id_sector >= 1 &&
                      r_.id_sector <= r_.last_eot && r_.command[kFormatSize] == kSectorSizeCode;
    if (!fits) return false;
    note_activity(true);
    r_.physical_sector = r_.id_sector;
    sector_.fill(r_.command[kFormatFill]);
    return store_sector();
}

void I82077::finish_format() { finish(r_.format_fits ? 0 : kAbnormal | kEquipmentCheck, 0, 0); }

// --- what turns under the head changes

void I82077::spindle_changed() {
    if (r_.phase != Phase::execution) return;
    const FloppyDrive* drive = selected();
    const bool turns = drive != nullptr && drive->has_disk();
    if (r_.stage == Stage::no_index && turns) search();
    const bool in_sector = r_.stage == Stage::moving || r_.stage == Stage::checking;
    const bool searching = r_.stage == Stage::finding || r_.stage == Stage::failing;
    if (!turns && in_sector) return finish(kAbnormal, kDataError, kDataErrorInData);
    if (!turns && searching) search();
}

void I82077::medium_changed() {
    const bool in_sector = r_.stage == Stage::moving || r_.stage == Stage::checking;
    if (r_.phase == Phase::execution && in_sector) return finish(kAbnormal, kDataError, kDataErrorInData);
    // Whatever was on its way is gone with the old diskette.
    if (r_.phase == Phase::execution && (r_.stage == Stage::finding || r_.stage == Stage::failing)) return search();
    spindle_changed();
}

}  // namespace bantam::devices
