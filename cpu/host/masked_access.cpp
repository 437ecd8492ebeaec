// See masked_access.h. SDM vol. 2: MASKMOVQ, MASKMOVDQU, VMASKMOV, VPMASKMOV, VGATHER*, VPGATHER*.
#include "cpu/host/masked_access.h"

#include <cstring>

#include "base/bits.h"
#include "cpu/host/x87_unit.h"

namespace bantam::host {
namespace {

using isa::Instruction;
using isa::Mnemonic;

template <class T>
T element(const VectorRegister& v, unsigned index) {
    T value;
    std::memcpy(&value, v.bytes.data() + index * sizeof(T), sizeof(T));
    return value;
}
template <class T>
void set_element(VectorRegister& v, unsigned index, T value) {
    std::memcpy(v.bytes.data() + index * sizeof(T), &value, sizeof(T));
}
template <class T>
bool selected(const VectorRegister& mask, unsigned index) {
    return (element<T>(mask, index) >> (8 * sizeof(T) - 1)) != 0;
}
unsigned vector_bytes(const Instruction& i) { return i.vex_l ? 32 : 16; }

template <class T>
void masked_load(Cpu& cpu, const Instruction& i) {
    const VectorRegister& mask = cpu.state.vector[i.operands[1].reg];
    const u64 offset = cpu.effective_address(i);
    VectorRegister result{};
    for (unsigned k = 0; k < vector_bytes(i) / sizeof(T); ++k) {
        if (!selected<T>(mask, k)) continue;
        set_element<T>(result, k, cpu.read<T>(i.segment, (offset + k * sizeof(T)) & i.address_mask));
    }
    cpu.state.vector[i.operands[0].reg] = result;
}

template <class T>
void masked_store(Cpu& cpu, const Instruction& i) {
    const VectorRegister& mask = cpu.state.vector[i.operands[1].reg];
    const VectorRegister& source = cpu.state.vector[i.operands[2].reg];
    const u64 offset = cpu.effective_address(i);
    const unsigned count = vector_bytes(i) / sizeof(T);
    for (unsigned k = 0; k < count; ++k) {
        if (selected<T>(mask, k)) cpu.probe_write(i.segment, (offset + k * sizeof(T)) & i.address_mask, sizeof(T));
    }
    for (unsigned k = 0; k < count; ++k) {
        if (!selected<T>(mask, k)) continue;
        cpu.write<T>(i.segment, (offset + k * sizeof(T)) & i.address_mask, element<T>(source, k));
    }
}

template <class T>
void masked_move(Cpu& cpu, const Instruction& i) {
    if (i.operands[0].kind == isa::OperandKind::memory) {
        masked_store<T>(cpu, i);
    } else {
        masked_load<T>(cpu, i);
    }
}

/// Stores the bytes of `source` whose mask byte has its top bit set at segment:rDI.
void store_bytes(Cpu& cpu, const Instruction& i, const u8* source, const u8* mask, unsigned count) {
    const u64 base = cpu.state.gpr[kRdi];
    for (unsigned k = 0; k < count; ++k) {
        if (bit(mask[k], 7)) cpu.probe_write(i.segment, (base + k) & i.address_mask, 1);
    }
    for (unsigned k = 0; k < count; ++k) {
        if (bit(mask[k], 7)) cpu.write<u8>(i.segment, (base + k) & i.address_mask, source[k]);
    }
}

void maskmovdqu(Cpu& cpu, const Instruction& i) {
    store_bytes(cpu, i, cpu.state.vector[i.operands[0].reg].bytes.data(),
                cpu.state.vector[i.operands[1].reg].bytes.data(), 16);
}

void maskmovq(Cpu& cpu, const Instruction& i) {
    if ((x87_status_word() & kX87ErrorSummary) != 0 && report_x87_error(cpu)) return;
    // MMn is the low 64 bits of physical register n, which FXSAVE stores relative to TOP.
    alignas(16) std::array<u8, 512> image;
    asm volatile("fxsave64 %0" : "=m"(image));
    const unsigned top = (x87_status_word() >> 11) & 7u;
    const auto mmx = [&](u8 number) { return image.data() + 32 + 16 * ((number - top) & 7u); };
    store_bytes(cpu, i, mmx(i.operands[0].reg), mmx(i.operands[1].reg), 8);
    // Like every MMX instruction: TOP = 0, all tags valid. Reading MM0 changes nothing else.
    const bool pending = (x87_status_word() & kX87ErrorSummary) != 0;  // only with IGNNE#
    const u16 flags = pending ? set_aside_x87_exceptions() : u16{0};
    u32 ignored;
    asm volatile("movd %%mm0, %0" : "=r"(ignored));
    if (pending) restore_x87_exceptions(flags);
}

/// T: data element, Index: signed index element.
template <class T, class Index>
void gather(Cpu& cpu, const Instruction& i) {
    VectorRegister& destination = cpu.state.vector[i.operands[0].reg];
    VectorRegister& mask = cpu.state.vector[i.operands[2].reg];
    const VectorRegister& indices = cpu.state.vector[i.index];
    constexpr unsigned kWidest = sizeof(T) > sizeof(Index) ? sizeof(T) : sizeof(Index);
    const unsigned count = vector_bytes(i) / kWidest;
    const u64 base = cpu.state.gpr[i.base] + static_cast<u64>(i.displacement);
    for (unsigned k = 0; k < count; ++k) {
        set_element<T>(mask, k, selected<T>(mask, k) ? static_cast<T>(~T{0}) : T{0});
    }
    for (unsigned k = 0; k < count; ++k) {
        if (!selected<T>(mask, k)) continue;
        const u64 index = static_cast<u64>(static_cast<i64>(element<Index>(indices, k)));
        const u64 offset = (base + (index << i.scale)) & i.address_mask;
        set_element<T>(destination, k, cpu.read<T>(i.segment, offset));
        set_element<T>(mask, k, T{0});
    }
    mask = {};
    const unsigned used = count * static_cast<unsigned>(sizeof(T));
    std::memset(destination.bytes.data() + used, 0, destination.bytes.size() - used);
}

}  // namespace

isa::Handler masked_access_handler(const Instruction& i) {
    switch (i.mnemonic) {
        case Mnemonic::Maskmovq:
            return maskmovq;
        case Mnemonic::Maskmovdqu:
        case Mnemonic::Vmaskmovdqu:
            return maskmovdqu;
        case Mnemonic::Vmaskmovps:
        case Mnemonic::Vpmaskmovd:
            return masked_move<u32>;
        case Mnemonic::Vmaskmovpd:
        case Mnemonic::Vpmaskmovq:
            return masked_move<u64>;
        case Mnemonic::Vgatherdps:
        case Mnemonic::Vpgatherdd:
            return gather<u32, i32>;
        case Mnemonic::Vgatherdpd:
        case Mnemonic::Vpgatherdq:
            return gather<u64, i32>;
        case Mnemonic::Vgatherqps:
        case Mnemonic::Vpgatherqd:
            return gather<u32, i64>;
        case Mnemonic::Vgatherqpd:
        case Mnemonic::Vpgatherqq:
            return gather<u64, i64>;
        default:
            return nullptr;
    }
}

}  // namespace bantam::host
