// Hpet: IA-PC HPET (specification 1.0a): a 64-bit main counter at 10 MHz and three 64-bit comparators, each one-shot or
// periodic, edge or level, in 32- or 64-bit mode, with the legacy replacement route. FSB (message) delivery is not
// offered. The counter is computed from elapsed virtual time.
#pragma once

#include <array>

#include "base/scheduler.h"
#include "devices/device.h"

namespace bantam::devices {

class Hpet final : public Device {
public:
    static constexpr u64 kHertz = 10'000'000;
    static constexpr u64 kDefaultBase = 0xFED00000;
    static constexpr u64 kWindowBytes = 0x400;
    static constexpr unsigned kTimers = 3;
    /// IO-APIC inputs a timer may be routed to (Tn_INT_ROUTE_CAP).
    static constexpr u32 kRoutes = 0x00F00000;

    struct Pins {
        /// IO-APIC input 0-31, while legacy replacement is off or for timer 2.
        std::function<void(unsigned input, bool asserted)> interrupt;
        /// Timers 0 and 1 under legacy replacement: in place of the 8254 on IRQ0 (IO-APIC input 2) and the RTC on IRQ8.
        OutputLine irq0, irq8;
        /// Legacy replacement on: the board keeps the 8254's OUT0 and the RTC's IRQ away from the controllers.
        OutputLine legacy_replacement;
    };

    Hpet(Scheduler& scheduler, Pins pins);

    [[nodiscard]] std::string_view name() const override { return "hpet"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    [[nodiscard]] bool legacy_replacement() const { return (r_.configuration & 2) != 0; }

    /// The 1 KiB register block; 32- and 64-bit accesses.
    [[nodiscard]] RegisterSpace registers();
    u64 read(u64 offset, unsigned size) const;
    void write(u64 offset, unsigned size, u64 value);

private:
    struct Comparator {
        u64 configuration = 0;  // the writable bits
        u64 value = ~u64{0};    // comparator
        u64 period = 0;
        bool value_set = false;  // Tn_VAL_SET_CNF: the next comparator write sets the accumulator
        bool line = false;       // level driven (level-triggered mode)
        void describe(Archive& archive);
    };
    struct Registers {
        u64 configuration = 0;
        u64 status = 0;
        u64 counter = 0;         // while halted
        u64 counter_origin = 0;  // while running: counter = ticks(now) - origin
        std::array<Comparator, kTimers> timers{};
    };

    [[nodiscard]] bool enabled() const { return (r_.configuration & 1) != 0; }
    [[nodiscard]] u64 ticks() const { return ticks_from_ns(scheduler_.now(), kHertz); }
    [[nodiscard]] u64 counter() const { return enabled() ? ticks() - r_.counter_origin : r_.counter; }
    [[nodiscard]] u64 read_register(u64 offset) const;
    void write_register(u64 offset, u64 value, u64 mask);
    void write_configuration(u64 value);
    void write_timer_configuration(unsigned index, u64 value, u64 mask);
    void write_comparator(unsigned index, u64 value, u64 mask);
    [[nodiscard]] u64 width_mask(unsigned index) const;
    /// Asks for the next match; `matched`: the present tick has matched already.
    void arm(unsigned index, bool matched);
    void match(unsigned index);
    /// Handles matches that are due but that the run loop has not seen yet.
    void settle();
    /// Drives a level-triggered timer's line by status and enable.
    void refresh(unsigned index);
    void drive(unsigned index, bool level);

    Scheduler& scheduler_;
    Pins pins_;
    Registers r_;
    std::array<Timer, kTimers> timers_;
};

}  // namespace bantam::devices
