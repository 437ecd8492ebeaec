// Screen: a window of the host's desktop, as little of it as Bantam needs: it shows a picture and tells what the person
// does. Behind it is a module of its own (sdl_screen.cpp, the only code that knows SDL), loaded when a window is
// wanted: linking SDL and what it brings would cost every headless run 3 ms at its start.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "devices/frame.h"

namespace bantam::frontend {

/// Where the picture lies in the window.
struct Placement {
    int x = 0, y = 0, width = 0, height = 0;
};

struct ScreenEvent {
    enum class Kind {
        woken,         // Screen::wake was called
        closed,        // the person wants the window to go
        exposed,       // resized or uncovered: to be shown again
        focus_lost,    // keys that are down will not be seen to go up
        key,           // key_usage, pressed, repeated
        text,          // what keys mean in the host's layout
        mouse_moved,   // captured: dx, dy; else x, y, from the window's upper left corner
        mouse_button,  // button, pressed; x, y when not captured
        wheel,         // dy: notches towards the person
        file_dropped,  // text
    } kind = Kind::woken;
    unsigned key_usage = 0;  // USB HID usage on page 7: the key's place, whatever the host's layout
    bool pressed = false;
    bool repeated = false;  // a key that is still down
    int x = 0, y = 0;
    int dx = 0, dy = 0;
    unsigned button = 0;  // 0 left, 1 right, 2 middle
    std::string text = {};
};

class Screen {
public:
    virtual ~Screen() = default;
    /// Waits at most so long for what the person does next.
    virtual std::optional<ScreenEvent> wait(int timeout_ms) = 0;
    /// From any thread: ends a wait.
    virtual void wake() = 0;
    virtual void set_title(const std::string& title) = 0;
    /// Ignored in full screen.
    virtual void set_size(int width, int height) = 0;
    virtual void size(int& width, int& height) = 0;
    virtual void set_full_screen(bool full) = 0;
    /// The text that was last copied on the desktop, UTF-8; empty when there is none.
    virtual std::string clipboard() = 0;
    /// The pointer's movement, and the desktop's own keys, come to us alone.
    virtual void capture(bool on) = 0;
    /// The host's pointer is to be seen over the window.
    virtual void show_pointer(bool on) = 0;
    /// Takes a new picture; show() displays it.
    virtual void upload(const devices::Frame& frame) = 0;
    /// Takes a panel that stands before the picture, which is darker then; without dots: none.
    virtual void upload_panel(const devices::Frame& frame) = 0;
    virtual void show(const Placement& picture, const Placement& panel) = 0;
};

/// The environment names a display that a window could be opened on.
bool display_is_named();

/// Opens a window through the module beside the program or in ../lib/bantam. Errors: host_resource (no module, no
/// display).
Result<std::unique_ptr<Screen>> open_screen();

}  // namespace bantam::frontend
