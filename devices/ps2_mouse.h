// Ps2Mouse: a PS/2 mouse with three buttons, and wheel (IntelliMouse, id 3) and five buttons (IntelliMouse Explorer, id
// 4) once the guest knocks with the sample-rate sequences 200-100-80 and 200-200-80. Stream, remote and wrap mode,
// resolution, scaling, sample rate (IBM PS/2 Technical Reference "Mouse"; Microsoft's IntelliMouse notes).
#pragma once

#include "devices/ps2_device.h"

namespace bantam::devices {

class Ps2Mouse final : public Ps2Device {
public:
    explicit Ps2Mouse(Scheduler& scheduler);

    [[nodiscard]] std::string_view name() const override { return "mouse"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    [[nodiscard]] bool has_output() const override { return !answers_.empty(); }
    std::optional<u8> take_output() override;

    /// The mouse moved: counts to the right, towards the person (screen coordinates: down is positive), wheel notches
    /// towards the person.
    void move(int dx, int dy, int dz);
    /// Sends a packet though nothing moved: another device's driver hangs on this mouse's interrupt.
    void report();
    /// Bit 0 left, 1 right, 2 middle, 3 and 4 the side buttons.
    void buttons(u8 mask);

    /// The guest wants reports as things happen (stream mode).
    [[nodiscard]] bool reports() const { return r_.reporting && !r_.remote && !r_.wrap && !line_.testing; }
    /// Something waits to be told, or is being told.
    [[nodiscard]] bool has_news() const { return has_output() || (reports() && r_.changed); }

    static constexpr u64 kSelfTestNs = 350'000'000;

    struct Registers {
        bool remote = false;
        bool wrap = false;
        bool reporting = false;
        bool scaling_2_1 = false;
        bool changed = false;  // something to report since the last packet
        u8 resolution = 2;     // 4 counts per mm
        u8 sample_rate = 100;
        u8 id = 0;
        u8 knock = 0;  // how far the sample-rate sequence has come
        u8 buttons = 0;
        i32 dx = 0, dy = 0, dz = 0;  // not yet reported, dy upwards
    };

private:
    void accept(u8 byte) override;
    void prepare_self_test() override;
    void self_test_passed() override;
    void command(u8 byte);
    void argument(u8 byte);
    void restore_defaults();
    void forget_movement();
    [[nodiscard]] bool report_wanted() const;
    void send_packet(bool scale);
    void report_soon();
    void sample();
    void note_sample_rate(u8 rate);

    Registers r_;
    Timer sample_timer_;
};

}  // namespace bantam::devices
