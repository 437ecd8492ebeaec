#include "machine/typist.h"

#include <iterator>

#include "machine/machine.h"

namespace bantam {

void Typist::begin(std::vector<Keystroke> keystrokes) {
    stop();
    waiting_.assign(std::make_move_iterator(keystrokes.begin()), std::make_move_iterator(keystrokes.end()));
    since_ns_ = machine_.now_ns();
}

void Typist::add(Keystroke keystroke) {
    if (waiting_.empty() && held_.empty()) since_ns_ = machine_.now_ns();
    waiting_.push_back(std::move(keystroke));
}

bool Typist::ring_empty() const {
    constexpr u64 kPaging = u64{1} << 31;
    constexpr u64 kVector9 = 9 * 4, kHead = 0x41A, kTail = 0x41C;
    if ((machine_.cpu().state.cr0 & kPaging) != 0) return true;
    const auto word = [&](u64 address) { return machine_.memory().peek({address}, 2); };
    const bool bios = word(kVector9 + 2) == 0xF000;
    return !bios || word(kHead) == word(kTail);
}

void Typist::press(const Keystroke& keystroke) {
    constexpr unsigned kCapsLock = 4;
    held_ = keystroke.keys;
    hold_ns_ = keystroke.hold_ns;
    if (keystroke.letter && (machine_.keyboard_leds() & kCapsLock) != 0) {
        const bool shifted = held_.size() > 1;
        held_ = shifted ? Chord{held_.back()} : Chord{*devices::key_by_name("shift"), held_.back()};
    }
    for (const devices::KeyCode key : held_) machine_.set_key(key, true);
}

void Typist::let_go() {
    for (auto key = held_.rbegin(); key != held_.rend(); ++key) machine_.set_key(*key, false);
    held_.clear();
    ++typed_;
}

void Typist::stop() {
    if (!held_.empty()) let_go();
    waiting_.clear();
    typed_ = 0;
}

Typist::State Typist::step() {
    const u64 now = machine_.now_ns();
    const u64 since = now - since_ns_;
    const bool read = machine_.keyboard_read();
    if (!held_.empty()) {
        const bool long_enough = hold_ns_ != 0 ? since >= hold_ns_ : read || since >= kLongestHold_ns;
        if (!long_enough) return State::typing;
        let_go();
        since_ns_ = now;
    } else if (read) {
        const bool insists = !waiting_.empty() && waiting_.front().insists && since >= kInsists_ns;
        if (!insists && !ring_empty()) return since >= kPatience_ns ? State::stuck : State::typing;
        if (waiting_.empty()) return State::done;
        press(waiting_.front());
        waiting_.pop_front();
        since_ns_ = now;
    }
    return now - since_ns_ >= kPatience_ns ? State::stuck : State::typing;
}

void Typist::describe(Archive& archive) {
    u64 waiting = waiting_.size();
    u64 held = held_.size();
    archive.field("waiting", waiting);
    archive.field("held", held);
}

}  // namespace bantam
