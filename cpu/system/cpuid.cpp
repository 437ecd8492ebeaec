// CPUID leaves, all computed from the model's features so that they cannot contradict one another or the decoder.
// One core of one thread; 32 KiB level-1 caches, a 2 MiB level-2 cache. The hypervisor bit is 0: software sees a PC,
// and the clock frequencies of leaf 15h and 16h are exact, so nothing needs calibrating against another timer.
#include "cpu/system/cpuid.h"

#include <cstring>

#include "cpu/system/control.h"
#include "cpu/system/handlers.h"

namespace bantam {
namespace {

using isa::Feature;

struct FeatureBit {
    Feature feature;
    u8 bit;
};

template <std::size_t N>
u32 feature_bits(const Model& model, const FeatureBit (&table)[N]) {
    u32 value = 0;
    for (const FeatureBit& f : table) {
        if (model.has(f.feature)) value |= 1u << f.bit;
    }
    return value;
}

constexpr FeatureBit k1Edx[] = {
    {Feature::fpu, 0},  {Feature::vme, 1},    {Feature::de, 2},       {Feature::pse, 3},  {Feature::tsc, 4},
    {Feature::msr, 5},  {Feature::pae, 6},    {Feature::mce, 7},      {Feature::cx8, 8},  {Feature::apic, 9},
    {Feature::sep, 11}, {Feature::mtrr, 12},  {Feature::pge, 13},     {Feature::mca, 14}, {Feature::cmov, 15},
    {Feature::pat, 16}, {Feature::pse36, 17}, {Feature::clflush, 19}, {Feature::mmx, 23}, {Feature::fxsr, 24},
    {Feature::sse, 25}, {Feature::sse2, 26},
};
constexpr FeatureBit k1Ecx[] = {
    {Feature::sse3, 0},          {Feature::pclmulqdq, 1}, {Feature::monitor, 3}, {Feature::ssse3, 9},
    {Feature::fma, 12},          {Feature::cx16, 13},     {Feature::pcid, 17},   {Feature::sse41, 19},
    {Feature::sse42, 20},        {Feature::x2apic, 21},   {Feature::movbe, 22},  {Feature::popcnt, 23},
    {Feature::tsc_deadline, 24}, {Feature::aes, 25},      {Feature::xsave, 26},  {Feature::avx, 28},
    {Feature::f16c, 29},         {Feature::rdrand, 30},
};
constexpr FeatureBit k7Ebx[] = {
    {Feature::fsgsbase, 0},      {Feature::bmi1, 3},    {Feature::avx2, 5}, {Feature::x87_pointers, 6},
    {Feature::x87_pointers, 13}, {Feature::smep, 7},    {Feature::bmi2, 8}, {Feature::erms, 9},
    {Feature::invpcid, 10},      {Feature::rdseed, 18}, {Feature::adx, 19}, {Feature::smap, 20},
    {Feature::clflushopt, 23},   {Feature::sha, 29},
};
constexpr FeatureBit k7Ecx[] = {{Feature::umip, 2}, {Feature::rdpid, 22}, {Feature::movdir, 27}};
constexpr FeatureBit k7Edx[] = {{Feature::spec_ctrl, 26}, {Feature::arch_capabilities, 29}};
constexpr FeatureBit kExtEcx[] = {{Feature::lahf64, 0}, {Feature::lzcnt, 5}, {Feature::prefetchw, 8}};
constexpr FeatureBit kExtEdx[] = {
    {Feature::nx, 20}, {Feature::page1gb, 26}, {Feature::rdtscp, 27}, {Feature::long_mode, 29}};
constexpr FeatureBit kDEax1[] = {{Feature::xsaveopt, 0}, {Feature::xsavec, 1}, {Feature::xgetbv1, 2}};

constexpr u32 kXsaveLegacy = 576;  // FXSAVE area and header
constexpr u32 kAvxBytes = 256;

u32 xsave_bytes(u64 components) { return (components & 4) != 0 ? kXsaveLegacy + kAvxBytes : kXsaveLegacy; }

u32 max_basic_leaf(const Cpu& cpu) {
    const bool limited = bit(cpu.state.misc_enable, 22);
    return limited && cpu.model.max_leaf > 2 ? 2 : cpu.model.max_leaf;
}

CpuidResult vendor(const Cpu& cpu, u32 max_leaf) {
    CpuidResult r{.eax = max_leaf};
    std::memcpy(&r.ebx, cpu.model.vendor.data(), 4);
    std::memcpy(&r.edx, cpu.model.vendor.data() + 4, 4);
    std::memcpy(&r.ecx, cpu.model.vendor.data() + 8, 4);
    return r;
}

CpuidResult version(const Cpu& cpu) {
    const Model& m = cpu.model;
    CpuidResult r;
    r.eax = m.signature;
    r.ebx = u32{cpu.apic_id} << 24 | 1u << 16 | (m.has(Feature::clflush) ? 8u << 8 : 0);
    r.ecx = feature_bits(m, k1Ecx) | (bit(cpu.state.cr4, 18) ? 1u << 27 : 0);
    r.edx = feature_bits(m, k1Edx);
    if (!bit(cpu.state.apic_base, 11)) r.edx &= ~(1u << 9);
    if (m.has(Feature::monitor) && !bit(cpu.state.misc_enable, 18)) r.ecx &= ~(1u << 3);
    return r;
}

/// Leaf 2 descriptors: those of the Pentium II and III, or "see leaf 4" (FFh).
CpuidResult cache_descriptors(const Model& m) {
    if (m.max_leaf < 4) return {0x03020101, 0, 0, 0x0C040843};
    return {0x00FEFF01, 0, 0, 0x000000F0};  // F0h: 64-byte prefetching
}

CpuidResult cache_parameters(u32 subleaf) {
    struct Cache {
        u32 type, level, ways, sets;
    };
    constexpr Cache kCaches[] = {{1, 1, 8, 64}, {2, 1, 8, 64}, {3, 2, 16, 2048}};
    if (subleaf >= std::size(kCaches)) return {};
    const Cache& c = kCaches[subleaf];
    return {c.type | c.level << 5 | 1u << 8, (c.ways - 1) << 22 | 63, c.sets - 1, 0};
}

CpuidResult topology(const Cpu& cpu, u32 subleaf) {
    CpuidResult r{.ecx = subleaf & 0xFF, .edx = cpu.apic_id};
    if (subleaf == 0) {
        r.ebx = 1;
        r.ecx |= 1u << 8;  // threads
    } else if (subleaf == 1) {
        r.ebx = 1;
        r.ecx |= 2u << 8;  // cores
    }
    return r;
}

CpuidResult xsave_state(const Cpu& cpu, u32 subleaf) {
    const Model& m = cpu.model;
    if (!m.has(Feature::xsave)) return {};
    const u64 supported = control_allowed_xcr0(m);
    if (subleaf == 0) return {static_cast<u32>(supported), xsave_bytes(cpu.state.xcr0), xsave_bytes(supported), 0};
    if (subleaf == 1) return {feature_bits(m, kDEax1), m.has(Feature::xsavec) ? xsave_bytes(cpu.state.xcr0) : 0, 0, 0};
    if (subleaf == 2 && m.has(Feature::avx)) return {kAvxBytes, kXsaveLegacy, 0, 0};
    return {};
}

CpuidResult basic(const Cpu& cpu, u32 leaf, u32 subleaf) {
    const Model& m = cpu.model;
    switch (leaf) {
        case 0:
            return vendor(cpu, max_basic_leaf(cpu));
        case 1:
            return version(cpu);
        case 2:
            return cache_descriptors(m);
        case 4:
            return cache_parameters(subleaf);
        case 5:
            return m.has(Feature::monitor) ? CpuidResult{64, 64, 3, 0x10} : CpuidResult{};
        case 6:
            return {.eax = 1u << 2};  // ARAT: the APIC timer never stops
        case 7:
            if (subleaf != 0) return {};
            return {0, feature_bits(m, k7Ebx), feature_bits(m, k7Ecx), feature_bits(m, k7Edx)};
        case 0xB:
            return topology(cpu, subleaf);
        case 0xD:
            return xsave_state(cpu, subleaf);
        case 0x15:
            return {1, static_cast<u32>(m.tsc_hz / m.crystal_hz), m.crystal_hz, 0};
        case 0x16: {
            const auto mhz = static_cast<u32>(m.tsc_hz / 1'000'000);
            return {mhz, mhz, 100, 0};
        }
        default:
            return {};
    }
}

CpuidResult brand(const Model& m, u32 part) {
    char text[48] = {};
    m.brand.copy(text, 47);
    CpuidResult r;
    std::memcpy(&r.eax, text + 16 * part, 4);
    std::memcpy(&r.ebx, text + 16 * part + 4, 4);
    std::memcpy(&r.ecx, text + 16 * part + 8, 4);
    std::memcpy(&r.edx, text + 16 * part + 12, 4);
    return r;
}

CpuidResult extended_features(const Cpu& cpu) {
    const Model& m = cpu.model;
    CpuidResult r{.ecx = feature_bits(m, kExtEcx), .edx = feature_bits(m, kExtEdx)};
    // SYSCALL shows only in 64-bit mode, where alone it works (SDM vol. 2, table 3-8).
    if (m.has(Feature::syscall) && cpu.code64()) r.edx |= 1u << 11;
    if (bit(cpu.state.misc_enable, 34)) r.edx &= ~(1u << 20);
    return r;
}

CpuidResult extended(const Cpu& cpu, u32 leaf) {
    const Model& m = cpu.model;
    switch (leaf) {
        case 0x80000000:
            return {.eax = 0x80000008};
        case 0x80000001:
            return extended_features(cpu);
        case 0x80000002:
        case 0x80000003:
        case 0x80000004:
            return brand(m, leaf - 0x80000002);
        case 0x80000006:
            return {.ecx = 2048u << 16 | 8u << 12 | 64};
        case 0x80000007:
            return {.edx = m.max_leaf >= 0x15 ? 1u << 8 : 0};  // invariant TSC
        case 0x80000008:
            return {.eax = m.physical_bits | (m.has(Feature::long_mode) ? 48u << 8 : 32u << 8)};
        default:
            return {};
    }
}

}  // namespace

CpuidResult cpuid_leaf(const Cpu& cpu, u32 leaf, u32 subleaf) {
    const bool has_extended = !cpu.model.brand.empty();
    if (leaf >= 0x80000000 && leaf <= 0x80000008 && has_extended) return extended(cpu, leaf);
    const u32 max = max_basic_leaf(cpu);
    // Above the highest leaf: the data of the highest basic leaf (SDM vol. 2, CPUID).
    return basic(cpu, leaf <= max ? leaf : max, subleaf);
}

namespace handlers {

void cpuid(Cpu& cpu, const isa::Instruction&) {
    CpuState& s = cpu.state;
    const CpuidResult r = cpuid_leaf(cpu, static_cast<u32>(s.gpr[kRax]), static_cast<u32>(s.gpr[kRcx]));
    s.gpr[kRax] = r.eax;
    s.gpr[kRbx] = r.ebx;
    s.gpr[kRcx] = r.ecx;
    s.gpr[kRdx] = r.edx;
}

}  // namespace handlers
}  // namespace bantam
