// Mmu: one CPU's soft TLB over Paging and PhysicalMemory. The inline part is the interpreter's memory fast path: a tag
// compare and an add. Everything else (walk, MMIO, page crossing, code pages, watched pages) is out of line.
//
// An entry's tags are the page's linear address, or kNoPage where that access must take the slow path. Three sets, one per
// Privilege, so that a CPL change or STAC/CLAC flushes nothing.
#pragma once

#include <array>
#include <bit>
#include <cstring>

#include "base/types.h"
#include "mmu/paging.h"
#include "mmu/physical_memory.h"

namespace bantam {

/// Outcome of an access that did not complete: the CPU raises it.
struct MemoryFault {
    Linear address{};     // CR2
    u32 error_code = 0;
};

class Mmu {
public:
    static constexpr unsigned kEntries = 1024;  // per set; power of two
    static constexpr u64 kNoPage = ~u64{0};     // never equals a page address

    explicit Mmu(PhysicalMemory& memory);

    /// Must be called whenever a control changes; flushes what the SDM says must go (vol. 3, 4.10.4) and never less.
    void set_controls(const PagingControls& controls);
    [[nodiscard]] const PagingControls& controls() const { return controls_; }

    void flush_all();            // including global entries
    void flush_non_global();     // MOV CR3
    void flush_page(Linear address);  // INVLPG
    /// Drops direct-write rights of every entry that maps this RAM page (it now holds code).
    void protect_code_page(Physical page);

    /// Fast path. Host address of [address, address+size) if it lies in one RAM page that `privilege` may read (write);
    /// null: use the slow path below.
    [[nodiscard]] u8* fast_read(Linear address, unsigned size, Privilege privilege) {
        const Entry& entry = entry_for(address, privilege);
        // A page-crossing access makes the last byte's page differ from the tag.
        if ((entry.read_tag ^ (address.value & ~kPageMask)) != 0 || address.page_offset() + size > kPageSize) return nullptr;
        return reinterpret_cast<u8*>(entry.addend + address.value);
    }
    [[nodiscard]] u8* fast_write(Linear address, unsigned size, Privilege privilege) {
        const Entry& entry = entry_for(address, privilege);
        if ((entry.write_tag ^ (address.value & ~kPageMask)) != 0 || address.page_offset() + size > kPageSize) return nullptr;
        return reinterpret_cast<u8*>(entry.addend + address.value);
    }

    /// Slow paths: any size up to 8, may cross a page, MMIO included. False: `fault` says why and nothing was changed
    /// (a crossing write checks both pages before it changes either).
    bool read(Linear address, unsigned size, Privilege privilege, u64& value, MemoryFault& fault);
    bool write(Linear address, unsigned size, Privilege privilege, u64 value, MemoryFault& fault);
    /// The same for blocks of up to 4096 bytes.
    bool read_block(Linear address, std::span<u8> to, Privilege privilege, MemoryFault& fault);
    bool write_block(Linear address, std::span<const u8> from, Privilege privilege, MemoryFault& fault);
    /// Checks that a write of `size` bytes would not fault (sets A and D), without writing.
    bool probe_write(Linear address, unsigned size, Privilege privilege, MemoryFault& fault);

    /// Instruction fetch: physical address of the byte at `address`.
    bool fetch(Linear address, Privilege privilege, Physical& physical, MemoryFault& fault);

    /// Counts up whenever a linear-to-physical fetch mapping may have changed: validates caches keyed by linear RIP.
    [[nodiscard]] u64 fetch_generation() const { return fetch_generation_; }

    /// Linear pages (up to four) whose accesses must always take the slow path, for data breakpoints (DR0-3).
    void set_watched(std::span<const Linear> pages);
    [[nodiscard]] bool watched(Linear address) const;

    [[nodiscard]] PhysicalMemory& memory() { return memory_; }
    [[nodiscard]] u64 misses() const { return misses_; }

    struct EntryInfo {
        Linear page;
        Physical physical;
        Privilege privilege;
        bool writable;
        bool executable;
        bool global;
    };
    /// For `info tlb`: all valid entries.
    [[nodiscard]] std::vector<EntryInfo> entries() const;

private:
    struct Entry {
        u64 read_tag = kNoPage;
        u64 write_tag = kNoPage;
        u64 fetch_tag = kNoPage;
        u64 addend = 0;    // host address = linear + addend, modulo 2^64
        u64 physical = 0;  // page frame address after the A20 gate
        u64 page = kNoPage;  // linear page this entry describes, even where every tag is kNoPage (MMIO)
        bool global = false;
        bool large = false;
        bool may_write = false;  // translation allows writes and D is set (write_tag may still be kNoPage: code page, ROM)
    };
    [[nodiscard]] Entry& entry_for(Linear address, Privilege privilege) {
        return sets_[static_cast<unsigned>(privilege)][(address.value >> 12) & (kEntries - 1)];
    }
    Entry* fill(Linear address, AccessType type, Privilege privilege, MemoryFault& fault);
    void bump_fetch_generation() { ++fetch_generation_; }

    PhysicalMemory& memory_;
    PagingControls controls_;
    std::array<std::array<Entry, kEntries>, 3> sets_{};
    std::array<Linear, 4> watched_pages_{};
    unsigned watched_count_ = 0;
    bool any_large_ = false;
    u64 fetch_generation_ = 1;
    u64 misses_ = 0;
};

}  // namespace bantam
