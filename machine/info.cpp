#include "machine/info.h"

#include <fmt/format.h>

#include <iterator>

namespace bantam::info {
namespace {

using Text = std::string;

template <class... Args>
void add(Text& text, fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
}

void add_segment(Text& text, const char* name, const SegmentRegister& s) {
    add(text, "{:<4} {:04x} base={:016x} limit={:08x} attributes={:04x}\n", name, s.selector, s.base, s.limit,
        s.attributes);
}

std::string flag_letters(u32 flags) {
    struct Letter {
        u32 flag;
        const char* name;
    };
    constexpr std::array kLetters{Letter{kFlagCarry, "CF"},          Letter{kFlagParity, "PF"},
                                  Letter{kFlagAdjust, "AF"},         Letter{kFlagZero, "ZF"},
                                  Letter{kFlagSign, "SF"},           Letter{kFlagTrap, "TF"},
                                  Letter{kFlagInterrupt, "IF"},      Letter{kFlagDirection, "DF"},
                                  Letter{kFlagOverflow, "OF"},       Letter{kFlagNestedTask, "NT"},
                                  Letter{kFlagResume, "RF"},         Letter{kFlagVm, "VM"},
                                  Letter{kFlagAlignmentCheck, "AC"}, Letter{kFlagVif, "VIF"},
                                  Letter{kFlagVip, "VIP"},           Letter{kFlagId, "ID"}};
    std::string text;
    for (const Letter& letter : kLetters) {
        if ((flags & letter.flag) != 0) text += fmt::format(" {}", letter.name);
    }
    return text;
}

const char* mode_name(const Cpu& cpu) {
    if (!cpu.protected_mode()) return "real-address mode";
    if (cpu.v86()) return "virtual-8086 mode";
    if (cpu.code64()) return "64-bit mode";
    const bool big = cpu.code_size() == isa::CodeSize::bits32;
    if (cpu.long_mode()) return big ? "compatibility mode, 32-bit code" : "compatibility mode, 16-bit code";
    return big ? "protected mode, 32-bit code" : "protected mode, 16-bit code";
}

void add_floating_point(Text& text, const CpuState& state) {
    const auto word = [&](std::size_t at) { return static_cast<u16>(state.x87[at] | state.x87[at + 1] << 8); };
    add(text, "FCW={:04x} FSW={:04x} FTW={:02x} MXCSR={:08x}\n", word(0), word(2), state.x87[4], state.mxcsr);
    constexpr std::size_t kFirst = 32, kStride = 16;  // of ST0-7 in the FXSAVE image
    for (std::size_t i = 0; i < 8; ++i) {
        u64 mantissa = 0;
        for (std::size_t b = 0; b < 8; ++b) mantissa |= u64{state.x87[kFirst + i * kStride + b]} << (8 * b);
        add(text, "ST{}={:04x}:{:016x}{}", i, word(kFirst + i * kStride + 8), mantissa, i % 2 == 1 ? "\n" : "  ");
    }
    for (std::size_t i = 0; i < state.vector.size(); ++i) {
        add(text, "YMM{:02}=", i);
        for (std::size_t b = 32; b-- > 0;) add(text, "{:02x}", state.vector[i].bytes[b]);
        text += '\n';
    }
}

}  // namespace

std::string registers(const Cpu& cpu) {
    const CpuState& s = cpu.state;
    constexpr std::array kNames{"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                "R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15"};
    Text text;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        add(text, "{:<3}={:016x}{}", kNames[i], s.gpr[i], i % 4 == 3 ? "\n" : " ");
    }
    add(text, "RIP={:016x} EFLAGS={:08x}{}\n", s.rip(), s.eflags(), flag_letters(s.eflags()));
    add(text, "{}, CPL={}{}{}{}, {} instructions\n", mode_name(cpu), s.cpl,
        (s.attention & kAttentionHalted) != 0 ? ", halted" : "", s.shutdown ? ", shutdown" : "",
        s.in_smm ? ", in SMM" : "", s.instructions);
    constexpr std::array kSegments{"ES", "CS", "SS", "DS", "FS", "GS"};
    for (std::size_t i = 0; i < kSegments.size(); ++i) add_segment(text, kSegments[i], s.segment[i]);
    add_segment(text, "LDTR", s.ldtr);
    add_segment(text, "TR", s.tr);
    add(text, "GDTR base={:016x} limit={:04x}\nIDTR base={:016x} limit={:04x}\n", s.gdtr.base, s.gdtr.limit,
        s.idtr.base, s.idtr.limit);
    add(text, "CR0={:08x} CR2={:016x} CR3={:016x} CR4={:08x} XCR0={:x}\n", s.cr0, s.cr2, s.cr3, s.cr4, s.xcr0);
    add(text, "DR0={:016x} DR1={:016x} DR2={:016x} DR3={:016x} DR6={:08x} DR7={:08x}\n", s.dr[0], s.dr[1], s.dr[2],
        s.dr[3], s.dr[6], s.dr[7]);
    add(text, "EFER={:x} APIC_BASE={:x} STAR={:016x} LSTAR={:016x} CSTAR={:016x} FMASK={:x}\n", s.efer, s.apic_base,
        s.star, s.lstar, s.cstar, s.syscall_mask);
    add(text, "KERNEL_GS_BASE={:016x} SYSENTER_CS={:x} SYSENTER_ESP={:x} SYSENTER_EIP={:x} PAT={:016x} TSC_AUX={:x}\n",
        s.kernel_gs_base, s.sysenter_cs, s.sysenter_esp, s.sysenter_eip, s.pat, s.tsc_aux);
    add_floating_point(text, s);
    return text;
}

std::string tlb(const Cpu& cpu) {
    Text text;
    for (const Mmu::EntryInfo& entry : cpu.mmu.entries()) {
        constexpr std::array kPrivileges{"supervisor", "supervisor, SMAP lifted", "user"};
        add(text, "{:016x} -> {:012x} {}{}{} {}\n", entry.page.value, entry.physical.value, entry.writable ? 'w' : '-',
            entry.fetch ? 'x' : '-', entry.global ? 'g' : '-', kPrivileges[static_cast<std::size_t>(entry.privilege)]);
    }
    add(text, "{} misses so far\n", cpu.mmu.misses());
    return text;
}

std::string pci(const std::vector<PciFunctionState>& functions) {
    Text text;
    for (const PciFunctionState& function : functions) {
        add(text, "0:{:02x}.{} {:04x}:{:04x} class {:04x}{:02x} {}\n", function.device, function.function,
            function.vendor_id, function.device_id, function.class_code, function.programming_interface, function.name);
        for (const PciFunctionState::Region& region : function.regions) {
            constexpr unsigned kRom = 6;
            add(text, "    {} {}{}, {:x}h bytes, ", region.bar == kRom ? "ROM" : fmt::format("BAR{}", region.bar),
                region.io ? "ports" : "memory", region.prefetchable ? ", prefetchable" : "", region.bytes);
            text += region.base ? fmt::format("at {:x}h\n", *region.base) : "not mapped\n";
        }
        if (function.interrupt_pin != 0) {
            add(text, "    INT{}# on IRQ {}\n", static_cast<char>('A' + function.interrupt_pin - 1),
                function.interrupt_line);
        }
    }
    return text;
}

std::string irq(Pc& pc) {
    Text text;
    for (const char* name : {"pic", "pic2", "io_apic"}) {
        for (const devices::Device* device : pc.devices()) {
            if (device->name() == name) add(text, "{}:\n{}\n", name, device->info());
        }
    }
    const devices::Device* local_apic = pc.devices().front();
    add(text, "{}:\n{}\n", local_apic->name(), local_apic->info());
    return text;
}

std::string block(const std::vector<DriveState>& drives, const Pc& pc) {
    Text text;
    for (const DriveState& drive : drives) {
        text += drive.words;
        if (!drive.medium) continue;
        const storage::BlockStatistics& counted = drive.medium->statistics;
        add(text, "  {} reads ({} bytes), {} writes ({} bytes), {} flushes; {} failed\n", counted.reads,
            counted.read_bytes, counted.writes, counted.written_bytes, counted.flushes,
            counted.failed_reads + counted.failed_writes + counted.failed_flushes);
    }
    for (const auto& flash : pc.flashes()) add(text, "{}\n", flash->info());
    return text.empty() ? "no drives\n" : text;
}

std::string map(Pc& pc, const PhysicalMemory& memory) {
    Text text = "ports:\n";
    for (const IoBus::Range& range : pc.io().ranges()) {
        add(text, "  {:04x}-{:04x} {}\n", range.first, range.first + range.count - 1, range.name);
    }
    add(text, "  unclaimed: {} reads, {} writes\nmemory:\n", pc.io().unclaimed_reads(), pc.io().unclaimed_writes());
    add(text, "  {} MiB of RAM: {:x}h from 0, {:x}h from 4 GiB\n", memory.ram_bytes() >> 20, memory.low_ram_bytes(),
        memory.high_ram_bytes());
    for (const PhysicalMemory::RegionInfo& region : memory.regions()) {
        add(text, "  {:09x}-{:09x} {} {}\n", region.base.value, region.base.value + region.size - 1,
            region.mmio ? "registers" : "ROM      ", region.name);
    }
    add(text, "  unclaimed: {} reads, {} writes\n", memory.unclaimed_reads(), memory.unclaimed_writes());
    return text;
}

}  // namespace bantam::info
