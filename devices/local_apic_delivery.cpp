// How interrupts get into and out of a local APIC (SDM vol. 3, 11.5-11.8): priorities, INTA and EOI, the local sources
// with their LVT entries, and messages from and to the bus.
#include <bit>

#include "devices/local_apic.h"
#include "devices/local_apic_registers.h"

namespace bantam::devices {
namespace {
int highest_bit(const std::array<u32, 8>& set) {
    for (unsigned word = 8; word-- > 0;) {
        if (set[word] != 0) return static_cast<int>(word * 32 + 31) - std::countl_zero(set[word]);
    }
    return -1;
}

void set_vector_bit(std::array<u32, 8>& set, u8 vector, bool value) {
    const u32 mask = u32{1} << (vector % 32u);
    u32& word = set[vector / 32u];
    word = value ? word | mask : word & ~mask;
}

}  // namespace

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
        if (r_.lint[pin] && (lvt & kMasked) == 0 && lvt_mode(lvt) == DeliveryMode::ext_int) return true;
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
        set_vector_bit(r_.irr, vector, false);
        set_vector_bit(r_.isr, vector, true);
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
    set_vector_bit(r_.isr, vector, false);
    if (vector_bit(r_.tmr, vector)) {
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
    set_vector_bit(r_.irr, vector, true);
    set_vector_bit(r_.tmr, vector, level);
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
    if ((lvt & kMasked) == 0) deliver_local(lvt_mode(lvt), static_cast<u8>(lvt), false);
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
    const bool level = lvt_mode(lvt) == DeliveryMode::fixed && (lvt & kLvtLevel) != 0;
    if (level) {
        if (r_.lint_remote_irr[pin]) return;
        r_.lint_remote_irr[pin] = true;
    } else if (!rising) {
        return;
    }
    deliver_local(lvt_mode(lvt), static_cast<u8>(lvt), level);
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
    bus_.offer_again();
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
                        .mode = lvt_mode(low),
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

}  // namespace bantam::devices
