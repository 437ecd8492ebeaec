// Window: a running machine on the host's desktop. The window has the main thread; the machine runs on another one and
// is reached through Machine::post alone. The picture is asked for sixty times a second and shown when it has changed.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "frontend/picture_feed.h"
#include "frontend/window/disk_activity.h"
#include "frontend/window/host_keys.h"
#include "frontend/window/layout.h"
#include "frontend/window/menu.h"
#include "frontend/window/paster.h"
#include "frontend/window/screen.h"

namespace bantam::frontend {

class Window {
public:
    Window(Machine& machine, Screen& screen);

    /// Calls `run`, which runs the machine, on a thread of its own, and serves the window until that returns.
    Outcome run(const std::function<Outcome()>& run);

private:
    void handle(const ScreenEvent& event);
    void handle_key(const ScreenEvent& event);
    void open_menu();
    void close_menu();
    void handle_in_menu(const ScreenEvent& event);
    void draw_menu();
    void send_keys(const std::vector<HostKeys::GuestKey>& keys);
    void move_mouse(const ScreenEvent& event);
    void press_mouse(unsigned button, bool pressed);
    void turn_wheel(int notches);
    /// The guest takes positions: its pointer follows the host's, without capture.
    [[nodiscard]] bool pointing() const { return !captured_ && status_.mouse_is_absolute; }
    void point(int wheel);
    void press_keys(const char* chord);  // a constant, as `sendkey` of the monitor takes it
    void act(Action action);
    void capture(bool on);
    void paste();
    void stop_pasting();
    void take_screenshot();
    void insert_image(const std::string& path);
    void change_medium(const Menu::Answer& wanted);
    void look_at_status();
    void release_buttons();
    void close();
    void show();
    void fit_window();
    /// Says something in the title for some seconds.
    void say(std::string text);
    void say_later(std::string text);  // the machine's thread
    void update_title();
    void update_pointer();
    void measure_speed();

    Machine& machine_;
    Screen& screen_;
    PictureFeed feed_;
    Paster paster_;
    DiskActivity disk_activity_;
    HostKeys keys_;
    devices::Frame frame_;
    Scaling scaling_ = Scaling::aspect;
    PictureFeed::Status status_;
    std::optional<Menu> menu_;  // while it is open
    Glyphs glyphs_{};           // once a menu was open
    std::string folder_ = ".";  // where the menu looks for images
    Placement panel_;           // of the menu in the window
    Placement placement_;       // of the picture in the window
    Placement wanted_;          // the window's size as we last set it
    bool to_show_ = false;
    bool full_screen_ = false;
    bool captured_ = false;
    bool power_asked_ = false;
    bool pointer_shown_ = true;
    PicturePoint pointer_;  // where the host's pointer is
    unsigned buttons_ = 0;  // that the guest has down
    std::string title_, message_;
    u64 message_until_ns_ = 0;
    u64 measured_host_ns_ = 0, measured_guest_ns_ = 0;
    unsigned speed_percent_ = 100;
    std::mutex later_mutex_;
    std::string later_;
};

}  // namespace bantam::frontend
