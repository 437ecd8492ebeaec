#include "machine/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "machine/image_writer.h"
#include "machine/info.h"
#include "machine/parts.h"

namespace bantam {
namespace {

// CMOS byte 0Fh: why the processor was reset. With these values 80286-era software returns from protected mode through
// an address it left at 40:67h and wants nothing but the processor touched (IBM PC/AT technical reference, BIOS
// listing).
constexpr u8 kShutdownByte = 0x0F;
bool is_mode_switch(u8 shutdown) { return shutdown == 0x05 || shutdown == 0x09 || shutdown == 0x0A; }

}  // namespace

Machine::Machine() : parts_(std::make_unique<Parts>()) {}
Machine::~Machine() = default;

void Machine::set_audio(std::unique_ptr<AudioOutput> output) {
    parts_->mixer = std::make_unique<AudioMixer>(parts_->scheduler, std::move(output));
    parts_->pc->connect_audio(*parts_->mixer);
}

Outcome Machine::run() {
    if (parts_->config.stats) {
        parts_->time_shares = std::make_unique<TimeShares>(*parts_->loop, parts_->translator);
    }
    parts_->clock->resume();
    if (parts_->config.paused) parts_->loop->stop();
    const Outcome outcome = parts_->loop->run();
    parts_->clock->pause();
    parts_->tell_end(outcome.reason, false);
    if (parts_->time_shares) parts_->time_shares->stop();
    parts_->scheduler.set_now(parts_->clock->now());
    if (parts_->mixer) parts_->mixer->finish();
    parts_->pc->send_serial_rest();
    parts_->io->drain();
    if (parts_->plugins) parts_->plugins->ended();
    return outcome;
}

void Machine::request_quit() noexcept { parts_->loop->request_quit(); }
void Machine::post(std::function<void()> work) { parts_->loop->post(std::move(work)); }
void Machine::stop() {
    if (!running()) return;
    parts_->loop->stop();
    parts_->tell({.kind = MachineEvent::Kind::stopped});
}
void Machine::cont() {
    if (running()) return;
    parts_->panicked = false;
    parts_->loop->cont();
    parts_->tell({.kind = MachineEvent::Kind::resumed});
}
bool Machine::panicked() const { return parts_->panicked; }
bool Machine::running() const { return !parts_->loop->stopped(); }
void Machine::observe(std::function<void(const MachineEvent&)> observer) {
    parts_->observers.push_back(std::move(observer));
}
void Machine::observe_input(std::function<void(const InputEvent&)> observer) {
    parts_->input_observers.push_back(std::move(observer));
}
void Machine::system_reset() {
    parts_->tell_input({.kind = InputEvent::Kind::reset});
    parts_->loop->request_reset();
    parts_->tell({.kind = MachineEvent::Kind::reset});
}
void Machine::system_powerdown() {
    parts_->tell_input({.kind = InputEvent::Kind::power_button});
    parts_->pc->power_management().press_power_button();
    parts_->tell({.kind = MachineEvent::Kind::power_button});
}
std::unique_ptr<Debugger> Machine::attach_debugger(std::function<void(const Debugger::Stop&)> stopped) {
    return std::make_unique<Debugger>(cpu(), *parts_->engine, std::move(stopped));
}
void Machine::inject_nmi() { cpu().pulse_nmi(); }
Result<void> Machine::send_keys(std::string_view keys) {
    Result<Chord> chord = parse_chord(keys);
    if (!chord) return chord.error();
    return send_keys(std::move(chord.value()), SentKeys::kHold_ns);
}
Result<void> Machine::send_keys(std::vector<devices::KeyCode> keys, u64 hold_ns) {
    return parts_->sent_keys->add(std::move(keys), hold_ns);
}
void Machine::set_key(devices::KeyCode key, bool pressed) {
    parts_->tell_input({.kind = InputEvent::Kind::key, .key = key, .pressed = pressed});
    parts_->pc->set_key(key, pressed);
}
void Machine::quit() {
    parts_->loop->end(outcome_of(StopReason::quit));
    parts_->tell_end(StopReason::quit, true);
}
std::optional<devices::TextFont> Machine::text_font() const { return parts_->pc->vga().text_font(); }
bool Machine::graphics_mode() const { return parts_->pc->vga().graphics(); }
void Machine::mouse_move(int dx, int dy, int wheel) { parts_->pc->mouse().move(dx, dy, wheel); }
bool Machine::mouse_is_absolute() const { return parts_->pc->points_absolutely(); }
bool Machine::tablet_heard() const { return parts_->pc->tablet_heard(); }
bool Machine::mouse_absolute(unsigned x, unsigned y, unsigned buttons, int wheel) {
    constexpr unsigned kMost = 0xFFFF;
    if (!mouse_is_absolute()) return false;
    parts_->tell_input({.kind = InputEvent::Kind::pointed, .x = x, .y = y, .buttons = buttons});
    parts_->pc->point(static_cast<u16>(std::min(x, kMost)), static_cast<u16>(std::min(y, kMost)),
                      static_cast<u8>(buttons), wheel);
    return true;
}
bool Machine::render_changes(devices::Picture& picture) { return parts_->pc->vga().render_changes(picture); }
bool Machine::mouse_heard() const { return parts_->pc->mouse().reports() || mouse_is_absolute(); }
bool Machine::mouse_read() const { return parts_->pc->pointing_read(); }
void Machine::mouse_button(unsigned buttons) {
    parts_->tell_input({.kind = InputEvent::Kind::buttons, .buttons = buttons});
    parts_->pc->mouse().buttons(static_cast<u8>(buttons));
}
u64 Machine::now_ns() const { return parts_->clock->now(); }
u64 Machine::idle_ns() const { return parts_->clock->idle_ns(); }
bool Machine::quit_requested() const { return parts_->loop->quit_requested(); }
Cpu& Machine::cpu() { return parts_->pc->cpu(); }
PhysicalMemory& Machine::memory() { return *parts_->memory; }
const MachineConfig& Machine::config() const { return parts_->config; }

unsigned Machine::keyboard_leds() const { return parts_->pc->keyboard_leds(); }
bool Machine::keyboard_read() const { return parts_->pc->keyboard_read(); }

void Machine::watch(u64 period_ns, std::function<void()> watch, Watcher watcher) {
    if (watcher == Watcher::acts) parts_->loop->expect_acts();
    parts_->watch_timer = host_timer("watch", [this, period_ns, watch = std::move(watch)] {
        parts_->watch_timer->arm(parts_->watch_timer->deadline_ns() + period_ns);
        watch();
    });
    parts_->watch_timer->arm(period_ns);
}

std::unique_ptr<Timer> Machine::host_timer(std::string name, std::function<void()> callback) {
    return std::make_unique<Timer>(parts_->scheduler, std::move(name), std::move(callback), Timer::Owner::host);
}

void Machine::watch_port_writes(std::function<void(u16 port, u32 value)> watch) {
    parts_->pc->add_port_trace([watch = std::move(watch)](bool write, u16 port, unsigned, u32 value) {
        if (write) watch(port, value);
    });
}

std::string Machine::screen_text(const devices::GlyphMeanings& meanings) {
    std::string text = parts_->pc->vga().text_screen(meanings);
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

devices::Frame Machine::frame() const { return parts_->pc->vga().render(); }
Result<void> Machine::screendump(const std::string& path) { return write_picture(frame(), path); }

Result<std::string> Machine::info(const std::string& what) {
    Pc& pc = *parts_->pc;
    if (what == "registers") return info::registers(pc.cpu());
    if (what == "mem") return info::mem(pc.cpu(), memory());
    if (what == "tlb") return info::tlb(pc.cpu());
    if (what == "pci") return info::pci(pci_functions());
    if (what == "irq") return info::irq(pc);
    if (what == "map") return info::map(pc, memory());
    if (what == "block") return info::block(drives(), pc);
    std::string names;
    for (const devices::Device* device : pc.devices()) {
        if (device->name() == what) return device->info() + "\n";
        names += fmt::format(" {}", device->name());
    }
    return Error{
        ExitStatus::usage,
        fmt::format("no information about '{}': use registers mem tlb pci irq map block, or a device:{}", what, names)};
}

u64 Machine::state_hash() {
    HashArchive archive;
    archive.field("scheduler", parts_->scheduler);
    archive.field("board", *parts_->pc);
    archive.field("keys", *parts_->sent_keys);
    return archive.hash();
}

std::string Machine::statistics() {
    const u64 all = cpu().state.instructions;
    std::string text;
    if (parts_->translator != nullptr) {
        const jit::Statistics& jit = parts_->translator->statistics();
        const auto percent = [all](u64 part) {
            return all == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(all);
        };
        text += fmt::format("guest instructions {}: {:.2f} % translated, {:.2f} % handed over, {:.2f} % interpreted\n",
                            all, percent(jit.retired - std::min(jit.retired, jit.handed_over)),
                            percent(jit.handed_over), percent(all - jit.retired));
    } else {
        text += fmt::format("guest instructions {}, all interpreted\n", all);
    }
    if (parts_->time_shares) text += parts_->time_shares->text();
    if (parts_->translator != nullptr) text += to_text(parts_->translator->statistics());
    const Interpreter::Statistics engine = parts_->engine->statistics();
    text += fmt::format(
        "blocks decoded {} ({} instructions), invalidated by writes {}; immediates patched {}; exceptions {}; TLB "
        "misses "
        "{}\n",
        engine.blocks_decoded, engine.instructions_decoded, engine.blocks_invalidated, engine.immediates_patched,
        engine.exceptions, cpu().mmu.misses());
    return text;
}

void Machine::Parts::guest_reset(Pc::ResetKind kind) {
    if (kind == Pc::ResetKind::processor && !kernel && is_mode_switch(pc->rtc().cmos(kShutdownByte))) {
        pc->init_processor();
    } else if (config.no_reboot) {
        loop->end(outcome_of(StopReason::reset_refused));
    } else {
        loop->request_reset();
        tell({.kind = MachineEvent::Kind::reset, .by_guest = true});
    }
}

void Machine::Parts::shutdown() {
    if (config.no_reboot) {
        loop->end(outcome_of(StopReason::triple_fault));
    } else {
        loop->request_reset();
        tell({.kind = MachineEvent::Kind::reset, .by_guest = true});
    }
}

void Machine::Parts::guest_panicked(bool crash_loaded) {
    if (crash_loaded) return tell({.kind = MachineEvent::Kind::crash_loaded, .by_guest = true});
    const bool pauses = config.panic == PanicAction::pause;
    tell({.kind = MachineEvent::Kind::panicked, .by_guest = true, .pauses = pauses});
    if (!pauses) return loop->end(outcome_of(StopReason::guest_panic));
    panicked = true;
    loop->stop();
    tell({.kind = MachineEvent::Kind::stopped});
}

void Machine::Parts::tell(const MachineEvent& event) {
    for (const auto& observer : observers) observer(event);
}

void Machine::Parts::tell_input(const InputEvent& event) {
    for (const auto& observer : input_observers) observer(event);
}

void Machine::Parts::tell_end(StopReason reason, bool asked) {
    if (std::exchange(end_told, true)) return;
    const bool by_host = reason == StopReason::quit || reason == StopReason::plugin || reason == StopReason::time_limit;
    tell({.kind = MachineEvent::Kind::ended, .by_guest = !by_host, .reason = reason, .asked = asked});
}

void Machine::Parts::reset() {
    log::info("system reset");
    panicked = false;
    sent_keys->reset();
    pc->reset();
    engine->reset();
    // It was loaded once already, from the same bytes into the same RAM.
    if (kernel) CHECK(start_kernel().ok());
}

}  // namespace bantam
