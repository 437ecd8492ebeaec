// I8259: the 8259A programmable interrupt controller (Intel 8259A datasheet, 1988) with the edge/level control register
// of the PIIX (82371SB datasheet, 3.5.5, ports 4D0h/4D1h) that replaces ICW1.LTIM line by line. Two objects make the
// PC's pair: the board wires the slave's INT to the master's IR2 and the master's cascade pin to the slave's
// acknowledge(). An edge-triggered request is latched on the rising edge and lost when the input falls before INTA, as
// the datasheet says. Left out: the MCS-80 CALL sequence (ICW4.uPM = 0 answers INTA like 8086 mode, PCs never see it)
// and buffered mode's EN# output.
#pragma once

#include "devices/device.h"

namespace bantam::devices {

class I8259 final : public Device {
public:
    struct Pins {
        /// INT: high while an interrupt waits for INTA.
        OutputLine interrupt;
        /// CAS0-2 with the second INTA: the vector of the slave on input `line`. Only the master has one.
        std::function<u8(unsigned line)> cascade;
    };

    /// `elcr_writable`: lines whose trigger mode ELCR may choose (F8h on a PC's master, DEh on its slave).
    I8259(std::string name, u8 elcr_writable, Pins pins);

    [[nodiscard]] std::string_view name() const override { return name_; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Level of IR0-IR7.
    void set_irq(unsigned line, bool level);
    /// The INTA sequence: puts the highest request in service and returns its vector (spurious: that of IR7, nothing in
    /// service).
    u8 acknowledge();
    /// Level of INT.
    [[nodiscard]] bool interrupt() const { return r_.interrupt; }

    /// A0 = `offset`: ports 20h/21h or A0h/A1h.
    [[nodiscard]] RegisterSpace registers();
    /// The chip's byte of ELCR: port 4D0h or 4D1h.
    [[nodiscard]] RegisterSpace elcr();

    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    [[nodiscard]] u8 peek(u64 offset) const;

private:
    /// Which write to A0 = 1 comes next.
    enum class Step : u8 { operation, icw2, icw3, icw4 };

    struct Registers {
        u8 irr = 0, isr = 0, imr = 0;
        u8 lines = 0;  // levels of IR0-7
        u8 elcr = 0;
        u8 icw2 = 0, icw3 = 0, icw4 = 0;
        Step step = Step::operation;
        bool initialised = false;  // an ICW sequence has ended
        bool level_triggered = false, single = false, expects_icw4 = false;
        u8 lowest = 7;  // the input of lowest priority (rotation)
        bool rotate_on_auto_eoi = false, special_mask = false, poll = false, read_isr = false;
        bool interrupt = false;
    };

    [[nodiscard]] bool is_level(unsigned line) const;
    [[nodiscard]] bool auto_eoi() const { return (r_.icw4 & 0x02) != 0; }
    [[nodiscard]] bool special_fully_nested() const { return (r_.icw4 & 0x10) != 0; }
    /// The request INT announces, or -1.
    [[nodiscard]] int highest_request() const;
    /// The set bit of `mask` with the highest priority, or -1.
    [[nodiscard]] int highest_of(u8 mask) const;
    void take(unsigned line);
    void update();
    void write_icw1(u8 value);
    void write_ocw2(u8 value);
    void write_ocw3(u8 value);

    std::string name_;
    u8 elcr_writable_;
    Pins pins_;
    Registers r_;
};

}  // namespace bantam::devices
