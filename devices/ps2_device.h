// Ps2Device: what the controller sees at the far end of a PS/2 cable: it takes command bytes and offers answer and data
// bytes. How long a byte is on the wire is the controller's matter; how long a command takes is the device's. What
// keyboard and mouse have in common is here (IBM PS/2 Hardware Interface Technical Reference): acknowledge, resend,
// the command whose argument is awaited, reset with its self-test.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/scheduler.h"
#include "devices/byte_queue.h"
#include "devices/device.h"

namespace bantam::devices {

class Ps2Device : public Device {
public:
    /// A byte from the controller has arrived. Lost while the self-test runs.
    void receive(u8 byte) {
        if (!line_.testing) accept(byte);
    }
    /// True when a byte waits to be sent.
    [[nodiscard]] virtual bool has_output() const = 0;
    /// Takes the next byte to send, if one waits.
    virtual std::optional<u8> take_output() = 0;
    /// `listener` is called when has_output() may have become true. The controller sets it.
    void set_output_listener(std::function<void()> listener) { listener_ = std::move(listener); }

    /// What every device at a PS/2 cable remembers of its conversation.
    struct Line {
        u8 command = 0;        // whose argument byte is awaited; 0: none
        u8 last_sent = 0;      // for FEh
        bool testing = false;  // the self-test (BAT) of FFh runs
    };

protected:
    static constexpr u8 kAck = 0xFA, kResend = 0xFE, kTestPassed = 0xAA;
    /// The self-test of `name` takes `self_test_ns`.
    Ps2Device(Scheduler& scheduler, std::string_view name, u64 self_test_ns);

    /// A byte from the controller while no self-test runs: a command or an argument.
    virtual void accept(u8 byte) = 0;
    /// Restores what FFh restores, before its self-test begins.
    virtual void prepare_self_test() = 0;
    /// Answers what follows AAh after the self-test.
    virtual void self_test_passed() {}

    void output_added() {
        if (listener_) listener_();
    }
    /// Puts a byte behind the answers that wait.
    void respond(u8 byte);
    /// Acknowledges `command`, whose argument comes next.
    void await_argument(u8 command);
    /// FEh sends the last byte again, FFh resets; every other command is unknown: resend.
    void common_command(u8 byte);
    /// `byte` leaves for the controller; FEh repeats it unless it is a request to resend.
    u8 sent(u8 byte);
    void reset_line();
    void describe_line(Archive& archive);

    Scheduler& scheduler_;
    Line line_;
    ByteQueue<32> answers_;

private:
    void self_test_done();

    std::function<void()> listener_;
    u64 self_test_ns_;
    Timer test_timer_;
};

}  // namespace bantam::devices
