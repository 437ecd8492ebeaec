// See isa_dma.h.
#include "devices/isa_dma.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace bantam::devices {
namespace {
constexpr unsigned kBurstCycles = 256;
constexpr u64 kCycleNs = 1250;  // five clocks of the AT's 4 MHz
constexpr u16 kFloatingBus = 0xFFFF;
// Page registers by channel, as offsets from port 80h; channel 4's (8Fh) drives refresh addresses only.
constexpr std::array<u8, IsaDma::kChannels> kPageOf{0x7, 0x3, 0x1, 0x2, 0xF, 0xB, 0x9, 0xA};
constexpr u64 kFirstPagePort = 1;
}  // namespace

IsaDma::IsaDma(Scheduler& scheduler, PhysicalMemory& memory)
    : scheduler_(scheduler),
      memory_(memory),
      first_("dma1", {.hold_request = [this](bool level) { second_.set_request(0, level); },
                      .cycle = [this](const I8237::Cycle& cycle) { move(cycle.channel, cycle); }}),
      second_("dma2", {.hold_request =
                           [this](bool level) {
                               if (level) arbitrate();
                           },
                       .cycle =
                           [this](const I8237::Cycle& cycle) {
                               if (cycle.channel == 0) {
                                   first_.run_cycle();  // DACK0 is the first controller's HLDA
                               } else {
                                   move(kCascade + cycle.channel, cycle);
                               }
                           }}),
      next_burst_(scheduler, "dma", [this] { arbitrate(); }) {}

void IsaDma::reset() {
    next_burst_.disarm();
    pages_ = {};
    second_.reset();
    first_.reset();
}

void IsaDma::describe(Archive& archive) {
    archive.field("first", first_);
    archive.field("second", second_);
    archive.bytes("pages", pages_.data(), pages_.size());
}

std::string IsaDma::info() const {
    std::string text = first_.info() + second_.info() + "pages:";
    for (unsigned channel = 0; channel < kChannels; ++channel) {
        if (channel != kCascade) text += fmt::format(" {}={:02x}", channel, pages_.at(kPageOf.at(channel)));
    }
    return text + "\n";
}

RegisterSpace IsaDma::second_registers() {
    return {.read = [this](u64 offset, unsigned) { return u64{second_.read(offset >> 1)}; },
            .write = [this](u64 offset, unsigned, u64 value) { second_.write(offset >> 1, static_cast<u8>(value)); },
            .peek = [this](u64 offset, unsigned) { return u64{second_.peek(offset >> 1)}; },
            .max_size = 1};
}

RegisterSpace IsaDma::page_registers() {
    const auto read = [this](u64 offset, unsigned) { return u64{pages_.at((offset + kFirstPagePort) % kPages)}; };
    return {.read = read,
            .write = [this](u64 offset, unsigned,
                            u64 value) { pages_.at((offset + kFirstPagePort) % kPages) = static_cast<u8>(value); },
            .peek = read,
            .max_size = 1};
}

void IsaDma::set_request(unsigned channel, bool level) {
    CHECK(channel < kChannels && channel != kCascade);
    if (channel < kCascade) {
        first_.set_request(channel, level);
    } else {
        second_.set_request(channel - kCascade, level);
    }
}

void IsaDma::arbitrate() {
    if (granting_) return;
    granting_ = true;
    for (unsigned cycles = 0; cycles < kBurstCycles && second_.holds_request(); ++cycles) second_.run_cycle();
    granting_ = false;
    if (second_.holds_request()) {
        next_burst_.arm(scheduler_.now() + kBurstCycles * kCycleNs);
    } else {
        next_burst_.disarm();
    }
}

Physical IsaDma::bus_address(unsigned channel, u16 address) const {
    const u64 page = pages_.at(kPageOf.at(channel));
    if (channel < kCascade) return {page << 16 | address};
    return {(page & 0xFE) << 16 | u64{address} << 1};
}

void IsaDma::move(unsigned channel, const I8237::Cycle& cycle) {
    const DmaRequester& requester = requesters_.at(channel);
    const Physical address = bus_address(channel, cycle.address);
    const std::size_t width = channel < kCascade ? 1 : 2;
    std::array<u8, 2> data{};
    switch (cycle.transfer) {
        case I8237::Transfer::write: {
            const u16 value = requester.read ? requester.read(cycle.end_of_process) : kFloatingBus;
            data = {static_cast<u8>(value), static_cast<u8>(value >> 8)};
            memory_.copy_in(address, std::span(data).first(width));
            break;
        }
        case I8237::Transfer::read:
            memory_.copy_out(address, std::span(data).first(width));
            if (requester.write) requester.write(static_cast<u16>(data[0] | data[1] << 8), cycle.end_of_process);
            break;
        case I8237::Transfer::verify:
            if (requester.verify) requester.verify(cycle.end_of_process);
            break;
        case I8237::Transfer::cascade:
            break;  // a bus master of its own; none is on this board
    }
}

}  // namespace bantam::devices
