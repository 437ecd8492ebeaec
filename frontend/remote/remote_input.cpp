#include "frontend/remote/remote_input.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "frontend/remote/keysyms.h"

namespace bantam::frontend {
namespace {

constexpr unsigned kCapsLockLed = 1 << 2;
// Bits of RFB's button mask (RFC 6143, section 7.5.5).
constexpr unsigned kLeft = 1 << 0, kMiddle = 1 << 1, kRight = 1 << 2, kWheelAway = 1 << 3, kWheelNear = 1 << 4;

devices::KeyCode key_named(std::string_view name) {
    const auto key = devices::key_by_name(name);
    CHECK(key.has_value());
    return *key;
}

/// As Machine::mouse_button counts: left, right, middle.
unsigned machine_buttons(unsigned mask) {
    return ((mask & kLeft) != 0 ? 1u : 0) | ((mask & kRight) != 0 ? 2u : 0) | ((mask & kMiddle) != 0 ? 4u : 0);
}

}  // namespace

RemoteInput::RemoteInput(Machine& machine)
    : machine_(machine), shift_(key_named("shift")), shift_r_(key_named("shift_r")) {}

void RemoteInput::key(Viewer viewer, u32 keysym, std::optional<u16> scan_code, bool pressed) {
    if (scan_code) {
        const auto key = devices::key_by_set1(*scan_code);
        if (!key) return log::debug("a viewer's key has an unknown scan code, {:x}h", *scan_code);
        return pressed ? hold(viewer, *key) : let_go(viewer, *key);
    }
    const auto meant = key_by_keysym(keysym);
    if (!meant) return log::debug("a viewer's key has no place on a US keyboard: keysym {:x}h", keysym);
    if (!pressed) return let_go(viewer, meant->key);
    if (meant->character && !is_held(meant->key)) {
        const bool caps_lock = meant->letter && (machine_.keyboard_leds() & kCapsLockLed) != 0;
        const bool shift = meant->shift != caps_lock;
        if (shift != (is_held(shift_) || is_held(shift_r_))) return strike(meant->key, shift);
    }
    hold(viewer, meant->key);
}

void RemoteInput::hold(Viewer viewer, devices::KeyCode key) {
    const bool held = is_held(key);
    holders_[key].insert(viewer);
    if (!held) machine_.set_key(key, true);
}

void RemoteInput::let_go(Viewer viewer, devices::KeyCode key) {
    const auto found = holders_.find(key);
    if (found == holders_.end() || found->second.erase(viewer) == 0 || !found->second.empty()) return;
    holders_.erase(found);
    machine_.set_key(key, false);
}

/// The key goes up at once: when the person lets it go, its character may have another name, as "7" for "/".
void RemoteInput::strike(devices::KeyCode key, bool shift) {
    const auto set_shifts = [this](bool pressed) {
        for (const devices::KeyCode held : {shift_, shift_r_}) {
            if (is_held(held)) machine_.set_key(held, pressed);
        }
    };
    if (shift) {
        machine_.set_key(shift_, true);
    } else {
        set_shifts(false);
    }
    machine_.set_key(key, true);
    machine_.set_key(key, false);
    if (shift) {
        machine_.set_key(shift_, false);
    } else {
        set_shifts(true);
    }
}

void RemoteInput::pointer(Viewer viewer, const Point& point, unsigned buttons) {
    const bool known = hands_.contains(viewer);
    Hand& hand = hands_[viewer];
    const Hand before = hand;
    constexpr unsigned kWheel = kWheelAway | kWheelNear;
    const int x = std::clamp(point.x, 0, point.width - 1), y = std::clamp(point.y, 0, point.height - 1);
    hand = {.x = x,
            .y = y,
            .at = point_on_picture({.x = 0, .y = 0, .width = point.width, .height = point.height}, x, y),
            .buttons = machine_buttons(buttons),
            .wheel = buttons & kWheel};
    const unsigned turned = hand.wheel & ~before.wheel;
    const int wheel = ((turned & kWheelNear) != 0 ? 1 : 0) - ((turned & kWheelAway) != 0 ? 1 : 0);
    if (machine_.mouse_absolute(hand.at.x, hand.at.y, hand.buttons, wheel)) return;
    const int dx = known ? hand.x - before.x : 0, dy = known ? hand.y - before.y : 0;
    if (dx != 0 || dy != 0 || wheel != 0) machine_.mouse_move(dx, dy, wheel);
    if (hand.buttons != before.buttons) machine_.mouse_button(hand.buttons);
}

void RemoteInput::leave(Viewer viewer) {
    for (auto next = holders_.begin(); next != holders_.end();) {
        const devices::KeyCode key = (next++)->first;
        let_go(viewer, key);
    }
    const auto found = hands_.find(viewer);
    if (found == hands_.end()) return;
    const Hand hand = found->second;
    hands_.erase(found);
    if (hand.buttons == 0) return;
    if (!machine_.mouse_absolute(hand.at.x, hand.at.y, 0)) machine_.mouse_button(0);
}

}  // namespace bantam::frontend
