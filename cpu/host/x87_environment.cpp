// FNSTENV, FLDENV, FNSAVE, FRSTOR in their four formats (SDM vol. 1, figures 8-9 to 8-12). The words come from the
// host's own FNSTENV; only the pointers, which the host has wrong, are filled in here.
#include <cstring>

#include "base/bits.h"
#include "cpu/host/operand_memory.h"
#include "cpu/host/x87_unit.h"

namespace bantam::host {
namespace {

constexpr unsigned kWideSize = 28;
constexpr unsigned kNarrowSize = 14;
constexpr unsigned kRegisterBytes = 80;

/// The 32-bit protected-mode image, which is what the host reads and writes in 64-bit mode.
struct Image {
    std::array<u32, 7> words{};  // FCW, FSW, FTW, FIP, FOP:FCS, FDP, FDS
    std::array<u8, kRegisterBytes> registers{};
};
static_assert(sizeof(Image) == kWideSize + kRegisterBytes);

bool wide(const isa::Instruction& i) { return i.operand_size != 2; }
unsigned environment_size(const isa::Instruction& i) { return wide(i) ? kWideSize : kNarrowSize; }

void put16(u8* to, u64 value) {
    const u16 word = static_cast<u16>(value);
    std::memcpy(to, &word, sizeof word);
}
u16 get16(const u8* from) {
    u16 word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

/// Writes the environment part in the format of mode and operand size; returns its size.
unsigned format(const Cpu& cpu, const isa::Instruction& i, const Image& image, u8* to) {
    const CpuState& s = cpu.state;
    const bool modern = x87_modern_pointers(cpu);
    const u32 code = modern ? 0u : s.x87_code_segment;
    const u32 data = modern ? 0u : s.x87_data_segment;
    const bool real = cpu.real_or_v86();
    const u32 code_linear = static_cast<u32>(s.x87_instruction_pointer) + (code << 4);
    const u32 data_linear = static_cast<u32>(s.x87_data_pointer) + (data << 4);
    const unsigned step = wide(i) ? 4 : 2;
    if (wide(i)) std::memset(to, 0xFF, kWideSize);
    for (unsigned word = 0; word < 3; ++word) put16(to + step * word, image.words[word]);
    if (!wide(i)) {
        put16(to + 6, real ? code_linear : s.x87_instruction_pointer);
        put16(to + 8, real ? (code_linear >> 16 << 12) | s.x87_opcode : code);
        put16(to + 10, real ? data_linear : s.x87_data_pointer);
        put16(to + 12, real ? data_linear >> 16 << 12 : data);
        return kNarrowSize;
    }
    const auto put32 = [to](unsigned at, u32 value) { std::memcpy(to + at, &value, sizeof value); };
    if (real) {
        put16(to + 12, code_linear);
        put32(16, (code_linear >> 16 << 12) | s.x87_opcode);
        put16(to + 20, data_linear);
        put32(24, data_linear >> 16 << 12);
    } else {
        put32(12, static_cast<u32>(s.x87_instruction_pointer));
        put32(16, static_cast<u32>(s.x87_opcode) << 16 | code);
        put32(20, static_cast<u32>(s.x87_data_pointer));
        put16(to + 24, data);
    }
    return kWideSize;
}

/// The reverse: host image words and the guest's pointers from memory in `from`.
void parse(Cpu& cpu, const isa::Instruction& i, const u8* from, Image& image) {
    CpuState& s = cpu.state;
    const unsigned step = wide(i) ? 4 : 2;
    for (unsigned word = 0; word < 3; ++word) image.words[word] = 0xFFFF0000u | get16(from + step * word);
    const auto get32 = [from](unsigned at) {
        u32 value;
        std::memcpy(&value, from + at, sizeof value);
        return value;
    };
    const bool real = cpu.real_or_v86();
    s.x87_last_opcode = 0;
    s.x87_code_segment = s.x87_data_segment = 0;
    if (real) {
        const u32 upper_code = wide(i) ? get32(16) : get16(from + 8);
        const u32 upper_data = wide(i) ? get32(24) : get16(from + 12);
        s.x87_instruction_pointer = get16(from + 3 * step) | (upper_code >> 12 << 16);
        s.x87_data_pointer = get16(from + 5 * step) | (upper_data >> 12 << 16);
        s.x87_opcode = upper_code & 0x7FFu;
        return;
    }
    s.x87_code_segment = get16(from + 4 * step);
    s.x87_data_segment = get16(from + 6 * step);
    s.x87_instruction_pointer = wide(i) ? get32(12) : get16(from + 6);
    s.x87_data_pointer = wide(i) ? get32(20) : get16(from + 10);
    if (wide(i)) s.x87_opcode = get16(from + 18) & 0x7FFu;
}

/// An operand of `size` bytes, environment first, then registers in parts of 8 and 2 bytes. As measured on a processor:
/// after the first part the last byte is touched, then the others in order, so what lies behind a segment limit need
/// not be #GP.
struct Area {
    u64 offset = 0;
    unsigned size = 0;
    unsigned environment = 0;

    template <class Part>
    void for_parts(const isa::Instruction& i, Part part) const {
        const unsigned step = wide(i) ? 4 : 2;
        for (unsigned at = 0; at < environment; at += step) part((offset + at) & i.address_mask(), at, step);
        for (unsigned at = environment; at < size; at += 10) {
            part((offset + at) & i.address_mask(), at, 8u);
            part((offset + at + 8) & i.address_mask(), at + 8, 2u);
        }
    }
};

Area area_of(Cpu& cpu, const isa::Instruction& i, unsigned registers, bool write) {
    const u64 offset = cpu.effective_address(i);
    const u64 linear = cpu.state.segment[i.segment].base + offset;
    const unsigned step = wide(i) ? 4 : 2;
    if (cpu.alignment_checks() && (linear & (step - 1)) != 0) {
        static_cast<void>(write ? cpu.linear_for_write(i.segment, offset, step)
                                : cpu.linear_for_read(i.segment, offset, step));
        if (cpu.code64() && !cpu.canonical(linear)) cpu.raise_segment_limit(i.segment);
        cpu.raise(Vector::alignment_check, 0);
    }
    return {offset, environment_size(i) + registers, environment_size(i)};
}

void read_area(Cpu& cpu, const isa::Instruction& i, const Area& area, u8* to) {
    read_unchecked(cpu, i.segment, area.offset, to, wide(i) ? 4 : 2);
    static_cast<void>(cpu.read<u8>(i.segment, (area.offset + area.size - 1) & i.address_mask()));
    area.for_parts(
        i, [&](u64 offset, unsigned at, unsigned size) { read_unchecked(cpu, i.segment, offset, to + at, size); });
}

void probe_area(Cpu& cpu, const isa::Instruction& i, const Area& area) {
    const auto probe = [&](u64 offset, unsigned, unsigned size) {
        if (!cpu.alignment_checks()) return cpu.probe_write(i.segment, offset, size);
        static_cast<void>(cpu.linear_for_write(i.segment, offset, size));
        for (unsigned k = 0; k < size; ++k) cpu.probe_write(i.segment, offset + k, 1);
    };
    probe(area.offset, 0, wide(i) ? 4 : 2);
    cpu.probe_write(i.segment, (area.offset + area.size - 1) & i.address_mask(), 1);
    area.for_parts(i, probe);
}

void write_area(Cpu& cpu, const isa::Instruction& i, const Area& area, const u8* from) {
    area.for_parts(
        i, [&](u64 offset, unsigned at, unsigned size) { write_unchecked(cpu, i.segment, offset, from + at, size); });
}

}  // namespace

void fnstenv(Cpu& cpu, const isa::Instruction& i) {
    const Area area = area_of(cpu, i, 0, true);
    probe_area(cpu, i, area);
    settle_x87_pointers(cpu);
    Image image;
    asm volatile("fnstenv %0" : "=m"(image.words));
    std::array<u8, kWideSize> bytes{};
    format(cpu, i, image, bytes.data());
    write_area(cpu, i, area, bytes.data());
    update_ferr(cpu);
}

void fldenv(Cpu& cpu, const isa::Instruction& i) {
    if ((x87_status_word() & kX87ErrorSummary) != 0 && report_x87_error(cpu)) return;
    std::array<u8, kWideSize> bytes{};
    read_area(cpu, i, area_of(cpu, i, 0, false), bytes.data());
    Image image;
    parse(cpu, i, bytes.data(), image);
    asm volatile("fnclex\n\tfldenv %0" : : "m"(image.words));
    update_ferr(cpu);
}

void fnsave(Cpu& cpu, const isa::Instruction& i) {
    const Area area = area_of(cpu, i, kRegisterBytes, true);
    probe_area(cpu, i, area);
    settle_x87_pointers(cpu);
    Image image;
    asm volatile("fnsave %0" : "=m"(image));
    std::array<u8, kWideSize + kRegisterBytes> bytes{};
    const unsigned size = format(cpu, i, image, bytes.data());
    std::memcpy(bytes.data() + size, image.registers.data(), kRegisterBytes);
    clear_x87_pointers(cpu.state);
    write_area(cpu, i, area, bytes.data());
    update_ferr(cpu);
}

void frstor(Cpu& cpu, const isa::Instruction& i) {
    if ((x87_status_word() & kX87ErrorSummary) != 0 && report_x87_error(cpu)) return;
    std::array<u8, kWideSize + kRegisterBytes> bytes{};
    read_area(cpu, i, area_of(cpu, i, kRegisterBytes, false), bytes.data());
    Image image;
    parse(cpu, i, bytes.data(), image);
    std::memcpy(image.registers.data(), bytes.data() + environment_size(i), kRegisterBytes);
    asm volatile("fnclex\n\tfrstor %0" : : "m"(image));
    update_ferr(cpu);
}

}  // namespace bantam::host
