// Bits 15:0: Cpu::mode_key; 17:16: Privilege of data accesses; 18, 19: exceptions masked; from 20: three bits a segment
// register; 40: windows; 41: CPL 0. Bases of segments are no part of 16-bit keys: programs there have many.
#include "jit/translation_key.h"

#include "cpu/host/x87_unit.h"

namespace bantam::jit {
namespace {

constexpr unsigned kPrivilegeShift = 16;
constexpr Key kSimdMasked = Key{1} << 18;
constexpr Key kX87Masked = Key{1} << 19;
constexpr Key kWindowed = Key{1} << 40;
constexpr Key kCpl0 = Key{1} << 41;
constexpr unsigned kSegmentShift = 20;
constexpr unsigned kSegmentBits = 3;
enum SegmentFact : u64 { kFlatRead = 1, kFlatWrite = 2, kBaseZero = 4 };
enum LowSegmentFact : u64 { kLowRead = 1, kLowWrite = 2, kUnlimited = 4 };  // of 16-bit code

u64 facts_of(const SegmentRegister& r, unsigned segment) {
    return (r.flat_read ? u64{kFlatRead} : 0) | (r.flat_write ? u64{kFlatWrite} : 0) |
           (r.base == 0 && segment < kFs ? u64{kBaseZero} : 0);
}

u64 low_facts_of(const SegmentRegister& r) {
    if (r.low != 0 || r.high < kTopOffset) return 0;
    return (r.readable ? u64{kLowRead} : 0) | (r.writable ? u64{kLowWrite} : 0) |
           (r.high == 0xFFFFFFFF ? u64{kUnlimited} : 0);
}

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

/// The facts of all segments in 64-bit code.
constexpr Key kFlatSegments = [] {
    Key key = 0;
    for (unsigned segment = 0; segment < kSegmentCount; ++segment) {
        const u64 facts = kFlatRead | kFlatWrite | (segment < kFs ? u64{kBaseZero} : 0);
        key |= facts << (kSegmentShift + kSegmentBits * segment);
    }
    return key;
}();

bool has(Key key, unsigned segment, u64 fact) { return (key >> (kSegmentShift + kSegmentBits * segment) & fact) != 0; }

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
    const CpuState& s = cpu.state;
    if (!translatable(cpu)) return std::nullopt;
    Key key = cpu.mode_key() | static_cast<Key>(cpu.data_privilege()) << kPrivilegeShift;
    key |= before & (kSimdMasked | kX87Masked);
    if (s.cpl == 0) key |= kCpl0;
    if (cpu.code64()) return key | kFlatSegments;
    for (unsigned segment = 0; segment < kSegmentCount; ++segment) {
        const SegmentRegister& r = s.segment[segment];
        key |= (is_16bit(key) ? low_facts_of(r) : facts_of(r, segment)) << (kSegmentShift + kSegmentBits * segment);
    }
    return key;
}

bool is_64bit(Key key) { return (key & 3) == static_cast<Key>(isa::CodeSize::bits64); }
bool is_16bit(Key key) { return (key & 3) == static_cast<Key>(isa::CodeSize::bits16); }
bool at_cpl0(Key key) { return (key & kCpl0) != 0; }
Privilege fetch_privilege(Key key) { return (key >> 4 & 1) != 0 ? Privilege::user : Privilege::supervisor; }
bool real_mode(Key key) { return (key & 0xC) == 0; }
Privilege data_privilege(Key key) { return static_cast<Privilege>(key >> kPrivilegeShift & 3); }
Mmu::FastSet data_set(Key key) { return Mmu::fast_set(data_privilege(key)); }
Key with_windows(Key key) { return key | kWindowed; }
bool windowed(Key key) { return (key & kWindowed) != 0; }
bool flat_read(Key key, unsigned segment) { return !is_16bit(key) && has(key, segment, kFlatRead); }
bool flat_write(Key key, unsigned segment) { return !is_16bit(key) && has(key, segment, kFlatWrite); }
bool base_zero(Key key, unsigned segment) { return !is_16bit(key) && has(key, segment, kBaseZero); }
bool low_read(Key key, unsigned segment) { return is_16bit(key) && has(key, segment, kLowRead); }
bool low_write(Key key, unsigned segment) { return is_16bit(key) && has(key, segment, kLowWrite); }
bool unlimited(Key key, unsigned segment) { return is_16bit(key) && has(key, segment, kUnlimited); }
bool simd_masked(Key key) { return (key & kSimdMasked) != 0; }
bool x87_masked(Key key) { return (key & kX87Masked) != 0; }
bool wide_stack(Key key) { return (key >> 5 & 1) == 0; }

}  // namespace bantam::jit
