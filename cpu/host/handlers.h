// HostExecutor: gives the interpreter a handler for every instruction that the host CPU executes (DESIGN section 3,
// class "host") and for the called instructions around x87, SSE and AVX state. Owns the thunks.
//
// Handlers are chosen under the CPU's mode (Cpu::mode_key covers CR0.MP/EM/TS/NE, CR4.OSFXSR/OSXSAVE/OSXMMEXCPT and
// XCR0): where an instruction is not available the handler just raises #UD or #NM.
#pragma once

#include <memory>

#include "base/result.h"
#include "cpu/cpu.h"
#include "cpu/host/thunk.h"

namespace bantam::host {

class HostExecutor {
public:
    /// Errors: host_resource when the host refuses executable memory.
    static Result<std::unique_ptr<HostExecutor>> create(std::size_t code_bytes = kDefaultCodeBytes);

    /// The handler for `instruction` in the CPU's current mode, with instruction.thunk set when it needs one; null when
    /// the instruction is not executed here. The CPU runs it with state.rip at the next instruction and instruction_rip
    /// at this.
    isa::Handler handler_for(Cpu& cpu, isa::Instruction& instruction);

    /// True when the engine should drop every Instruction it holds and call flush() before it decodes on. At least
    /// kReserve bytes of code, 2000 instructions, remain free when it first becomes true.
    [[nodiscard]] bool nearly_full() const { return thunks_.free_bytes() < kReserve; }
    /// Forgets all thunks: every Instruction::thunk becomes invalid.
    void flush() { thunks_.clear(); }
    [[nodiscard]] std::size_t thunk_count() const { return thunks_.size(); }

    static constexpr std::size_t kDefaultCodeBytes = std::size_t{16} << 20;
    static constexpr std::size_t kReserve = std::size_t{1} << 20;

private:
    explicit HostExecutor(std::unique_ptr<CodeArena> arena) : thunks_(std::move(arena)) {}

    ThunkCache thunks_;
};

}  // namespace bantam::host
