// IoApic: an IO-APIC with 24 inputs (Intel 82093AA datasheet; version 20h with the EOI register of the ICH's IOxAPIC,
// ICH datasheet 9.5). Inputs are logical levels: the polarity bit of an entry is kept and read back, but the board
// gives asserted or not. Delivery status reads idle: messages are delivered at once. A level-triggered message nobody
// accepts is offered again when its entry, its input or what a local APIC accepts next changes.
#pragma once

#include <algorithm>
#include <array>

#include "devices/apic_bus.h"
#include "devices/device.h"

namespace bantam::devices {

class IoApic final : public Device {
public:
    static constexpr unsigned kInputs = 24;
    static constexpr u64 kDefaultBase = 0xFEC00000;

    /// Attaches itself to `bus`. The ID register powers on as 0; firmware, or who stands in for it, programs it.
    explicit IoApic(ApicBus& bus);

    [[nodiscard]] std::string_view name() const override { return "io_apic"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Asserts (true) or deasserts input 0-23.
    void set_input(unsigned input, bool asserted);
    /// True when an unmasked entry would send messages of `mode`.
    [[nodiscard]] bool can_send(DeliveryMode mode) const {
        return std::any_of(r_.redirection.begin(), r_.redirection.end(), [mode](u64 entry) {
            return (entry & 0x10000) == 0 && ((entry >> 8) & 7) == static_cast<u64>(mode);
        });
    }
    /// EOI message: clears remote IRR of level entries with `vector` and redelivers those still asserted.
    void end_of_interrupt(u8 vector);
    /// Sends the messages of asserted level inputs that nobody has accepted yet.
    void offer_again();

    /// IOREGSEL, IOWIN and EOI: a 4 KiB window at FEC00000h.
    [[nodiscard]] RegisterSpace registers();
    u32 read(u64 offset) const;
    void write(u64 offset, u32 value);

private:
    struct Registers {
        u8 select = 0;
        u32 id = 0;
        std::array<u64, kInputs> redirection = filled();
        u32 lines = 0;  // asserted inputs
        static constexpr std::array<u64, kInputs> filled() {
            std::array<u64, kInputs> table{};
            table.fill(0x10000);  // masked
            return table;
        }
    };

    [[nodiscard]] u32 window() const;
    void write_window(u32 value);
    void write_entry(unsigned input, u64 value);
    void service_level(unsigned input);
    bool deliver(unsigned input);

    ApicBus& bus_;
    Registers r_;
};

}  // namespace bantam::devices
