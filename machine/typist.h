// Typist: types as fast as the guest reads, and never faster. A key is pressed only when the guest has read every byte
// the keyboard had to send from port 60h (by interrupt or by polling alike), and it is released when the press was
// read. Software that asks the BIOS (DOS, GRUB) reads the port in the BIOS's handler and the keys later from a ring of
// 15 in the BIOS data area (IBM PC/AT Technical Reference: 40:1Ah head, 40:1Ch tail), which may overflow: while paging
// is off and vector 9 leads into the ROM at F000h, the next key therefore waits until that ring is empty. Letters come
// out as they were meant while the guest shows Caps Lock by the keyboard's LED. Left out: BIOS keyboard handlers under
// paging (DOS in virtual-8086 mode), where only the port paces; layouts other than US.
#pragma once

#include <deque>
#include <vector>

#include "base/archive.h"
#include "machine/keystroke.h"

namespace bantam {

class Machine;

class Typist {
public:
    enum class State { typing, done, stuck };

    /// A guest that reads no key for so much guest time never will.
    static constexpr u64 kPatience_ns = 30'000'000'000;
    /// A key is let go after so long even if its press was not read yet, before the keyboard repeats it (250 ms at
    /// least).
    static constexpr u64 kLongestHold_ns = 150'000'000;
    /// How long a keystroke that insists waits for the BIOS's ring.
    static constexpr u64 kInsists_ns = 1'000'000'000;

    explicit Typist(Machine& machine) : machine_(machine) {}

    /// Types these, and nothing that was left.
    void begin(std::vector<Keystroke> keystrokes);
    /// Types one more after those that wait.
    void add(Keystroke keystroke);
    /// Does what can be done now; to be called every so often of guest time.
    State step();
    /// Lets go of what is held, and types no more.
    void stop();
    /// Nothing is left but to let go of the last key.
    [[nodiscard]] bool all_pressed() const { return waiting_.empty(); }
    /// Keystrokes since begin(): typed, and all.
    [[nodiscard]] std::size_t typed() const { return typed_; }
    [[nodiscard]] std::size_t all() const { return typed_ + held_count() + waiting_.size(); }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
    void describe(Archive& archive);

private:
    [[nodiscard]] std::size_t held_count() const { return held_.empty() ? 0 : 1; }
    void press(const Keystroke& keystroke);
    void let_go();
    [[nodiscard]] bool ring_empty() const;

    Machine& machine_;
    std::deque<Keystroke> waiting_;
    Chord held_;
    u64 hold_ns_ = 0;  // of `held_`
    std::size_t typed_ = 0;
    u64 since_ns_ = 0;  // when the keys were last moved
};

}  // namespace bantam
