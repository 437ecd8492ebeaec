// Piix4Pm: function 3 of the PIIX4 (Intel 82371AB datasheet, chapter 7; ACPI specification 1.0b, 4.7): ACPI fixed
// registers, PM timer, general-purpose events, the APM ports B2h/B3h, soft off, and an SMBus host controller with an
// empty bus. ACPI_ENABLE (F1h) and ACPI_DISABLE (F0h) written to APMC set and clear SCI_EN, what the PC's SMI handler
// would do. Left out: device activity monitors and clock throttling (their registers keep what is written, nothing is
// ever idle), and the SMBus slave's snooping: no other master exists.
#pragma once

#include <array>

#include "base/scheduler.h"
#include "devices/pci.h"
#include "devices/smbus_host.h"

namespace bantam::devices {

class Piix4Pm final : public PciFunction {
public:
    static constexpr u64 kTimerHz = 3'579'545;
    static constexpr unsigned kTimerBits = 24;                    // FADT.TMR_VAL_EXT = 0
    static constexpr u8 kAcpiEnable = 0xF1, kAcpiDisable = 0xF0;  // FADT.ACPI_ENABLE / ACPI_DISABLE at port B2h
    /// PM registers from PMBASE: PM1a event block 0, control block 4, timer 8, GPE0 block 0Ch (2 + 2 bytes).
    static constexpr u64 kPmWindowBytes = 64, kSmbusWindowBytes = 16;
    static constexpr unsigned kSleepTypeSoftOff = 0;     // \_S5
    static constexpr unsigned kSleepTypeSuspendRam = 1;  // \_S3

    struct Pins {
        /// Level-sensitive, active while an enabled event is set and SCI_EN = 1; IRQ9 on a PC.
        OutputLine sci;
        std::function<void()> smi;
        /// SUS_EN was written with SUS_TYP 0: the machine turns off.
        std::function<void()> power_off;
        /// SUS_EN with another SUS_TYP; the machine calls resume() when it wakes.
        std::function<void(unsigned type)> suspend;
        /// A base or an enable bit of the two I/O windows changed.
        std::function<void()> decode_changed;
    };

    Piix4Pm(Scheduler& scheduler, Pins pins);

    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    // --- inputs
    void press_power_button();
    /// Sets a bit of GPSTS (0-15).
    void raise_general_event(unsigned event);
    /// RTC alarm as a wake event: RTC_STS.
    void rtc_alarm();
    /// The machine woke from suspend: RSM_STS.
    void resume();

    // --- registers
    /// PMBASE window; 1-, 2- and 4-byte accesses.
    [[nodiscard]] RegisterSpace pm_registers();
    [[nodiscard]] RegisterSpace smbus_registers();
    /// APMC and APMS: ports B2h and B3h.
    [[nodiscard]] RegisterSpace apm_registers();
    [[nodiscard]] u16 pm_base() const;
    [[nodiscard]] bool pm_decoded() const;
    [[nodiscard]] u16 smbus_base() const;
    [[nodiscard]] bool smbus_decoded() const;

    u32 read_pm(u64 offset, unsigned size);
    void write_pm(u64 offset, u8 value);

protected:
    void config_changed(unsigned offset, unsigned size) override;

private:
    static constexpr unsigned kSleepTypeLast = 4;  // powered-on suspend; 5-7 are no sleep states

    struct Registers {
        u16 status = 0, enable = 0, control = 0;  // PMSTS, PMEN, PMCNTRL
        u16 general_status = 0, general_enable = 0;
        u16 global_status = 0;
        std::array<u8, 64> plain = plain_power_on();  // registers that keep what is written, by offset
        u8 apm_control = 0, apm_status = 0;
        u64 timer_half = 0;  // half periods of the PM timer already turned into TMROF_STS
        SmbusHost smbus;
        bool sci = false;
        bool event = false;  // an enabled event is set
        static constexpr std::array<u8, 64> plain_power_on() {
            std::array<u8, 64> values{};
            values[0x34] = 0xFF;  // GPOREG = 7FFFBFFFh
            values[0x35] = 0xBF;
            values[0x36] = 0xFF;
            values[0x37] = 0x7F;
            return values;
        }
    };

    [[nodiscard]] u64 timer_ticks() const { return ticks_from_ns(scheduler_.now(), kTimerHz); }
    [[nodiscard]] u32 timer_value() const;
    [[nodiscard]] bool smi_enabled() const;
    [[nodiscard]] bool smbus_interrupt() const;
    [[nodiscard]] u32 peek_pm(u64 offset, unsigned size) const;
    [[nodiscard]] u8 pm_byte(u64 offset, u32 timer) const;
    void set_status(u16 bits);
    void write_control(u16 value, u16 written);
    void write_apm(u64 offset, u8 value);
    void update();

    Scheduler& scheduler_;
    Pins pins_;
    Registers r_;
    Timer overflow_;
};

}  // namespace bantam::devices
