// Which host register holds which guest register while translated code runs, the same in all modes.
//
//   RAX RCX RDX RBX RBP RSI RDI R8 R9 R10   the guest's of the same name
//   R12    the guest's RSP          R13   instructions left, see Context::remaining
//   R11, R14, R15   scratch         RSP   the ReturnStack
//                   R15 in code with windows: the home window's distance, at both ends of each block (Emitter::home)
//   EFLAGS          the guest's status flags, always: nothing that is inserted between guest instructions touches them
//
//   x87, MMX        the guest's, always (cpu/host/x87_unit.h)
//   XMM, YMM, MXCSR the guest's in blocks that use them, and on until translated code is left or a handler is called;
//                   Context::vectors_away says where they are (jit/vector_registers.h)
//
// The guest's R11 to R15 stay in CpuState ("homed"). Compilers use them least.
#pragma once

#include <asmjit/x86.h>

#include <array>

#include "cpu/isa/instruction.h"
#include "cpu/state.h"

namespace bantam::jit {

namespace x86 = asmjit::x86;

inline constexpr x86::Gp kGuestRsp = x86::r12;
inline constexpr x86::Gp kCount = x86::r13;
// The roles of the scratch registers around a memory operand; free for anything else in between.
inline constexpr x86::Gp kAddress = x86::r14;  // its linear address
inline constexpr x86::Gp kAddend = x86::r15;   // host address minus linear address
inline constexpr x86::Gp kSpare = x86::r11;

struct PinnedRegister {
    Gpr guest;
    x86::Gp host;
};
inline constexpr std::array<PinnedRegister, 11> kPinned{{{kRax, x86::rax},
                                                         {kRcx, x86::rcx},
                                                         {kRdx, x86::rdx},
                                                         {kRbx, x86::rbx},
                                                         {kRsp, kGuestRsp},
                                                         {kRbp, x86::rbp},
                                                         {kRsi, x86::rsi},
                                                         {kRdi, x86::rdi},
                                                         {kR8, x86::r8},
                                                         {kR9, x86::r9},
                                                         {kR10, x86::r10}}};

[[nodiscard]] constexpr bool is_homed(unsigned guest) { return guest >= kR11; }
/// The same of the base or the index of an address (isa::Instruction), which may be no general register.
[[nodiscard]] constexpr bool is_homed_part(u8 slot) { return slot < isa::kSlotRip && is_homed(slot); }
/// The host register that holds `guest`, which is not homed.
[[nodiscard]] constexpr x86::Gp host_register(unsigned guest) { return guest == kRsp ? kGuestRsp : x86::gpq(guest); }

}  // namespace bantam::jit
