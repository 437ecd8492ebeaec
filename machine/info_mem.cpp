// `info mem`: walks the guest's page tables in all three formats and joins neighbouring pages of equal rights. The
// tables are the guest's, so the walk is bounded: recursive tables could otherwise list 2^36 pages.
#include <fmt/format.h>

#include "machine/info.h"

namespace bantam::info {
namespace {

constexpr u64 kPresent = 1, kWritable = 2, kUser = 4, kLargePage = 0x80, kGlobal = 0x100, kNoExecute = u64{1} << 63;
constexpr u64 kAddressBits = 0x000FFFFFFFFFF000;
constexpr unsigned kMaxRanges = 2000;
constexpr u64 kMaxEntries = 4'000'000;

struct Rights {
    bool writable = true;
    bool user = true;
    bool executable = true;
    bool global = false;
    bool operator==(const Rights&) const = default;
};

class Lister {
public:
    Lister(const PagingControls& controls, const PhysicalMemory& memory) : controls_(controls), memory_(memory) {}

    std::string list() {
        if (controls_.long_mode) {
            walk(controls_.cr3 & kAddressBits, 4, 0, {});
        } else if (controls_.pae) {
            for (u64 i = 0; i < controls_.pdpte.size(); ++i) {
                if ((controls_.pdpte[i] & kPresent) != 0) walk(controls_.pdpte[i] & kAddressBits, 2, i << 30, {});
            }
        } else {
            walk(controls_.cr3 & 0xFFFFF000, 2, 0, {});
        }
        flush();
        if (cut()) text_ += "(cut here: too many mappings)\n";
        return text_.empty() ? "nothing is mapped\n" : text_;
    }

private:
    [[nodiscard]] bool wide() const { return controls_.long_mode || controls_.pae; }
    [[nodiscard]] unsigned index_bits() const { return wide() ? 9 : 10; }
    [[nodiscard]] bool cut() const { return ranges_ >= kMaxRanges || visited_ >= kMaxEntries; }

    void walk(u64 table, unsigned level, u64 base, Rights above) {
        const unsigned entry_size = wide() ? 8 : 4;
        const unsigned shift = 12 + index_bits() * (level - 1);
        for (u64 i = 0; i < u64{1} << index_bits() && !cut(); ++i) {
            ++visited_;
            const u64 entry = memory_.peek({table + i * entry_size}, entry_size);
            if ((entry & kPresent) == 0) continue;
            Rights rights = above;
            rights.writable = rights.writable && (entry & kWritable) != 0;
            rights.user = rights.user && (entry & kUser) != 0;
            rights.executable = rights.executable && !(controls_.nx && wide() && (entry & kNoExecute) != 0);
            u64 linear = base + (i << shift);
            if (controls_.long_mode) linear = static_cast<u64>(static_cast<i64>(linear << 16) >> 16);
            const bool large_allowed =
                wide() ? level == 2 || (level == 3 && controls_.page1gb) : level == 2 && controls_.pse;
            if (level == 1 || (large_allowed && (entry & kLargePage) != 0)) {
                rights.global = controls_.pge && (entry & kGlobal) != 0;
                add(linear, u64{1} << shift, rights);
            } else {
                walk(entry & (wide() ? kAddressBits : 0xFFFFF000), level - 1, linear, rights);
            }
        }
    }

    void add(u64 linear, u64 size, Rights rights) {
        if (size_ != 0 && linear == start_ + size_ && rights == rights_) {
            size_ += size;
            return;
        }
        flush();
        start_ = linear;
        size_ = size;
        rights_ = rights;
    }

    void flush() {
        if (size_ == 0) return;
        text_ += fmt::format("{:016x}-{:016x} {:>12x} {}r{}{}{}\n", start_, start_ + (size_ - 1), size_,
                             rights_.user ? 'u' : '-', rights_.writable ? 'w' : '-', rights_.executable ? 'x' : '-',
                             rights_.global ? 'g' : '-');
        size_ = 0;
        ++ranges_;
    }

    const PagingControls& controls_;
    const PhysicalMemory& memory_;
    std::string text_;
    u64 start_ = 0, size_ = 0;
    Rights rights_;
    unsigned ranges_ = 0;
    u64 visited_ = 0;
};

}  // namespace

std::string mem(const Cpu& cpu, const PhysicalMemory& memory) {
    if (!cpu.mmu.controls().paging) return "paging is off: linear addresses are physical\n";
    return Lister(cpu.mmu.controls(), memory).list();
}

}  // namespace bantam::info
