// The named CPU models. Each is the feature set and signature of a real part or of an x86-64 psABI level; `host` and
// `default` offer what Bantam implements, less what this host's CPU could not execute for the guest.
// The signature of `default` is a family 6 model number Intel never assigned: operating systems then go by CPUID
// features instead of looking for that part's uncore, power or errata registers.
#include "cpu/model.h"

#include <cpuid.h>

#include <array>
#include <cstring>

namespace bantam {
namespace {

using isa::Feature;
using isa::FeatureSet;

constexpr FeatureSet with(FeatureSet set, std::initializer_list<Feature> more) {
    for (const Feature feature : more) set.add(feature);
    return set;
}

constexpr FeatureSet k486 = {Feature::base, Feature::cpl0_486, Feature::cpuid, Feature::fpu, Feature::vme};
constexpr FeatureSet kPentium =
    with(k486, {Feature::de, Feature::pse, Feature::tsc, Feature::msr, Feature::mce, Feature::cx8, Feature::apic});
constexpr FeatureSet kPentiumMmx = with(kPentium, {Feature::mmx});
constexpr FeatureSet kPentium2 =
    with(kPentiumMmx, {Feature::pae, Feature::sep, Feature::mtrr, Feature::pge, Feature::mca, Feature::cmov,
                       Feature::pat, Feature::pse36, Feature::fxsr});
constexpr FeatureSet kPentium3 = with(kPentium2, {Feature::sse});
// MONITOR/MWAIT only where a model is chosen for it: an idle loop of HLT is what every guest handles best.
constexpr FeatureSet kCore2 =
    with(kPentium3, {Feature::sse2, Feature::clflush, Feature::sse3, Feature::ssse3, Feature::cx16, Feature::syscall,
                     Feature::nx, Feature::long_mode, Feature::lahf64});
constexpr FeatureSet kV2 = with(kCore2, {Feature::sse41, Feature::sse42, Feature::popcnt, Feature::rdtscp});
constexpr FeatureSet kV3 =
    with(kV2, {Feature::pclmulqdq,    Feature::fma,         Feature::pcid,  Feature::x2apic,   Feature::movbe,
               Feature::tsc_deadline, Feature::aes,         Feature::xsave, Feature::avx,      Feature::f16c,
               Feature::rdrand,       Feature::page1gb,     Feature::lzcnt, Feature::fsgsbase, Feature::bmi1,
               Feature::avx2,         Feature::smep,        Feature::bmi2,  Feature::erms,     Feature::invpcid,
               Feature::xsaveopt,     Feature::x87_pointers});
constexpr FeatureSet kEverything =
    with(kV3, {Feature::prefetchw, Feature::rdseed, Feature::adx, Feature::smap, Feature::clflushopt, Feature::sha,
               Feature::umip, Feature::rdpid, Feature::xsavec, Feature::xgetbv1, Feature::spec_ctrl,
               Feature::arch_capabilities});

/// Where the host's CPUID shows a feature that the guest's instructions are executed by. Register: 0 EAX .. 3 EDX.
struct HostBit {
    Feature feature;
    u32 leaf;
    u32 subleaf;
    u8 reg;
    u8 bit;
    bool needs_avx_state;
};
constexpr HostBit kHostBits[] = {
    {Feature::cmov, 1, 0, 3, 15, false},
    {Feature::mmx, 1, 0, 3, 23, false},
    {Feature::fxsr, 1, 0, 3, 24, false},
    {Feature::sse, 1, 0, 3, 25, false},
    {Feature::sse2, 1, 0, 3, 26, false},
    {Feature::sse3, 1, 0, 2, 0, false},
    {Feature::pclmulqdq, 1, 0, 2, 1, false},
    {Feature::ssse3, 1, 0, 2, 9, false},
    {Feature::fma, 1, 0, 2, 12, true},
    {Feature::cx16, 1, 0, 2, 13, false},
    {Feature::sse41, 1, 0, 2, 19, false},
    {Feature::sse42, 1, 0, 2, 20, false},
    {Feature::movbe, 1, 0, 2, 22, false},
    {Feature::popcnt, 1, 0, 2, 23, false},
    {Feature::aes, 1, 0, 2, 25, false},
    {Feature::xsave, 1, 0, 2, 27, false},
    {Feature::avx, 1, 0, 2, 28, true},
    {Feature::f16c, 1, 0, 2, 29, true},
    {Feature::bmi1, 7, 0, 1, 3, false},
    {Feature::avx2, 7, 0, 1, 5, true},
    {Feature::bmi2, 7, 0, 1, 8, false},
    {Feature::adx, 7, 0, 1, 19, false},
    {Feature::sha, 7, 0, 1, 29, false},
    {Feature::xsaveopt, 0xD, 1, 0, 0, false},
    {Feature::xsavec, 0xD, 1, 0, 1, false},
    {Feature::xgetbv1, 0xD, 1, 0, 2, false},
    {Feature::lzcnt, 0x80000001, 0, 2, 5, false},
};

std::array<u32, 4> host_cpuid(u32 leaf, u32 subleaf) {
    std::array<u32, 4> r{};
    if (__get_cpuid_count(leaf, subleaf, &r[0], &r[1], &r[2], &r[3]) == 0) return {};
    return r;
}

/// The host's operating system saves YMM registers (OSXSAVE, XCR0 bits 1 and 2).
bool host_has_avx_state() {
    if (!((host_cpuid(1, 0)[2] >> 27) & 1u)) return false;
    u32 low = 0;
    u32 high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6u) == 6u;
}

/// Features the host must execute but does not have.
FeatureSet missing_on_host() {
    FeatureSet missing;
    missing.remove(Feature::base);
    const bool avx_state = host_has_avx_state();
    for (const HostBit& h : kHostBits) {
        const bool present = ((host_cpuid(h.leaf, h.subleaf)[h.reg] >> h.bit) & 1u) != 0;
        if (!present || (h.needs_avx_state && !avx_state)) missing.add(h.feature);
    }
    return missing;
}

std::string host_brand() {
    std::array<char, 49> text{};
    for (u32 i = 0; i < 3; ++i) {
        const std::array<u32, 4> r = host_cpuid(0x80000002 + i, 0);
        std::memcpy(text.data() + 16 * i, r.data(), 16);
    }
    std::string brand(text.data());
    const std::size_t first = brand.find_first_not_of(' ');
    return first == std::string::npos ? "Bantam Virtual CPU" : brand.substr(first);
}

Model make(std::string_view name, u32 signature, const FeatureSet& features, u8 physical_bits, u32 max_leaf,
           std::string brand) {
    Model m;
    m.name = name;
    m.brand = std::move(brand);
    m.signature = signature;
    m.features = features;
    m.physical_bits = physical_bits;
    m.max_leaf = max_leaf;
    return m;
}

std::vector<Model> all_models() {
    return {
        make("486", 0x0480, k486, 32, 1, ""),
        make("pentium", 0x052C, kPentium, 32, 1, ""),
        make("pentium-mmx", 0x0543, kPentiumMmx, 32, 1, ""),
        make("p2", 0x0652, kPentium2, 36, 2, ""),
        make("p3", 0x0673, kPentium3, 36, 2, ""),
        make("core2", 0x06FB, with(kCore2, {Feature::monitor}), 36, 0xA, "Intel(R) Core(TM)2 Duo CPU T7700 @ 2.40GHz"),
        make("x86-64-v2", 0x106A5, kV2, 40, 0xB, "Bantam x86-64-v2 CPU"),
        make("x86-64-v3", 0x306C3, kV3, 40, 0x16, "Bantam x86-64-v3 CPU"),
        make("host", host_cpuid(1, 0)[0], with(kEverything, {Feature::monitor}), 40, 0x16, host_brand()),
        make("default", 0x000F0601, kEverything, 40, 0x16, "Bantam Virtual CPU"),
    };
}

}  // namespace

std::vector<std::string> Model::names() {
    std::vector<std::string> names;
    for (const Model& m : all_models()) names.push_back(m.name);
    return names;
}

Result<Model> Model::find(std::string_view name) {
    const FeatureSet missing = missing_on_host();
    for (Model& m : all_models()) {
        if (m.name != name) continue;
        const bool adapts = name == "host" || name == "default";
        for (u8 i = 0; i < static_cast<u8>(Feature::count); ++i) {
            const auto feature = static_cast<Feature>(i);
            if (!m.has(feature) || !missing.has(feature)) continue;
            if (!adapts) {
                return Error{
                    ExitStatus::host_resource,
                    "CPU model " + m.name + " needs instructions this host's CPU does not have; use --cpu default"};
            }
            m.features.remove(feature);
        }
        // What needs a state component goes with it.
        if (!m.has(Feature::xsave)) {
            for (const Feature f : {Feature::avx, Feature::xsaveopt, Feature::xsavec, Feature::xgetbv1})
                m.features.remove(f);
        }
        if (!m.has(Feature::avx)) {
            for (const Feature f : {Feature::avx2, Feature::fma, Feature::f16c}) m.features.remove(f);
        }
        return m;
    }
    std::string list;
    for (const std::string& known : names()) list += (list.empty() ? "" : " ") + known;
    return Error{ExitStatus::usage, "unknown CPU model '" + std::string(name) + "'; known: " + list};
}

}  // namespace bantam
