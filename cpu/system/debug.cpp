// Breakpoint matching (SDM vol. 3, 18.2.4 and 18.2.5). DR7 is the truth; the MMU only knows which pages to slow down.
// An enabled breakpoint is one whose L or G bit is set; L bits are cleared by task switches (task_switch.cpp).
// DR6 also reports the condition of breakpoints that match but are not enabled; only with an enabled match is there a
// #DB.
#include "cpu/system/debug.h"

namespace bantam {
namespace {

enum class BreakpointKind : u8 { execute = 0, write = 1, io = 2, read_write = 3 };

bool enabled(u64 dr7, unsigned n) { return bits(dr7, 2 * n, 2) != 0; }
BreakpointKind kind_of(u64 dr7, unsigned n) { return static_cast<BreakpointKind>(bits(dr7, 16 + 4 * n, 2)); }
unsigned length_of(u64 dr7, unsigned n) {
    constexpr unsigned kLength[4] = {1, 2, 8, 4};  // 10b is eight bytes on processors with 64-bit mode
    return kLength[bits(dr7, 18 + 4 * n, 2)];
}

bool overlaps(u64 breakpoint, unsigned length, u64 address, u64 size) {
    const u64 first = breakpoint & ~u64{length - 1u};
    return address < first + length && first < address + size;
}

}  // namespace

bool debug_instruction_breakpoint_armed(const CpuState& state) {
    const u64 dr7 = state.dr[7];
    if ((dr7 & 0xFF) == 0) return false;
    for (unsigned n = 0; n < 4; ++n) {
        if (enabled(dr7, n) && kind_of(dr7, n) == BreakpointKind::execute) return true;
    }
    return false;
}

u64 debug_instruction_match(const Cpu& cpu, u64 rip) {
    const CpuState& s = cpu.state;
    const Linear address = cpu.wrap_linear(s.segment[kCs].base + rip);
    u64 hit = 0;
    bool any_enabled = false;
    for (unsigned n = 0; n < 4; ++n) {
        if (kind_of(s.dr[7], n) != BreakpointKind::execute || s.dr[n] != address.value) continue;
        hit |= u64{1} << n;
        any_enabled = any_enabled || enabled(s.dr[7], n);
    }
    return any_enabled ? hit : 0;
}

void debug_data_access(Cpu& cpu, Linear address, std::span<const u8> bytes, bool write) {
    CpuState& s = cpu.state;
    for (DataWatch* watch : cpu.data_watches) watch->accessed(address, bytes, write);
    if ((s.dr[7] & 0xFF) == 0) return;
    u64 hit = 0;
    bool any_enabled = false;
    for (unsigned n = 0; n < 4; ++n) {
        const BreakpointKind kind = kind_of(s.dr[7], n);
        const bool type_matches = kind == BreakpointKind::read_write || (kind == BreakpointKind::write && write);
        if (!type_matches || !overlaps(s.dr[n], length_of(s.dr[7], n), address.value, bytes.size())) continue;
        hit |= u64{1} << n;
        any_enabled = any_enabled || enabled(s.dr[7], n);
    }
    if (any_enabled) debug_pend_trap(cpu, hit);
}

void debug_io_access(Cpu& cpu, u16 port, unsigned size) {
    CpuState& s = cpu.state;
    if ((s.dr[7] & 0xFF) == 0 || !bit(s.cr4, 3)) return;
    u64 hit = 0;
    bool any_enabled = false;
    for (unsigned n = 0; n < 4; ++n) {
        if (kind_of(s.dr[7], n) != BreakpointKind::io) continue;
        if (!overlaps(s.dr[n], length_of(s.dr[7], n), port, size)) continue;
        hit |= u64{1} << n;
        any_enabled = any_enabled || enabled(s.dr[7], n);
    }
    if (any_enabled) debug_pend_trap(cpu, hit);
}

u64 debug_turn(Cpu& cpu, u64 whole) {
    for (DataWatch* watch : cpu.data_watches) {
        if (const std::optional<u64> left = watch->left_of_turn()) return *left;
    }
    return whole;
}

void debug_between_elements(Cpu& cpu, u64 left) {
    for (DataWatch* watch : cpu.data_watches) {
        if (watch->leaves_repeat(left)) std::longjmp(*cpu.recovery, kLeftInTheMidst);
    }
}

void update_debug_watch(Cpu& cpu) {
    const CpuState& s = cpu.state;
    std::array<Linear, Mmu::kMostWatched> pages{};
    std::size_t count = 0;
    bool everywhere = false;
    for (const DataWatch* watch : cpu.data_watches) {
        for (const Linear page : watch->pages()) pages.at(count++) = page;
        everywhere = everywhere || watch->everywhere();
    }
    for (unsigned n = 0; n < 4; ++n) {
        const BreakpointKind kind = kind_of(s.dr[7], n);
        if (!enabled(s.dr[7], n) || kind == BreakpointKind::execute || kind == BreakpointKind::io) continue;
        pages.at(count++) = Linear{s.dr[n]}.page();
    }
    cpu.mmu.set_watched({pages.data(), count}, everywhere);
}

void debug_pend_trap(Cpu& cpu, u64 dr6_bits) {
    cpu.state.pending_debug |= dr6_bits;
    cpu.request_attention(kAttentionDebugTrap);
}

}  // namespace bantam
