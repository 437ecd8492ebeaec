// See local_apic.h. Here: power-on, state, IA32_APIC_BASE; registers, delivery and timer have files of their own.
#include "devices/local_apic.h"

#include <fmt/format.h>

#include "devices/local_apic_registers.h"

namespace bantam::devices {

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
            if (vector_bit(*set, static_cast<u8>(vector))) text += fmt::format(" {:02x}", vector);
        }
        text += '\n';
    }
    return text;
}

void LocalApic::set_base(u64 value) {
    const bool was_enabled = enabled();
    r_.base = value;
    if (was_enabled != enabled()) {
        // Off: the pins are the processor's own again. On: as after INIT, ID included (SDM 11.4.3).
        r_.id = u32{apic_id_} << 24;
        reset_state();
    }
    update();
    bus_.offer_again();
}

}  // namespace bantam::devices
