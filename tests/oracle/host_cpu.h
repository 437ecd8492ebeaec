// HostCpu: runs a few guest instructions directly on the host CPU, in this process, in 64-, 32- or 16-bit mode, and
// reports the resulting state or fault. The judge of instruction results.
//
// Entry is a return from a signal: rt_sigreturn with a frame that holds the whole wanted state, CS and SS included
// (32-bit code is CS 23h, 16-bit code a segment in the LDT). Exit is the signal that INT3 or a fault raises; its
// handler copies the interrupted state and jumps back. A seccomp rule turns system calls made by a test program into
// SIGSYS.
#pragma once

#include <array>
#include <vector>

#include "base/types.h"
#include "cpu/isa/decoder.h"
#include "tests/oracle/program.h"

namespace bantam::oracle {

class HostCpu {
public:
    /// Maps the arena at its fixed address and installs the signal handlers. One per process, made after any GuestCpu,
    /// whose handler of SIGFPE is kept in use.
    HostCpu();
    ~HostCpu();
    HostCpu(const HostCpu&) = delete;
    HostCpu& operator=(const HostCpu&) = delete;

    /// Loads `initial` and the arena contents, runs until INT3 or a fault, and returns what happened. Outcome::ended is
    /// false for a program that was stopped after half a second.
    Outcome run(isa::CodeSize mode, const ProgramState& initial, const Arena& arena);

    /// The mapped part of the arena after the last run, kMappedBytes long.
    [[nodiscard]] const u8* arena() const;

    /// False for addresses where this process has, or may come to have, memory of its own.
    [[nodiscard]] bool faults_like_guest(u64 address) const {
        return address < first_foreign_ || (address >= kArenaBase && address < kArenaBase + kArenaBytes);
    }

private:
    u64 first_foreign_ = 0;
};

}  // namespace bantam::oracle
