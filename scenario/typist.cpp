#include "scenario/typist.h"

#include <fmt/format.h>

namespace bantam::scenario {

Result<std::vector<Chord>> chords_for_text(const std::string& text) {
    std::vector<Chord> chords;
    for (const char character : text) {
        const auto key = devices::key_for_ascii(character);
        if (!key) {
            return Error{ExitStatus::usage, fmt::format("a US keyboard has no key for byte {:02x}h",
                                                        static_cast<unsigned char>(character))};
        }
        chords.push_back(key->shift ? Chord{*devices::key_by_name("shift"), key->key} : Chord{key->key});
    }
    return chords;
}

void Typist::begin(std::vector<Chord> chords, u64 hold_ns) {
    chords_ = std::move(chords);
    hold_ns_ = hold_ns;
    next_ = 0;
    held_ = false;
    since_ns_ = machine_.now_ns();
}

bool Typist::ring_empty() const {
    constexpr u64 kPaging = u64{1} << 31;
    constexpr u64 kVector9 = 9 * 4, kHead = 0x41A, kTail = 0x41C;
    if ((machine_.cpu().state.cr0 & kPaging) != 0) return true;
    const auto word = [&](u64 address) { return machine_.memory().peek({address}, 2); };
    const bool bios = word(kVector9 + 2) == 0xF000;
    return !bios || word(kHead) == word(kTail);
}

void Typist::let_go() {
    const Chord& chord = chords_[next_];
    for (auto key = chord.rbegin(); key != chord.rend(); ++key) machine_.set_key(*key, false);
    held_ = false;
    ++next_;
}

void Typist::stop() {
    if (held_) let_go();
    chords_.clear();
    next_ = 0;
}

Typist::State Typist::step() {
    const u64 now = machine_.now_ns();
    const bool read = machine_.keyboard_read();
    const u64 held_ns = now - since_ns_;
    const bool long_enough = hold_ns_ == 0 ? read || held_ns >= kLongestHold_ns : held_ns >= hold_ns_;
    if (held_ && long_enough) {
        let_go();
        since_ns_ = now;
    } else if (!held_ && read && ring_empty()) {
        if (next_ == chords_.size()) return State::done;
        for (const devices::KeyCode key : chords_[next_]) machine_.set_key(key, true);
        held_ = true;
        since_ns_ = now;
    }
    const bool holding = held_ && hold_ns_ != 0;
    return !holding && now - since_ns_ >= kPatience_ns ? State::stuck : State::typing;
}

}  // namespace bantam::scenario
