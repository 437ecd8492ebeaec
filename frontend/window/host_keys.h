// HostKeys: which keys go to the guest and which are shortcuts of the window. Shortcuts are Ctrl-Alt and one of the
// letters in shortcut_table(), and the Menu key alone; AltGr is no Alt here, so that layouts with it keep their
// characters. Whatever the guest saw go down it sees go up, also when the window loses the keyboard.
#pragma once

#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace bantam::frontend {

enum class Action {
    none,
    menu,  // open or close it
    release_mouse,
    capture_mouse,  // or release it
    full_screen,
    scaling,
    screenshot,
    pause,
    ctrl_alt_delete,
    paste,  // or stop to
    power_button,
    reset,
    close,
    // from the menu alone
    quit,
    menu_key,  // pressed in the guest
    insert,
    eject,
};

struct Shortcut {
    unsigned usage;  // HID usage of the key
    char letter;
    Action action;
    std::string_view help;
};
std::span<const Shortcut> shortcut_table();

class HostKeys {
public:
    struct GuestKey {
        u16 set1;
        bool pressed;
    };
    struct Answer {
        std::vector<GuestKey> guest;
        Action action = Action::none;
    };
    /// A key by its HID usage. Ctrl and Alt pressed and let go alone give Action::release_mouse. Without
    /// `guest_listens` the guest gets to see no press, and of what it saw go down the release.
    Answer key(unsigned usage, bool pressed, bool guest_listens = true);
    /// Nothing is down any more as far as we know.
    std::vector<GuestKey> release_all();

private:
    [[nodiscard]] bool host_combination() const;
    void let_go(Answer& answer);

    std::set<unsigned> held_;    // by the person
    std::set<u16> guest_holds_;  // set 1 codes
    bool alone_ = false;         // Ctrl and Alt are down, and nothing else was since
};

}  // namespace bantam::frontend
