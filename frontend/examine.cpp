#include "frontend/examine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bits.h"
#include "cpu/isa/disassemble.h"

namespace bantam::frontend {
namespace {

constexpr unsigned kMostUnits = 65536;  // one command's output stays bounded

std::string format_unit(u64 value, const ExamineFormat& format) {
    const unsigned bits = 8 * format.size;
    const i64 signed_value = static_cast<i64>(value << (64 - bits)) >> (64 - bits);
    switch (format.format) {
        case 'd':
            return fmt::format("{}", signed_value);
        case 'u':
            return fmt::format("{}", value);
        case 'o':
            return fmt::format("0{:o}", value);
        case 'c': {
            const char c = static_cast<char>(value);
            const bool printable = value >= 0x20 && value < 0x7F;
            return printable ? fmt::format("'{}'", c) : fmt::format("'\\x{:02x}'", value & 0xFF);
        }
        default:
            return fmt::format("0x{:0{}x}", value, 2 * format.size);
    }
}

std::string examine_code(unsigned count, u64 address, const isa::DecodeMode& mode, const PeekByte& peek) {
    std::string text;
    for (unsigned i = 0; i < count; ++i) {
        std::array<u8, isa::kLongestInstruction> bytes{};
        std::size_t have = 0;
        while (have < bytes.size()) {
            const auto byte = peek(address + have);
            if (!byte) break;
            bytes[have++] = *byte;
        }
        if (have == 0) return text + fmt::format("0x{:x}: no memory there\n", address);
        const DisassembledLine line = disassemble_line(std::span(bytes).first(have), address, mode);
        text += fmt::format("0x{:x}:  {}\n", address, line.text);
        address += line.length;
    }
    return text;
}

}  // namespace

DisassembledLine disassemble_line(std::span<const u8> bytes, u64 address, const isa::DecodeMode& mode) {
    isa::Instruction instruction;
    unsigned length = 1;
    std::string assembly = "(bad)";
    if (isa::decode(bytes, mode, instruction) == isa::DecodeStatus::ok) {
        length = instruction.length;
        assembly = isa::disassemble(bytes.first(length), address, mode.code_size);
    }
    std::string dump;
    for (const u8 byte : bytes.first(length)) dump += fmt::format("{:02x} ", byte);
    return {.text = fmt::format("{:<31}{}", dump, assembly), .length = length};
}

Result<ExamineFormat> parse_examine_format(std::string_view text) {
    ExamineFormat format;
    const auto wrong = [](std::string message) { return Error{ExitStatus::usage, std::move(message)}; };
    if (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), format.count);
        if (error != std::errc{} || format.count == 0 || format.count > kMostUnits) {
            return wrong(fmt::format("the count must be 1 to {}", kMostUnits));
        }
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    }
    bool sized = false;
    for (const char letter : text) {
        switch (letter) {
            case 'x':
            case 'd':
            case 'u':
            case 'o':
            case 'c':
            case 'i':
                format.format = letter;
                break;
            case 'b':
                format.size = 1;
                sized = true;
                break;
            case 'h':
                format.size = 2;
                sized = true;
                break;
            case 'w':
                format.size = 4;
                sized = true;
                break;
            case 'g':
                format.size = 8;
                sized = true;
                break;
            default:
                return wrong(fmt::format("'{}' is neither a format (x d u o c i) nor a size (b h w g)", letter));
        }
    }
    if (format.format == 'c' && !sized) format.size = 1;
    return format;
}

std::string examine(const ExamineFormat& format, u64 address, const isa::DecodeMode& mode, const PeekByte& peek) {
    if (format.format == 'i') return examine_code(format.count, address, mode, peek);
    const unsigned per_line = format.format == 'c' ? 8 : std::max(1u, 16 / format.size);
    std::string text;
    for (unsigned i = 0; i < format.count; ++i) {
        if (i % per_line == 0) text += fmt::format("{}0x{:016x}:", i == 0 ? "" : "\n", address);
        u64 value = 0;
        for (unsigned byte = 0; byte < format.size; ++byte) {
            const auto got = peek(address + byte);
            if (!got) return text + fmt::format(" no memory at 0x{:x}\n", address + byte);
            value |= u64{*got} << (8 * byte);
        }
        text += ' ' + format_unit(value, format);
        address += format.size;
    }
    return text + '\n';
}

}  // namespace bantam::frontend
