// Typist: types as fast as the guest reads, and never faster. A key is pressed only when the guest has read every byte
// the keyboard had to send from port 60h (by interrupt or by polling alike), and it is released when the press was
// read. Software that asks the BIOS (DOS, GRUB) reads the port in the BIOS's handler and the keys later from a ring of
// 15 in the BIOS data area (IBM PC/AT Technical Reference: 40:1Ah head, 40:1Ch tail), which may overflow: while paging
// is off and vector 9 leads into the ROM at F000h, the next key therefore waits until that ring is empty. Left out:
// BIOS keyboard handlers under paging (DOS in virtual-8086 mode), where only the port paces; layouts other than US.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "machine/key_typer.h"
#include "machine/machine.h"

namespace bantam::scenario {

/// The keys of a US keyboard for `text`. Errors: usage, for a character it does not have.
Result<std::vector<Chord>> chords_for_text(const std::string& text);

class Typist {
public:
    enum class State { typing, done, stuck };

    /// A guest that reads no key for so much guest time never will.
    static constexpr u64 kPatience_ns = 30'000'000'000;
    /// A key is let go after so long even if its press was not read yet, before the keyboard repeats it (250 ms at
    /// least).
    static constexpr u64 kLongestHold_ns = 150'000'000;

    explicit Typist(Machine& machine) : machine_(machine) {}

    /// `hold_ns`: how long each chord is down; 0: until its press was read.
    void begin(std::vector<Chord> chords, u64 hold_ns = 0);
    /// Does what can be done now; to be called every so often of guest time.
    State step();
    /// Lets go of what is held, and types no more.
    void stop();
    /// Nothing is left but to let go of the last key.
    [[nodiscard]] bool all_pressed() const { return next_ + (held_ ? 1 : 0) == chords_.size(); }
    [[nodiscard]] std::size_t typed() const { return next_; }
    [[nodiscard]] std::size_t all() const { return chords_.size(); }

private:
    void let_go();
    [[nodiscard]] bool ring_empty() const;

    Machine& machine_;
    std::vector<Chord> chords_;
    u64 hold_ns_ = 0;
    std::size_t next_ = 0;
    bool held_ = false;
    u64 since_ns_ = 0;  // when the keys were last moved
};

}  // namespace bantam::scenario
