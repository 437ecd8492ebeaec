// Windows: guest pages at fixed distances from their linear addresses in the host's address space, so that translated
// code reaches them by an addition and the host's own paging does the checks.
//
// Terms: a *window* is 4 GiB of the host's address space that stand for 4 GiB of one Privilege's linear addresses, with
// a *guard* of 40 GiB, which is never accessible, before and behind it: room for an index of 32 bits. A page is mapped
// into it on the first access, which faults; it stays while the soft TLB's entry that allows it (Mmu::expose) stays as
// it is. So windows are a part of the TLB: what they allow, the TLB allows, and which entries are filled does not
// depend on them. A *distance* is host minus linear address. Tables hold one for each value of linear address bits
// 47:32; unused entries lead into the *void*, a window that never has a page, and addresses that are not canonical lead
// to ones that the host's processor refuses, whatever the entry.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/low_memory.h"
#include "mmu/mmu.h"

namespace bantam {

class Windows final : private DirectPages {
public:
    static constexpr std::size_t kTableEntries = 1u << 16;
    static constexpr u64 kGuardBytes = u64{40} << 30;

    /// Null where the host has not the address space. `mmu` outlives the object and has no other DirectPages.
    static std::unique_ptr<Windows> create(Mmu& mmu);
    ~Windows() override;
    Windows(const Windows&) = delete;
    Windows& operator=(const Windows&) = delete;

    /// The table of distances; in low memory.
    [[nodiscard]] const u64* table(Privilege privilege) const { return distances_[slot(privilege)]; }
    /// The entry for `linear` in it.
    static constexpr u16 entry_of(u64 linear) { return static_cast<u16>(linear >> 32); }
    /// The first linear address of entry `entry`, canonical.
    static constexpr u64 first_linear(std::size_t entry) {
        return static_cast<u64>(static_cast<i64>(static_cast<u64>(entry) << 48) >> 16);
    }
    /// The distance of addresses with `linear`'s upper half. Opens their window.
    u64 opened_distance(u64 linear, Privilege privilege) {
        return is_open(linear, privilege) ? distance(linear, privilege) : open(linear, privilege);
    }

    /// Where addresses with `linear`'s upper half are; in the void, when they have no window.
    [[nodiscard]] u64 distance(u64 linear, Privilege privilege) const {
        return distances_[slot(privilege)][entry_of(linear)];
    }
    /// Whether a page with `linear`'s upper half has been in a window.
    [[nodiscard]] bool is_open(u64 linear, Privilege privilege) const {
        return distance(linear, privilege) != void_distance(entry_of(linear));
    }
    /// Distances of addresses from FFFF8800_00000000 on, and of those below 2^47, are canonical, so that they can be
    /// the base of a segment.
    [[nodiscard]] bool canonical_distances() const {
        return reinterpret_cast<u64>(reserved_) + kReservedBytes < kLowEnd;
    }
    /// Changes when distances that were known stop being true.
    [[nodiscard]] u64 generation() const { return generation_; }

    /// Whether windows and guards have host address `host`.
    [[nodiscard]] bool contain(u64 host) const { return host - reinterpret_cast<u64>(reserved_) < kReservedBytes; }

    /// What to do about an access that faulted.
    enum class Answer : u8 {
        repeat,     // its page is mapped now
        slow_path,  // it raises an exception
        unsuited,   // the page cannot be in a window, or not for long
        outside,    // the access leaves the window that `distance` is of
    };
    /// The access faulted at `host`, `distance` from its linear address. The distance may be another afterwards.
    Answer resolve(u64 host, u64& distance, AccessType type, Privilege privilege);
    /// Pages that came into windows again and again before may do so once more: called now and then.
    void forget_repeats() { repeats_ = 0; }
    /// Unmaps pages that the TLB took back: before translated code runs, or runs on.
    void synchronize() {
        if (!hidden_.empty()) unmap_hidden();
    }

    /// Pages that are mapped, stale ones too.
    [[nodiscard]] std::size_t mapped_pages() const { return mapped_pages_; }
    /// Pieces that they are in, or more: each has pages that came together and are still there. At most kMostPieces,
    /// and a quarter of the mappings the host allows, for a piece has the gap behind it.
    [[nodiscard]] std::size_t pieces() const { return std::min(mapped_pages_, changes_); }
    static constexpr std::size_t kMostPieces = 1u << 14;

private:
    static constexpr u64 kWindowBytes = u64{4} << 30;
    static constexpr u64 kStride = kWindowBytes + kGuardBytes;
    static constexpr unsigned kWindows = 32;  // the first is the void
    static constexpr u64 kLowEnd = u64{0x0800} << 32;
    // The last access beyond a guard ends in the page.
    static constexpr u64 kReservedBytes = kWindows * kStride + kGuardBytes + kPageSize;

    static void* reserve();
    Windows(Mmu& mmu, u8* reserved, u64* tables, std::size_t most_pieces);
    static unsigned slot(Privilege privilege) { return privilege == Privilege::user ? 1 : 0; }
    [[nodiscard]] u64 window_base(unsigned window) const {
        return reinterpret_cast<u64>(reserved_) + window * kStride + kGuardBytes;
    }
    [[nodiscard]] u64 void_distance(std::size_t entry) const { return window_base(0) - first_linear(entry); }
    u64 open(u64 linear, Privilege privilege);
    bool comes_again(u64 linear);
    u64 neighbours(u64 page, const Mmu::DirectPage& direct, i64 step, Privilege privilege) const;
    void make_room(std::size_t changes);
    void empty_tables();
    void unmap_all();
    void unmap_hidden();
    void close_all();
    void hide(Linear page, Privilege privilege) override;

    Mmu& mmu_;
    u8* reserved_;
    std::array<u64*, 2> distances_;  // supervisor, user
    unsigned windows_used_ = 1;
    u64 generation_ = 0;
    std::vector<u64> hidden_;  // host addresses of pages to unmap
    u64 last_entry_ = 0;       // of the TLB, whose page came into a window last
    unsigned repeats_ = 0;     // times on end
    std::size_t mapped_pages_ = 0;
    std::size_t changes_ = 0;  // since nothing was mapped: each may make one piece more
    std::size_t most_pieces_;
};

}  // namespace bantam
