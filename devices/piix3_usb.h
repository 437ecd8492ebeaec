// Piix3Usb: USB function of the PIIX3 (Intel 82371SB datasheet, 290550), PCI 8086:7020: a host controller by the
// Universal Host Controller Interface Design Guide 1.1: registers in BAR 4, two root ports, and the schedule of
// transfer descriptors and queue heads in memory, which it goes through once a frame. While it does not run it costs
// nothing. DEVIATION: a frame's transactions all happen at its start; what they report is seen at its end, as on the
// chip. Left out, with a warning where software asks for it: traps of ports 60h and 64h (LEGSUP), single steps (SWDBG).
#pragma once

#include "base/scheduler.h"
#include "devices/pci.h"
#include "devices/usb_device.h"
#include "mmu/physical_memory.h"

namespace bantam::devices {

class Piix3Usb final : public PciFunction {
public:
    static constexpr unsigned kPorts = 2;
    static constexpr unsigned kRegisterBar = 4;
    static constexpr u32 kRegisterBytes = 32;
    struct Pins {
        OutputLine interrupt;       // INTD#
        std::function<void()> smi;  // an interrupt that LEGSUP turns into an SMI
    };
    Piix3Usb(Scheduler& scheduler, PhysicalMemory& memory, Pins pins);

    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Plugs `device` into a root port; null: pulls out what is there. It must outlive the controller or its cable.
    void connect(unsigned port, UsbDevice* device);
    /// The port passes traffic: software has found the device and the bus is in its hands.
    [[nodiscard]] bool port_enabled(unsigned port) const;
    /// The device drives resume signalling: without effect unless port or bus are suspended.
    void resume(unsigned port);

    /// BAR 4.
    RegisterSpace registers();

    struct Registers {
        u16 command = 0;
        u16 status = 0;  // without HCHalted, which follows Run/Stop
        u16 interrupt_enable = 0;
        u16 frame = 0;           // FRNUM
        u32 list = 0;            // FLBASEADD
        u8 frame_length = 0x40;  // SOFMOD
        std::array<u16, kPorts> ports{};
        bool in_frame = false;
        // What the frame that is under way reports at its end, and why USBINT is set.
        bool completed = false, short_packet = false, failed = false;
        bool completion_cause = false, short_packet_cause = false;
        bool interrupt = false;  // something asks for an interrupt,
        bool pin = false;        // and INTD# says so
    };

protected:
    void config_changed(unsigned offset, unsigned size) override;

private:
    struct Transfer;  // a transfer descriptor as memory has it
    struct Frame;     // what is left of the frame, and what was seen
    enum class Outcome : u8 { completed, short_packet, remains, no_time, halted };

    [[nodiscard]] u16 read(u64 offset) const;
    void write(u64 offset, u16 value, u16 mask);
    void write_command(u16 value);
    void write_port(unsigned port, u16 value);
    [[nodiscard]] u16 port_status(unsigned port) const;
    void reset_controller();
    void run();
    void stop();
    void frame_due();
    void end_frame();
    void update_interrupt();
    void global_resume();
    [[nodiscard]] u64 frame_ns() const;

    void run_schedule();
    Outcome execute(u32 address, bool queued, Frame& frame);
    Outcome transact(Transfer& transfer, bool queued, UsbDevice* device);
    Outcome receive(Transfer& transfer, bool queued, UsbDevice& device);
    Outcome finish(Transfer& transfer, UsbDevice::Handshake handshake);
    Outcome process_error();
    [[nodiscard]] UsbDevice* find(const Transfer& transfer) const;

    Scheduler& scheduler_;
    PhysicalMemory& memory_;
    Pins pins_;
    Registers r_;
    std::array<UsbDevice*, kPorts> devices_{};
    Timer timer_;
};

}  // namespace bantam::devices
