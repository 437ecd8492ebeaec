// Mmu: one CPU's soft TLB over Paging and PhysicalMemory. The inline part is the interpreter's memory fast path: a tag
// compare and an add. Everything else (walk, MMIO, page crossing, code pages, watched pages) is out of line.
//
// Terms: an *entry* caches one linear page for one Privilege. Its hot half (biases, addend) is all that fast accesses
// read; its cold half says what the page is, for slow accesses and invalidation. A slow access that finds the cold half
// valid needs no walk, so MMIO costs none.
//
// An entry's bias is the negated linear address of its page: an access of `size` bytes may be direct exactly when
// address + bias + size - 1 is below the page size, one addition and one compare for "this page, and not across its
// end" (and no flags at all in translated code). Where an access must take the slow path the bias is no_page(index), a
// page that no address looked up at this index lies in. Three sets, one per Privilege, so that a CPL change or
// STAC/CLAC flushes nothing, and two for fetches: which entries data accesses fill and evict, and so when a walk sets
// accessed and dirty bits, must not depend on how often an engine fetches. The hot halves are arrays by field, for
// indexed addressing by translated code.
#pragma once

#include <array>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "base/low_memory.h"
#include "base/types.h"
#include "mmu/paging.h"
#include "mmu/physical_memory.h"

namespace bantam {

/// Outcome of an access that did not complete: the CPU raises it.
struct MemoryFault {
    Linear address{};  // CR2
    u32 error_code = 0;
};

/// Keeps more direct ways to pages than the hot halves (mmu/windows.h): each exists only while the entry that allowed
/// it is there and unchanged.
class DirectPages {
public:
    virtual ~DirectPages() = default;
    /// `page` may no longer be accessed directly by `privilege`. It is not to be asked about before this returns.
    virtual void hide(Linear page, Privilege privilege) = 0;
};

class Mmu final : private HostPointerCache {
public:
    /// Per set; power of two. PERF: 256 MiB of pages; of 64 MiB, a kernel's code, its data and the RAM that it uses
    /// displaced each other.
    static constexpr unsigned kEntries = 1u << 16;
    static constexpr unsigned kSets = 5;  // by Privilege, then fetches by supervisor and user
    static constexpr unsigned kFetchSupervisorSet = 3;
    static constexpr unsigned kFetchUserSet = 4;

    explicit Mmu(PhysicalMemory& memory);
    ~Mmu();
    Mmu(const Mmu&) = delete;
    Mmu& operator=(const Mmu&) = delete;

    /// Must be called whenever a control changes; flushes what the SDM says must go (vol. 3, 4.10.4) and never less. A
    /// MOV CR3 that writes the old value back changes no control: call flush_non_global for it.
    void set_controls(const PagingControls& controls);
    [[nodiscard]] const PagingControls& controls() const { return controls_; }

    void flush_all();                 // including global entries
    void flush_non_global();          // MOV CR3
    void flush_page(Linear address);  // INVLPG

    /// Which entries the fast path looks at, as the index of the first: those of one Privilege, or none at all (every
    /// access takes the slow path: alignment checks).
    enum class FastSet : u32 { none = kFetchSupervisorSet * kEntries };  // accesses to data find nothing there
    static constexpr unsigned kFastSets = kFetchSupervisorSet + 1;
    [[nodiscard]] static constexpr FastSet fast_set(unsigned number) { return static_cast<FastSet>(number * kEntries); }
    [[nodiscard]] static constexpr unsigned number_of(FastSet set) { return static_cast<u32>(set) / kEntries; }
    [[nodiscard]] static constexpr FastSet fast_set(Privilege privilege) {
        return fast_set(static_cast<unsigned>(privilege));
    }

    /// Fast path. Host address of [address, address+size) if it lies in one RAM page that the set's privilege may read
    /// (write); null: use the slow path below. `size` is at least 1.
    [[nodiscard]] u8* fast_read(Linear address, unsigned size, FastSet set) const {
        const std::size_t index = fast_index(address, set);
        return within_page(address, size, read_bias_[index]) ? host_address(index, address) : nullptr;
    }
    [[nodiscard]] u8* fast_write(Linear address, unsigned size, FastSet set) {
        const std::size_t index = fast_index(address, set);
        return within_page(address, size, write_bias_[index]) ? host_address(index, address) : nullptr;
    }
    [[nodiscard]] u8* fast_read(Linear address, unsigned size, Privilege privilege) {
        return fast_read(address, size, fast_set(privilege));
    }
    [[nodiscard]] u8* fast_write(Linear address, unsigned size, Privilege privilege) {
        return fast_write(address, size, fast_set(privilege));
    }

    /// The hot halves of one set, for translated code: entry i describes linear pages with i in address bits 21:12.
    /// host address = linear + addend. A page that may be read, and whose slot in `code_maps` has a map, may be written
    /// where that says that no code is, whatever its write_bias.
    struct FastTables {
        const u64* read_bias;
        const u64* write_bias;
        const u64* addend;
        const PhysicalMemory::CodeMapSlot* const* code_maps;
    };
    [[nodiscard]] FastTables fast_tables(FastSet set) const {
        const auto first = static_cast<std::size_t>(set);
        return {&read_bias_[first], &write_bias_[first], &addend_[first], &code_maps_[first]};
    }

    /// Whether translated code can name them (base/low_memory.h).
    [[nodiscard]] bool fast_tables_are_low() const {
        return read_bias_.is_low() && write_bias_.is_low() && addend_.is_low() && code_maps_.is_low();
    }

    /// A page as the TLB lets it be accessed without looking at it again.
    struct DirectPage {
        const u8* host = nullptr;  // null: every access must take the slow path
        bool writable = false;
    };
    /// The page of `address`, to be read (written) directly; fills its entry where need be. None: the access faults.
    std::optional<DirectPage> direct_page(Linear address, AccessType type, Privilege privilege);
    /// The same where the entry is there, for reading, and not in use; otherwise null.
    [[nodiscard]] DirectPage unused_direct_page(Linear address, Privilege privilege) const;
    /// What direct_page gave last for this page is in use until DirectPages::hide.
    void expose(Linear address, Privilege privilege) {
        exposed_[index_for(address, set_for(AccessType::read, privilege))] = true;
    }
    /// Pages of a large page whose entries are filled together: an aligned group.
    static constexpr unsigned kGroupPages = 16;
    void set_direct_pages(DirectPages* pages) { direct_pages_ = pages; }
    /// DirectPages::hide for every page that was exposed.
    void hide_all();

    /// Slow paths: any size up to 8, may cross a page, MMIO included. False: `fault` says why and nothing was changed
    /// (a crossing access checks both pages before it touches either). The caller has checked for canonical form;
    /// outside long mode the page after FFFFF000h is page 0.
    bool read(Linear address, unsigned size, Privilege privilege, u64& value, MemoryFault& fault);
    bool write(Linear address, unsigned size, Privilege privilege, u64 value, MemoryFault& fault);
    /// The same for blocks of up to 4096 bytes. Registers see naturally aligned parts, lowest address first.
    bool read_block(Linear address, std::span<u8> to, Privilege privilege, MemoryFault& fault);
    bool write_block(Linear address, std::span<const u8> from, Privilege privilege, MemoryFault& fault);
    /// Checks that a write of up to 4096 bytes would not fault (sets A and D), without writing.
    bool probe_write(Linear address, unsigned size, Privilege privilege, MemoryFault& fault);

    /// Instruction fetch: physical address, after the A20 gate, of the byte at `address`. What lies there may be
    /// anything: PhysicalMemory::page gives the bytes of RAM and ROM, PhysicalMemory::read those of registers.
    bool fetch(Linear address, Privilege privilege, Physical& physical, MemoryFault& fault);

    /// Counts up whenever a linear-to-physical mapping for fetches by user (supervisor) code may have changed:
    /// validates caches keyed by linear RIP and by that mode. A MOV CR3 leaves a kernel's alone whose code pages are
    /// global.
    [[nodiscard]] u64 fetch_generation(Privilege privilege) const {
        return fetches_[privilege == Privilege::user ? 1 : 0].generation;
    }

    /// Linear pages whose accesses must always take the slow path: those of data breakpoints (DR0-3), and of a
    /// debugger; or all of them.
    static constexpr std::size_t kMostWatched = 16;
    void set_watched(std::span<const Linear> pages, bool everywhere = false);
    [[nodiscard]] bool watched(Linear address) const;

    [[nodiscard]] PhysicalMemory& memory() { return memory_; }
    [[nodiscard]] const PhysicalMemory& memory() const { return memory_; }
    [[nodiscard]] u64 misses() const { return std::accumulate(misses_.begin(), misses_.end(), u64{0}); }
    /// Of data accesses.
    [[nodiscard]] u64 misses(Privilege privilege) const { return misses_[static_cast<unsigned>(privilege)]; }

    struct EntryInfo {
        Linear page;
        Physical physical;
        Privilege privilege;
        bool writable;
        bool fetch;  // an entry for fetches
        bool global;
    };
    /// For `info tlb`: all valid entries.
    [[nodiscard]] std::vector<EntryInfo> entries() const;

private:
    /// Set index and entry index in one number.
    static constexpr unsigned kAllEntries = kSets * kEntries;

    /// What an entry says of its linear page, even where nothing is direct (MMIO). All zeros: it holds none.
    class Cold {
    public:
        Cold() = default;
        Cold(u64 page, u64 frame_and_facts) : physical(frame_and_facts), held_(page | kHeld) {}
        [[nodiscard]] bool valid() const { return held_ != 0; }
        [[nodiscard]] bool holds(u64 page) const { return held_ == (page | kHeld); }
        /// The linear page.
        [[nodiscard]] u64 page() const { return held_ & ~kHeld; }

        u64 physical = 0;  // page frame address after the A20 gate, with Facts in the low bits

    private:
        static constexpr u64 kHeld = 1;
        u64 held_ = 0;
    };
    enum Fact : u64 { kGlobal = 1, kLarge = 2, kMayRead = 4, kMayWrite = 8, kMayExecute = 16, kFacts = 0xFFF };

    static unsigned set_for(AccessType type, Privilege privilege) {
        if (type != AccessType::execute) return static_cast<unsigned>(privilege);
        return privilege == Privilege::user ? kFetchUserSet : kFetchSupervisorSet;
    }
    static unsigned index_for(Linear address, unsigned set) {
        return set * kEntries + static_cast<unsigned>((address.value >> 12) & (kEntries - 1));
    }
    /// A valid entry for fetches.
    [[nodiscard]] bool holds_fetch(std::size_t index) const { return for_fetches(index) && cold_[index].valid(); }
    [[nodiscard]] static bool for_fetches(std::size_t index) { return index >= kFetchSupervisorSet * kEntries; }
    [[nodiscard]] static std::size_t fetch_side(std::size_t index) { return index / kEntries - kFetchSupervisorSet; }
    static std::size_t fast_index(Linear address, FastSet set) {
        return static_cast<std::size_t>(set) + ((address.value >> 12) & (kEntries - 1));
    }
    /// The bias of an entry that allows nothing. Zero stands for page 0, which accesses look up elsewhere but at either
    /// end of a set: in page 0 itself, and where one that wraps begins. There it is that of a page half the set away.
    static constexpr u64 no_page(std::size_t index) {
        const std::size_t place = index & (kEntries - 1);
        return place == 0 || place == kEntries - 1 ? u64{0} - ((place ^ (kEntries / 2)) << 12) : 0;
    }
    static bool within_page(Linear address, unsigned size, u64 bias) {
        return address.value + bias + (size - 1) < kPageSize;
    }
    [[nodiscard]] u8* host_address(std::size_t index, Linear address) const {
        u8* const host = reinterpret_cast<u8*>(addend_[index] + address.value);
        if (host == nullptr) __builtin_unreachable();  // saves the caller's second test
        return host;
    }

    /// A page that an access has been checked for, as the access needs it.
    struct Target {
        Physical physical{};
        unsigned index = 0;
    };
    bool lookup(Linear address, AccessType type, Privilege privilege, Target& target, MemoryFault& fault);
    bool lookup_range(Linear address, u64 size, AccessType type, Privilege privilege, std::array<Target, 2>& targets,
                      MemoryFault& fault);
    [[nodiscard]] bool holds(Linear page) const;
    bool fill(Linear address, AccessType type, Privilege privilege, MemoryFault& fault);
    void fill_group(unsigned index);
    void derive_hot(unsigned index);
    void drop_hot(std::size_t index);
    /// Before the hot half of an entry changes.
    void hide(std::size_t index) {
        if (exposed_[index]) hide_exposed(index);
    }
    void hide_exposed(std::size_t index);
    void drop(unsigned index);
    void drop_large(u64 linear, unsigned shift);
    void finish_write(const Target& target);
    void store(const Target& target, std::span<const u8> from);
    void load(const Target& target, std::span<u8> to);
    [[nodiscard]] Linear wrap(u64 value) const { return {controls_.long_mode ? value : value & 0xFFFFFFFF}; }
    [[nodiscard]] unsigned large_shift() const { return controls_.pae ? 21 : 22; }
    /// What cached fetch mappings of one side, supervisor's or user's, have gone through.
    struct Fetches {
        u64 generation = 1;
        bool gone = false;  // an entry was dropped, or replaced by another page's, since `generation` counted up
    };
    void note_gone(std::size_t index) { fetches_.at(fetch_side(index)).gone = true; }
    void count_fetch_generations();
    void forget_host_pointers() override { flush_all(); }
    void protect_pages(Physical first, u64 bytes) override;

    // Sets for fetches have no hot half; the first one's stays empty: FastSet::none.
    static constexpr unsigned kFastEntries = kFastSets * kEntries;
    // PERF: most entries are never filled, and take no memory.
    ZeroedLowArray<u64, kFastEntries> read_bias_;
    ZeroedLowArray<u64, kFastEntries> write_bias_;
    ZeroedLowArray<u64, kFastEntries> addend_;  // host address = linear + addend, modulo 2^64
    static constexpr PhysicalMemory::CodeMapSlot kNoCodeMap = nullptr;
    ZeroedLowArray<const PhysicalMemory::CodeMapSlot*, kFastEntries> code_maps_;  // of entries that hold a page
    ZeroedLowArray<Cold, kAllEntries> cold_;
    ZeroedLowArray<bool, kAllEntries> exposed_;  // to direct_pages_
    DirectPages* direct_pages_ = nullptr;
    PhysicalMemory& memory_;
    PagingControls controls_;
    /// The entries filled since the last flush, each once: visiting them costs no more than filling them did.
    class Filled {
    public:
        /// The page of the entry is at `physical` now.
        void add(unsigned index, u64 physical) {
            u32& place = places_[index];
            if (place == 0) {
                indices_[count_] = index;
                place = ++count_;
            }
            frames_[place - 1] = frame_of(physical);
        }
        void clear() {
            for (const u32 index : indices()) places_[index] = 0;
            count_ = 0;
        }
        [[nodiscard]] std::span<const u32> indices() const { return indices_.first(count_); }
        /// Calls visit(index) for each whose page may be in [first, first + bytes). PERF: it looks at nothing else of
        /// the others.
        template <class Visit>
        void at(Physical first, u64 bytes, const Visit& visit) const {
            const u32 begin = frame_of(first.value), count = frame_of(bytes + kPageSize - 1);
            for (u32 place = 0; place < count_; ++place) {
                if (frames_[place] - begin < count) visit(indices_[place]);
            }
        }

    private:
        static u32 frame_of(u64 physical) { return static_cast<u32>(physical / kPageSize); }

        ZeroedLowArray<u32, kAllEntries> indices_;
        ZeroedLowArray<u32, kAllEntries> frames_;  // their pages' numbers, 32 bits of them
        ZeroedLowArray<u32, kAllEntries> places_;  // in indices_, from 1 on
        u32 count_ = 0;
    };
    Filled filled_local_;
    Filled filled_global_;
    // Large pages are cached in 4 KiB pieces, and INVLPG must find them all: a filter over the large page numbers
    // filled since flush_all, and another over the numbers of 1 GiB pages.
    std::array<u64, 16> large_filter_{};
    u64 huge_filter_ = 0;
    std::array<Linear, kMostWatched> watched_pages_{};
    unsigned watched_count_ = 0;
    bool watched_everywhere_ = false;
    std::array<Fetches, 2> fetches_;  // supervisor, user
    std::array<u64, kSets> misses_{};
};

}  // namespace bantam
