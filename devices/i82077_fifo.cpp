// The FIFO between diskette and host, service requests, and what the chip saves and prints (datasheet, 4.2 and 4.3).
// With the FIFO disabled one byte is buffered, as in the 8272A. See i82077.h.
#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "devices/i82077.h"
#include "devices/i82077_bits.h"

namespace bantam::devices {
namespace {
constexpr unsigned kFifoBytes = 16, kFormatIdBytes = 4;
constexpr u8 kFloatingBus = 0xFF;
}  // namespace

bool I82077::to_host() const { return r_.operation == Operation::read || r_.operation == Operation::read_track; }

bool I82077::from_host() const {
    return r_.operation == Operation::write || r_.operation == Operation::scan || r_.operation == Operation::format;
}

unsigned I82077::fifo_depth() const { return (r_.configure & kFifoDisabled) != 0 ? 1 : kFifoBytes; }

// FIFOTHR counts from 1.
unsigned I82077::threshold() const {
    return (r_.configure & kFifoDisabled) != 0 ? 0 : (r_.configure & kThresholdField) + 1;
}

bool I82077::wants_more() const {
    if (r_.terminal_count) return false;
    if (r_.operation == Operation::format) return r_.accepted < kFormatIdBytes && r_.sectors_done < r_.last_eot;
    return r_.accepted < sector_.size();
}

void I82077::update_request() {
    if (r_.phase != Phase::execution) {
        r_.request = false;
    } else if (to_host()) {
        const unsigned level = std::max(1u, fifo_depth() - threshold());
        const bool rest = r_.position >= sector_.size();
        r_.request = !fifo_.empty() && (r_.request || rest || fifo_.size() >= level);
    } else if (from_host()) {
        const bool room = fifo_.size() < fifo_depth();
        r_.request = wants_more() && room && (r_.request || fifo_.size() <= threshold());
    }
    update_pins();
}

/// A byte from the diskette. False: overrun.
bool I82077::give_to_host(u8 byte) {
    if (r_.terminal_count) return true;  // the host has what it wanted; the sector is read to its end
    if (fifo_.size() >= fifo_depth()) return false;
    fifo_.push(byte);
    update_request();
    return true;
}

/// A byte for the diskette; zeros after TC. None: underrun.
std::optional<u8> I82077::take_from_host() {
    if (fifo_.empty()) return r_.terminal_count ? std::optional<u8>(u8{0}) : std::nullopt;
    const u8 byte = fifo_.pop();
    update_request();
    return byte;
}

u8 I82077::host_takes(bool last) {
    const u8 byte = fifo_.pop();
    if (last) {
        r_.terminal_count = true;
        fifo_.clear();
    }
    update_request();
    if (r_.stage == Stage::draining && fifo_.empty()) conclude();
    return byte;
}

void I82077::host_gives(u8 value, bool last) {
    if (wants_more() && fifo_.size() < fifo_depth()) {
        fifo_.push(value);
        ++r_.accepted;
    }
    r_.terminal_count = r_.terminal_count || last;
    update_request();
}

u8 I82077::dma_read(bool last) {
    const bool takes = r_.phase == Phase::execution && to_host() && !non_dma();
    return takes ? host_takes(last) : kFloatingBus;
}

void I82077::dma_write(u8 value, bool last) {
    if (r_.phase == Phase::execution && from_host() && !non_dma()) host_gives(value, last);
}

void I82077::dma_verify(bool last) {
    if (from_host()) {
        dma_write(kFloatingBus, last);
    } else {
        (void)dma_read(last);
    }
}

void I82077::describe(Archive& archive) {
    archive.field("dor", r_.dor);
    archive.field("tape_drive", r_.tape_drive);
    archive.field("rate_select", r_.rate_select);
    archive.field("precompensation", r_.precompensation);
    archive.field("no_precompensation", r_.no_precompensation);
    archive.field("power_down", r_.power_down);
    archive.field("specify", r_.specify);
    archive.field("configure", r_.configure);
    archive.field("precompensation_track", r_.precompensation_track);
    archive.field("perpendicular", r_.perpendicular);
    archive.field("lock", r_.lock);
    archive.field("last_eot", r_.last_eot);
    archive.field("phase", r_.phase);
    archive.field("command", r_.command);
    archive.field("received", r_.received);
    archive.field("result", r_.result);
    archive.field("result_size", r_.result_size);
    archive.field("result_next", r_.result_next);
    archive.field("cylinder", r_.cylinder);
    archive.field("seeks", r_.seeks);
    archive.field("attention", r_.attention);
    archive.field("polled", r_.polled);
    archive.field("attention_status", r_.attention_status);
    archive.field("interrupt", r_.interrupt);
    archive.field("operation_ended", r_.operation_ended);
    archive.field("interrupt_pin", r_.interrupt_pin);
    archive.field("dma_pin", r_.dma_pin);
    archive.field("operation", r_.operation);
    archive.field("stage", r_.stage);
    archive.field("head", r_.head);
    archive.field("id_cylinder", r_.id_cylinder);
    archive.field("id_head", r_.id_head);
    archive.field("id_sector", r_.id_sector);
    archive.field("id_size", r_.id_size);
    archive.field("st0", r_.st0);
    archive.field("st1", r_.st1);
    archive.field("st2", r_.st2);
    archive.field("pending_st1", r_.pending_st1);
    archive.field("physical_sector", r_.physical_sector);
    archive.field("sectors_done", r_.sectors_done);
    archive.field("position", r_.position);
    archive.field("accepted", r_.accepted);
    archive.field("request", r_.request);
    archive.field("terminal_count", r_.terminal_count);
    archive.field("scan_equal", r_.scan_equal);
    archive.field("scan_holds", r_.scan_holds);
    archive.field("format_fits", r_.format_fits);
    archive.field("head_loaded_until_ns", r_.head_loaded_until_ns);
    archive.field("head_loaded_drive", r_.head_loaded_drive);
    archive.field("ahead_ns", r_.ahead_ns);
    archive.field("slip_ns", r_.slip_ns);
    archive.field("inward", r_.inward);
    archive.field("stepped", r_.stepped);
    archive.field("data_activity", r_.data_activity);
    archive.field("fifo", fifo_);
    archive.bytes("sector", sector_.data(), sector_.size());
    if (archive.loading()) make_consistent();
}

/// Saved state may be damaged: nothing in it may lead out of an array or promise what is not there.
void I82077::make_consistent() {
    const Command* command = r_.received != 0 || r_.phase != Phase::command ? find_command(r_.command[0]) : nullptr;
    const bool mid_command = command != nullptr && r_.received < command->length;
    if (r_.phase > Phase::result || (r_.phase == Phase::command && !mid_command)) end_command();
    const u8 least = r_.phase == Phase::result ? 1 : 0;
    r_.result_size = std::clamp<u8>(r_.result_size, least, static_cast<u8>(r_.result.size()));
    if (r_.result_next >= r_.result_size) r_.result_next = 0;
    if (r_.operation > Operation::format) r_.operation = Operation::none;
    if (r_.stage > Stage::draining) r_.stage = Stage::none;
    r_.rate_select &= 3;
    r_.head &= 1;
    r_.position = std::min<u16>(r_.position, static_cast<u16>(sector_.size()));
    r_.slip_ns = std::min(r_.slip_ns, scheduler_.now());
    reading_.reset();
}

std::string I82077::info() const {
    constexpr std::array kPhases{"command", "execution", "result"};
    std::string text = fmt::format("fdc: {} phase, DOR={:02x} MSR={:02x} {} kbit/s, {}, FIFO {}, cylinders",
                                   kPhases.at(static_cast<std::size_t>(r_.phase)), r_.dor, main_status(),
                                   kilobits_per_second(), non_dma() ? "non-DMA" : "DMA",
                                   fifo_depth() == 1 ? std::string("off") : fmt::format("threshold {}", threshold()));
    for (const u8 cylinder : r_.cylinder) text += fmt::format(" {}", cylinder);
    text += "; command";
    for (unsigned i = 0; i < r_.received; ++i) text += fmt::format(" {:02x}", r_.command.at(i));
    return text;
}

}  // namespace bantam::devices
