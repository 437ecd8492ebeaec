#include "machine/lockstep/report.h"

#include <fmt/format.h>

#include <iterator>
#include <span>
#include <string_view>

#include "cpu/isa/disassemble.h"
#include "cpu/isa/table.h"

namespace bantam::lockstep {
namespace {

using Text = std::string;

template <class... Args>
void add(Text& text, fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
}

Text hexadecimal(std::span<const u8> bytes) {
    Text text;
    for (const u8 byte : bytes) add(text, "{:02x}", byte);
    return text;
}

/// A listing; bytes that are no instruction are shown one at a time.
void add_code(Text& text, std::span<const u8> code, u64 address, isa::CodeSize size) {
    isa::DecodeMode mode;
    mode.code_size = size;
    while (!code.empty()) {
        isa::Instruction instruction;
        const bool ok = isa::decode(code, mode, instruction) == isa::DecodeStatus::ok;
        const std::size_t length = ok ? instruction.length : 1;
        add(text, "  {:12x}:  {:<30} {}\n", address, hexadecimal(code.first(length)),
            isa::disassemble(code, address, size));
        code = code.subspan(length);
        address += length;
    }
}

void add_registers(Text& text, const CpuState& s) {
    constexpr std::array kNames{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        add(text, "  {:<3} {:016x}{}", kNames[i], s.gpr[i], i % 4 == 3 ? "\n" : "");
    }
    add(text, "  rip {:016x}  eflags {:08x}  cpl {}  cr0 {:08x}  cr3 {:x}  cr4 {:x}  efer {:x}  mxcsr {:x}\n", s.rip(),
        s.eflags(), s.cpl, s.cr0, s.cr3, s.cr4, s.efer, s.mxcsr);
    constexpr std::array kSegments{"es", "cs", "ss", "ds", "fs", "gs"};
    for (std::size_t i = 0; i < kSegments.size(); ++i) {
        const SegmentRegister& segment = s.segment[i];
        add(text, "  {} {:04x} base {:x} limit {:x} attributes {:04x}{}", kSegments[i], segment.selector, segment.base,
            segment.limit, segment.attributes, i % 2 == 1 ? "\n" : "");
    }
}

bool uses(const BlockCapture& block, u32 attributes) {
    for (const isa::Instruction& instruction : block.code()) {
        if ((isa::row_of(instruction).attributes & attributes) != 0) return true;
    }
    return false;
}

unsigned bits_of(isa::CodeSize size) {
    return size == isa::CodeSize::bits64 ? 64 : size == isa::CodeSize::bits32 ? 32 : 16;
}

void add_test_case(Text& text, const BlockCapture& block, u64 instructions) {
    const CpuState& s = block.before();
    add(text, "const Snippet kSnippet{{\n    .bits = {}, .cpl = {}, .linear = 0x{:x}, .instructions = {},\n",
        bits_of(block.code_size()), s.cpl, block.linear().value, instructions);
    add(text, "    .code = \"{}\",\n    .gpr = {{", hexadecimal(block.bytes()));
    for (std::size_t i = 0; i < 16; ++i)
        add(text, "{}0x{:x}", i == 0 ? "" : i % 4 == 0 ? ",\n            " : ", ", s.gpr[i]);
    add(text, "}},\n    .eflags = 0x{:x}, .segment_bases = {{", s.eflags());
    for (std::size_t i = 0; i < kSegmentCount; ++i) add(text, "{}0x{:x}", i == 0 ? "" : ", ", s.segment[i].base);
    add(text, "}},\n");
    if (uses(block, isa::kX87 | isa::kMmx)) add(text, "    .x87 = \"{}\",\n", hexadecimal(s.x87));
    if (uses(block, isa::kSse | isa::kAvx)) {
        add(text, "    .mxcsr = 0x{:x}, .vectors = \"", s.mxcsr);
        for (const VectorRegister& v : s.vector) text += hexadecimal(v.bytes);
        text += "\",\n";
    }
    text += "    .memory = {";
    std::optional<u64> next;
    for (const auto& [linear, bytes] : block.memory()) {
        if (linear != next) add(text, "{}{{0x{:x}, \"", next ? "\"},\n               " : "", linear);
        text += hexadecimal(bytes);
        next = linear + BlockCapture::kGranule;
    }
    text += next ? "\"}}};\n" : "}};\n";
}

void add_block(Text& text, const Difference& d, const BlockCapture& block) {
    text += "guest code:\n";
    add_code(text, block.bytes(), block.linear().value, block.code_size());
    text += "before it:\n";
    add_registers(text, block.before());
    add(text, "its host code ({} bytes):\n", block.host_code().size());
    add_code(text, block.host_code(), block.host_address(), isa::CodeSize::bits64);
    text += "as a test case (tests/jit/snippet_test.cpp):\n";
    add_test_case(text, block, d.found - block.before().instructions);
}

}  // namespace

std::string report(const Difference& d) {
    Text text;
    add(text, "interpreter and translator differ after {} instructions; after {} they agreed\n", d.found, d.agreed);
    if (!d.other.empty()) text += d.other + "\n";
    for (const RegisterDifference& r : d.registers) {
        add(text, "  {:<12} interpreter {}\n  {:<12} translator  {}\n", r.name, r.interpreter, "", r.translator);
    }
    for (const MemoryDifference& m : d.memory) {
        add(text, "  at {:09x}h interpreter {}\n  {:<13} translator  {}\n", m.address.value, hexadecimal(m.interpreter),
            "(physical)", hexadecimal(m.translator));
    }
    if (d.block) {
        add_block(text, d, *d.block);
    } else {
        text += "registers afterwards, interpreter's:\n";
        add_registers(text, d.interpreter);
        text += "translator's:\n";
        add_registers(text, d.translator);
    }
    return text;
}

}  // namespace bantam::lockstep
