// Runs one instruction of 64-bit code directly on the host with a whole register state: what thunks are compared with.
#pragma once

#include <array>
#include <span>

#include "base/types.h"

namespace bantam::host {

/// Offsets are known to the generated code in native_runner.cpp.
struct NativeState {
    alignas(64) std::array<u8, 512> x87{};  // FXSAVE64 image: x87 and MXCSR
    std::array<std::array<u8, 32>, 16> vector{};
    std::array<u64, 16> gpr{};  // RSP is not loaded
    u64 flags = 2;
};

class NativeRunner {
public:
    NativeRunner();
    ~NativeRunner();
    NativeRunner(const NativeRunner&) = delete;
    NativeRunner& operator=(const NativeRunner&) = delete;

    /// Executes `instruction` on `state`. It must not fault, branch or use RSP.
    void run(std::span<const u8> instruction, NativeState& state);

private:
    u8* code_ = nullptr;
};

}  // namespace bantam::host
