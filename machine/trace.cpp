#include "machine/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "cpu/isa/disassemble.h"
#include "mmu/paging.h"

namespace bantam {
namespace {

constexpr std::array<std::string_view, 3> kWords{"io", "interrupts", "instructions"};

/// Writes one line. Not fmt::print, which throws where nobody reads standard error: the caller may be translated code.
class Lines {
public:
    explicit Lines(std::function<void()> unwritable) : unwritable_(std::move(unwritable)) {}
    void write(const std::string& line) const {
        if (std::fputs(line.c_str(), stderr) == EOF) unwritable_();
    }

private:
    std::function<void()> unwritable_;
};

void trace_ports(Pc& pc, const Lines& lines) {
    pc.add_port_trace([&pc, lines](bool write, u16 port, unsigned size, u32 value) {
        lines.write(fmt::format("{:>12} io {} {:04x}h {} bytes {:0{}x}h {}\n", pc.cpu().retired(),
                                write ? "write" : "read ", port, size, value, size * 2, pc.io().owner(port)));
    });
}

void trace_interrupts(Pc& pc, const Lines& lines) {
    pc.set_interrupt_trace([&pc, lines](u8 vector) {
        lines.write(fmt::format("{:>12} interrupt {:02x}h\n", pc.cpu().retired(), vector));
    });
}

/// The instruction that is about to run, read again from memory without side effects.
std::string instruction_text(Cpu& cpu, const isa::Instruction& instruction) {
    std::array<u8, 15> bytes{};
    const u64 start = cpu.state.segment[kCs].base + cpu.state.rip();
    for (unsigned i = 0; i < instruction.length; ++i) {
        const Translation found = peek_translation(cpu.mmu.memory(), cpu.mmu.controls(), cpu.wrap_linear(start + i));
        if (!found.ok) return std::string(isa::mnemonic_name(instruction.mnemonic));
        bytes.at(i) = static_cast<u8>(cpu.mmu.memory().peek(found.address, 1));
    }
    return isa::disassemble(std::span(bytes).first(instruction.length), cpu.state.rip(), cpu.decode_mode().code_size);
}

void trace_instructions(Interpreter& engine, const Lines& lines) {
    engine.set_tracer([lines](Cpu& cpu, const isa::Instruction& instruction) {
        lines.write(fmt::format("{:>12} {:04x}:{:x} {}\n", cpu.retired(), cpu.state.segment[kCs].selector,
                                cpu.state.rip(), instruction_text(cpu, instruction)));
    });
}

}  // namespace

Result<void> check_trace(const std::vector<std::string>& words) {
    for (const std::string& word : words) {
        if (std::find(kWords.begin(), kWords.end(), word) != kWords.end()) continue;
        return Error{ExitStatus::usage,
                     fmt::format("cannot trace '{}': use io, interrupts or instructions, joined by commas", word)};
    }
    return {};
}

void start_trace(const std::vector<std::string>& words, Pc& pc, Interpreter& engine, std::function<void()> unwritable) {
    const auto asked = [&](const char* word) { return std::find(words.begin(), words.end(), word) != words.end(); };
    const Lines lines(std::move(unwritable));
    if (asked("io")) trace_ports(pc, lines);
    if (asked("interrupts")) trace_interrupts(pc, lines);
    if (asked("instructions")) trace_instructions(engine, lines);
}

}  // namespace bantam
