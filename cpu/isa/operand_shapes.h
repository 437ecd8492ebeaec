// What the operand codes of a row mean to the decoder, as tables: where a register number comes from, whether the
// operand can be memory, how many bytes it has. Tables, because a branch per operand would be mispredicted.
#pragma once

#include <array>

#include "cpu/isa/row.h"

namespace bantam::isa {

/// Where an operand's register number comes from.
enum class NumberFrom : u8 {
    fixed,
    reg,
    reg_low /* without REX.R */,
    rm,
    rm_low /* without REX.B */,
    opcode,
    vvvv,
    count
};

enum class OperandPlace : u8 {
    in_register,
    in_register_or_memory,  // by ModRM.mod
    in_memory,
    in_stream,  // comes with bytes of its own: immediates, offsets
};

struct OperandShape {
    OperandKind kind = OperandKind::none;
    NumberFrom number = NumberFrom::fixed;
    OperandPlace place = OperandPlace::in_register;
    u16 valid = 0xFFFF;  // register numbers that exist, one bit each
};

constexpr OperandShape shape_of(OperandSource source) {
    using enum OperandPlace;
    switch (source) {
        case OperandSource::none:
            return {};
        case OperandSource::rm_gpr:
            return {OperandKind::gpr, NumberFrom::rm, in_register_or_memory};
        case OperandSource::rm_gpr_only:
            return {OperandKind::gpr, NumberFrom::rm};
        case OperandSource::reg_gpr:
            return {OperandKind::gpr, NumberFrom::reg};
        case OperandSource::opcode_gpr:
            return {OperandKind::gpr, NumberFrom::opcode};
        case OperandSource::vvvv_gpr:
            return {OperandKind::gpr, NumberFrom::vvvv};
        case OperandSource::fixed_gpr:
            return {OperandKind::gpr, NumberFrom::fixed};
        case OperandSource::memory:
        case OperandSource::vsib:
            return {OperandKind::memory, NumberFrom::fixed, in_memory};
        case OperandSource::offset:
            return {OperandKind::memory, NumberFrom::fixed, in_stream};
        case OperandSource::immediate:
        case OperandSource::immediate_signed:
            return {OperandKind::immediate, NumberFrom::fixed, in_stream};
        case OperandSource::relative:
            return {OperandKind::relative, NumberFrom::fixed, in_stream};
        case OperandSource::far_pointer:
            return {OperandKind::far_pointer, NumberFrom::fixed, in_stream};
        case OperandSource::immediate_vector:
            return {OperandKind::vector, NumberFrom::fixed, in_stream};
        case OperandSource::reg_segment:
            return {OperandKind::segment, NumberFrom::reg_low, in_register, 0x3F};
        case OperandSource::fixed_segment:
            return {OperandKind::segment, NumberFrom::fixed};
        case OperandSource::reg_control:
            return {OperandKind::control, NumberFrom::reg, in_register, 0x11D};
        case OperandSource::reg_debug:
            return {OperandKind::debug, NumberFrom::reg, in_register, 0xFF};
        case OperandSource::reg_mmx:
            return {OperandKind::mmx, NumberFrom::reg_low};
        case OperandSource::rm_mmx:
            return {OperandKind::mmx, NumberFrom::rm_low, in_register_or_memory};
        case OperandSource::rm_mmx_only:
            return {OperandKind::mmx, NumberFrom::rm_low};
        case OperandSource::reg_vector:
            return {OperandKind::vector, NumberFrom::reg};
        case OperandSource::rm_vector:
            return {OperandKind::vector, NumberFrom::rm, in_register_or_memory};
        case OperandSource::rm_vector_only:
            return {OperandKind::vector, NumberFrom::rm};
        case OperandSource::vvvv_vector:
            return {OperandKind::vector, NumberFrom::vvvv};
        case OperandSource::fixed_vector:
            return {OperandKind::vector, NumberFrom::fixed};
        case OperandSource::st0:
            return {OperandKind::x87, NumberFrom::fixed};
        case OperandSource::st_rm:
            return {OperandKind::x87, NumberFrom::rm_low};
        case OperandSource::constant:
            return {OperandKind::constant, NumberFrom::fixed};
    }
    return {};
}

inline constexpr std::size_t kSourceCount = static_cast<std::size_t>(OperandSource::vsib) + 1;
inline constexpr auto kOperandShapes = [] {
    std::array<OperandShape, kSourceCount> shapes{};
    for (std::size_t i = 0; i < kSourceCount; ++i) shapes[i] = shape_of(static_cast<OperandSource>(i));
    return shapes;
}();

/// What operand sizes depend on.
struct SizeContext {
    u8 operand_size = 4;
    bool long_mode = false;
    bool vex_l = false;
    bool rex_w = false;
    bool in_register = false;

    [[nodiscard]] constexpr unsigned index() const {
        return (operand_size >> 2) | (long_mode ? 4u : 0u) | (vex_l ? 8u : 0u) | (rex_w ? 16u : 0u) |
               (in_register ? kInRegister : 0u);
    }
    static constexpr unsigned kInRegister = 32;
    static constexpr unsigned kCount = 64;
};

constexpr u8 bytes_of(SizeCode code, const SizeContext& context) {
    const u8 size = context.operand_size;
    const u8 vector = context.vex_l ? 32 : 16;
    switch (code) {
        case SizeCode::none:
        case SizeCode::fxsave:
            return 0;
        case SizeCode::b:
            return 1;
        case SizeCode::w:
            return 2;
        case SizeCode::d:
            return 4;
        case SizeCode::q:
            return 8;
        case SizeCode::dq:
            return 16;
        case SizeCode::qq:
            return 32;
        case SizeCode::t:
            return 10;
        case SizeCode::v:
            return size;
        case SizeCode::z:
            return size == 2 ? 2 : 4;
        case SizeCode::y:
            return context.long_mode && (context.rex_w || size == 8) ? 8 : 4;
        case SizeCode::x:
            return vector;
        case SizeCode::h:
            return vector / 2;
        case SizeCode::f:
            return vector / 4;
        case SizeCode::e:
            return vector / 8;
        case SizeCode::p:
            return static_cast<u8>(size + 2);
        case SizeCode::s:
            return context.long_mode ? 10 : 6;
        case SizeCode::a:
            return static_cast<u8>(size * 2);
        case SizeCode::env:
            return size == 2 ? 14 : 28;
        case SizeCode::fpu_state:
            return size == 2 ? 94 : 108;
        case SizeCode::stack:
            return context.long_mode ? 8 : 4;
        case SizeCode::reg_v_mem_w:
            return context.in_register ? size : 2;
        case SizeCode::reg_d_mem_b:
            return context.in_register ? 4 : 1;
        case SizeCode::reg_d_mem_w:
            return context.in_register ? 4 : 2;
    }
    return 0;
}

inline constexpr std::size_t kSizeCodeCount = static_cast<std::size_t>(SizeCode::stack) + 1;

/// bytes_of for every code, by SizeContext::index.
inline constexpr auto kOperandBytes = [] {
    std::array<std::array<u8, kSizeCodeCount>, SizeContext::kCount> sizes{};
    for (unsigned i = 0; i < SizeContext::kCount; ++i) {
        if ((i & 3u) == 3) continue;
        const SizeContext context{static_cast<u8>((i & 3u) == 0   ? 2
                                                  : (i & 3u) == 1 ? 4
                                                                  : 8),
                                  (i & 4u) != 0, (i & 8u) != 0, (i & 16u) != 0, (i & 32u) != 0};
        for (std::size_t code = 0; code < kSizeCodeCount; ++code) {
            sizes[i][code] = bytes_of(static_cast<SizeCode>(code), context);
        }
    }
    return sizes;
}();

}  // namespace bantam::isa
