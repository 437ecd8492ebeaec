#include "jit/translation_key.h"

#include "cpu/host/x87_unit.h"

namespace bantam::jit {

using namespace key_bits;

namespace {

bool translatable(const Cpu& cpu) {
    const SegmentRegister& cs = cpu.state.segment[kCs];
    if (cpu.alignment_checks()) return false;
    switch (cpu.code_size()) {
        case isa::CodeSize::bits16:
            return cs.limit >= kTopOffset;
        case isa::CodeSize::bits32:
            return cs.base == 0 && cs.limit == 0xFFFFFFFF;
        default:
            return true;
    }
}

Key facts_of(const SegmentRegister& r, unsigned segment) {
    return (r.flat_read ? Key{kFlatRead} : 0) | (r.flat_write ? Key{kFlatWrite} : 0) |
           (r.base == 0 && segment < kFs ? Key{kBaseZero} : 0);
}

Key low_facts_of(const SegmentRegister& r) {
    if (r.low != 0 || r.high < kTopOffset) return 0;
    return (r.readable ? Key{kLowRead} : 0) | (r.writable ? Key{kLowWrite} : 0) |
           (r.high == 0xFFFFFFFF ? Key{kUnlimited} : 0);
}

template <class FactsOf>
constexpr Key facts_of_all(const FactsOf& facts_of) {
    Key key = 0;
    for (unsigned segment = 0; segment < kSegmentCount; ++segment)
        key |= facts_of(segment) << (kSegmentShift + kSegmentBits * segment);
    return key;
}

/// In 64-bit code.
constexpr Key kFlatSegments =
    facts_of_all([](unsigned segment) { return kFlatRead | kFlatWrite | (segment < kFs ? Key{kBaseZero} : 0); });

Key segment_facts(const Cpu& cpu) {
    const auto& registers = cpu.state.segment;
    switch (cpu.code_size()) {
        case isa::CodeSize::bits16:
            return facts_of_all([&](unsigned segment) { return low_facts_of(registers[segment]); });
        case isa::CodeSize::bits32:
            return facts_of_all([&](unsigned segment) { return facts_of(registers[segment], segment); });
        default:
            return kFlatSegments;
    }
}

}  // namespace

std::optional<Key> key_of(const Cpu& cpu) {
    constexpr u32 kMxcsrMasks = 0x1F80;
    constexpr u16 kX87Masks = 0x3F;
    Key masked = 0;
    if ((cpu.state.mxcsr & kMxcsrMasks) == kMxcsrMasks) masked |= kSimdMasked;
    if ((host::x87_control_word() & kX87Masks) == kX87Masks) masked |= kX87Masked;
    return key_of(cpu, masked);
}

std::optional<Key> key_of(const Cpu& cpu, Key before) {
    if (!translatable(cpu)) return std::nullopt;
    return cpu.mode_key() | static_cast<Key>(cpu.data_privilege()) << kPrivilegeShift |
           (before & (kSimdMasked | kX87Masked)) | (cpu.state.cpl == 0 ? kCpl0 : 0) | segment_facts(cpu);
}

}  // namespace bantam::jit
