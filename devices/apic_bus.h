// ApicBus: what carries interrupt messages between IO-APICs and local APICs (SDM vol. 3, 11.6.2 and 11.7): destination
// match, lowest-priority arbitration and the EOI broadcast. It holds no state: messages arrive in the instruction that
// sends them, so a delivery status always reads idle.
#pragma once

#include <vector>

#include "base/types.h"

namespace bantam::devices {

class IoApic;
class LocalApic;

/// Delivery modes as encoded in ICR, LVT and redirection entries.
enum class DeliveryMode : u8 {
    fixed = 0,
    lowest_priority = 1,
    smi = 2,
    reserved = 3,
    nmi = 4,
    init = 5,
    startup = 6,
    ext_int = 7
};

struct ApicMessage {
    u8 vector = 0;
    DeliveryMode mode = DeliveryMode::fixed;
    u32 destination = 0;
    /// `destination` is a logical destination (MDA), else an APIC ID.
    bool logical = false;
    /// `destination` is 32 bits wide (x2APIC sender), else 8: FFh is the broadcast.
    bool wide = false;
    bool level = false;
};

class ApicBus {
public:
    /// Both live as long as the bus is used.
    void attach(LocalApic& apic) { local_apics_.push_back(&apic); }
    void attach(IoApic& apic) { io_apics_.push_back(&apic); }

    /// Delivers to every local APIC addressed (one of them for lowest priority). True when any accepted it.
    bool send(const ApicMessage& message);
    /// Delivers to every local APIC but `sender`.
    bool send_to_others(const LocalApic& sender, const ApicMessage& message);
    /// EOI message for a level-triggered `vector`.
    void end_of_interrupt(u8 vector);
    /// A local APIC now takes messages it did not take before: IO-APICs offer their level interrupts again.
    void offer_again();

private:
    bool deliver(const std::vector<LocalApic*>& targets, const ApicMessage& message);

    std::vector<LocalApic*> local_apics_;
    std::vector<IoApic*> io_apics_;
};

}  // namespace bantam::devices
