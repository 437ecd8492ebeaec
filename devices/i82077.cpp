// Registers, command and result phase, resets. See i82077.h.
#include "devices/i82077.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "devices/i82077_bits.h"

namespace bantam::devices {
namespace {
enum Offset : u8 { kSra = 0, kSrb = 1, kDor = 2, kTdr = 3, kMsr = 4, kDsr = 4, kFifo = 5, kDir = 7, kCcr = 7 };
constexpr u8 kUndriven = 0xFF;
constexpr u8 kDorDmaGate = 0x08;
constexpr u8 kMsrRqm = 0x80, kMsrDio = 0x40, kMsrNonDma = 0x20, kMsrBusy = 0x10;
constexpr u8 kDsrReset = 0x80, kDsrPowerDown = 0x40;
constexpr u8 kFifoFields = 0x2F;  // EFIFO and FIFOTHR
constexpr u8 kPerpendicularDrives = 0x3C;
// Drives are polled every 1.024 ms (8272A datasheet, at 8 MHz); the first round after a reset finds them changed.
constexpr u64 kPollNs = 1'024'000;
constexpr u64 kIndexPulseNs = 2'000'000;
}  // namespace

I82077::I82077(Scheduler& scheduler, Pins pins, std::array<FloppyDrive*, kDrives> drives, Options options)
    : scheduler_(scheduler),
      pins_(std::move(pins)),
      drives_(drives),
      options_(options),
      poll_timer_(scheduler, "fdc.poll", [this] { poll_drives(); }),
      execution_timer_(scheduler, "fdc.execution", [this] { execution_due(); }),
      step_timers_{{{scheduler, "fdc.step0", [this] { step_due(0); }},
                    {scheduler, "fdc.step1", [this] { step_due(1); }},
                    {scheduler, "fdc.step2", [this] { step_due(2); }},
                    {scheduler, "fdc.step3", [this] { step_due(3); }}}} {
    for (FloppyDrive* drive : drives_) {
        if (drive != nullptr)
            drive->set_medium_listener([this, drive] {
                if (drive == drives_.at(r_.dor & 3)) medium_changed();
            });
    }
}

I82077::~I82077() {
    for (FloppyDrive* drive : drives_) {
        if (drive != nullptr) drive->set_medium_listener(nullptr);
    }
}

void I82077::reset() {
    software_reset();
    r_ = {};
    if (pins_.interrupt) pins_.interrupt(false);
    if (pins_.dma_request) pins_.dma_request(false);
}

// Datasheet, 4.1: what a software reset leaves alone are DOR, TDR, data rate, SPECIFY's parameters and what LOCK holds.
void I82077::software_reset() {
    poll_timer_.disarm();
    execution_timer_.disarm();
    for (Timer& timer : step_timers_) timer.disarm();
    fifo_.clear();
    reading_.reset();
    sector_ = {};
    Registers fresh;
    fresh.dor = r_.dor;
    fresh.tape_drive = r_.tape_drive;
    fresh.rate_select = r_.rate_select;
    fresh.precompensation = r_.precompensation;
    fresh.no_precompensation = r_.no_precompensation;
    fresh.specify = r_.specify;
    fresh.perpendicular = r_.perpendicular & kPerpendicularDrives;
    fresh.lock = r_.lock;
    if (r_.lock) {
        fresh.configure = r_.configure & kFifoFields;
        fresh.precompensation_track = r_.precompensation_track;
    }
    fresh.last_eot = r_.last_eot;
    fresh.ahead_ns = r_.ahead_ns;
    fresh.slip_ns = r_.slip_ns;
    fresh.interrupt_pin = r_.interrupt_pin;
    fresh.dma_pin = r_.dma_pin;
    r_ = fresh;
    update_pins();
}

void I82077::poll_drives() {
    constexpr u8 kAll = 0x0F;
    r_.attention = r_.polled = kAll;
    for (u8 unit = 0; unit < kDrives; ++unit) r_.attention_status.at(unit) = kReadyChanged | unit;
    r_.interrupt = true;
    update_pins();
}

FloppyDrive* I82077::selected() const {
    const unsigned unit = r_.dor & 3;
    return bit(r_.dor, 4 + unit) ? drives_.at(unit) : nullptr;  // drive selects are gated by the motor enables
}

RegisterSpace I82077::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{peek(offset)}; };
    return space;
}

u8 I82077::status_a() const {
    const FloppyDrive* drive = selected();
    const bool track0 = drive != nullptr && drive->at_track0();
    const bool writable = drive == nullptr || !drive->write_protected();
    const bool index = drive != nullptr && drive->has_disk() && turned_ns() % drive->rotation_ns() < kIndexPulseNs;
    const auto pack = [](std::array<bool, 8> bits_from_7) {
        unsigned value = 0;
        for (const bool one : bits_from_7) value = value << 1 | (one ? 1u : 0u);
        return static_cast<u8>(value);
    };
    const bool second_drive = drives_[1] != nullptr;
    const bool side1 = r_.head != 0;
    if (options_.interface == Interface::ps2)
        return pack({r_.interrupt_pin, !second_drive, false, !track0, side1, !index, writable, r_.inward});
    return pack({r_.interrupt_pin, r_.dma_pin, r_.stepped, track0, !side1, index, !writable, !r_.inward});
}

u8 I82077::status_b() const {
    const unsigned motors = r_.dor >> 4;
    if (options_.interface == Interface::ps2)
        return static_cast<u8>(0xC0 | (r_.dor & 1) << 5 | r_.data_activity | (motors & 3));
    const auto unselected = [&](unsigned unit) { return (r_.dor & 3) != unit || !bit(motors, unit) ? 1u : 0u; };
    return static_cast<u8>((drives_[1] == nullptr ? 0x80 : 0) | unselected(1) << 6 | unselected(0) << 5 |
                           r_.data_activity | unselected(3) << 1 | unselected(2));
}

u8 I82077::main_status() const {
    if (in_reset() || r_.power_down) return 0;
    u8 busy_drives = 0;
    for (unsigned unit = 0; unit < kDrives; ++unit) {
        if (r_.seeks.at(unit).active) busy_drives |= static_cast<u8>(1 << unit);
    }
    switch (r_.phase) {
        case Phase::command:
            return static_cast<u8>(kMsrRqm | (r_.received != 0 ? kMsrBusy : 0) | busy_drives);
        case Phase::result:
            return kMsrRqm | kMsrDio | kMsrBusy | busy_drives;
        case Phase::execution:
            break;
    }
    const bool service = non_dma() && r_.request;
    return static_cast<u8>((service ? kMsrRqm : 0) | (to_host() ? kMsrDio : 0) | (non_dma() ? kMsrNonDma : 0) |
                           kMsrBusy | busy_drives);
}

u8 I82077::digital_input() const {
    const FloppyDrive* drive = selected();
    const bool changed = drive != nullptr && drive->disk_changed();
    const bool high_density = kilobits_per_second() >= 500;
    switch (options_.interface) {
        case Interface::ps2:
            return static_cast<u8>((changed ? 0x80 : 0) | 0x78 | r_.rate_select << 1 | (high_density ? 0 : 1));
        case Interface::model30:
            return static_cast<u8>((changed ? 0 : 0x80) | (r_.dor & kDorDmaGate) | (r_.no_precompensation ? 4 : 0) |
                                   r_.rate_select);
        case Interface::at:
            break;
    }
    return static_cast<u8>((changed ? 0x80 : 0) | 0x7F);
}

u8 I82077::peek(u64 offset) const {
    switch (offset) {
        case kSra:
            return options_.interface == Interface::at ? kUndriven : status_a();
        case kSrb:
            return options_.interface == Interface::at ? kUndriven : status_b();
        case kDor:
            return r_.dor;
        case kTdr:
            return 0xFC | r_.tape_drive;
        case kMsr:
            return main_status();
        case kFifo:
            return r_.phase == Phase::result ? r_.result.at(r_.result_next) : fifo_.front();
        case kDir:
            return digital_input();
        default:
            return kUndriven;
    }
}

u8 I82077::read(u64 offset) {
    if (offset == kFifo) return read_fifo();
    const u8 value = peek(offset);
    if (offset == kDir && options_.interface == Interface::model30) {
        r_.stepped = false;
        r_.data_activity = 0;
    }
    return value;
}

void I82077::write(u64 offset, u8 value) {
    switch (offset) {
        case kDor:
            write_dor(value);
            break;
        case kTdr:
            r_.tape_drive = value & 3;
            break;
        case kDsr:
            write_dsr(value);
            break;
        case kFifo:
            write_fifo(value);
            break;
        case kCcr:
            r_.rate_select = value & 3;
            r_.no_precompensation = options_.interface == Interface::model30 && bit(value, 2);
            break;
        default:
            break;
    }
}

void I82077::write_dor(u8 value) {
    const bool was_in_reset = in_reset();
    r_.dor = value;
    if (in_reset()) {
        software_reset();
    } else if (was_in_reset) {
        poll_timer_.arm(scheduler_.now() + kPollNs);
    } else {
        spindle_changed();
    }
    update_pins();
}

void I82077::write_dsr(u8 value) {
    r_.rate_select = value & 3;
    r_.precompensation = (value >> 2) & 7;
    if ((value & (kDsrReset | kDsrPowerDown)) == 0) return;
    software_reset();
    r_.power_down = (value & kDsrReset) == 0;
    if (!r_.power_down && !in_reset()) poll_timer_.arm(scheduler_.now() + kPollNs);
}

u8 I82077::read_fifo() {
    if (r_.phase == Phase::execution) return non_dma() && to_host() && r_.request ? host_takes(false) : u8{0};
    if (r_.phase != Phase::result) return 0;
    const u8 value = r_.result.at(r_.result_next);
    if (r_.result_next == 0 && r_.operation_ended) {
        r_.operation_ended = false;
        r_.interrupt = (r_.attention & ~r_.polled) != 0;
        update_pins();
    }
    if (++r_.result_next == r_.result_size) end_command();
    return value;
}

void I82077::write_fifo(u8 value) {
    if (in_reset() || r_.power_down) return;
    if (r_.phase == Phase::command) {
        accept_command_byte(value);
    } else if (r_.phase == Phase::execution && non_dma() && from_host() && r_.request) {
        host_gives(value, false);
    }
}

void I82077::accept_command_byte(u8 value) {
    r_.command.at(r_.received++) = value;
    const Command* command = find_command(r_.command[0]);
    if (command == nullptr) return invalid();
    if (r_.received == command->length) (this->*command->run)();
}

void I82077::give_result(std::initializer_list<u8> bytes) {
    r_.phase = Phase::result;
    std::copy(bytes.begin(), bytes.end(), r_.result.begin());
    r_.result_size = static_cast<u8>(bytes.size());
    r_.result_next = 0;
}

void I82077::end_command() {
    r_.phase = Phase::command;
    r_.received = 0;
    r_.result_next = 0;
}

void I82077::update_pins() {
    const bool gate = options_.interface == Interface::ps2 || (r_.dor & kDorDmaGate) != 0;
    const bool service = r_.phase == Phase::execution && r_.request;
    const bool interrupt = gate && (r_.interrupt || (service && non_dma()));
    const bool dma = gate && service && !non_dma();
    if (interrupt != r_.interrupt_pin) {
        r_.interrupt_pin = interrupt;
        if (pins_.interrupt) pins_.interrupt(interrupt);
    }
    if (dma != r_.dma_pin) {
        r_.dma_pin = dma;
        if (pins_.dma_request) pins_.dma_request(dma);
    }
}

}  // namespace bantam::devices
