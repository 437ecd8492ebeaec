// Pc: the board: an i440FX + PIIX3/PIIX4 PC with one processor. The constructor reads like a schematic: it gives every
// chip its ports, interrupt lines and clocks. What the processor's pins see (Environment) is answered here.
//
// Interrupts: ISA lines end at the 8259A pair and at the I/O APIC. The master's INT is LINT0 of the local APIC, which
// hands it to the core as ExtINT (virtual wire), or unconditionally while the APIC is disabled. NMI is LINT1. Left out
// until the issue that needs it: parallel port.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cpu/cpu.h"
#include "devices/ata_disk.h"
#include "devices/atapi_cdrom.h"
#include "devices/ct1741.h"
#include "devices/ct1745.h"
#include "devices/debug_ports.h"
#include "devices/floppy_drive.h"
#include "devices/fw_cfg.h"
#include "devices/hpet.h"
#include "devices/i440fx.h"
#include "devices/i8042.h"
#include "devices/i82077.h"
#include "devices/i8254.h"
#include "devices/i8259.h"
#include "devices/i82801_audio.h"
#include "devices/intel_flash.h"
#include "devices/io_apic.h"
#include "devices/isa_dma.h"
#include "devices/local_apic.h"
#include "devices/mc146818.h"
#include "devices/pc_speaker.h"
#include "devices/pci.h"
#include "devices/piix3.h"
#include "devices/piix3_ide.h"
#include "devices/piix3_usb.h"
#include "devices/piix4_pm.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "devices/pvpanic.h"
#include "devices/system_ports.h"
#include "devices/uart16550.h"
#include "devices/usb_keyboard.h"
#include "devices/usb_tablet.h"
#include "devices/vga.h"
#include "devices/vga_pci.h"
#include "devices/vmmouse.h"
#include "devices/ymf262.h"
#include "machine/audio_mixer.h"
#include "machine/boot/acpi_tables.h"
#include "machine/io_bus.h"
#include "machine/isa_interrupts.h"
#include "machine/memory_map.h"

namespace bantam {

class Pc final : public Environment {
public:
    static constexpr unsigned kSerialPorts = 4;
    static constexpr unsigned kIdeDrives = 4;
    static constexpr unsigned kFloppyDrives = 2;
    static constexpr u64 kFlashMax = u64{16} << 20;  // room below 4 GiB and above the APICs and the HPET

    struct Options {
        u64 rtc_epoch_seconds = 0;
        /// Null: that port does not exist.
        std::array<devices::CharacterPort*, kSerialPorts> serials{};
        devices::CharacterPort* debug_console = nullptr;
        bool debug_exit = false;
        bool sound_blaster = false;
        bool ac97 = false;
        bool edid = false;  // the VGA has its registers as memory too, with a monitor's EDID
        bool usb_keyboard = false;
        bool usb_tablet = false;
        bool pvpanic = false;
        /// IDE drives: primary master and slave, secondary master and slave.
        struct Drive {
            bool present = false;
            bool cdrom = false;
            storage::BlockDevice* medium = nullptr;  // of a CD-ROM drive: may be null
        };
        std::array<Drive, kIdeDrives> drives{};
        /// Diskette drives A and B; without any there is no controller either.
        std::array<std::optional<devices::FloppyDrive::Type>, kFloppyDrives> floppies{};
        bool firmware = false;  // a BIOS will run: fw_cfg exists
        /// Flash memories below 4 GiB: the first ends there and holds the firmware, each other ends where the one
        /// before it begins. Whole blocks, kFlashMax bytes together.
        struct Flash {
            storage::BlockDevice* medium = nullptr;
            std::vector<u8> contents;  // of the medium
        };
        std::vector<Flash> flashes;
        std::string boot_order;
    };
    enum class ResetKind {
        processor,  // INIT only: 8042, port 92h, CF9h without bit 1
        system,     // everything
    };
    /// What the guest asks of the world outside the board; called in the middle of an instruction.
    struct Events {
        std::function<void(ResetKind)> reset;
        std::function<void()> power_off;
        std::function<void(int status)> debug_exit;
        std::function<void(bool crash_loaded)> panicked;
        /// The processor stands still for `ns`.
        std::function<void(u64 ns)> stall;
    };

    Pc(const Model& model, PhysicalMemory& memory, Scheduler& scheduler, const Options& options, Events events);
    ~Pc() override;
    Pc(const Pc&) = delete;
    Pc& operator=(const Pc&) = delete;

    /// RESET: every chip and the processor. RAM and CMOS stay.
    void reset();
    /// INIT of the processor alone.
    void init_processor();
    void describe(Archive& archive);

    // --- what firmware would do, for kernels loaded without one
    /// DRAM in C0000h-FFFFFh, PIRQ routes, power management at kPmBase, text mode 3 with `font`, keyboard on,
    /// virtual wire APIC.
    void set_up_without_firmware(const devices::VgaFont& font);
    static constexpr u16 kPmBase = boot::kPmBase;

    /// Puts a VGA BIOS, at most VgaPci::kRomBytes, into the VGA's expansion ROM.
    void install_vga_bios(std::vector<u8> image);

    /// False when no NMI, SMI or INIT can reach a processor that halted with interrupts off.
    [[nodiscard]] bool can_wake_masked() const;
    /// Host side of the serial lines has something.
    void input_waiting();
    /// What sounds is heard through `mixer`, which must outlive the board's last instruction. Once.
    void connect_audio(AudioMixer& mixer);
    /// The run is over: what a guest wrote to its serial ports just before it halted still reaches the host.
    void send_serial_rest() const;

    // --- what a person does, to whichever device the guest listens to
    /// Presses or releases a key: of the USB keyboard where a driver is at work and it has that key, else of the PS/2
    /// keyboard.
    void set_key(devices::KeyCode key, bool pressed);
    /// The guest has read every byte and report of the keyboards that are at work.
    [[nodiscard]] bool keyboard_read() const;
    /// Bit 0 scroll lock, 1 num lock, 2 caps lock.
    [[nodiscard]] unsigned keyboard_leds() const;
    /// A driver of the USB tablet is at work.
    [[nodiscard]] bool tablet_heard() const;
    /// Or one of the vmmouse.
    [[nodiscard]] bool points_absolutely() const;
    /// Arguments as Vmmouse::point() has them. Without effect where no such driver is.
    void point(u16 x, u16 y, u8 buttons, int wheel);
    /// The guest has read every report of mouse, vmmouse and tablet, as far as they are at work.
    [[nodiscard]] bool pointing_read() const;

    // --- Environment
    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, unsigned size, u32 value) override;
    void pause() override;
    void time_stamp_read() override;
    u8 acknowledge_interrupt() override;
    u64 now_ns() override { return scheduler_.now(); }
    void apic_base_written(u64 value) override;
    u8 read_task_priority() override { return local_apic_.cr8(); }
    void write_task_priority(u8 value) override { local_apic_.set_cr8(value); }
    bool read_apic_msr(u32 index, u64& value) override { return local_apic_.read_msr(index, value); }
    bool write_apic_msr(u32 index, u64 value) override { return local_apic_.write_msr(index, value); }
    void set_smm_active(bool active) override;
    void set_ferr(bool asserted) override;
    void shutdown() override;

    // --- parts
    [[nodiscard]] Cpu& cpu() { return cpu_; }
    [[nodiscard]] IoBus& io() { return io_; }
    [[nodiscard]] MemoryMap& memory_map() { return memory_map_; }
    [[nodiscard]] devices::Ps2Keyboard& keyboard() { return keyboard_; }
    [[nodiscard]] devices::Ps2Mouse& mouse() { return mouse_; }
    [[nodiscard]] devices::Vga& vga() { return vga_; }
    [[nodiscard]] devices::Piix4Pm& power_management() { return pm_; }
    [[nodiscard]] devices::Mc146818& rtc() { return rtc_; }
    [[nodiscard]] devices::PciBus& pci() { return pci_; }
    [[nodiscard]] devices::FwCfg& fw_cfg() { return fw_cfg_; }
    /// IDE drive 0..3 (primary master, ..., secondary slave) if it is a CD-ROM drive; else null.
    [[nodiscard]] devices::AtapiCdrom* cdrom(unsigned index) const { return cdroms_.at(index).get(); }
    /// IDE drive 0..3; null: none.
    [[nodiscard]] const devices::IdeDrive* drive(unsigned index) const;
    /// Diskette drive 0 or 1; null: none.
    [[nodiscard]] devices::FloppyDrive* floppy(unsigned index) const { return floppies_.at(index).get(); }
    /// Flash memories, the one at the top first.
    [[nodiscard]] const std::vector<std::unique_ptr<devices::IntelFlash>>& flashes() const { return flashes_; }
    /// Every chip, in the order of the schematic.
    [[nodiscard]] const std::vector<devices::Device*>& devices() const { return devices_; }

    /// Told of every access to a port, in the middle of the instruction: reads when the value is there, writes before.
    /// In the order of adding; what one of them makes of the value, the next, and guest or chip, get.
    void add_port_trace(std::function<void(bool write, u16 port, unsigned size, u32& value)> trace) {
        port_traces_.push_back(std::move(trace));
    }
    void set_interrupt_trace(std::function<void(u8 vector)> trace) { interrupt_trace_ = std::move(trace); }

private:
    RegisterSpace with_cycles(RegisterSpace space);
    void map(std::string name, u16 first, u32 count, RegisterSpace space);
    /// Shows `space` where the guest has put it, or nowhere. Where something else is it stays invisible, with a
    /// warning.
    void place(const std::string& name, const devices::PciFunction::Window& window, RegisterSpace space);
    void map_ports();
    void map_pm_windows();
    void place_local_apic();
    void set_pit_output(bool level);
    void set_rtc_interrupt(bool level);
    void route_timers();
    void set_a20_source(bool keyboard_controller, bool open);
    void set_nmi_source();
    void add_drives(const Options& options);
    void add_floppies(const Options& options);
    void add_flashes(const Options& options);
    void add_sound_blaster();
    void add_ac97();
    void map_ac97();
    void set_up_ac97();
    void set_ac97_gain();
    void add_usb(const Options& options);
    void map_usb();
    void set_up_usb();
    [[nodiscard]] bool usb_listens(const devices::UsbDevice* device, unsigned port) const;
    [[nodiscard]] bool cables_idle() const;
    void route_sound_blaster();
    void connect_sound_blaster_dma();
    [[nodiscard]] std::optional<devices::Ct1741::Channel> sound_on_dma(unsigned channel) const;
    void set_sound_gains();
    void map_ide();
    void show_vga();
    void map_vga();
    void write_coprocessor_port(u64 offset);
    u64 call_vmmouse();
    void fill_cmos(const Options& options);
    [[nodiscard]] u64 tsc();

    /// What the board itself keeps: levels of lines that end in its gates.
    struct Wires {
        bool pit_out0 = false;
        bool rtc_irq = false;
        bool hpet_legacy = false;
        bool a20_keyboard = true;
        bool a20_port92 = false;
        bool nmi_request = false;  // port 61h
        bool nmi_enabled = true;   // port 70h bit 7
        bool ferr = false;
        bool smm_active = false;  // SMIACT#
        u32 pauses = 0;           // PAUSEs since the last interrupt, up to kPatience
        bool sound_irq = false;   // the Sound Blaster's interrupt, whichever line it is on
        std::array<bool, devices::Ct1741::kChannels> sound_requests{};  // and its DMA requests
        void describe(Archive& archive);
    };

    PhysicalMemory& memory_;
    Scheduler& scheduler_;
    Events events_;
    Wires wires_;
    const std::unique_ptr<Cpu> cpu_owner_;
    Cpu& cpu_;
    IoBus io_;
    MemoryMap memory_map_;

    devices::ApicBus apic_bus_;
    devices::LocalApic local_apic_;
    devices::IoApic io_apic_;
    devices::I8259 pic_master_, pic_slave_;
    IsaInterrupts irqs_;
    devices::PcSpeaker speaker_;
    devices::I8254 pit_;
    devices::Hpet hpet_;
    devices::Mc146818 rtc_;
    devices::Ps2Keyboard keyboard_;
    devices::Ps2Mouse mouse_;
    devices::Vmmouse vmmouse_;
    devices::I8042 keyboard_controller_;
    devices::SystemControlA port_92_;
    devices::SystemControlB port_61_;
    devices::ResetControl reset_control_;
    devices::PostPort post_;
    devices::Vga vga_;
    devices::VgaPci vga_pci_;
    std::vector<u8> vga_bios_;  // the expansion ROM's contents; empty: none
    devices::PciBus pci_;
    devices::I440fx host_bridge_;
    devices::Piix3 isa_bridge_;
    devices::Piix4Pm pm_;
    devices::Piix3Ide ide_;
    std::array<std::unique_ptr<devices::AtaDisk>, kIdeDrives> disks_;
    std::array<std::unique_ptr<devices::AtapiCdrom>, kIdeDrives> cdroms_;
    bool has_ide_ = false;  // some drive is there; else the function is absent
    devices::IsaDma dma_;
    std::array<std::unique_ptr<devices::FloppyDrive>, kFloppyDrives> floppies_;
    std::unique_ptr<devices::I82077> floppy_controller_;
    std::unique_ptr<devices::Ct1741> sound_dsp_;
    std::unique_ptr<devices::Ct1745> sound_mixer_;  // all three or none: a Sound Blaster 16
    std::unique_ptr<devices::Ymf262> synthesizer_;
    std::unique_ptr<devices::Stac9700> audio_codec_;  // both or none
    std::unique_ptr<devices::I82801Audio> audio_controller_;
    std::unique_ptr<devices::Piix3Usb> usb_;  // null: no USB device
    std::unique_ptr<devices::UsbTablet> usb_tablet_;
    std::unique_ptr<devices::UsbKeyboard> usb_keyboard_;
    // Where it is heard; null: nowhere.
    devices::AudioSink* sound_voice_ = nullptr;
    devices::AudioSink* sound_midi_ = nullptr;
    devices::AudioSink* audio_out_ = nullptr;
    devices::FwCfg fw_cfg_;
    std::vector<std::unique_ptr<devices::IntelFlash>> flashes_;
    std::array<std::unique_ptr<devices::Uart16550>, kSerialPorts> serials_;
    std::unique_ptr<devices::DebugConsole> debug_console_;
    std::unique_ptr<devices::DebugExit> debug_exit_;
    std::unique_ptr<devices::Pvpanic> pvpanic_;

    std::vector<devices::Device*> devices_;
    std::vector<std::function<void(bool, u16, unsigned, u32&)>> port_traces_;
    std::function<void(u8)> interrupt_trace_;
    bool ready_ = false;  // construction is over: chips may call back
};

}  // namespace bantam
