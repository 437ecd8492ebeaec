#include "frontend/window/window.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <exception>
#include <thread>

#include "machine/firmware.h"
#include "machine/host/host_io.h"
#include "machine/image_writer.h"

namespace bantam::frontend {
namespace {

constexpr u64 kMs = 1'000'000;
constexpr u64 kPicturePeriod_ns = 1'000 * kMs / 60;
constexpr u64 kMessage_ns = 6'000 * kMs;
constexpr unsigned kEscape = 0x29;  // HID usage
constexpr u64 kSpeedPeriod_ns = 1'000 * kMs;

std::string screenshot_name() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    char stamp[32] = "";
    std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
    std::string name = fmt::format("bantam-{}.png", stamp);
    for (int next = 2; ::access(name.c_str(), F_OK) == 0; ++next) name = fmt::format("bantam-{}-{}.png", stamp, next);
    return name;
}

}  // namespace

Window::Window(Machine& machine, Screen& screen)
    : machine_(machine),
      screen_(screen),
      feed_(machine, [this] { screen_.wake(); }),
      paster_(machine, [this](std::string text) { say_later(std::move(text)); }) {}

Outcome Window::run(const std::function<Outcome()>& run) {
    Outcome outcome;
    std::exception_ptr failure;
    std::atomic<bool> ended = false;
    std::thread runner([&] {
        try {
            outcome = run();
        } catch (...) {
            failure = std::current_exception();
        }
        ended = true;
        screen_.wake();
    });
    try {
        measured_host_ns_ = host::monotonic_ns();
        u64 next_ns = measured_host_ns_;
        while (!ended) {
            const u64 now = host::monotonic_ns();
            if (now >= next_ns) {
                feed_.request();
                next_ns = std::max(next_ns + kPicturePeriod_ns, now);
                look_at_status();
                measure_speed();
                update_title();
                update_pointer();
            }
            const u64 left_ms = (next_ns - std::min(next_ns, host::monotonic_ns())) / kMs + 1;
            if (const auto event = screen_.wait(static_cast<int>(left_ms))) handle(*event);
            if (feed_.take(frame_)) {
                screen_.upload(frame_);
                fit_window();
                to_show_ = true;
            }
            if (to_show_) show();
        }
    } catch (...) {
        machine_.request_quit();
        runner.join();
        throw;
    }
    runner.join();
    if (failure) std::rethrow_exception(failure);
    return outcome;
}

void Window::handle(const ScreenEvent& event) {
    using Kind = ScreenEvent::Kind;
    switch (event.kind) {
        case Kind::woken:
            break;
        case Kind::closed:
            close();
            break;
        case Kind::exposed:
            to_show_ = true;
            break;
        case Kind::focus_lost:
            send_keys(keys_.release_all());
            capture(false);
            break;
        case Kind::key:
            handle_key(event);
            break;
        case Kind::text:
            if (menu_) handle_in_menu(event);
            break;
        case Kind::mouse_moved:
            menu_ ? handle_in_menu(event) : move_mouse(event);
            break;
        case Kind::mouse_button:
            menu_ ? handle_in_menu(event) : press_mouse(event.button, event.pressed);
            break;
        case Kind::wheel:
            menu_ ? handle_in_menu(event) : turn_wheel(event.dy);
            break;
        case Kind::file_dropped:
            insert_image(event.text);
            break;
    }
}

void Window::handle_key(const ScreenEvent& event) {
    if (event.repeated) {
        if (menu_) handle_in_menu(event);
        return;
    }
    const HostKeys::Answer answer = keys_.key(event.key_usage, event.pressed, !menu_ && !paster_.active());
    send_keys(answer.guest);
    if (answer.action != Action::none) return act(answer.action);
    if (menu_) return handle_in_menu(event);
    if (paster_.active() && event.pressed && event.key_usage == kEscape) stop_pasting();
}

void Window::open_menu() {
    capture(false);
    release_buttons();
    if (glyphs_ == Glyphs{}) {
        const Result<std::vector<u8>> vga_bios = load_vga_bios({});
        glyphs_ = bios_font(vga_bios ? vga_bios.value() : std::vector<u8>{});
    }
    menu_.emplace(status_.drives, folder_);
    draw_menu();
    update_pointer();
}

void Window::close_menu() {
    folder_ = menu_->folder();
    menu_.reset();
    screen_.upload_panel({});
    update_pointer();
    to_show_ = true;
}

void Window::handle_in_menu(const ScreenEvent& event) {
    const Menu::Answer answer = menu_->handle(event, panel_);
    if (!answer.closed) return draw_menu();
    close_menu();
    if (answer.action == Action::insert || answer.action == Action::eject) return change_medium(answer);
    act(answer.action);
}

void Window::draw_menu() {
    screen_.upload_panel(menu_->page().draw(glyphs_));
    to_show_ = true;
}

void Window::look_at_status() {
    const auto media = [](const std::vector<DriveState>& drives) {
        std::vector<std::string> paths;
        for (const DriveState& drive : drives) paths.push_back(drive.medium ? drive.medium->path : std::string{});
        return paths;
    };
    PictureFeed::Status status = feed_.status();
    const bool changed = media(status.drives) != media(status_.drives);
    status_ = std::move(status);
    if (!menu_ || !changed) return;
    menu_->update(status_.drives);
    draw_menu();
}

void Window::send_keys(const std::vector<HostKeys::GuestKey>& keys) {
    if (keys.empty()) return;
    machine_.post([&m = machine_, keys] {
        for (const HostKeys::GuestKey& key : keys) {
            if (const auto code = devices::key_by_set1(key.set1)) m.set_key(*code, key.pressed);
        }
    });
}

void Window::move_mouse(const ScreenEvent& event) {
    if (captured_) return machine_.post([&m = machine_, dx = event.dx, dy = event.dy] { m.mouse_move(dx, dy); });
    pointer_ = point_on_picture(placement_, event.x, event.y);
    if (pointing()) point(0);
}

/// The press that gives the guest the mouse is not the guest's.
void Window::press_mouse(unsigned button, bool pressed) {
    if (!captured_ && !pointing()) {
        if (pressed && button == 0) capture(true);
        return;
    }
    const unsigned before = buttons_;
    buttons_ = pressed ? buttons_ | 1u << button : buttons_ & ~(1u << button);
    if (buttons_ == before) return;
    if (pointing()) return point(0);
    machine_.post([&m = machine_, buttons = buttons_] { m.mouse_button(buttons); });
}

void Window::turn_wheel(int notches) {
    if (pointing()) return point(notches);
    if (captured_) machine_.post([&m = machine_, notches] { m.mouse_move(0, 0, notches); });
}

/// A guest that stopped to take positions meanwhile gets nothing.
void Window::point(int wheel) {
    machine_.post([&m = machine_, at = pointer_, buttons = buttons_, wheel] {
        static_cast<void>(m.mouse_absolute(at.x, at.y, buttons, wheel));
    });
}

void Window::capture(bool on) {
    if (captured_ == on) return;
    captured_ = on;
    screen_.capture(on);
    if (!on) release_buttons();
}

void Window::release_buttons() {
    if (buttons_ == 0) return;
    buttons_ = 0;
    if (pointing()) return point(0);
    machine_.post([&m = machine_] { m.mouse_button(0); });
}

void Window::press_keys(const char* chord) {
    machine_.post([this, chord] {
        const Result<void> sent = machine_.send_keys(chord);
        if (!sent) say_later(sent.error().message);
    });
}

void Window::act(Action action) {
    if (menu_ && action != Action::none && action != Action::release_mouse) {
        close_menu();
        if (action == Action::menu) return;
    }
    switch (action) {
        case Action::none:
        case Action::insert:
        case Action::eject:
            break;
        case Action::menu:
            open_menu();
            break;
        case Action::menu_key:
            press_keys("menu");
            break;
        case Action::quit:
            machine_.request_quit();
            break;
        case Action::release_mouse:
            capture(false);
            break;
        case Action::capture_mouse:
            capture(!captured_);
            break;
        case Action::full_screen:
            full_screen_ = !full_screen_;
            screen_.set_full_screen(full_screen_);
            to_show_ = true;
            break;
        case Action::scaling:
            scaling_ = scaling_ == Scaling::aspect ? Scaling::whole : Scaling::aspect;
            fit_window();
            to_show_ = true;
            break;
        case Action::screenshot:
            take_screenshot();
            break;
        case Action::pause:
            machine_.post([&m = machine_] { m.running() ? m.stop() : m.cont(); });
            break;
        case Action::ctrl_alt_delete:
            press_keys("ctrl-alt-delete");
            break;
        case Action::paste:
            paste();
            break;
        case Action::power_button:
            machine_.post([&m = machine_] { m.system_powerdown(); });
            say("the power button was pressed");
            break;
        case Action::reset:
            machine_.post([&m = machine_] { m.system_reset(); });
            say("reset");
            break;
        case Action::close:
            close();
            break;
    }
}

void Window::close() {
    if (power_asked_) return machine_.request_quit();
    power_asked_ = true;
    machine_.post([&m = machine_] {
        m.cont();  // a paused guest would never hear of it
        m.system_powerdown();
    });
    say("the guest was asked to power off; close again to end it at once");
}

/// The person's own keys would get in between: they are the guest's again when it has all of the text.
void Window::paste() {
    if (paster_.active()) return stop_pasting();
    Result<std::vector<Keystroke>> keystrokes = keystrokes_for_paste(screen_.clipboard());
    if (!keystrokes) return say(keystrokes.error().message);
    machine_.post([this, keystrokes = std::move(keystrokes.value())] { paster_.begin(keystrokes); });
}

void Window::stop_pasting() {
    machine_.post([this] { paster_.stop(); });
}

void Window::take_screenshot() {
    const std::string name = screenshot_name();
    const Result<void> written = write_picture(frame_, name);
    say(written ? "screenshot in " + name : written.error().message);
}

void Window::insert_image(const std::string& path) {
    machine_.post([this, path] {
        const Result<std::string> drive = machine_.insert_image(path);
        say_later(drive ? fmt::format("{} is in {}", path, drive.value()) : drive.error().message);
    });
}

void Window::change_medium(const Menu::Answer& wanted) {
    machine_.post([this, wanted] {
        if (wanted.action == Action::eject) {
            const Result<void> ejected = machine_.eject(wanted.drive);
            return say_later(ejected ? fmt::format("{} is empty", wanted.drive) : ejected.error().message);
        }
        const Result<void> changed = machine_.change_medium(wanted.drive, {.path = wanted.path});
        say_later(changed ? fmt::format("{} is in {}", wanted.path, wanted.drive) : changed.error().message);
    });
}

void Window::say(std::string text) {
    message_ = std::move(text);
    message_until_ns_ = host::monotonic_ns() + kMessage_ns;
    update_title();
}

void Window::say_later(std::string text) {
    const std::lock_guard lock(later_mutex_);
    later_ = std::move(text);
}

void Window::measure_speed() {
    const u64 now = host::monotonic_ns();
    if (now - measured_host_ns_ < kSpeedPeriod_ns) return;
    const u64 guest = status_.guest_ns;
    speed_percent_ = static_cast<unsigned>(100 * (guest - measured_guest_ns_) / (now - measured_host_ns_));
    measured_host_ns_ = now;
    measured_guest_ns_ = guest;
}

void Window::update_title() {
    std::string later;
    {
        const std::lock_guard lock(later_mutex_);
        later.swap(later_);
    }
    if (!later.empty()) return say(std::move(later));
    const bool speaking = host::monotonic_ns() < message_until_ns_;
    // A speed near the full one is the full one: the looks at the guest's time are not evenly spaced.
    const bool full_speed = speed_percent_ >= 97 && speed_percent_ <= 103;
    const std::string& disks = disk_activity_.look(status_.drives, host::monotonic_ns());
    const std::string text =
        fmt::format("Bantam{}{} - {}",
                    !status_.running ? " (paused)"
                    : full_speed     ? std::string{}
                                     : fmt::format(" ({} % speed)", speed_percent_),
                    disks.empty() ? std::string{} : fmt::format(" [{}]", disks),
                    speaking           ? message_
                    : paster_.active() ? fmt::format("typing the clipboard, {} %; Esc stops", paster_.percent())
                    : menu_            ? "the menu; Esc closes it"
                    : captured_        ? "Ctrl-Alt-G releases the mouse; Ctrl-Alt-M: menu"
                    : pointing()       ? "the mouse is the guest's and yours; Ctrl-Alt-M: menu"
                                       : "a click gives the guest the mouse; Ctrl-Alt-M: menu");
    if (text == title_) return;
    title_ = text;
    screen_.set_title(text);
}

/// A guest that takes positions draws a pointer of its own.
void Window::update_pointer() {
    const bool show = menu_.has_value() || !pointing();
    if (show == pointer_shown_) return;
    pointer_shown_ = show;
    screen_.show_pointer(show);
}

void Window::fit_window() {
    if (frame_.width == 0) return;
    const Placement natural = natural_window(frame_.width, frame_.height, scaling_);
    if (natural.width == wanted_.width && natural.height == wanted_.height) return;
    int width = 0, height = 0;
    screen_.size(width, height);
    const bool person_chose = wanted_.width != 0 && (width != wanted_.width || height != wanted_.height);
    if (person_chose || full_screen_) return;
    wanted_ = natural;
    screen_.set_size(natural.width, natural.height);
}

void Window::show() {
    to_show_ = false;
    int width = 0, height = 0;
    screen_.size(width, height);
    placement_ = place_picture(frame_.width, frame_.height, width, height, scaling_);
    if (menu_) panel_ = place_panel(ListPage::width(), menu_->page().height(), width, height);
    screen_.show(placement_, panel_);
}

}  // namespace bantam::frontend
