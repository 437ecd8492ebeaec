#include "tests/jit/sixteen_bit_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace bantam::jit {

SixteenBitBoard::SixteenBitBoard(bool translated, Optimisations optimisations, u32 threshold)
    : EngineBoard(kRamBytes, translated, {.threshold = threshold, .optimisations = optimisations}) {}

void SixteenBitBoard::set_segment(unsigned segment, u64 base, u32 limit, u16 attributes) {
    cpu().set_segment(segment, static_cast<u16>(base >> 4), base, limit, attributes);
}

void SixteenBitBoard::start(SixteenBitMode mode, u16 segment) {
    memory().set_a20(true);
    engine().reset();
    const std::vector<u8> zeros(kRamBytes);
    poke(0, zeros);
    state() = CpuState{};
    cpu().reset();
    cpu().mmu.flush_all();
    for (u16 vector = 0; vector < 256; ++vector) {
        poke16(4u * vector, static_cast<u16>(16 * vector));
        poke16(4u * vector + 2, kHandlerSegment);
        poke16(u64{kHandlerSegment} * 16 + 16u * vector, 0xF4F4);
    }
    CpuState& s = state();
    s.gpr = {};
    s.cr4 |= 0x600;  // OSFXSR, OSXMMEXCPT
    const bool real = mode == SixteenBitMode::real || mode == SixteenBitMode::unreal;
    if (!real) s.cr0 |= 1;
    u32 flags = kFlagReserved1;
    if (mode == SixteenBitMode::v86) {
        flags |= kFlagVm | kFlagIopl;
        s.cpl = 3;
    }
    const bool wide = mode == SixteenBitMode::protected_wide;
    const bool narrow = mode == SixteenBitMode::protected_narrow;
    const u16 rights = mode == SixteenBitMode::v86 ? 0xF3 : 0x93;
    const u64 base = u64{segment} * 16;
    for (unsigned k = 0; k < kSegmentCount; ++k) set_segment(k, base, 0xFFFF, rights);
    if (!real && mode != SixteenBitMode::v86) set_segment(kCs, base, 0xFFFF, 0x9B);
    if (mode == SixteenBitMode::unreal) {
        for (const unsigned k : {kDs, kEs, kGs}) set_segment(k, base, 0xFFFFFFFF, 0x8093);
    }
    if (wide) set_segment(kSs, base, 0xFFFFFFFF, 0xC093);
    if (narrow) {
        set_segment(kDs, base, 0x7FFF, rights);
        set_segment(kEs, base, 0x0FFF, 0x97);
        set_segment(kFs, base, 0xFFFF, 0x91);
        set_segment(kGs, 0, 0, 0);
    }
    s.set_eflags(flags);
    cpu().update_mode();
}

std::string differences(SixteenBitBoard& interpreted, SixteenBitBoard& translated, bool with_memory) {
    std::string text;
    const auto compare = [&text](std::string_view name, u64 a, u64 b) {
        if (a != b) text += fmt::format("{}: interpreter {:x} translator {:x}\n", name, a, b);
    };
    const CpuState& a = interpreted.state();
    const CpuState& b = translated.state();
    compare("instructions", a.instructions, b.instructions);
    compare("rip", a.rip(), b.rip());
    compare("eflags", a.eflags(), b.eflags());
    for (unsigned reg = 0; reg < 16; ++reg) compare(fmt::format("register {}", reg), a.gpr[reg], b.gpr[reg]);
    for (unsigned k = 0; k < kSegmentCount; ++k) {
        const SegmentRegister& one = a.segment[k];
        const SegmentRegister& other = b.segment[k];
        compare(fmt::format("selector {}", k), one.selector, other.selector);
        compare(fmt::format("base {}", k), one.base, other.base);
        compare(fmt::format("hidden base {}", k), one.hidden_base, other.hidden_base);
        compare(fmt::format("limit {}", k), one.limit, other.limit);
        compare(fmt::format("rights {}", k), one.attributes, other.attributes);
    }
    for (unsigned reg = 0; reg < 16; ++reg) {
        if (a.vector[reg].bytes != b.vector[reg].bytes) text += fmt::format("xmm{}\n", reg);
    }
    compare("mxcsr", a.mxcsr, b.mxcsr);
    if (a.x87 != b.x87) text += "x87\n";
    compare("x87 pointer", a.x87_instruction_pointer, b.x87_instruction_pointer);
    compare("cr0", a.cr0, b.cr0);
    if (with_memory && std::memcmp(interpreted.ram(), translated.ram(), SixteenBitBoard::kRamBytes) != 0) {
        const auto at =
            std::mismatch(interpreted.ram(), interpreted.ram() + SixteenBitBoard::kRamBytes, translated.ram());
        text += fmt::format("memory at {:x}: interpreter {:02x} translator {:02x}\n", at.first - interpreted.ram(),
                            *at.first, *at.second);
    }
    return text;
}

}  // namespace bantam::jit
