// Pointer: clicks at a place of the screen, as fast as the guest reads and never faster. A guest that drives the
// absolute pointer (vmmouse, USB tablet) is told the place. Any other has a PS/2 mouse: nobody but the guest knows
// where its pointer is, so it is first pushed into the upper left corner, and then moved by one count a pixel, so few a
// packet that drivers do not take it for a quick movement and multiply it.
#pragma once

#include "machine/machine.h"

namespace bantam::scenario {

class Pointer {
public:
    enum class State { moving, done, stuck };

    /// A guest that does not read the mouse for so much guest time never will.
    static constexpr u64 kPatience_ns = 30'000'000'000;

    explicit Pointer(Machine& machine) : machine_(machine) {}

    /// Click at x, y, pixels of the picture as it is now; `buttons` as Machine::mouse_button has them.
    void begin(unsigned x, unsigned y, unsigned buttons);
    /// Does what can be done now; to be called every so often of guest time.
    State step();

private:
    /// What was done last.
    enum class Phase { begun, homing, moving, pressed, released };
    void move();
    void press(unsigned buttons);

    static constexpr u64 kHold_ns = 100'000'000;  // before the press, of the button, and after its release
    static constexpr int kStep = 2;               // counts a packet
    static constexpr int kFarAway = 8192;         // counts that reach the corner from anywhere

    Machine& machine_;
    Phase phase_ = Phase::begun;
    bool absolute_ = false;
    unsigned buttons_ = 0;
    unsigned absolute_x_ = 0, absolute_y_ = 0;  // 0 to 65535 across the screen
    int left_x_ = 0, left_y_ = 0;               // counts still to move
    u64 since_ns_ = 0;
};

}  // namespace bantam::scenario
