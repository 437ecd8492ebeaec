// SentKeys: what `sendkey` and send-key have asked for, typed in the order they came as the guest reads
// (machine/typist.h). Its timer is in guest time and part of the machine's state.
#pragma once

#include "base/scheduler.h"
#include "machine/typist.h"

namespace bantam {

class SentKeys {
public:
    /// 100 ms, as QEMU holds keys: games that move per tick see the key down for at least one.
    static constexpr u64 kHold_ns = 100'000'000;
    static constexpr std::size_t kMostWaiting = 1024;

    SentKeys(Machine& machine, Scheduler& scheduler);

    /// Errors (usage): too many wait.
    Result<void> add(Chord keys, u64 hold_ns);
    /// Forgets what waits and lets go of what is held.
    void reset();
    void describe(Archive& archive) { typist_.describe(archive); }

private:
    void step();

    Scheduler& scheduler_;
    Typist typist_;
    Timer timer_;
};

}  // namespace bantam
