// See i82801_audio.h.
#include "devices/i82801_audio.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"

namespace bantam::devices {
namespace {

// Offsets within an engine's 16 bytes
constexpr unsigned kList = 0x0, kCurrent = 0x4, kLastValid = 0x5, kStatus = 0x6, kLeft = 0x8, kPrefetched = 0xA,
                   kControl = 0xB;
constexpr u64 kGlobalControl = 0x2C, kGlobalStatus = 0x30, kSemaphore = 0x34;
constexpr u64 kBusMasterBytes = 64, kMixerBytes = 256;
// SR
constexpr u16 kHalted = 1, kAtLastValid = 2, kLastDone = 4, kCompleted = 8, kFifoError = 0x10;
constexpr u16 kClearedByOne = kLastDone | kCompleted | kFifoError;
// CR
constexpr u8 kRun = 1, kResetEngine = 2, kLastInterrupt = 4, kCompletionInterrupt = 0x10, kControlBits = 0x1D;
// Descriptors
constexpr u32 kEntries = 32, kEntryBytes = 8;
constexpr u16 kInterruptOnCompletion = 0x8000;
// GLOB_CNT
constexpr u32 kColdReset = 2, kGlobalControlBits = 0x3F;  // low: the link is in reset
// GLOB_STA
constexpr u32 kCodecReady = 0x100;
constexpr std::array<u32, I82801Audio::kEngines> kEngineInterrupt{0x20, 0x40, 0x80};

constexpr u64 kPortionsPerSecond = 2'000;
constexpr u64 kMostLate_ns = 20'000'000;  // what a timer that is late makes up for

}  // namespace

I82801Audio::I82801Audio(Scheduler& scheduler, PhysicalMemory& memory, Stac9700& codec, Pins pins)
    : PciFunction("i82801_audio", {.vendor = 0x8086,
                                   .device = 0x2415,
                                   .revision = 1,
                                   .class_code = 0x040100,
                                   .subsystem_vendor = 0x8086,
                                   .subsystem = 0x0000,
                                   .interrupt_pin = 2}),
      scheduler_(scheduler),
      memory_(memory),
      codec_(codec),
      pins_(std::move(pins)),
      timers_{{{scheduler, "i82801_audio.in", [this] { portion_due(kPcmIn); }},
               {scheduler, "i82801_audio.out", [this] { portion_due(kPcmOut); }},
               {scheduler, "i82801_audio.mic", [this] { portion_due(kMicrophone); }}}} {
    define(0x04, 0, 0x05);
    define(0x05, 0, 0);
    define(0x06, 0x80, 0);
    define(0x07, 0x02, 0);
    define_write_one_to_clear(0x07, 0x38);
    add_bar(kMixerBar, Space::io, kMixerBytes);
    add_bar(kBusMasterBar, Space::io, kBusMasterBytes);
}

void I82801Audio::reset() {
    for (Timer& timer : timers_) timer.disarm();
    engines_ = {};
    global_control_ = 0;
    semaphore_ = false;
    update_interrupt();
    PciFunction::reset();
}

void I82801Audio::EngineRegisters::describe(Archive& archive) {
    archive.field("list", list);
    archive.field("current", current);
    archive.field("last_valid", last_valid);
    archive.field("prefetched", prefetched);
    archive.field("control", control);
    archive.field("status", status);
    archive.field("address", address);
    archive.field("left", left);
    archive.field("flags", flags);
    archive.field("portion", portion);
    archive.field("origin_ns", origin_ns);
    archive.field("done", done);
    archive.field("rate", rate);
    if (!archive.loading()) return;
    for (u8* index : {&current, &last_valid, &prefetched}) *index %= kEntries;
    left &= 0xFFFF;
    portion = std::min(portion, left);
    if (rate == 0 || rate > EngineRegisters{}.rate) rate = EngineRegisters{}.rate;
}

void I82801Audio::describe(Archive& archive) {
    PciFunction::describe(archive);
    archive.field("engines", engines_);
    archive.field("global_control", global_control_);
    archive.field("semaphore", semaphore_);
    archive.field("interrupt", interrupt_);
}

std::string I82801Audio::info() const {
    std::string text = PciFunction::info();
    for (unsigned i = 0; i < kEngines; ++i) {
        const EngineRegisters& engine = engines_.at(i);
        text +=
            fmt::format("  engine {}: control {:02x} status {:02x} list {:08x} buffer {} of {}, {} samples left\n", i,
                        engine.control, engine.status, engine.list, engine.current, engine.last_valid, engine.left);
    }
    return text;
}

// --- registers

RegisterSpace I82801Audio::mixer_registers() {
    const auto in_codec = [](u64 offset) { return offset < 0x80; };  // above it: the secondary codec's
    return {.read =
                [this, in_codec](u64 offset, unsigned) {
                    semaphore_ = false;
                    return u64{in_codec(offset) ? codec_.read(static_cast<u8>(offset)) : u16{0xFFFF}};
                },
            .write =
                [this, in_codec](u64 offset, unsigned size, u64 value) {
                    semaphore_ = false;
                    if (!in_codec(offset)) return;
                    const u16 before = codec_.read(static_cast<u8>(offset));
                    const unsigned shift = 8 * (offset & 1);
                    const u16 mask = size == 1 ? static_cast<u16>(0xFF << shift) : u16{0xFFFF};
                    codec_.write(static_cast<u8>(offset), replace_bits(before, static_cast<u16>(value << shift), mask));
                },
            .peek =
                [this, in_codec](u64 offset, unsigned) {
                    return u64{in_codec(offset) ? codec_.read(static_cast<u8>(offset)) : u16{0xFFFF}};
                },
            .max_size = 2};
}

RegisterSpace I82801Audio::bus_master_registers() {
    return {.read = [this](u64 offset, unsigned size) { return u64{read_bus_master(offset, size, false)}; },
            .write = [this](u64 offset, unsigned size,
                            u64 value) { write_bus_master(offset, size, static_cast<u32>(value)); },
            .peek = [this](u64 offset, unsigned size) { return u64{read_bus_master(offset, size, true)}; },
            .max_size = 4};
}

u32 I82801Audio::global_status() const {
    u32 status = (global_control_ & kColdReset) != 0 ? kCodecReady : 0;
    for (unsigned i = 0; i < kEngines; ++i) {
        const EngineRegisters& engine = engines_.at(i);
        const bool asks = ((engine.status & kCompleted) != 0 && (engine.control & kCompletionInterrupt) != 0) ||
                          ((engine.status & kLastDone) != 0 && (engine.control & kLastInterrupt) != 0);
        if (asks) status |= kEngineInterrupt.at(i);
    }
    return status;
}

u8 I82801Audio::engine_byte(Engine which, unsigned offset) const {
    const EngineRegisters& engine = engines_.at(which);
    switch (offset) {
        case kCurrent:
            return engine.current;
        case kLastValid:
            return engine.last_valid;
        case kStatus:
            return static_cast<u8>(engine.status);
        case kLeft:
            return static_cast<u8>(engine.left);
        case kLeft + 1:
            return static_cast<u8>(engine.left >> 8);
        case kPrefetched:
            return engine.prefetched;
        case kControl:
            return engine.control;
        default:
            return offset < kList + 4 ? static_cast<u8>(engine.list >> (8 * offset)) : u8{0};
    }
}

u32 I82801Audio::read_bus_master(u64 offset, unsigned size, bool peek) {
    u32 value = 0;
    for (unsigned i = 0; i < size; ++i) {
        const u64 at = offset + i;
        u8 byte = 0;
        if (at < u64{kEngines} * 16) {
            // Global control overlaps nothing: an engine has twelve bytes.
            byte = at >= kGlobalControl ? static_cast<u8>(global_control_ >> (8 * (at - kGlobalControl)))
                                        : engine_byte(static_cast<Engine>(at / 16), at % 16);
        } else if (at < kSemaphore) {
            byte = static_cast<u8>(global_status() >> (8 * (at - kGlobalStatus)));
        } else if (at == kSemaphore) {
            byte = semaphore_ ? 1 : 0;
            if (!peek) semaphore_ = true;  // whoever read 0 has the codec until its access
        }
        value |= u32{byte} << (8 * i);
    }
    return value;
}

void I82801Audio::write_bus_master(u64 offset, unsigned size, u32 value) {
    for (unsigned i = 0; i < size; ++i) {
        const u64 at = offset + i;
        const u8 byte = static_cast<u8>(value >> (8 * i));
        if (at < kGlobalControl) {
            write_engine(static_cast<Engine>(at / 16), at % 16, byte);
        } else if (at == kGlobalControl) {
            const bool was_reset = (global_control_ & kColdReset) == 0;
            global_control_ = byte & kGlobalControlBits & ~u32{4};  // the warm reset is over at once
            if (!was_reset && (global_control_ & kColdReset) == 0) codec_.reset();
            update_interrupt();
        }
    }
}

void I82801Audio::write_engine(Engine which, unsigned offset, u8 value) {
    EngineRegisters& engine = engines_.at(which);
    if (offset < kList + 4) {
        const unsigned shift = 8 * offset;
        engine.list = replace_bits(engine.list, u32{value} << shift, u32{0xFF} << shift) & ~u32{7};
    } else if (offset == kLastValid) {
        engine.last_valid = value % kEntries;
        // An engine that had reached the end of its list goes on.
        if ((engine.control & kRun) != 0 && (engine.status & kHalted) != 0 && engine.current != engine.last_valid) {
            engine.current = engine.prefetched;
            run(which);
        }
    } else if (offset == kStatus) {
        engine.status &= static_cast<u16>(~(value & kClearedByOne));
        update_interrupt();
    } else if (offset == kControl) {
        write_control(which, value);
    }
}

void I82801Audio::write_control(Engine which, u8 value) {
    EngineRegisters& engine = engines_.at(which);
    if ((value & kResetEngine) != 0) {  // clears itself
        timers_.at(which).disarm();
        engine = {};
        update_interrupt();
        return;
    }
    const bool ran = (engine.control & kRun) != 0, runs = (value & kRun) != 0;
    engine.control = value & kControlBits;
    if (runs && !ran) {
        run(which);
    } else if (ran && !runs) {
        timers_.at(which).disarm();
        engine.status |= kHalted;
    }
    update_interrupt();
}

void I82801Audio::update_interrupt() {
    const bool level = (global_status() & ~kCodecReady) != 0;
    if (level == interrupt_) return;
    interrupt_ = level;
    if (pins_.interrupt) pins_.interrupt(level);
}

// --- engines

u32 I82801Audio::sample_rate(Engine which) const {
    return which == kPcmOut  ? 2 * codec_.output_rate()
           : which == kPcmIn ? 2 * codec_.input_rate()
                             : codec_.input_rate();
}

/// Starts, or goes on after a pause or at a new end of the list.
void I82801Audio::run(Engine which) {
    EngineRegisters& engine = engines_.at(which);
    engine.status &= static_cast<u16>(~(kHalted | kAtLastValid));
    engine.origin_ns = scheduler_.now();
    engine.done = 0;
    engine.rate = sample_rate(which);
    if (engine.left == 0) load_buffer(which);
    arm(which);
}

void I82801Audio::load_buffer(Engine which) {
    EngineRegisters& engine = engines_.at(which);
    std::array<u8, kEntryBytes> entry{};
    memory_.copy_out({engine.list + u64{engine.current} * kEntryBytes}, entry);
    const auto word = [&entry](unsigned at) { return static_cast<u32>(entry.at(at) | entry.at(at + 1) << 8); };
    engine.address = (word(0) | word(2) << 16) & ~u32{1};
    engine.left = word(4);
    engine.flags = static_cast<u16>(word(6));
    engine.prefetched = static_cast<u8>((engine.current + 1) % kEntries);
}

void I82801Audio::arm(Engine which) {
    EngineRegisters& engine = engines_.at(which);
    if (const u32 rate = sample_rate(which); rate != engine.rate) {  // the codec has a new rate
        engine.origin_ns += ns_from_ticks(engine.done, engine.rate);
        engine.done = 0;
        engine.rate = rate;
    }
    const u64 most = std::max<u64>(engine.rate / kPortionsPerSecond & ~u64{1}, 2);
    engine.portion = static_cast<u32>(std::min<u64>(most, engine.left));
    // A buffer without samples takes the time of one: a list of nothing else does not stop the clock.
    timers_.at(which).arm(engine.origin_ns + ns_from_ticks(engine.done + std::max(engine.portion, 1u), engine.rate));
}

void I82801Audio::portion_due(Engine which) {
    EngineRegisters& engine = engines_.at(which);
    if ((engine.control & kRun) == 0 || (engine.status & kHalted) != 0) return;
    const u64 end = engine.origin_ns + ns_from_ticks(engine.done + std::max(engine.portion, 1u), engine.rate);
    if (const u64 now = scheduler_.now(); now > end + kMostLate_ns || now < engine.origin_ns) {
        engine.origin_ns = now - std::min(now, ns_from_ticks(engine.portion, engine.rate));
        engine.done = 0;
    }
    if (which == kPcmOut) {
        play(engine);
    } else {
        const std::vector<u8> silence(std::size_t{engine.portion} * 2);
        memory_.copy_in({engine.address}, silence);
    }
    engine.address += engine.portion * 2;
    engine.left -= engine.portion;
    engine.done += std::max(engine.portion, 1u);
    engine.portion = 0;
    if (engine.left == 0) buffer_done(which);
    if ((engine.control & kRun) != 0 && (engine.status & kHalted) == 0) arm(which);
}

void I82801Audio::play(EngineRegisters& engine) {
    if (sink_ == nullptr) return;
    std::vector<u8> bytes(std::size_t{engine.portion} * 2);
    memory_.copy_out({engine.address}, bytes);
    frames_.clear();
    for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
        frames_.push_back(
            {static_cast<i16>(bytes[at] | bytes[at + 1] << 8), static_cast<i16>(bytes[at + 2] | bytes[at + 3] << 8)});
    }
    sink_->play(engine.origin_ns + ns_from_ticks(engine.done, engine.rate), engine.rate / 2, frames_);
}

void I82801Audio::buffer_done(Engine which) {
    EngineRegisters& engine = engines_.at(which);
    if ((engine.flags & kInterruptOnCompletion) != 0) engine.status |= kCompleted;
    if (engine.current == engine.last_valid) {
        engine.status |= kHalted | kAtLastValid | kLastDone;
    } else {
        engine.current = engine.prefetched;
        load_buffer(which);
    }
    update_interrupt();
}

}  // namespace bantam::devices
