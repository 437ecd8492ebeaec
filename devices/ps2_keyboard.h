// Ps2Keyboard: an IBM enhanced keyboard (MF2) behind a PS/2 connector (IBM PS/2 Hardware Interface Technical Reference,
// "Keyboard and Auxiliary Device Controller", keyboards 101/102): scan code sets 1-3, all commands, 16-byte buffer with
// overrun code, typematic repeat, self-test time. Left out: the line's own clock and parity errors (the controller
// times bytes).
#pragma once

#include "devices/key_names.h"
#include "devices/ps2_device.h"

namespace bantam::devices {

class Ps2Keyboard final : public Ps2Device {
public:
    explicit Ps2Keyboard(Scheduler& scheduler);

    [[nodiscard]] std::string_view name() const override { return "keyboard"; }
    /// Power-on with the self-test already passed and its AAh not sent (firmware or controller asks for a reset).
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    [[nodiscard]] bool has_output() const override;
    std::optional<u8> take_output() override;

    /// A person presses or releases a key. Pressing a key that is down does nothing (repeat is ours).
    void key(KeyCode key, bool pressed);
    /// Bit 0 scroll lock, 1 num lock, 2 caps lock.
    [[nodiscard]] u8 leds() const { return r_.leds; }

    /// BAT. DEVIATION: 300-500 ms by the reference; firmware polls the PM timer all that while, half a billion
    /// instructions at every start, and nothing needs a slow keyboard.
    static constexpr u64 kSelfTestNs = 2'000'000;

    struct Registers {
        bool scanning = true;
        u8 scan_set = 2;
        u8 leds = 0;
        u8 typematic = 0x2B;   // 10.9 per second after 500 ms
        bool overrun = false;  // the buffer ended in the overrun code
        u8 repeat_key = 0;
        bool repeating = false;
        std::array<u8, 256> set3_kind{};  // KeyRow::Kind per set-3 code
        std::array<u8, 32> keys_down{};   // bit per KeyCode
    };

private:
    void accept(u8 byte) override;
    void prepare_self_test() override;
    void command(u8 byte);
    void argument(u8 byte);
    void restore_defaults();
    void send_key(KeyCode key, bool pressed);
    void push_codes(const u8* codes, unsigned count);
    void set_all_kinds(KeyRow::Kind kind);
    [[nodiscard]] bool down(KeyCode key) const;
    [[nodiscard]] bool any_down(std::string_view left, std::string_view right) const;
    [[nodiscard]] u64 repeat_delay_ns() const;
    [[nodiscard]] u64 repeat_period_ns() const;
    void repeat();

    Registers r_;
    ByteQueue<16> buffer_;  // key codes; answers to commands go before them
    Timer repeat_timer_;
};

}  // namespace bantam::devices
