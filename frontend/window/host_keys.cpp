#include "frontend/window/host_keys.h"

#include <algorithm>
#include <array>

#include "devices/hid_keys.h"

namespace bantam::frontend {
namespace {

constexpr unsigned kMenuKey = 0x65;  // "application"
constexpr unsigned kLeftControl = 0xE0, kLeftAlt = 0xE2, kRightControl = 0xE4;
constexpr unsigned usage_of(char letter) { return 0x04 + static_cast<unsigned>(letter - 'A'); }

constexpr Shortcut row(char letter, Action action, std::string_view help) {
    return {usage_of(letter), letter, action, help};
}
constexpr std::array kShortcuts{
    row('M', Action::menu, "this menu"),
    row('G', Action::capture_mouse, "give the guest the mouse, or take it back (Ctrl-Alt too)"),
    row('F', Action::full_screen, "full screen, and back"),
    row('I', Action::scaling, "dots as whole squares, or the shape a monitor shows"),
    row('S', Action::screenshot, "write the screen to a PNG file in the current folder"),
    row('P', Action::pause, "pause, and go on"),
    row('D', Action::ctrl_alt_delete, "press Ctrl-Alt-Del"),
    row('V', Action::paste, "type the text of the clipboard, or stop typing it"),
    row('B', Action::power_button, "press the power button"),
    row('R', Action::reset, "reset the machine"),
    row('Q', Action::close, "close: press the power button, the second time end all"),
};

}  // namespace

std::span<const Shortcut> shortcut_table() { return kShortcuts; }

bool HostKeys::host_combination() const {
    return held_.count(kLeftAlt) != 0 && (held_.count(kLeftControl) != 0 || held_.count(kRightControl) != 0);
}

/// Whatever the guest has down.
void HostKeys::let_go(Answer& answer) {
    for (const u16 held : guest_holds_) answer.guest.push_back({held, false});
    guest_holds_.clear();
}

HostKeys::Answer HostKeys::key(unsigned usage, bool pressed, bool guest_listens) {
    Answer answer;
    const auto code = devices::set1_of_hid(usage);
    if (!pressed) {
        if (alone_ && host_combination()) answer.action = Action::release_mouse;
        held_.erase(usage);
        alone_ = false;
        if (code && guest_holds_.erase(*code) != 0) answer.guest.push_back({*code, false});
        return answer;
    }
    if (usage == kMenuKey) {
        if (!held_.insert(usage).second) return answer;
        alone_ = false;
        let_go(answer);
        answer.action = Action::menu;
        return answer;
    }
    if (host_combination()) {
        alone_ = false;
        const auto found = std::find_if(kShortcuts.begin(), kShortcuts.end(),
                                        [usage](const Shortcut& shortcut) { return shortcut.usage == usage; });
        if (found != kShortcuts.end()) {
            if (!held_.insert(usage).second) return answer;
            let_go(answer);
            answer.action = found->action;
            return answer;
        }
    }
    const bool before = host_combination();
    held_.insert(usage);
    if (!before && host_combination()) alone_ = held_.size() == 2;
    if (code && guest_listens && guest_holds_.insert(*code).second) answer.guest.push_back({*code, true});
    return answer;
}

std::vector<HostKeys::GuestKey> HostKeys::release_all() {
    std::vector<GuestKey> released;
    for (const u16 held : guest_holds_) released.push_back({held, false});
    guest_holds_.clear();
    held_.clear();
    alone_ = false;
    return released;
}

}  // namespace bantam::frontend
