// Machine: a whole PC as one object: configuration in, outcome out. No globals, so two can live in one process.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/scheduler.h"
#include "cpu/cpu.h"
#include "devices/frame.h"
#include "devices/key_names.h"
#include "machine/audio_output.h"
#include "machine/config.h"
#include "machine/debugger/debugger.h"
#include "machine/events.h"
#include "machine/host/host_port.h"
#include "machine/input.h"
#include "machine/inventory.h"
#include "machine/outcome.h"

namespace bantam {

namespace lockstep {
class Pair;
}

class Machine {
public:
    using SerialEnds = std::vector<std::unique_ptr<host::HostPort>>;

    /// Builds the board, opens images, loads kernel or firmware. Errors carry the exit status of the kind of failure.
    /// `serial_ends`, if any, are the far ends of the first serial lines, whatever the configuration says of these.
    static Result<std::unique_ptr<Machine>> create(MachineConfig config, SerialEnds serial_ends = {});
    ~Machine();

    /// What sounds is heard there. Once, before run(); without it no sound is computed.
    void set_audio(std::unique_ptr<AudioOutput> output);

    /// Runs until the guest or the user ends it. Call once.
    Outcome run();

    /// Thread- and signal-safe: makes run() return soon with StopReason::quit.
    void request_quit() noexcept;
    /// Runs `work` on the machine's thread between two instructions, soon; safe from other threads.
    void post(std::function<void()> work);

    // --- everything below: only on the machine's thread (from post, or while run() is not running)
    void stop();  // pauses the guest; posted work still runs
    void cont();
    [[nodiscard]] bool running() const;
    /// It stands because the guest has panicked.
    [[nodiscard]] bool panicked() const;
    /// Whom to tell what happens to the machine, on its thread; several may listen. Before run(), or from outside an
    /// observer on the machine's thread.
    void observe(std::function<void(const MachineEvent&)> observer);
    /// Whom to tell what is done to keyboard, mouse and drives, as observe(). Movements of the PS/2 mouse are not told.
    void observe_input(std::function<void(const InputEvent&)> observer);
    void system_reset();
    void system_powerdown();  // presses the ACPI power button
    /// Presses, then releases keys together, as parse_chord (machine/keystroke.h) has them: "ctrl-alt-delete".
    Result<void> send_keys(std::string_view keys);
    /// The same for keys by their codes, held for `hold_ns` of guest time.
    Result<void> send_keys(std::vector<devices::KeyCode> keys, u64 hold_ns);
    /// Presses or releases one key at once.
    void set_key(devices::KeyCode key, bool pressed);
    /// The guest has read every byte the keyboard had to send.
    [[nodiscard]] bool keyboard_read() const;
    /// What the guest shows with the keyboard's LEDs: bit 0 scroll lock, 1 num lock, 2 caps lock.
    [[nodiscard]] unsigned keyboard_leds() const;
    /// Calls `watch` every `period_ns` of guest time, between two instructions; in virtual time at the same
    /// instructions in every run and with every engine. `acts`: it may do what wakes a guest that is halted; else such
    /// a guest ends the run. Once, before run().
    enum class Watcher { looks, acts };
    void watch(u64 period_ns, std::function<void()> watch, Watcher watcher = Watcher::looks);
    /// A timer in guest time for who acts on the machine from outside: it fires between two instructions and is no part
    /// of the state. To be gone before the machine is.
    [[nodiscard]] std::unique_ptr<Timer> host_timer(std::string name, std::function<void()> callback);
    /// Calls `watch` for every write to a port, in the middle of the instruction; stop() then stops behind it.
    void watch_port_writes(std::function<void(u16 port, u32 value)> watch);
    /// Virtual time: how long the processor has been halted so far.
    [[nodiscard]] u64 idle_ns() const;
    /// Somebody has called request_quit().
    [[nodiscard]] bool quit_requested() const;
    /// Ends run() with StopReason::quit before the next instruction; observers are told at once.
    void quit();
    /// Counts to the right and down, and wheel notches towards the person.
    void mouse_move(int dx, int dy, int wheel = 0);
    /// Points at x, y, 0 to 65535 each across the whole screen, with these buttons down; wheel notches towards the
    /// person. False, and nothing happened: the guest has no driver for absolute positions (USB tablet, vmmouse)
    /// running.
    bool mouse_absolute(unsigned x, unsigned y, unsigned buttons, int wheel = 0);
    [[nodiscard]] bool mouse_is_absolute() const;
    /// It is the USB tablet that the guest listens to.
    [[nodiscard]] bool tablet_heard() const;
    void mouse_button(unsigned buttons);  // bit 0 left, 1 right, 2 middle
    /// The guest wants to be told of the mouse.
    [[nodiscard]] bool mouse_heard() const;
    /// It has read everything the mouse, or the absolute pointer, had to tell.
    [[nodiscard]] bool mouse_read() const;
    /// Brings a viewer's picture up to date; false: nothing of it is different (Vga::render_changes).
    [[nodiscard]] bool render_changes(devices::Picture& picture);
    /// Lines joined by \n, UTF-8; empty in graphics modes. scenario/screen.h knows what glyphs mean.
    [[nodiscard]] std::string screen_text(const devices::GlyphMeanings& meanings);
    [[nodiscard]] bool graphics_mode() const;
    /// The font of a text mode; nothing in graphics modes.
    [[nodiscard]] std::optional<devices::TextFont> text_font() const;
    [[nodiscard]] devices::Frame frame() const;        // the screen as it is now
    Result<void> screendump(const std::string& path);  // .png or .ppm
    /// Puts `image` (path "none": nothing) into the drive called `device`; what was in it comes out.
    Result<void> change_medium(const std::string& device, const ImageConfig& image);
    /// Puts the image into the first drive for its kind: a diskette drive if it has the size of a diskette, else a
    /// CD-ROM drive. The drive's name.
    Result<std::string> insert_image(const std::string& path);
    enum class Eject { politely, forced };  // a tray that the guest has locked stays shut, or not
    Result<void> eject(const std::string& device, Eject how = Eject::politely);
    [[nodiscard]] std::vector<DriveState> drives() const;
    [[nodiscard]] std::vector<PciFunctionState> pci_functions() const;
    void inject_nmi();
    /// Breakpoints, watchpoints and steps for one debugger, for as long as it lives; see there.
    [[nodiscard]] std::unique_ptr<Debugger> attach_debugger(std::function<void(const Debugger::Stop&)> stopped);
    /// Text for `info WHAT`: registers mem tlb pci irq block (and any device name).
    Result<std::string> info(const std::string& what);
    [[nodiscard]] u64 state_hash();
    /// What the engines have counted, and where the time went if the configuration asks for it (stats): lines of text.
    [[nodiscard]] std::string statistics();
    [[nodiscard]] u64 now_ns() const;
    [[nodiscard]] Cpu& cpu();
    [[nodiscard]] PhysicalMemory& memory();
    [[nodiscard]] const MachineConfig& config() const;

private:
    friend class lockstep::Pair;
    Machine();
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace bantam
