// Features: the optional parts of the instruction set, one bit each. A CPU model is mostly a FeatureSet; CPUID, the
// decoder and MSR/CR validity all follow from it.
#pragma once

#include <initializer_list>

#include "base/types.h"

namespace bantam::isa {

// clang-format off
enum class Feature : u8 {
    base,  // 8086 to 486, always present
    fpu, vme, de, pse, tsc, msr, pae, mce, cx8, apic, sep, mtrr, pge, mca, cmov, pat, pse36, clflush, mmx, fxsr, sse, sse2,
    sse3, pclmulqdq, monitor, ssse3, fma, cx16, pcid, sse41, sse42, x2apic, movbe, popcnt, tsc_deadline, aes, xsave, avx,
    f16c, rdrand, syscall, nx, page1gb, rdtscp, long_mode, lahf64, lzcnt, prefetchw, fsgsbase, bmi1, avx2, smep, bmi2,
    erms, invpcid, rdseed, adx, smap, clflushopt, sha, umip, rdpid, xsaveopt, xsavec, xgetbv1, cpuid, movdir, spec_ctrl,
    arch_capabilities,
    x87_pointers,  // FDP and FOP change with unmasked exceptions only, FCS and FDS are 0
    cpl0_486,      // INVLPG, WBINVD, CMPXCHG, XADD, BSWAP
    count
};
// clang-format on

class FeatureSet {
public:
    constexpr FeatureSet() = default;
    constexpr FeatureSet(std::initializer_list<Feature> features) {
        for (const Feature feature : features) add(feature);
    }
    static constexpr FeatureSet all() {
        FeatureSet set;
        for (u8 i = 0; i < static_cast<u8>(Feature::count); ++i) set.add(static_cast<Feature>(i));
        return set;
    }
    [[nodiscard]] constexpr bool has(Feature feature) const {
        const auto index = static_cast<unsigned>(feature);
        return ((words_[index / 64] >> (index % 64)) & 1u) != 0;
    }
    constexpr void add(Feature feature) {
        const auto index = static_cast<unsigned>(feature);
        words_[index / 64] |= u64{1} << (index % 64);
    }
    constexpr void remove(Feature feature) {
        const auto index = static_cast<unsigned>(feature);
        words_[index / 64] &= ~(u64{1} << (index % 64));
    }
    constexpr bool operator==(const FeatureSet&) const = default;

private:
    u64 words_[2] = {u64{1}, 0};
};

}  // namespace bantam::isa
