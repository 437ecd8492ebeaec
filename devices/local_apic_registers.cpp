// The local APIC's registers as software sees them: the memory page of xAPIC mode and the MSRs of x2APIC mode (SDM
// vol. 3, 11.4.1 and 11.12).
#include "devices/local_apic_registers.h"

#include "devices/local_apic.h"

namespace bantam::devices {
namespace {
constexpr u32 kMsrBase = 0x800;
constexpr u32 kVersionValue = 0x14 | 5 << 16;  // version 14h, last LVT entry is number 5

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
            bus_.offer_again();
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
            bus_.offer_again();
            break;
        case kRegDfr:
            r_.dfr = masked | 0x0FFFFFFF;
            bus_.offer_again();
            break;
        case kRegSvr:
            r_.svr = masked;
            if (software_enabled()) {
                bus_.offer_again();
            } else {
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
