// The PC's loose ports: system control port B (61h), system control port A (92h), reset control (CF9h, PIIX3) and the
// POST code port (80h), after the IBM PS/2 technical reference and Intel's PIIX3 datasheet. The NMI mask bit of port
// 70h is in mc146818.h.
#pragma once

#include "base/scheduler.h"
#include "devices/device.h"

namespace bantam::devices {

/// Port 61h: timer 2 gate, speaker data, NMI sources, refresh toggle, timer 2 output.
class SystemControlB final : public Device {
public:
    struct Pins {
        OutputLine timer2_gate;               // bit 0
        OutputLine speaker_data;              // bit 1
        std::function<bool()> timer2_output;  // bit 5
        OutputLine nmi;                       // SERR# or IOCHK# seen and not masked
    };
    SystemControlB(Scheduler& scheduler, Pins pins) : scheduler_(scheduler), pins_(std::move(pins)) {}
    [[nodiscard]] std::string_view name() const override { return "port61"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;
    [[nodiscard]] u8 read(u64 offset) const;
    void write(u64 offset, u8 value);
    RegisterSpace registers();
    /// IOCHK# (an ISA card's parity error) pulses; SERR# likewise. Latched in bits 6 and 7.
    void raise_iochk();
    void raise_serr();

    struct Registers {
        u8 control = 0;     // bits 0-3
        u8 nmi_status = 0;  // bits 6 (IOCHK#), 7 (SERR#)
        bool nmi_level = false;
    };

private:
    void update_nmi();
    Scheduler& scheduler_;
    Pins pins_;
    Registers r_;
};

/// A port of one byte that reads back what was written, as far as its bits exist.
class BytePort : public Device {
public:
    [[nodiscard]] std::string_view name() const final { return name_; }
    void reset() override { value_ = 0; }
    void describe(Archive& archive) final { archive.field("value", value_); }
    [[nodiscard]] u8 read(u64) const { return value_; }
    virtual void write(u64 offset, u8 value) = 0;
    RegisterSpace registers();

protected:
    explicit BytePort(std::string_view name) : name_(name) {}
    u8 value_ = 0;

private:
    std::string_view name_;
};

/// Port 92h: fast A20 and fast CPU reset.
class SystemControlA final : public BytePort {
public:
    struct Pins {
        OutputLine a20;               // bit 1
        std::function<void()> reset;  // bit 0 went from 0 to 1: INIT
    };
    explicit SystemControlA(Pins pins) : BytePort("port92"), pins_(std::move(pins)) {}
    void reset() override;
    [[nodiscard]] std::string info() const override;
    void write(u64 offset, u8 value) override;

private:
    Pins pins_;
};

/// Port CF9h (PIIX3 RC): bit 1 hard or soft, bit 2 0->1 resets.
class ResetControl final : public BytePort {
public:
    struct Pins {
        std::function<void(bool hard)> reset;  // hard: everything; soft: the CPU's INIT
    };
    explicit ResetControl(Pins pins) : BytePort("reset_control"), pins_(std::move(pins)) {}
    void write(u64 offset, u8 value) override;

private:
    Pins pins_;
};

/// Port 80h: the last POST code; reads give it back (the DMA page register latch of real boards).
class PostPort final : public BytePort {
public:
    PostPort() : BytePort("post") {}
    [[nodiscard]] std::string info() const override;
    void write(u64 offset, u8 value) override;
};

}  // namespace bantam::devices
