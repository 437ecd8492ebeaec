// FNSTENV, FLDENV, FNSAVE, FRSTOR in their four formats (SDM vol. 1, figures 8-9 to 8-12). The words come from the
// host's own FNSTENV; only the pointers, which the host has wrong, are filled in here.
#include <cstring>

#include "base/bits.h"
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

u64 checked_address(Cpu& cpu, const isa::Instruction& i) {
    const u64 offset = cpu.effective_address(i);
    const u64 linear = cpu.state.segment[i.segment].base + offset;
    if (cpu.alignment_checks() && (linear & (wide(i) ? 3u : 1u)) != 0) cpu.raise(Vector::alignment_check, 0);
    return offset;
}

}  // namespace

void fnstenv(Cpu& cpu, const isa::Instruction& i) {
    const u64 offset = checked_address(cpu, i);
    cpu.probe_write(i.segment, offset, environment_size(i));
    settle_x87_pointers(cpu);
    Image image;
    asm volatile("fnstenv %0" : "=m"(image.words));
    std::array<u8, kWideSize> bytes{};
    cpu.write_bytes(i.segment, offset, bytes.data(), format(cpu, i, image, bytes.data()));
    update_ferr(cpu);
}

void fldenv(Cpu& cpu, const isa::Instruction& i) {
    if ((x87_status_word() & kX87ErrorSummary) != 0 && report_x87_error(cpu)) return;
    std::array<u8, kWideSize> bytes{};
    cpu.read_bytes(i.segment, checked_address(cpu, i), bytes.data(), environment_size(i));
    Image image;
    parse(cpu, i, bytes.data(), image);
    asm volatile("fnclex\n\tfldenv %0" : : "m"(image.words));
    update_ferr(cpu);
}

void fnsave(Cpu& cpu, const isa::Instruction& i) {
    const u64 offset = checked_address(cpu, i);
    cpu.probe_write(i.segment, offset, environment_size(i) + kRegisterBytes);
    settle_x87_pointers(cpu);
    Image image;
    asm volatile("fnsave %0" : "=m"(image));
    std::array<u8, kWideSize + kRegisterBytes> bytes{};
    const unsigned size = format(cpu, i, image, bytes.data());
    std::memcpy(bytes.data() + size, image.registers.data(), kRegisterBytes);
    clear_x87_pointers(cpu.state);
    cpu.write_bytes(i.segment, offset, bytes.data(), size + kRegisterBytes);
    update_ferr(cpu);
}

void frstor(Cpu& cpu, const isa::Instruction& i) {
    if ((x87_status_word() & kX87ErrorSummary) != 0 && report_x87_error(cpu)) return;
    const unsigned size = environment_size(i);
    std::array<u8, kWideSize + kRegisterBytes> bytes{};
    cpu.read_bytes(i.segment, checked_address(cpu, i), bytes.data(), size + kRegisterBytes);
    Image image;
    parse(cpu, i, bytes.data(), image);
    std::memcpy(image.registers.data(), bytes.data() + size, kRegisterBytes);
    asm volatile("fnclex\n\tfrstor %0" : : "m"(image));
    update_ferr(cpu);
}

}  // namespace bantam::host
