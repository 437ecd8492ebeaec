#include "devices/apic_bus.h"

#include "devices/io_apic.h"
#include "devices/local_apic.h"

namespace bantam::devices {

bool ApicBus::send(const ApicMessage& message) {
    std::vector<LocalApic*> targets;
    for (LocalApic* apic : local_apics_) {
        if (apic->matches(message)) targets.push_back(apic);
    }
    return deliver(targets, message);
}

bool ApicBus::send_to_others(const LocalApic& sender, const ApicMessage& message) {
    std::vector<LocalApic*> targets;
    for (LocalApic* apic : local_apics_) {
        if (apic != &sender && apic->enabled()) targets.push_back(apic);
    }
    return deliver(targets, message);
}

bool ApicBus::deliver(const std::vector<LocalApic*>& targets, const ApicMessage& message) {
    if (message.mode == DeliveryMode::lowest_priority) {
        LocalApic* lowest = nullptr;
        for (LocalApic* apic : targets) {
            if (!apic->software_enabled()) continue;
            if (lowest == nullptr || apic->processor_priority() < lowest->processor_priority()) lowest = apic;
        }
        return lowest != nullptr && lowest->accept(message);
    }
    bool accepted = false;
    for (LocalApic* apic : targets) accepted = apic->accept(message) || accepted;
    return accepted;
}

void ApicBus::end_of_interrupt(u8 vector) {
    for (IoApic* apic : io_apics_) apic->end_of_interrupt(vector);
}

void ApicBus::offer_again() {
    for (IoApic* apic : io_apics_) apic->offer_again();
}

}  // namespace bantam::devices
