// I8042: the PC/AT and PS/2 keyboard controller (IBM PS/2 Hardware Interface Technical Reference; Intel 8042): command
// byte, self-tests, output port with A20 and reset, auxiliary port, translation of scan code set 2 to set 1. Bytes take
// a serial frame's time on the cables. Left out: passwords (A4h answers "none installed"; A5h and A6h do nothing).
#pragma once

#include <array>

#include "base/scheduler.h"
#include "devices/device.h"
#include "devices/ps2_device.h"

namespace bantam::devices {

class I8042 final : public Device {
public:
    struct Pins {
        OutputLine keyboard_interrupt;  // P24, IRQ1
        OutputLine mouse_interrupt;     // P25, IRQ12
        OutputLine a20;                 // P21: true: the gate is open
        std::function<void()> reset;    // P20 pulled low: the CPU's INIT/RESET
    };

    /// Either device may be null: nothing plugged in. They must outlive the controller.
    I8042(Scheduler& scheduler, Pins pins, Ps2Device* keyboard, Ps2Device* mouse);

    [[nodiscard]] std::string_view name() const override { return "i8042"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Offset 0: data (port 60h); 1: status and command (port 64h).
    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    [[nodiscard]] u8 peek(u64 offset) const;
    /// Two registers, offsets 0 and 1, for ports 60h and 64h.
    RegisterSpace registers();

    /// DEVIATION: 11 bits take 660 us at 16.7 kHz, the fastest clock the reference allows; firmware polls all that
    /// while, at every start.
    static constexpr u64 kByteNs = 100'000;

    struct Registers {
        u8 output = 0;                         // DBB towards the CPU
        u8 status = 0x10;                      // IBF is read from `transfer`
        u8 command_byte = 0x40 | 0x20 | 0x10;  // translate; both ports disabled until told otherwise
        u8 output_port = 0x03;                 // reset high, A20 open
        u8 pending_command = 0;                // awaits its data byte; 0: none
        u8 transfer = 0;                       // 0: cable idle, 1: byte on its way to the keyboard, 2: to the mouse
        u8 transfer_byte = 0;
        u8 reply_count = 0;  // controller's own answers that wait for OBF to clear
        u8 reply = 0;
        bool reply_aux = false;
        bool break_prefix = false;  // translation saw F0
        u64 keyboard_next_ns = 0;   // when the next byte may have arrived
        u64 mouse_next_ns = 0;
        bool keyboard_irq = false, mouse_irq = false, a20 = true;
        std::array<u8, 32> ram{};  // internal RAM, commands 20h-3Fh and 60h-7Fh; byte 0 is the command byte
    };

private:
    void command(u8 value);
    void command_data(u8 command, u8 value);
    void reply(u8 value, bool aux);
    void set_output(u8 value, bool aux);
    void poll();
    void transfer_done();
    void write_command_byte(u8 value);
    void write_output_port(u8 value);
    [[nodiscard]] u8 status() const;
    [[nodiscard]] u8 input_port() const;
    std::optional<u8> translated(u8 code);
    void update_lines();

    Scheduler& scheduler_;
    Pins pins_;
    Ps2Device* keyboard_;
    Ps2Device* mouse_;
    Registers r_;
    Timer poll_timer_;
    Timer transfer_timer_;
};

}  // namespace bantam::devices
