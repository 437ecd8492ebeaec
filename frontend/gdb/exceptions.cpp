#include "frontend/gdb/exceptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "frontend/values.h"

namespace bantam::frontend::gdb {
namespace {

struct Name {
    std::string_view name;
    Vector vector;
};
constexpr std::array kNames{Name{"alignment-check", Vector::alignment_check},
                            Name{"bound-range", Vector::bound_range},
                            Name{"breakpoint", Vector::breakpoint},
                            Name{"debug", Vector::debug},
                            Name{"device-not-available", Vector::device_not_available},
                            Name{"divide-error", Vector::divide_error},
                            Name{"general-protection", Vector::general_protection},
                            Name{"invalid-opcode", Vector::invalid_opcode},
                            Name{"invalid-tss", Vector::invalid_tss},
                            Name{"overflow", Vector::overflow},
                            Name{"page-fault", Vector::page_fault},
                            Name{"segment-not-present", Vector::segment_not_present},
                            Name{"simd-error", Vector::simd_error},
                            Name{"stack-fault", Vector::stack_fault},
                            Name{"x87-error", Vector::x87_error}};

u32 bit_of(const Name& name) { return u32{1} << static_cast<unsigned>(name.vector); }

}  // namespace

Result<u32> parse_exceptions(std::span<const std::string> words) {
    u32 vectors = 0;
    for (const std::string& word : words) {
        const auto number = parse_number(word);
        const bool all = word == "all";
        u32 found = 0;
        for (const Name& name : kNames) {
            if (all || name.name == word || number == static_cast<u64>(name.vector)) found |= bit_of(name);
        }
        if (found == 0 && word != "none") {
            std::string known;
            for (const Name& name : kNames) known += fmt::format(" {}", name.name);
            return Error{ExitStatus::usage,
                         fmt::format("'{}' cannot be caught: use all, none, a vector or one of{}", word, known)};
        }
        vectors |= found;
    }
    return vectors;
}

std::string exception_names(u32 vectors) {
    std::string text;
    for (const Name& name : kNames) {
        if ((vectors & bit_of(name)) != 0) text += fmt::format("{}{}", text.empty() ? "" : " ", name.name);
    }
    return text.empty() ? "none" : text;
}

unsigned signal_of(Vector vector) {
    constexpr unsigned kIll = 4, kTrap = 5, kFpe = 8, kSegv = 11;
    switch (vector) {
        case Vector::divide_error:
        case Vector::x87_error:
        case Vector::simd_error:
            return kFpe;
        case Vector::invalid_opcode:
            return kIll;
        case Vector::debug:
        case Vector::breakpoint:
            return kTrap;
        default:
            return kSegv;
    }
}

}  // namespace bantam::frontend::gdb
