// Uart16550: the 16550A universal asynchronous receiver/transmitter (National Semiconductor PC16550D datasheet),
// clocked by 1.8432 MHz: both FIFOs with trigger levels and the character time-out, IIR priorities, LSR and MSR with
// their clearing rules, loopback, break, scratch. Characters take as long as divisor and frame say. Left out: DMA mode
// signals TXRDY and RXRDY (no PC wires them), and parity and framing errors from outside (a host line has none).
#pragma once

#include "base/scheduler.h"
#include "devices/byte_queue.h"
#include "devices/character_port.h"
#include "devices/device.h"

namespace bantam::devices {

class Uart16550 final : public Device {
public:
    struct Pins {
        OutputLine interrupt;  // INTR, already gated by OUT2 as PC cards wire it
    };
    struct Options {
        /// The line runs this many times faster than the divisor says. 1 is the real chip; more spares a polling guest
        /// time.
        u32 line_speed_factor = 1;
    };

    /// `port` may be null: nothing connected. It must outlive the chip.
    Uart16550(std::string name, Scheduler& scheduler, Pins pins, CharacterPort* port, Options options);
    Uart16550(std::string name, Scheduler& scheduler, Pins pins, CharacterPort* port)
        : Uart16550(std::move(name), scheduler, std::move(pins), port, Options{}) {}

    [[nodiscard]] std::string_view name() const override { return name_; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Register `offset` 0..7. Reads of RBR, IIR, LSR and MSR have the datasheet's side effects.
    u8 read(u64 offset);
    void write(u64 offset, u8 value);
    /// read without side effects; transmitter state as of the last access or event.
    [[nodiscard]] u8 peek(u64 offset) const;
    RegisterSpace registers();

    /// The board calls this when the port may have a byte or its connection changed; the chip then takes bytes at line
    /// speed for as long as there are some, and asks again by itself after its FIFO was full.
    void receive_ready();

    /// Gives the far end what the transmitter still holds, as the line would in a moment; the chip stays as it is. For
    /// the end of a run.
    void send_rest() const;

    struct Registers {
        u8 interrupt_enable = 0;
        u8 fifo_control = 0;  // FCR as written, reset bits excluded
        u8 line_control = 0;
        u8 modem_control = 0;
        u8 line_errors = 0;  // LSR OE, PE, FE, BI (bits 1-4) that wait to be read
        u8 modem_status = 0;
        u8 scratch = 0;
        u16 divisor = 12;  // undefined on the chip; 9600 baud as firmware leaves it
        u8 receiver_buffer = 0;
        u8 shift_register = 0;
        bool shifting = false;          // TSR holds a character
        bool transmit_pending = false;  // the THRE interrupt is due
        bool timeout_pending = false;   // character time-out interrupt
        bool interrupt_level = false;
        u8 idle_polls = 0;        // see kListeningPolls
        u64 shift_end_ns = 0;     // when TSR becomes empty
        u64 receive_next_ns = 0;  // before this the line is still busy with the last character
        u64 break_marks = 0;      // bit i: FIFO entry i (oldest first) is a break
    };

private:
    [[nodiscard]] bool fifos_enabled() const { return (r_.fifo_control & 1) != 0; }
    [[nodiscard]] bool loopback() const { return (r_.modem_control & 0x10) != 0; }
    [[nodiscard]] u64 character_ns() const;
    [[nodiscard]] u8 interrupt_identification() const;
    [[nodiscard]] u8 line_status() const;
    [[nodiscard]] unsigned receive_room() const;
    [[nodiscard]] unsigned trigger_level() const;
    [[nodiscard]] bool listening() const;
    void count_poll(u8 line_status);
    void transmit_until(u64 now);
    void load_shift_register(u64 start_ns);
    void schedule_transmit();
    void accept(u8 byte, bool break_condition);
    void take_from_port();
    void restart_timeout();
    void write_fifo_control(u8 value);
    void write_modem_control(u8 value);
    void set_modem_inputs();
    void update_interrupt();

    std::string name_;
    Scheduler& scheduler_;
    Pins pins_;
    CharacterPort* port_;
    Options options_;
    Registers r_;
    ByteQueue<16> transmit_;  // one deep when FIFOs are off
    ByteQueue<16> receive_;
    Timer transmit_timer_;
    Timer receive_timer_;
    Timer timeout_timer_;
};

}  // namespace bantam::devices
