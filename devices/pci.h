// PCI configuration (PCI Local Bus Specification 2.1): PciFunction, the 256-byte type-0 header with write masks and
// base address registers, and PciBus, bus 0 behind configuration mechanism #1 at ports CF8h-CFFh. Functions tell the
// board when what they decode changes; the board maps. Left out: bridges to other buses, special cycles.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "devices/device.h"

namespace bantam::devices {

class PciFunction : public Device {
public:
    struct Identity {
        u16 vendor = 0;
        u16 device = 0;
        u8 revision = 0;
        u32 class_code = 0;  // class, subclass, programming interface: 24 bits
        bool multifunction = false;
        u16 subsystem_vendor = 0;
        u16 subsystem = 0;
        u8 interrupt_pin = 0;  // 1 = INTA#, 0 = none
    };
    PciFunction(std::string name, Identity identity);

    [[nodiscard]] std::string_view name() const override { return name_; }
    /// Configuration registers at their defaults; tells the board. Overriders call it first.
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// `size` bytes (1, 2 or 4) from `offset`; an access never crosses a dword. No side effects.
    [[nodiscard]] virtual u32 read_config(u8 offset, unsigned size) const;
    void write_config(u8 offset, unsigned size, u32 value);

    /// What base address register `index` (0..5) decodes now.
    struct Window {
        bool enabled = false;  // implemented, enabled in the command register, and not at 0
        bool io = false;
        u64 base = 0;
        u64 size = 0;
    };
    [[nodiscard]] Window window(unsigned index) const;
    /// What the expansion ROM base address register decodes now; `enabled` needs its own enable bit as well.
    [[nodiscard]] Window rom_window() const;
    [[nodiscard]] bool bus_master() const { return (config_[4] & 4) != 0; }
    [[nodiscard]] u8 interrupt_line() const { return config_[0x3C]; }
    [[nodiscard]] u8 interrupt_pin() const { return config_[0x3D]; }
    /// Called after the command register or a base address register changed (and on reset and load).
    void set_mapping_listener(std::function<void()> listener) { mapping_listener_ = std::move(listener); }

protected:
    enum class Space { memory, prefetchable_memory, io };
    /// Declares base address register `index`; `size` is a power of two. Construction time only.
    void add_bar(unsigned index, Space space, u32 size);
    /// Declares the expansion ROM base address register; `size` is a power of two, at least 2 KiB. Construction time
    /// only.
    void add_rom_bar(u32 size);
    /// Default and writable bits of one byte. Construction time only.
    void define(u8 offset, u8 value, u8 writable);
    /// Changes which bits of one byte software can write (lock bits).
    void define_writable(u8 offset, u8 writable) { writable_[offset] = writable; }
    /// Bits of one byte that writing 1 clears. Construction time only.
    void define_write_one_to_clear(u8 offset, u8 mask) { clear_on_one_[offset] = mask; }
    /// After a write that touched bytes [offset, offset + size) of configuration space, and once for 0, 256 on reset
    /// and load.
    virtual void config_changed(unsigned offset, unsigned size);
    [[nodiscard]] u8 config(u8 offset) const { return config_[offset]; }
    [[nodiscard]] u16 config16(u8 offset) const;
    [[nodiscard]] u32 config32(u8 offset) const;
    /// Sets a byte from the chip's side, mask ignored.
    void set_config(u8 offset, u8 value) { config_[offset] = value; }

private:
    struct Bar {
        Space space = Space::memory;
        u32 size = 0;  // 0: not implemented
    };
    std::string name_;
    std::array<u8, 256> config_{};
    std::array<u8, 256> defaults_{};
    std::array<u8, 256> writable_{};
    std::array<u8, 256> clear_on_one_{};
    std::array<Bar, 6> bars_{};
    u32 rom_size_ = 0;
    std::function<void()> mapping_listener_;
};

class PciBus final : public Device {
public:
    struct Pins {
        /// Byte accesses to port CF9h, which lies inside CONFIG_ADDRESS's dword.
        RegisterSpace reset_control;
    };
    explicit PciBus(Pins pins) : pins_(std::move(pins)) {}

    [[nodiscard]] std::string_view name() const override { return "pci"; }
    void reset() override { r_ = {}; }
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// `device` 0..31, `function` 0..7; the slot must be free. The function must outlive the bus.
    void attach(unsigned device, unsigned function, PciFunction& pci_function);
    [[nodiscard]] PciFunction* at(unsigned device, unsigned function) const { return slots_[device * 8 + function]; }

    /// Offsets 0..7 = ports CF8h..CFFh, 1, 2 or 4 bytes.
    u32 read(u64 offset, unsigned size);
    void write(u64 offset, unsigned size, u32 value);
    RegisterSpace registers();

    struct Registers {
        u32 config_address = 0;
    };

private:
    [[nodiscard]] PciFunction* selected() const;

    Pins pins_;
    Registers r_;
    std::array<PciFunction*, 256> slots_{};
};

}  // namespace bantam::devices
