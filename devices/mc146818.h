// Mc146818: real-time clock with CMOS memory (Motorola MC146818A datasheet; 128 + 128 bytes as in PIIX3/PIIX4). Time of
// day in BCD or binary, 12 or 24 hours, daylight saving bit stored only; alarm with don't-care codes, periodic and
// update-ended interrupts, UIP. Seconds are counted from virtual time; nothing here knows the host's date. DEVIATION:
// the DSE bit does not move the clock (as in every PC chipset since 2007). The century is CMOS byte 32h, kept by the
// clock as PC firmware expects.
#pragma once

#include <array>

#include "base/scheduler.h"
#include "devices/device.h"

namespace bantam::devices {

class Mc146818 final : public Device {
public:
    struct Pins {
        OutputLine interrupt;    // IRQ#, true: asserted
        OutputLine nmi_enabled;  // inverse of bit 7 of the index port
    };

    /// `epoch_seconds`: Unix time (UTC) that the clock shows when virtual time is 0.
    Mc146818(Scheduler& scheduler, Pins pins, u64 epoch_seconds);

    [[nodiscard]] std::string_view name() const override { return "rtc"; }
    /// RESET pin: control bits as the datasheet says. Time and CMOS stay: they are battery-backed.
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Offsets 0..3 = ports 70h..73h: index, data, index and data of the second bank.
    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    [[nodiscard]] u8 peek(u64 offset) const;
    RegisterSpace registers();

    /// CMOS contents for the board (memory sizes, drive types, boot order): index 0Eh..7Fh, and 80h..FFh the second
    /// bank.
    void set_cmos(u8 index, u8 value);
    [[nodiscard]] u8 cmos(u8 index) const { return r_.cmos[index]; }
    /// Stores the PC/AT checksum of bytes 10h..2Dh in 2Eh/2Fh; call after set_cmos.
    void update_cmos_checksum();

    struct Registers {
        std::array<u8, 256> cmos{};  // 0..9 time and alarm, 0Ah..0Dh registers A..D, then memory
        u8 index = 0x80;
        u8 extended_index = 0;
        u64 next_update_ns = 0;    // when the running second ends
        u64 periodic_base_ns = 0;  // a moment when the divider chain was zero
        u64 periodic_seen = 0;     // periods since then whose PF was already given
        bool interrupt_level = false;
    };

private:
    u8 read_data(u8 index);
    void write_data(u8 index, u8 value);
    void catch_up();
    [[nodiscard]] u64 periodic_base() const;
    void advance_one_second();
    void advance_days(u64 days);
    [[nodiscard]] bool dividing() const;
    [[nodiscard]] bool updating() const;
    [[nodiscard]] bool update_in_progress(u64 now) const;
    [[nodiscard]] bool alarm_matches() const;
    [[nodiscard]] u32 periodic_hertz() const;
    [[nodiscard]] unsigned decode(u8 value) const;
    [[nodiscard]] u8 encode(unsigned value) const;
    [[nodiscard]] unsigned hour24(u8 value) const;
    [[nodiscard]] u8 encode_hour(unsigned hour) const;
    void set_time(u64 unix_seconds);
    void update_interrupt();
    void schedule();

    Scheduler& scheduler_;
    Pins pins_;
    Registers r_;
    Timer timer_;
};

}  // namespace bantam::devices
