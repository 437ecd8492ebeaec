#include "machine/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace bantam {
namespace {

constexpr std::array<std::string_view, 3> kWords{"io", "interrupts", "instructions"};

void trace_ports(Pc& pc) {
    pc.set_port_trace([&pc](bool write, u16 port, unsigned size, u32 value) {
        fmt::print(stderr, "{:>12} io {} {:04x}h {} bytes {:0{}x}h {}\n", pc.cpu().retired(), write ? "write" : "read ",
                   port, size, value, size * 2, pc.io().owner(port));
    });
}

void trace_interrupts(Pc& pc) {
    pc.set_interrupt_trace(
        [&pc](u8 vector) { fmt::print(stderr, "{:>12} interrupt {:02x}h\n", pc.cpu().retired(), vector); });
}

void trace_instructions(Interpreter& engine) {
    engine.set_tracer([](Cpu& cpu, const isa::Instruction& instruction) {
        fmt::print(stderr, "{:>12} {:04x}:{:x} {}\n", cpu.retired(), cpu.state.segment[kCs].selector, cpu.state.rip(),
                   isa::mnemonic_name(instruction.mnemonic));
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

void start_trace(const std::vector<std::string>& words, Pc& pc, Interpreter& engine) {
    const auto asked = [&](const char* word) { return std::find(words.begin(), words.end(), word) != words.end(); };
    if (asked("io")) trace_ports(pc);
    if (asked("interrupts")) trace_interrupts(pc);
    if (asked("instructions")) trace_instructions(engine);
}

}  // namespace bantam
