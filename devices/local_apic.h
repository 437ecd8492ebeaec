// LocalApic: the local APIC of one processor in xAPIC and x2APIC mode (SDM vol. 3, chapter 11): six LVT entries, timer
// (one-shot, periodic, TSC-deadline), ICR, priorities, EOI broadcast, spurious interrupts and errors. Version 14h.
// The APIC timer's input clock is kTimerHz before its divider. Messages are delivered at once, so ICR's delivery status
// always reads idle. Performance, thermal and error LVT entries are real; only the error one has a source here.
// Left out: CMCI, EOI-broadcast suppression (version bit 24 is 0), focus processor checking.
#pragma once

#include <array>

#include "base/scheduler.h"
#include "devices/apic_bus.h"
#include "devices/device.h"

namespace bantam::devices {

class LocalApic final : public Device {
public:
    /// UEFI firmware for virtual machines does not measure it but takes it for this (OVMF, PcdFSBClock).
    static constexpr u64 kTimerHz = 1'000'000'000;
    static constexpr u64 kDefaultBase = 0xFEE00000;
    static constexpr u32 kTscDeadlineMsr = 0x6E0;
    // IA32_APIC_BASE
    static constexpr u64 kBaseBsp = u64{1} << 8, kBaseX2 = u64{1} << 10, kBaseEnable = u64{1} << 11;

    struct Pins {
        /// INTR of the processor core.
        OutputLine intr;
        std::function<void()> nmi, smi, init;
        /// SIPI; the processor starts at vector * 1000h.
        std::function<void(u8 vector)> startup;
        /// INTA cycle on the bus, for ExtINT: the 8259's vector.
        std::function<u8()> acknowledge_external;
        /// The processor's TSC, for the TSC-deadline timer.
        std::function<u64()> tsc;
    };

    /// `tsc_hz` is the rate of Pins::tsc. Attaches itself to `bus`.
    LocalApic(Scheduler& scheduler, ApicBus& bus, u8 apic_id, bool bootstrap, u64 tsc_hz, Pins pins);

    [[nodiscard]] std::string_view name() const override { return name_; }
    /// RESET: everything, IA32_APIC_BASE included.
    void reset() override;
    /// INIT: as reset, but IA32_APIC_BASE and the APIC ID stay (SDM 11.4.7.3).
    void init();
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    // --- IA32_APIC_BASE
    [[nodiscard]] u64 base() const { return r_.base; }
    /// The MSR was written with a legal value; clearing EN loses all state, setting it again starts afresh.
    void set_base(u64 value);
    /// Globally enabled (EN).
    [[nodiscard]] bool enabled() const { return (r_.base & kBaseEnable) != 0; }
    [[nodiscard]] bool x2apic() const { return (r_.base & kBaseX2) != 0; }
    /// True while the register page decodes at base(): EN = 1 and not x2APIC mode.
    [[nodiscard]] bool decodes_memory() const { return enabled() && !x2apic(); }

    // --- registers
    /// The 4 KiB page at base(): 32-bit registers, 16 bytes apart. Takes 1-, 2- and 4-byte accesses.
    [[nodiscard]] RegisterSpace registers();
    u32 read(u64 offset);
    void write(u64 offset, u32 value);
    [[nodiscard]] u32 peek(u64 offset) const;
    /// IA32_TSC_DEADLINE and x2APIC MSRs 800h-8FFh. False: #GP(0).
    bool read_msr(u32 index, u64& value);
    bool write_msr(u32 index, u64 value);
    /// CR8: bits 7:4 of TPR.
    [[nodiscard]] u8 cr8() const { return static_cast<u8>(r_.tpr >> 4); }
    void set_cr8(u8 value);

    // --- pins
    /// Level of LINT0 (8259 INT) or LINT1 (NMI).
    void set_lint(unsigned pin, bool level);
    /// INTA from the core: takes the interrupt INTR announced and returns its vector.
    u8 acknowledge();
    /// The TSC was written or its offset changed: the deadline moves.
    void tsc_changed();
    /// What firmware leaves behind for a PC/AT operating system (MultiProcessor Specification 1.4, 3.6.2.2): software
    /// enabled, LINT0 = ExtINT, LINT1 = NMI. For kernels loaded without firmware.
    void enter_virtual_wire_mode();

    // --- bus side
    [[nodiscard]] u32 id() const;
    [[nodiscard]] bool matches(const ApicMessage& message) const;
    /// Can take a fixed or lowest-priority interrupt (software enabled).
    [[nodiscard]] bool software_enabled() const { return (r_.svr & 0x100) != 0; }
    /// Arbitration priority for lowest-priority delivery (PPR; lower wins).
    [[nodiscard]] u8 processor_priority() const;
    /// Takes a message addressed to this APIC. False when it ignores it.
    bool accept(const ApicMessage& message);

private:
    enum Lvt : unsigned { kTimer, kThermal, kPerformance, kLint0, kLint1, kError };
    static constexpr unsigned kLvtCount = 6;
    static constexpr u32 kMasked = 0x10000;
    static constexpr unsigned kModePeriodic = 1, kModeTscDeadline = 2;
    using Bits256 = std::array<u32, 8>;

    struct Registers {
        u64 base = kDefaultBase | kBaseEnable;
        u32 id = 0;  // xAPIC: bits 31:24
        u8 tpr = 0;
        u32 ldr = 0, dfr = 0xFFFFFFFF, svr = 0xFF;
        Bits256 irr{}, isr{}, tmr{};
        u32 esr = 0, errors = 0;  // as read, and gathered since the last write
        u64 icr = 0;
        std::array<u32, kLvtCount> lvt{kMasked, kMasked, kMasked, kMasked, kMasked, kMasked};
        std::array<bool, 2> lint_remote_irr{};
        u32 initial_count = 0, divide = 0;
        u64 timer_origin_ns = 0;  // when the current count was loaded
        bool timer_running = false;
        u64 tsc_deadline = 0;
        std::array<bool, 2> lint{};
        bool external_pending = false;  // ExtINT that came as a message
        bool intr = false;
    };

    [[nodiscard]] u32 register_value(unsigned index) const;
    [[nodiscard]] bool exists(unsigned index) const;
    void write_register(unsigned index, u32 value);
    void write_lvt(unsigned entry, u32 value);
    void reset_state();

    [[nodiscard]] bool external_request() const;
    [[nodiscard]] int highest_request() const;
    void update();
    void end_of_interrupt();
    void raise(u8 vector, bool level);
    void error(u32 mask);
    void send_icr();
    void fire_lvt(unsigned entry);
    void deliver_local(DeliveryMode mode, u8 vector, bool level);
    void service_lint(unsigned pin, bool rising);

    [[nodiscard]] unsigned timer_mode() const { return (r_.lvt[kTimer] >> 17) & 3u; }
    [[nodiscard]] unsigned timer_shift() const;
    [[nodiscard]] u64 timer_period_ns() const;
    [[nodiscard]] u32 current_count() const;
    [[nodiscard]] u64 tsc() const;
    void arm_timer();
    void timer_fired();
    /// Fires an expiry that is due but that the run loop has not seen yet.
    void settle_timer();
    void write_initial_count(u32 value);
    void write_divide(u32 value);
    void write_timer_lvt(u32 value);

    std::string name_;
    Scheduler& scheduler_;
    ApicBus& bus_;
    u8 apic_id_;
    bool bootstrap_;
    u64 tsc_hz_;
    Pins pins_;
    Registers r_;
    Timer timer_;
};

}  // namespace bantam::devices
