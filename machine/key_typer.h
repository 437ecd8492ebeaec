// KeyTyper: presses keys for `sendkey` as a person would: chords one after another, each held long enough for any guest
// to see it. Works in guest time, so it is as repeatable as the rest.
#pragma once

#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/scheduler.h"
#include "devices/key_names.h"

namespace bantam {

/// Keys that are held together, in the order of pressing.
using Chord = std::vector<devices::KeyCode>;

/// "ctrl-alt-delete": keys by QEMU's names, or by set-1 scan codes as 0x1d. Errors (usage): no such key.
Result<Chord> parse_chord(std::string_view keys);

class KeyTyper {
public:
    /// 100 ms, as QEMU holds keys: games that move per tick see the key down for at least one.
    static constexpr u64 kHold_ns = 100'000'000;
    static constexpr u64 kGap_ns = 20'000'000;
    static constexpr std::size_t kMaxWaiting = 1024;

    using Press = std::function<void(devices::KeyCode key, bool pressed)>;
    /// `press` presses and releases keys.
    KeyTyper(Scheduler& scheduler, Press press);

    /// Queues one chord, to be held for `hold_ns`. Errors (usage): the queue is full.
    Result<void> type(Chord chord, u64 hold_ns = kHold_ns);
    /// Forgets what waits and lets go of what is held.
    void reset();
    void describe(Archive& archive);

private:
    void step();

    Scheduler& scheduler_;
    Press press_;
    struct Stroke {
        Chord chord;
        u64 hold_ns;
    };
    std::deque<Stroke> waiting_;
    Chord held_;
    Timer timer_;
};

}  // namespace bantam
