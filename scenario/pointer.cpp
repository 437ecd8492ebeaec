#include "scenario/pointer.h"

#include <algorithm>

namespace bantam::scenario {
namespace {

/// The middle of pixel `at` of `extent` as the absolute pointer counts.
unsigned across(unsigned at, unsigned extent) {
    return static_cast<unsigned>((u64{at} * 2 + 1) * 0x10000 / (u64{std::max(extent, 1u)} * 2));
}

}  // namespace

void Pointer::begin(unsigned x, unsigned y, unsigned buttons) {
    const devices::Frame frame = machine_.frame();
    phase_ = Phase::begun;
    buttons_ = buttons;
    absolute_ = machine_.mouse_is_absolute();
    absolute_x_ = std::min(across(x, frame.width), 0xFFFFu);
    absolute_y_ = std::min(across(y, frame.height), 0xFFFFu);
    left_x_ = static_cast<int>(std::min(x, frame.width));
    left_y_ = static_cast<int>(std::min(y, frame.height));
    since_ns_ = machine_.now_ns();
}

void Pointer::press(unsigned buttons) {
    if (absolute_) {
        static_cast<void>(machine_.mouse_absolute(absolute_x_, absolute_y_, buttons));
    } else {
        machine_.mouse_button(buttons);
    }
}

void Pointer::move() {
    const int dx = std::min(left_x_, kStep), dy = std::min(left_y_, kStep);
    left_x_ -= dx;
    left_y_ -= dy;
    machine_.mouse_move(dx, dy);
}

Pointer::State Pointer::step() {
    const u64 now = machine_.now_ns();
    if (!machine_.mouse_heard() || !machine_.mouse_read())
        return now - since_ns_ >= kPatience_ns ? State::stuck : State::moving;
    const bool held = now - since_ns_ >= kHold_ns;
    const auto enter = [&](Phase phase) {
        phase_ = phase;
        since_ns_ = now;
    };
    switch (phase_) {
        case Phase::begun:
            if (absolute_) {
                press(0);
                enter(Phase::moving);
            } else {
                machine_.mouse_move(-kFarAway, -kFarAway);
                enter(Phase::homing);
            }
            break;
        case Phase::homing:
            if (held) enter(Phase::moving);
            break;
        case Phase::moving:
            if (!absolute_ && (left_x_ > 0 || left_y_ > 0)) {
                move();
                since_ns_ = now;
            } else if (held) {
                press(buttons_);
                enter(Phase::pressed);
            }
            break;
        case Phase::pressed:
            if (!held) break;
            press(0);
            enter(Phase::released);
            break;
        case Phase::released:
            if (held) return State::done;
            break;
    }
    return State::moving;
}

}  // namespace bantam::scenario
