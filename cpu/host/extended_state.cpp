// See extended_state.h. Components: 0 x87, 1 SSE (XMM), 2 AVX (upper halves). XINUSE is computed from the contents (SDM
// vol. 1, 13.6 lets a processor choose), so images depend on nothing but guest state. Leaves out supervisor components
// (XSAVES).
#include "cpu/host/extended_state.h"

#include <cstring>

#include "base/bits.h"
#include "cpu/host/x87_unit.h"

namespace bantam::host {
namespace {

constexpr u64 kX87Component = 1;
constexpr u64 kSseComponent = 2;
constexpr u64 kAvxComponent = 4;
constexpr unsigned kLegacySize = 512;
constexpr unsigned kHeaderAt = 512;
constexpr unsigned kExtendedAt = 576;  // of the AVX component in both formats
constexpr unsigned kAvxSize = 256;
constexpr unsigned kMxcsrAt = 24;
constexpr unsigned kRegistersAt = 32;
constexpr unsigned kXmmAt = 160;
constexpr u32 kDefaultMxcsr = 0x1F80;
constexpr u64 kCompacted = u64{1} << 63;

using Area = std::array<u8, kExtendedAt + kAvxSize>;

template <class T>
T get(const u8* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
template <class T>
void put(u8* to, T value) {
    std::memcpy(to, &value, sizeof value);
}

unsigned vector_count(const Cpu& cpu) { return cpu.code64() ? 16 : 8; }
bool wide_pointers(const isa::Instruction& i) { return (i.rex & 8u) != 0; }

/// Offset of the operand after the alignment check; misaligned by less than a doubleword it is #AC when armed.
u64 area_offset(Cpu& cpu, const isa::Instruction& i, unsigned alignment) {
    const u64 offset = cpu.effective_address(i);
    const u64 linear = cpu.state.segment[i.segment].base + offset;
    if ((linear & (alignment - 1)) != 0) {
        if (cpu.alignment_checks() && (linear & 3u) != 0) cpu.raise(Vector::alignment_check, 0);
        cpu.raise(Vector::general_protection, 0);
    }
    return offset;
}

void store_x87(Cpu& cpu, const isa::Instruction& i, u8* area) {
    settle_x87_pointers(cpu);
    alignas(16) std::array<u8, kLegacySize> image;
    asm volatile("fxsave64 %0" : "=m"(image));
    const CpuState& s = cpu.state;
    const bool modern = x87_modern_pointers(cpu);
    std::memcpy(area, image.data(), 6);
    area[5] = 0;
    put<u16>(area + 6, s.x87_opcode);
    if (wide_pointers(i)) {
        put<u64>(area + 8, s.x87_instruction_pointer);
        put<u64>(area + 16, s.x87_data_pointer);
    } else {
        put<u64>(area + 8, static_cast<u32>(s.x87_instruction_pointer));
        put<u16>(area + 12, modern ? u16{0} : s.x87_code_segment);
        put<u64>(area + 16, static_cast<u32>(s.x87_data_pointer));
        put<u16>(area + 20, modern ? u16{0} : s.x87_data_segment);
    }
    for (unsigned r = 0; r < 8; ++r) {
        std::memcpy(area + kRegistersAt + 16 * r, image.data() + kRegistersAt + 16 * r, 10);
        std::memset(area + kRegistersAt + 16 * r + 10, 0, 6);
    }
}

void load_x87(Cpu& cpu, const isa::Instruction& i, const u8* area) {
    CpuState& s = cpu.state;
    std::memcpy(s.x87.data(), area, 5);
    for (unsigned r = 0; r < 8; ++r) {
        std::memcpy(s.x87.data() + kRegistersAt + 16 * r, area + kRegistersAt + 16 * r, 10);
    }
    s.x87_last_opcode = 0;
    s.x87_opcode = get<u16>(area + 6) & 0x7FFu;
    if (wide_pointers(i)) {
        s.x87_instruction_pointer = get<u64>(area + 8);
        s.x87_data_pointer = get<u64>(area + 16);
        s.x87_code_segment = s.x87_data_segment = 0;
    } else {
        s.x87_instruction_pointer = get<u32>(area + 8);
        s.x87_code_segment = get<u16>(area + 12);
        s.x87_data_pointer = get<u32>(area + 16);
        s.x87_data_segment = get<u16>(area + 20);
    }
    enter_fpu(s);
    update_ferr(cpu);
}

void init_x87(Cpu& cpu) {
    CpuState& s = cpu.state;
    s.x87 = {};
    put<u16>(s.x87.data(), 0x37F);
    clear_x87_pointers(s);
    enter_fpu(s);
    update_ferr(cpu);
}

void store_xmm(const Cpu& cpu, u8* area) {
    for (unsigned r = 0; r < vector_count(cpu); ++r) {
        std::memcpy(area + kXmmAt + 16 * r, cpu.state.vector[r].bytes.data(), 16);
    }
}
void load_xmm(Cpu& cpu, const u8* area) {
    for (unsigned r = 0; r < vector_count(cpu); ++r) {
        std::memcpy(cpu.state.vector[r].bytes.data(), area + kXmmAt + 16 * r, 16);
    }
}
void store_upper(const Cpu& cpu, u8* area) {
    for (unsigned r = 0; r < vector_count(cpu); ++r) {
        std::memcpy(area + kExtendedAt + 16 * r, cpu.state.vector[r].bytes.data() + 16, 16);
    }
}
void load_upper(Cpu& cpu, const u8* area) {
    for (unsigned r = 0; r < vector_count(cpu); ++r) {
        std::memcpy(cpu.state.vector[r].bytes.data() + 16, area + kExtendedAt + 16 * r, 16);
    }
}
/// Zeroes 16 bytes at `from` of every vector register of the mode.
void clear_half(Cpu& cpu, unsigned from) {
    for (unsigned r = 0; r < vector_count(cpu); ++r) std::memset(cpu.state.vector[r].bytes.data() + from, 0, 16);
}
bool half_in_use(const Cpu& cpu, unsigned from) {
    for (unsigned r = 0; r < vector_count(cpu); ++r) {
        for (unsigned b = 0; b < 16; ++b) {
            if (cpu.state.vector[r].bytes[from + b] != 0) return true;
        }
    }
    return false;
}

void store_mxcsr(const Cpu& cpu, u8* area) {
    put<u32>(area + kMxcsrAt, cpu.state.mxcsr);
    put<u32>(area + kMxcsrAt + 4, mxcsr_mask(cpu.model));
}

/// Whether an x87 image as store_x87 makes it is the initial configuration.
bool x87_in_use(const u8* area) {
    if (get<u16>(area) != 0x37F) return true;
    for (unsigned at = 2; at < kXmmAt; ++at) {
        if ((at < kMxcsrAt || at >= kRegistersAt) && area[at] != 0) return true;
    }
    return false;
}

u64 requested_features(const Cpu& cpu) {
    const u64 mask = (cpu.state.gpr[kRdx] << 32) | static_cast<u32>(cpu.state.gpr[kRax]);
    return mask & cpu.state.xcr0;
}

enum class SaveForm : u8 { standard, optimized, compacted };

void save_components(Cpu& cpu, const isa::Instruction& i, SaveForm form) {
    const u64 offset = area_offset(cpu, i, 64);
    const u64 features = requested_features(cpu);
    const unsigned size = (features & kAvxComponent) != 0 ? kExtendedAt + kAvxSize : kExtendedAt;
    cpu.probe_write(i.segment, offset, size);
    Area area;
    cpu.read_bytes(i.segment, offset, area.data(), size);

    std::array<u8, kXmmAt> x87{};
    store_x87(cpu, i, x87.data());
    u64 in_use = 0;
    if (x87_in_use(x87.data())) in_use |= kX87Component;
    if (half_in_use(cpu, 0) || cpu.state.mxcsr != kDefaultMxcsr) in_use |= kSseComponent;
    if (half_in_use(cpu, 16)) in_use |= kAvxComponent;
    const u64 stored = form == SaveForm::standard ? features : features & in_use;

    if ((stored & kX87Component) != 0) {
        std::memcpy(area.data(), x87.data(), kMxcsrAt);
        std::memcpy(area.data() + kRegistersAt, x87.data() + kRegistersAt, kXmmAt - kRegistersAt);
    }
    if ((stored & kSseComponent) != 0) store_xmm(cpu, area.data());
    if ((stored & kAvxComponent) != 0) store_upper(cpu, area.data());
    const u64 mxcsr_owner =
        form == SaveForm::compacted ? stored & kSseComponent : features & (kSseComponent | kAvxComponent);
    if (mxcsr_owner != 0) store_mxcsr(cpu, area.data());
    u8* header = area.data() + kHeaderAt;
    if (form == SaveForm::compacted) {
        put<u64>(header, features & in_use);
        put<u64>(header + 8, features | kCompacted);
    } else {
        put<u64>(header, (get<u64>(header) & ~features) | (features & in_use));
    }
    cpu.write_bytes(i.segment, offset, area.data(), size);
}

}  // namespace

u32 mxcsr_mask(const Model& model) { return model.has(isa::Feature::sse2) ? 0xFFFF : 0xFFBF; }

void fxsave(Cpu& cpu, const isa::Instruction& i) {
    const u64 offset = area_offset(cpu, i, 16);
    cpu.probe_write(i.segment, offset, kLegacySize);
    std::array<u8, kLegacySize> area{};
    store_x87(cpu, i, area.data());
    unsigned size = kXmmAt;
    if (cpu.model.has(isa::Feature::sse)) {
        store_mxcsr(cpu, area.data());
        store_xmm(cpu, area.data());
        size += 16 * vector_count(cpu);
    }
    cpu.write_bytes(i.segment, offset, area.data(), size);
}

void fxrstor(Cpu& cpu, const isa::Instruction& i) {
    std::array<u8, kLegacySize> area;
    cpu.read_bytes(i.segment, area_offset(cpu, i, 16), area.data(), kLegacySize);
    if (cpu.model.has(isa::Feature::sse)) {
        const u32 mxcsr = get<u32>(area.data() + kMxcsrAt);
        if ((mxcsr & ~mxcsr_mask(cpu.model)) != 0) cpu.raise(Vector::general_protection, 0);
        cpu.state.mxcsr = mxcsr;
        load_xmm(cpu, area.data());
    }
    load_x87(cpu, i, area.data());
}

void xsave(Cpu& cpu, const isa::Instruction& i) { save_components(cpu, i, SaveForm::standard); }
void xsaveopt(Cpu& cpu, const isa::Instruction& i) { save_components(cpu, i, SaveForm::optimized); }
void xsavec(Cpu& cpu, const isa::Instruction& i) { save_components(cpu, i, SaveForm::compacted); }

void xrstor(Cpu& cpu, const isa::Instruction& i) {
    const u64 offset = area_offset(cpu, i, 64);
    const u64 features = requested_features(cpu);
    Area area;
    cpu.read_bytes(i.segment, offset, area.data(), kExtendedAt);
    const u8* header = area.data() + kHeaderAt;
    const u64 present = get<u64>(header);
    const u64 layout = get<u64>(header + 8);
    const bool compacted = (layout & kCompacted) != 0;
    // SDM vol. 1, 13.8.1 and 13.8.2.
    const u64 allowed = compacted ? layout & ~kCompacted : cpu.state.xcr0;
    bool bad = (present & ~allowed) != 0 || (allowed & ~cpu.state.xcr0) != 0;
    if (compacted && !cpu.model.has(isa::Feature::xsavec)) bad = true;
    if (!compacted && layout != 0) bad = true;
    for (unsigned at = 16; at < (compacted ? 64u : 24u); ++at) bad |= header[at] != 0;
    if (bad) cpu.raise(Vector::general_protection, 0);

    const u64 load = features & present;
    if ((load & kAvxComponent) != 0) {
        cpu.read_bytes(i.segment, (offset + kExtendedAt) & i.address_mask(), area.data() + kExtendedAt, kAvxSize);
    }
    const u64 mxcsr_owner = compacted ? load & kSseComponent : features & (kSseComponent | kAvxComponent);
    u32 mxcsr = cpu.state.mxcsr;
    if (mxcsr_owner != 0) {
        mxcsr = get<u32>(area.data() + kMxcsrAt);
        if ((mxcsr & ~mxcsr_mask(cpu.model)) != 0) cpu.raise(Vector::general_protection, 0);
    } else if (compacted && (features & kSseComponent) != 0) {
        mxcsr = kDefaultMxcsr;
    }
    cpu.state.mxcsr = mxcsr;
    if ((features & kSseComponent) != 0) {
        (load & kSseComponent) != 0 ? load_xmm(cpu, area.data()) : clear_half(cpu, 0);
    }
    if ((features & kAvxComponent) != 0) {
        (load & kAvxComponent) != 0 ? load_upper(cpu, area.data()) : clear_half(cpu, 16);
    }
    if ((features & kX87Component) != 0) {
        (load & kX87Component) != 0 ? load_x87(cpu, i, area.data()) : init_x87(cpu);
    }
}

void ldmxcsr(Cpu& cpu, const isa::Instruction& i) {
    const u32 value = cpu.read<u32>(i.segment, cpu.effective_address(i));
    if ((value & ~mxcsr_mask(cpu.model)) != 0) cpu.raise(Vector::general_protection, 0);
    cpu.state.mxcsr = value;
}

void stmxcsr(Cpu& cpu, const isa::Instruction& i) {
    cpu.write<u32>(i.segment, cpu.effective_address(i), cpu.state.mxcsr);
}

void vzeroall(Cpu& cpu, const isa::Instruction&) {
    clear_half(cpu, 0);
    clear_half(cpu, 16);
}

void vzeroupper(Cpu& cpu, const isa::Instruction&) { clear_half(cpu, 16); }

}  // namespace bantam::host
