// See ps2_device.h.
#include "devices/ps2_device.h"

namespace bantam::devices {

Ps2Device::Ps2Device(Scheduler& scheduler, std::string_view name, u64 self_test_ns)
    : scheduler_(scheduler),
      self_test_ns_(self_test_ns),
      test_timer_(scheduler, std::string(name) + ".test", [this] { self_test_done(); }) {}

void Ps2Device::respond(u8 byte) {
    answers_.push(byte);
    output_added();
}

void Ps2Device::await_argument(u8 command) {
    line_.command = command;
    respond(kAck);
}

void Ps2Device::common_command(u8 byte) {
    if (byte == 0xFE) {
        respond(line_.last_sent);
    } else if (byte == 0xFF) {
        prepare_self_test();
        line_.testing = true;
        respond(kAck);
        test_timer_.arm(scheduler_.now() + self_test_ns_);
    } else {
        respond(kResend);
    }
}

void Ps2Device::self_test_done() {
    line_.testing = false;
    respond(kTestPassed);
    self_test_passed();
}

u8 Ps2Device::sent(u8 byte) {
    if (byte != kResend) line_.last_sent = byte;
    return byte;
}

void Ps2Device::reset_line() {
    line_ = {};
    answers_.clear();
    test_timer_.disarm();
}

void Ps2Device::describe_line(Archive& archive) {
    archive.field("command", line_.command);
    archive.field("last_sent", line_.last_sent);
    archive.field("testing", line_.testing);
    archive.field("answers", answers_);
}

}  // namespace bantam::devices
