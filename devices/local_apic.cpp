#include "devices/local_apic.h"

#include <fmt/format.h>

#include <bit>

#include "base/bits.h"

namespace bantam::devices {
namespace {
constexpr u32 kMsrBase = 0x800;
constexpr u32 kVersionValue = 0x14 | 5 << 16;  // version 14h, last LVT entry is number 5

// Registers by number: offset / 10h, MSR - 800h (SDM vol. 3, table 11-1 and table 11-6).
enum Register : unsigned {
    kRegId = 0x02,
    kRegVersion = 0x03,
    kRegTpr = 0x08,
    kRegPpr = 0x0A,
    kRegEoi = 0x0B,
    kRegLdr = 0x0D,
    kRegDfr = 0x0E,
    kRegSvr = 0x0F,
    kRegIsr = 0x10,
    kRegTmr = 0x18,
    kRegIrr = 0x20,
    kRegEsr = 0x28,
    kRegIcrLow = 0x30,
    kRegIcrHigh = 0x31,
    kRegLvt = 0x32,
    kRegInitialCount = 0x38,
    kRegCurrentCount = 0x39,
    kRegDivide = 0x3E,
    kRegSelfIpi = 0x3F,
};

// Error status register
constexpr u32 kSendIllegalVector = 1 << 5, kReceiveIllegalVector = 1 << 6, kIllegalRegister = 1 << 7;

// ICR: vector, mode, destination mode, level, trigger mode, shorthand
constexpr u32 kIcrWritable = 0x000CCFFF;
constexpr u32 kLvtLevel = 1 << 15, kLvtRemoteIrr = 1 << 14;
constexpr u8 kFirstLegalVector = 16;

DeliveryMode mode_of(u32 lvt_or_icr) { return static_cast<DeliveryMode>(bits(lvt_or_icr, 8, 3)); }

int highest_bit(const std::array<u32, 8>& set) {
    for (unsigned word = 8; word-- > 0;) {
        if (set[word] != 0) return static_cast<int>(word * 32 + 31) - std::countl_zero(set[word]);
    }
    return -1;
}

bool test(const std::array<u32, 8>& set, u8 vector) { return bit(set[vector / 32u], vector % 32u); }

void assign(std::array<u32, 8>& set, u8 vector, bool value) {
    const u32 mask = u32{1} << (vector % 32u);
    u32& word = set[vector / 32u];
    word = value ? word | mask : word & ~mask;
}

/// The bits of register `index` software can write.
u32 writable_mask(unsigned index) {
    switch (index) {
        case kRegId:
        case kRegLdr:
            return 0xFF000000;
        case kRegDfr:
            return 0xF0000000;
        case kRegTpr:
        case kRegSelfIpi:
            return 0xFF;
        case kRegSvr:
            return 0x3FF;
        case kRegIcrLow:
            return kIcrWritable;
        case kRegIcrHigh:
            return 0xFF000000;
        case kRegLvt + 0:  // timer: vector, mask, mode
            return 0x700FF;
        case kRegLvt + 1:  // thermal, performance: vector, delivery mode, mask
        case kRegLvt + 2:
            return 0x107FF;
        case kRegLvt + 3:  // LINT0, LINT1: and polarity, trigger mode
        case kRegLvt + 4:
            return 0x1A7FF;
        case kRegLvt + 5:  // error: vector, mask
            return 0x100FF;
        case kRegInitialCount:
            return 0xFFFFFFFF;
        case kRegDivide:
            return 0xB;
        default:
            return 0;
    }
}

bool is_status_word(unsigned index) { return index >= kRegIsr && index < kRegIrr + 8; }
}  // namespace

LocalApic::LocalApic(Scheduler& scheduler, ApicBus& bus, u8 apic_id, bool bootstrap, u64 tsc_hz, Pins pins)
    : name_(fmt::format("local_apic{}", apic_id)),
      scheduler_(scheduler),
      bus_(bus),
      apic_id_(apic_id),
      bootstrap_(bootstrap),
      tsc_hz_(tsc_hz),
      pins_(std::move(pins)),
      timer_(scheduler, name_, [this] { timer_fired(); }) {
    bus_.attach(*this);
    reset();
}

void LocalApic::reset() {
    const bool was_high = r_.intr;
    r_ = {};
    r_.id = u32{apic_id_} << 24;
    if (bootstrap_) r_.base |= kBaseBsp;
    timer_.disarm();
    if (was_high && pins_.intr) pins_.intr(false);
}

void LocalApic::init() { reset_state(); }

void LocalApic::reset_state() {
    const Registers before = r_;
    r_ = {};
    r_.base = before.base;
    r_.id = before.id;
    r_.lint = before.lint;
    r_.intr = before.intr;
    timer_.disarm();
    update();
}

void LocalApic::describe(Archive& archive) {
    archive.field("base", r_.base);
    archive.field("id", r_.id);
    archive.field("tpr", r_.tpr);
    archive.field("ldr", r_.ldr);
    archive.field("dfr", r_.dfr);
    archive.field("svr", r_.svr);
    archive.field("irr", r_.irr);
    archive.field("isr", r_.isr);
    archive.field("tmr", r_.tmr);
    archive.field("esr", r_.esr);
    archive.field("errors", r_.errors);
    archive.field("icr", r_.icr);
    archive.field("lvt", r_.lvt);
    archive.field("lint_remote_irr", r_.lint_remote_irr);
    archive.field("initial_count", r_.initial_count);
    archive.field("divide", r_.divide);
    archive.field("timer_origin_ns", r_.timer_origin_ns);
    archive.field("timer_running", r_.timer_running);
    archive.field("tsc_deadline", r_.tsc_deadline);
    archive.field("lint", r_.lint);
    archive.field("external_pending", r_.external_pending);
    archive.field("intr", r_.intr);
}

std::string LocalApic::info() const {
    std::string text = fmt::format(
        "{}: base={:x} id={:x} tpr={:02x} ppr={:02x} svr={:03x} ldr={:08x} dfr={:08x} esr={:02x} icr={:016x} intr={}\n",
        name_, r_.base, id(), r_.tpr, processor_priority(), r_.svr, register_value(kRegLdr), r_.dfr, r_.esr, r_.icr,
        int{r_.intr});
    text += fmt::format("  lvt timer={:05x} thermal={:05x} performance={:05x} lint0={:05x} lint1={:05x} error={:05x}\n",
                        r_.lvt[kTimer], r_.lvt[kThermal], r_.lvt[kPerformance], r_.lvt[kLint0], r_.lvt[kLint1],
                        r_.lvt[kError]);
    text += fmt::format("  timer initial={} current={} divide by {} deadline={}\n", r_.initial_count, current_count(),
                        1u << timer_shift(), r_.tsc_deadline);
    for (const auto& [label, set] : {std::pair{"irr", &r_.irr}, {"isr", &r_.isr}, {"tmr", &r_.tmr}}) {
        text += fmt::format("  {}:", label);
        for (unsigned vector = 0; vector < 256; ++vector) {
            if (test(*set, static_cast<u8>(vector))) text += fmt::format(" {:02x}", vector);
        }
        text += '\n';
    }
    return text;
}

// --- priorities and delivery to the core

u8 LocalApic::processor_priority() const {
    const int in_service = highest_bit(r_.isr);
    const u8 service_class = in_service < 0 ? u8{0} : static_cast<u8>(in_service & 0xF0);
    return (r_.tpr & 0xF0) >= service_class ? r_.tpr : service_class;
}

int LocalApic::highest_request() const {
    if (!enabled()) return -1;
    const int vector = highest_bit(r_.irr);
    return vector >= 0 && (vector & 0xF0) > (processor_priority() & 0xF0) ? vector : -1;
}

bool LocalApic::external_request() const {
    if (!enabled()) return r_.lint[0];  // the pin is the processor's INTR
    for (unsigned pin = 0; pin < 2; ++pin) {
        const u32 lvt = r_.lvt[kLint0 + pin];
        if (r_.lint[pin] && (lvt & kMasked) == 0 && mode_of(lvt) == DeliveryMode::ext_int) return true;
    }
    return r_.external_pending;
}

void LocalApic::update() {
    const bool level = external_request() || highest_request() >= 0;
    if (level == r_.intr) return;
    r_.intr = level;
    if (pins_.intr) pins_.intr(level);
}

u8 LocalApic::acknowledge() {
    u8 vector = static_cast<u8>(r_.svr);  // spurious, unless something waits; it is never in service
    if (const int request = highest_request(); request >= 0) {
        vector = static_cast<u8>(request);
        assign(r_.irr, vector, false);
        assign(r_.isr, vector, true);
    } else if (external_request()) {
        r_.external_pending = false;
        if (pins_.acknowledge_external) vector = pins_.acknowledge_external();
    }
    update();
    return vector;
}

void LocalApic::end_of_interrupt() {
    const int in_service = highest_bit(r_.isr);
    if (in_service < 0) return;
    const u8 vector = static_cast<u8>(in_service);
    assign(r_.isr, vector, false);
    if (test(r_.tmr, vector)) {
        for (unsigned pin = 0; pin < 2; ++pin) {
            if (!r_.lint_remote_irr[pin] || static_cast<u8>(r_.lvt[kLint0 + pin]) != vector) continue;
            r_.lint_remote_irr[pin] = false;
            service_lint(pin, false);
        }
        bus_.end_of_interrupt(vector);
    }
    update();
}

void LocalApic::set_cr8(u8 value) {
    r_.tpr = static_cast<u8>(value << 4);
    update();
}

void LocalApic::raise(u8 vector, bool level) {
    if (vector < kFirstLegalVector) {
        error(kReceiveIllegalVector);
        return;
    }
    assign(r_.irr, vector, true);
    assign(r_.tmr, vector, level);
    update();
}

void LocalApic::error(u32 mask) {
    r_.errors |= mask;
    // An error entry whose own vector is illegal records that and delivers nothing.
    const u32 lvt = r_.lvt[kError];
    if ((lvt & kMasked) != 0) return;
    if (static_cast<u8>(lvt) < kFirstLegalVector) {
        r_.errors |= kReceiveIllegalVector;
        return;
    }
    raise(static_cast<u8>(lvt), false);
}

// --- local sources

void LocalApic::fire_lvt(unsigned entry) {
    const u32 lvt = r_.lvt.at(entry);
    if ((lvt & kMasked) == 0) deliver_local(mode_of(lvt), static_cast<u8>(lvt), false);
}

void LocalApic::deliver_local(DeliveryMode mode, u8 vector, bool level) {
    switch (mode) {
        case DeliveryMode::fixed:
            raise(vector, level);
            break;
        case DeliveryMode::smi:
            if (pins_.smi) pins_.smi();
            break;
        case DeliveryMode::nmi:
            if (pins_.nmi) pins_.nmi();
            break;
        case DeliveryMode::init:
            init();
            if (pins_.init) pins_.init();
            break;
        default:  // ExtINT follows the pin's level; the rest is reserved in an LVT
            update();
            break;
    }
}

void LocalApic::service_lint(unsigned pin, bool rising) {
    const u32 lvt = r_.lvt[kLint0 + pin];
    if ((lvt & kMasked) != 0 || !r_.lint[pin]) return;
    const bool level = mode_of(lvt) == DeliveryMode::fixed && (lvt & kLvtLevel) != 0;
    if (level) {
        if (r_.lint_remote_irr[pin]) return;
        r_.lint_remote_irr[pin] = true;
    } else if (!rising) {
        return;
    }
    deliver_local(mode_of(lvt), static_cast<u8>(lvt), level);
}

void LocalApic::set_lint(unsigned pin, bool level) {
    if (r_.lint.at(pin) == level) return;
    r_.lint.at(pin) = level;
    if (enabled()) {
        service_lint(pin, level);
    } else if (pin == 1 && level && pins_.nmi) {
        pins_.nmi();  // the pin is the processor's NMI
    }
    update();
}

void LocalApic::enter_virtual_wire_mode() {
    r_.svr |= 0x100;
    r_.lvt[kLint0] = static_cast<u32>(DeliveryMode::ext_int) << 8;
    r_.lvt[kLint1] = static_cast<u32>(DeliveryMode::nmi) << 8;
    update();
}

// --- bus side

u32 LocalApic::id() const { return x2apic() ? u32{apic_id_} : r_.id >> 24; }

bool LocalApic::matches(const ApicMessage& message) const {
    if (!enabled()) return false;
    const u32 destination = message.destination;
    const bool broadcast = destination == (message.wide ? 0xFFFFFFFF : 0xFF);
    if (broadcast) return true;
    if (!message.logical) return destination == id();
    const u32 ldr = register_value(kRegLdr);
    if (x2apic()) return destination >> 16 == ldr >> 16 && (destination & ldr & 0xFFFF) != 0;
    const u32 mine = ldr >> 24;
    switch (r_.dfr >> 28) {
        case 0xF:  // flat
            return (destination & mine) != 0;
        case 0x0:  // cluster: high nibble names the cluster, Fh all of them
            return (destination >> 4 == mine >> 4 || destination >> 4 == 0xF) && (destination & mine & 0xF) != 0;
        default:
            return false;
    }
}

bool LocalApic::accept(const ApicMessage& message) {
    switch (message.mode) {
        case DeliveryMode::fixed:
        case DeliveryMode::lowest_priority:
            if (!software_enabled()) return false;
            raise(message.vector, message.level);
            return message.vector >= kFirstLegalVector;
        case DeliveryMode::ext_int:
            if (!software_enabled()) return false;
            r_.external_pending = true;
            update();
            return true;
        case DeliveryMode::startup:
            if (pins_.startup) pins_.startup(message.vector);
            return true;
        case DeliveryMode::reserved:
            return false;
        default:  // SMI, NMI and INIT are taken even while software disabled (SDM 11.4.7.2)
            deliver_local(message.mode, message.vector, false);
            return true;
    }
}

void LocalApic::send_icr() {
    const u32 low = static_cast<u32>(r_.icr);
    ApicMessage message{.vector = static_cast<u8>(low),
                        .mode = mode_of(low),
                        .destination = static_cast<u32>(x2apic() ? r_.icr >> 32 : r_.icr >> 56),
                        .logical = bit(low, 11),
                        .wide = x2apic()};
    const bool ordinary = message.mode <= DeliveryMode::lowest_priority;
    if (message.mode == DeliveryMode::reserved || message.mode == DeliveryMode::ext_int) return;
    if (message.mode == DeliveryMode::init && bit(low, 15) && !bit(low, 14)) return;  // INIT level de-assert
    if (ordinary && message.vector < kFirstLegalVector) {
        error(kSendIllegalVector);
        return;
    }
    switch (bits(low, 18, 2)) {
        case 0:
            bus_.send(message);
            break;
        case 1:  // self: fixed only (SDM table 11-3)
            if (message.mode == DeliveryMode::fixed && software_enabled()) raise(message.vector, false);
            break;
        case 2:  // all including self: fixed and lowest priority only
            message.destination = message.wide ? 0xFFFFFFFF : 0xFF;
            message.logical = false;
            if (ordinary) bus_.send(message);
            break;
        default:
            bus_.send_to_others(*this, message);
            break;
    }
}

// --- IA32_APIC_BASE and registers

void LocalApic::set_base(u64 value) {
    const bool was_enabled = enabled();
    r_.base = value;
    if (was_enabled != enabled()) {
        // Off: the pins are the processor's own again. On: as after INIT, ID included (SDM 11.4.3).
        r_.id = u32{apic_id_} << 24;
        reset_state();
    }
    update();
}

u32 LocalApic::register_value(unsigned index) const {
    switch (index) {
        case kRegId:
            return x2apic() ? u32{apic_id_} : r_.id;
        case kRegVersion:
            return kVersionValue;
        case kRegTpr:
            return r_.tpr;
        case kRegPpr:
            return processor_priority();
        case kRegLdr:
            return x2apic() ? (u32{apic_id_} >> 4) << 16 | 1u << (apic_id_ & 0xFu) : r_.ldr;
        case kRegDfr:
            return r_.dfr;
        case kRegSvr:
            return r_.svr;
        case kRegEsr:
            return r_.esr;
        case kRegIcrLow:
            return static_cast<u32>(r_.icr);
        case kRegIcrHigh:
            return static_cast<u32>(r_.icr >> 32);
        case kRegInitialCount:
            return r_.initial_count;
        case kRegCurrentCount:
            return current_count();
        case kRegDivide:
            return r_.divide;
        default:
            break;
    }
    if (index >= kRegLvt && index < kRegLvt + kLvtCount) {
        const unsigned entry = index - kRegLvt;
        const bool remote = (entry == kLint0 || entry == kLint1) && r_.lint_remote_irr[entry - kLint0];
        return r_.lvt[entry] | (remote ? kLvtRemoteIrr : 0);
    }
    if (is_status_word(index)) {
        const auto& set = index < kRegTmr ? r_.isr : index < kRegIrr ? r_.tmr : r_.irr;
        return set[index & 7];
    }
    return 0;
}

bool LocalApic::exists(unsigned index) const {
    if (index == kRegDfr || index == kRegIcrHigh) return !x2apic();
    if (index == kRegSelfIpi) return x2apic();
    return index == kRegVersion || index == kRegPpr || index == kRegEoi || index == kRegEsr ||
           index == kRegCurrentCount || is_status_word(index) || writable_mask(index) != 0;
}

void LocalApic::write_register(unsigned index, u32 value) {
    const u32 masked = value & writable_mask(index);
    switch (index) {
        case kRegId:
            r_.id = masked;
            break;
        case kRegTpr:
            r_.tpr = static_cast<u8>(masked);
            update();
            break;
        case kRegEoi:
            end_of_interrupt();
            break;
        case kRegLdr:
            r_.ldr = masked;
            break;
        case kRegDfr:
            r_.dfr = masked | 0x0FFFFFFF;
            break;
        case kRegSvr:
            r_.svr = masked;
            if (!software_enabled()) {
                for (unsigned entry = 0; entry < kLvtCount; ++entry) write_lvt(entry, r_.lvt[entry]);
            }
            break;
        case kRegEsr:
            r_.esr = r_.errors;
            r_.errors = 0;
            break;
        case kRegIcrLow:
            r_.icr = replace_bits(r_.icr, u64{masked}, u64{0xFFFFFFFF});
            send_icr();
            break;
        case kRegIcrHigh:
            r_.icr = replace_bits(r_.icr, u64{masked} << 32, u64{0xFFFFFFFF} << 32);
            break;
        case kRegInitialCount:
            write_initial_count(value);
            break;
        case kRegDivide:
            write_divide(masked);
            break;
        case kRegSelfIpi:
            if (software_enabled()) raise(static_cast<u8>(masked), false);
            break;
        default:
            if (index >= kRegLvt && index < kRegLvt + kLvtCount) write_lvt(index - kRegLvt, masked);
            break;  // the others are read-only
    }
}

void LocalApic::write_lvt(unsigned entry, u32 value) {
    if (!software_enabled()) value |= kMasked;
    if (entry == kTimer) {
        write_timer_lvt(value);
        return;
    }
    r_.lvt.at(entry) = value;
    if (entry == kLint0 || entry == kLint1) service_lint(entry - kLint0, false);
    update();
}

RegisterSpace LocalApic::registers() {
    const auto shift_of = [](u64 offset) { return static_cast<unsigned>(offset & 3) * 8; };
    return {.read = [this, shift_of](
                        u64 offset, unsigned size) { return bits(read(offset & ~u64{3}), shift_of(offset), size * 8); },
            .write =
                [this, shift_of](u64 offset, unsigned size, u64 value) {
                    const u64 aligned = offset & ~u64{3};
                    const u64 mask = mask_for(size) << shift_of(offset);
                    write(aligned, static_cast<u32>(replace_bits(u64{peek(aligned)}, value << shift_of(offset), mask)));
                },
            .peek = [this, shift_of](
                        u64 offset, unsigned size) { return bits(peek(offset & ~u64{3}), shift_of(offset), size * 8); },
            .max_size = 4};
}

u32 LocalApic::peek(u64 offset) const {
    return (offset & 0xF) == 0 ? register_value(static_cast<unsigned>(offset >> 4)) : 0;
}

u32 LocalApic::read(u64 offset) {
    if ((offset & 0xF) != 0) return 0;
    if (!exists(static_cast<unsigned>(offset >> 4))) error(kIllegalRegister);
    return peek(offset);
}

void LocalApic::write(u64 offset, u32 value) {
    if ((offset & 0xF) != 0) return;
    const unsigned index = static_cast<unsigned>(offset >> 4);
    if (exists(index)) {
        write_register(index, value);
    } else {
        error(kIllegalRegister);
    }
}

bool LocalApic::read_msr(u32 index, u64& value) {
    if (index == kTscDeadlineMsr) {
        value = timer_mode() == kModeTscDeadline ? r_.tsc_deadline : 0;
        return true;
    }
    const unsigned number = index - kMsrBase;
    if (!x2apic() || number > kRegSelfIpi || !exists(number) || number == kRegEoi || number == kRegSelfIpi)
        return false;
    value = number == kRegIcrLow ? r_.icr : register_value(number);
    return true;
}

bool LocalApic::write_msr(u32 index, u64 value) {
    if (index == kTscDeadlineMsr) {
        if (timer_mode() != kModeTscDeadline) return true;
        r_.tsc_deadline = value;
        arm_timer();
        return true;
    }
    const unsigned number = index - kMsrBase;
    if (!x2apic() || number > kRegSelfIpi || !exists(number)) return false;
    if (number == kRegIcrLow) {
        if ((value & 0xFFFFFFFF & ~u64{kIcrWritable}) != 0) return false;
        r_.icr = value;
        send_icr();
        return true;
    }
    // ID and LDR are read-only in x2APIC mode; EOI and ESR take only zero; a reserved bit is a fault.
    const bool command = number == kRegEoi || number == kRegEsr;
    if (number == kRegId || number == kRegLdr || (!command && writable_mask(number) == 0)) return false;
    if ((value & ~u64{writable_mask(number)}) != 0) return false;
    write_register(number, static_cast<u32>(value));
    return true;
}

}  // namespace bantam::devices
