#include "tests/oracle/compare.h"

#include <fmt/format.h>

namespace bantam::oracle {
namespace {

constexpr std::array kNames{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                            "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

template <class T>
T field(const ProgramState& state, std::size_t offset) {
    T value;
    std::memcpy(&value, state.fxsave.data() + offset, sizeof(T));
    return value;
}

std::string hex(const u8* bytes, std::size_t count) {
    std::string text;
    for (std::size_t at = count; at-- > 0;) text += fmt::format("{:02x}", bytes[at]);
    return text;
}

void compare_fpu(const ProgramState& host, const ProgramState& guest, std::string& text) {
    const auto scalar = [&](const char* name, u64 h, u64 g) {
        if (h != g) text += fmt::format("  {}: host {:x} bantam {:x}\n", name, h, g);
    };
    scalar("fcw", field<u16>(host, 0), field<u16>(guest, 0));
    scalar("fsw", field<u16>(host, 2), field<u16>(guest, 2));
    scalar("ftw", field<u8>(host, 4), field<u8>(guest, 4));
    scalar("mxcsr", field<u32>(host, 24), field<u32>(guest, 24));
    for (std::size_t reg = 0; reg < 8; ++reg) {
        const u8* h = host.fxsave.data() + 32 + 16 * reg;
        const u8* g = guest.fxsave.data() + 32 + 16 * reg;
        if (std::memcmp(h, g, 10) != 0) text += fmt::format("  st{}: host {} bantam {}\n", reg, hex(h, 10), hex(g, 10));
    }
    for (std::size_t reg = 0; reg < 16; ++reg) {
        const u8* h = host.fxsave.data() + 160 + 16 * reg;
        const u8* g = guest.fxsave.data() + 160 + 16 * reg;
        if (std::memcmp(h, g, 16) != 0)
            text += fmt::format("  xmm{}: host {} bantam {}\n", reg, hex(h, 16), hex(g, 16));
        if (host.ymm_high[reg] != guest.ymm_high[reg]) {
            text += fmt::format("  ymm{} high: host {} bantam {}\n", reg, hex(host.ymm_high[reg].data(), 16),
                                hex(guest.ymm_high[reg].data(), 16));
        }
    }
}

}  // namespace

std::string differences(isa::CodeSize mode, const Outcome& host, const Outcome& guest, u32 defined_flags) {
    std::string text;
    if (host.vector != guest.vector) text += fmt::format("  vector: host {} bantam {}\n", host.vector, guest.vector);
    const bool has_error = (guest.vector >= 10 && guest.vector <= 14) || guest.vector == 17;
    if (has_error && host.error_code != guest.error_code) {
        text += fmt::format("  error code: host {:x} bantam {:x}\n", host.error_code, guest.error_code);
    }
    if (guest.vector == 14 && host.cr2 != guest.cr2) {
        text += fmt::format("  cr2: host {:x} bantam {:x}\n", host.cr2, guest.cr2);
    }
    if (host.state.rip != guest.state.rip) {
        text += fmt::format("  rip: host {:x} bantam {:x}\n", host.state.rip, guest.state.rip);
    }
    const bool wide = mode == isa::CodeSize::bits64;
    // Upper halves are the host kernel's: with a 16-bit stack it gives RSP one of its own addresses (espfix).
    const u64 significant = wide ? ~u64{0} : 0xFFFFFFFF;
    for (std::size_t reg = 0; reg < (wide ? 16 : 8); ++reg) {
        const u64 h = host.state.gpr[reg] & significant, g = guest.state.gpr[reg] & significant;
        if (h != g) text += fmt::format("  {}: host {:x} bantam {:x}\n", kNames[reg], h, g);
    }
    const u32 mask = kVisibleFlags & defined_flags;
    if (((host.state.eflags ^ guest.state.eflags) & mask) != 0) {
        text += fmt::format("  eflags: host {:x} bantam {:x} (compared: {:x})\n", host.state.eflags & mask,
                            guest.state.eflags & mask, mask);
    }
    compare_fpu(host.state, guest.state, text);
    return text;
}

}  // namespace bantam::oracle
