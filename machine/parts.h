// What a Machine is made of, in the order of construction. Private to machine.cpp and assembly.cpp.
#pragma once

#include <memory>
#include <vector>

#include "cpu/interpreter/interpreter.h"
#include "machine/audio_mixer.h"
#include "machine/clock.h"
#include "machine/firmware_config.h"
#include "machine/host/host_io.h"
#include "machine/images.h"
#include "machine/kernel_boot.h"
#include "machine/machine.h"
#include "machine/pc.h"
#include "machine/plugin/plugins.h"
#include "machine/run_loop.h"
#include "machine/sent_keys.h"
#include "machine/time_shares.h"
#include "machine/trace/trace.h"

namespace bantam {

struct Machine::Parts {
    MachineConfig config;
    Model model;
    std::unique_ptr<host::Bell> bell;
    std::unique_ptr<host::HostIo> io;
    std::size_t serial_ends = 0;                         // how many of `ports` came from outside
    std::vector<std::unique_ptr<host::HostPort>> ports;  // serials, then the debug console
    Images images;
    std::array<Pc::Options::Drive, Pc::kIdeDrives> drives{};
    std::array<Images::Device*, Pc::kIdeDrives> slots{};  // where images holds each drive's medium
    std::unique_ptr<PhysicalMemory> memory;
    Scheduler scheduler;
    std::unique_ptr<Pc> pc;
    std::unique_ptr<AudioMixer> mixer;  // null: nobody hears the machine
    std::unique_ptr<SentKeys> sent_keys;
    std::unique_ptr<Clock> clock;
    std::unique_ptr<Interpreter> engine;
    jit::Translator* translator = nullptr;  // the engine's, if it has one
    std::unique_ptr<RunLoop> loop;
    std::unique_ptr<TimeShares> time_shares;  // while and after run(), when statistics are wanted
    std::optional<KernelBoot> kernel;         // none: firmware boots
    std::unique_ptr<FirmwareConfig> firmware_config;
    std::unique_ptr<devices::VgaFont> font;
    std::unique_ptr<Plugins> plugins;  // null: none
    std::unique_ptr<Trace> trace;
    bool panicked = false;               // and the machine was paused for it
    std::unique_ptr<Timer> watch_timer;  // Machine::watch
    std::vector<std::function<void(const MachineEvent&)>> observers;
    std::vector<std::function<void(const InputEvent&)>> input_observers;
    bool end_told = false;

    // --- assembly.cpp, in this order
    Result<void> check();
    Result<void> open_host_side();
    Result<void> build_board();
    Result<void> install_software();
    Result<void> start_engine();
    Result<void> start_translator();
    Result<void> start_kernel();
    [[nodiscard]] bool serial_exists(std::size_t index) const;
    void assign_drives();
    [[nodiscard]] boot::BoardDescription describe_board();
    [[nodiscard]] std::vector<std::string> boot_paths() const;

    // --- machine.cpp: what the guest asks for
    void guest_reset(Pc::ResetKind kind);
    void reset();
    void shutdown();
    void guest_panicked(bool crash_loaded);
    void tell(const MachineEvent& event);
    void tell_input(const InputEvent& event);
    void tell_end(StopReason reason, bool asked);

    // --- removable_media.cpp: what the monitor asks for
    struct RemovableDrive {
        devices::AtapiCdrom* cdrom;  // one of these two, the other null
        devices::FloppyDrive* floppy;
        Images::Device* slot;  // where images holds its medium
    };
    /// The CD-ROM or diskette drive called `device`.
    [[nodiscard]] Result<RemovableDrive> find_removable(const std::string& device);
    static Result<void> take_out(const RemovableDrive& drive, const std::string& device, Eject how);
    [[nodiscard]] Clock::Pace pace() const;
};

}  // namespace bantam
