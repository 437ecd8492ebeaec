// See masked_access.h. SDM vol. 2: MASKMOVQ, MASKMOVDQU, VMASKMOV, VPMASKMOV, VGATHER*, VPGATHER*.
#include "cpu/host/masked_access.h"

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "base/bits.h"
#include "cpu/host/operand_memory.h"
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

/// An element of an operand that never raises #AC.
template <class T>
T read_element(Cpu& cpu, const Instruction& i, u64 offset) {
    if (!cpu.alignment_checks()) return cpu.read<T>(i.segment, offset);
    std::array<u8, sizeof(T)> bytes;
    read_unchecked(cpu, i.segment, offset, bytes.data(), sizeof(T));
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
}
template <class T>
void write_element(Cpu& cpu, const Instruction& i, u64 offset, T value) {
    if (!cpu.alignment_checks()) return cpu.write<T>(i.segment, offset, value);
    for (unsigned k = 0; k < sizeof(T); ++k) {
        cpu.write<u8>(i.segment, (offset + k) & i.address_mask(), static_cast<u8>(value >> (8 * k)));
    }
}

/// The elements a mask selects, from the first to the last.
struct Selection {
    unsigned first = 0;
    unsigned count = 0;  // 0: none
};
template <class T>
Selection selection(const VectorRegister& mask, unsigned elements) {
    Selection result;
    for (unsigned k = 0; k < elements; ++k) {
        if (!selected<T>(mask, k)) continue;
        if (result.count == 0) result.first = k;
        result.count = k - result.first + 1;
    }
    return result;
}

// As measured on a processor: the segment limit counts for the whole range from the first to the last selected element,
// before any page fault.

/// As measured on a processor: within the operand, offsets wrap at 32 bits outside 64-bit mode, never at the address
/// size.
u64 element_offset(const Cpu& cpu, const Instruction& i, u64 distance) {
    const u64 offset = cpu.effective_address(i) + distance;
    return cpu.code64() ? offset : offset & 0xFFFFFFFF;
}

template <class T>
void masked_load(Cpu& cpu, const Instruction& i) {
    const VectorRegister& mask = cpu.state.vector[i.operands[1].reg];
    const Selection range = selection<T>(mask, vector_bytes(i) / unsigned{sizeof(T)});
    const u64 start = element_offset(cpu, i, range.first * sizeof(T));
    VectorRegister result{};
    if (range.count != 0) {
        static_cast<void>(cpu.linear_for_read(i.segment, start, range.count * unsigned{sizeof(T)}));
    }
    for (unsigned k = 0; k < range.count; ++k) {
        if (!selected<T>(mask, range.first + k)) continue;
        set_element<T>(result, range.first + k, read_element<T>(cpu, i, start + k * sizeof(T)));
    }
    cpu.state.vector[i.operands[0].reg] = result;
}

/// As measured on a processor: a page fault names the first selected byte, or the last if only that one's page faults.
template <class T>
void masked_store(Cpu& cpu, const Instruction& i) {
    const VectorRegister& mask = cpu.state.vector[i.operands[1].reg];
    const VectorRegister& source = cpu.state.vector[i.operands[2].reg];
    const Selection range = selection<T>(mask, vector_bytes(i) / unsigned{sizeof(T)});
    if (range.count == 0) return;
    const u64 start = element_offset(cpu, i, range.first * sizeof(T));
    const unsigned size = range.count * unsigned{sizeof(T)};
    static_cast<void>(cpu.linear_for_write(i.segment, start, size));
    cpu.probe_write(i.segment, start, 1);
    cpu.probe_write(i.segment, start + size - 1, 1);
    for (unsigned k = 0; k < range.count; ++k) {
        if (!selected<T>(mask, range.first + k)) continue;
        write_element<T>(cpu, i, start + k * sizeof(T), element<T>(source, range.first + k));
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
        if (bit(mask[k], 7)) cpu.write<u8>(i.segment, (base + k) & i.address_mask(), source[k]);
    }
}

/// As measured on a processor: both halves are checked whole, whatever the mask, the upper first.
void maskmovdqu(Cpu& cpu, const Instruction& i) {
    const u64 base = cpu.state.gpr[kRdi];
    cpu.probe_write(i.segment, (base + 8) & i.address_mask(), 8);
    cpu.probe_write(i.segment, base & i.address_mask(), 8);
    store_bytes(cpu, i, cpu.state.vector[i.operands[0].reg].bytes.data(),
                cpu.state.vector[i.operands[1].reg].bytes.data(), 16);
}

/// As measured on a processor: all eight bytes are checked, whatever the mask.
void maskmovq(Cpu& cpu, const Instruction& i) {
    if ((x87_status_word() & kX87ErrorSummary) != 0 && report_x87_error(cpu)) return;
    // Like every MMX instruction: TOP = 0, all tags valid, here even when the store faults. Reading MM0 changes nothing
    // else.
    const bool pending = (x87_status_word() & kX87ErrorSummary) != 0;  // only with IGNNE#
    const u16 flags = pending ? set_aside_x87_exceptions() : u16{0};
    u32 ignored;
    asm volatile("movd %%mm0, %0" : "=r"(ignored));
    if (pending) restore_x87_exceptions(flags);
    cpu.probe_write(i.segment, cpu.state.gpr[kRdi] & i.address_mask(), 8);
    // MMn is the low 64 bits of physical register n, which FXSAVE stores relative to TOP.
    alignas(16) std::array<u8, 512> image;
    asm volatile("fxsave64 %0" : "=m"(image));
    const unsigned top = (x87_status_word() >> 11) & 7u;
    const auto mmx = [&](u8 number) { return image.data() + 32 + 16 * ((number - top) & 7u); };
    store_bytes(cpu, i, mmx(i.operands[0].reg), mmx(i.operands[1].reg), 8);
}

/// Runs `body`, which counts loaded elements in `loaded`. With TF set, a fault behind the first element gives way to
/// the single-step trap, with RF set (SDM vol. 2, VGATHERDPS).
template <class Body>
void run_stepped(Cpu& cpu, const unsigned& loaded, Body body) {
    std::jmp_buf* const outer = cpu.recovery;
    std::jmp_buf here;
    cpu.recovery = &here;
    if (setjmp(here) != 0) {
        cpu.recovery = outer;
        if (loaded == 0) std::longjmp(*outer, 1);
        cpu.state.rip() = cpu.state.instruction_rip;
        cpu.write_flags(kFlagResume, kFlagResume);
        cpu.state.resume_armed = false;  // it has not completed: RF stays
        return;
    }
    body();
    cpu.recovery = outer;
}

/// T: data element, Index: signed index element. As measured on a processor: what lies above the vector length is
/// cleared even if an element faults, in the destination once an element has been loaded; a mask longer than the
/// elements need is normalized like the rest.
template <class T, class Index>
void gather_elements(Cpu& cpu, const Instruction& i, unsigned& loaded) {
    VectorRegister& destination = cpu.state.vector[i.operands[0].reg];
    VectorRegister& mask = cpu.state.vector[i.operands[2].reg];
    const VectorRegister& indices = cpu.state.vector[i.index];
    constexpr unsigned kWidest = sizeof(T) > sizeof(Index) ? sizeof(T) : sizeof(Index);
    const unsigned length = vector_bytes(i);
    const unsigned count = length / kWidest;
    const u64 base = cpu.state.gpr[i.base] + static_cast<u64>(i.displacement);
    const auto clear_above = [](VectorRegister& v, unsigned from) {
        std::memset(v.bytes.data() + from, 0, v.bytes.size() - from);
    };
    for (unsigned k = 0; k < length / sizeof(T); ++k) {
        set_element<T>(mask, k, selected<T>(mask, k) ? static_cast<T>(~T{0}) : T{0});
    }
    clear_above(mask, length);
    for (unsigned k = 0; k < count; ++k) {
        if (!selected<T>(mask, k)) continue;
        const u64 index = static_cast<u64>(static_cast<i64>(element<Index>(indices, k)));
        const u64 offset = (base + (index << i.scale)) & i.address_mask();
        set_element<T>(destination, k, read_element<T>(cpu, i, offset));
        clear_above(destination, length);
        set_element<T>(mask, k, T{0});
        ++loaded;
    }
    mask = {};
    clear_above(destination, count * static_cast<unsigned>(sizeof(T)));
}

template <class T, class Index>
void gather(Cpu& cpu, const Instruction& i) {
    unsigned loaded = 0;
    if (!cpu.state.step_armed) return gather_elements<T, Index>(cpu, i, loaded);
    run_stepped(cpu, loaded, [&] { gather_elements<T, Index>(cpu, i, loaded); });
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
