// PhysicalMemory: the guest's physical address space. RAM lives in one memfd (so that windows, snapshots, forks and KVM
// can share it); above it lie ROM, device memory and MMIO regions. Knows the A20 gate, and which pages of RAM and
// device memory hold translated code.
#pragma once

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/archive.h"
#include "base/register_space.h"
#include "base/result.h"
#include "base/types.h"
#include "mmu/code_map.h"

namespace bantam {

/// Told before the bytes of a page that holds decoded or translated code become others, by CPU, DMA or remapping.
class CodeObserver {
public:
    virtual ~CodeObserver() = default;
    virtual void code_written(Physical address, u64 size) = 0;
    /// The physical map changed in [first, first + bytes) (A20, ROM shadow, MMIO moved): host pointers and fetched
    /// bytes of there may be stale.
    virtual void map_changed(Physical first, u64 bytes) = 0;
};

/// A cache of translations to host addresses: every Mmu is one. PhysicalMemory tells it what it may no longer use.
class HostPointerCache {
public:
    virtual ~HostPointerCache() = default;
    /// No page of [first, first + bytes), RAM or device memory, may be written directly until page() says so again.
    virtual void protect_pages(Physical first, u64 bytes) = 0;
    /// Every host pointer obtained from page() is stale.
    virtual void forget_host_pointers() = 0;
};

class PhysicalMemory {
public:
    /// Allocates `ram_bytes` (multiple of 4096) of zeroed RAM. The first 3 GiB at most lie from address 0 up, the rest
    /// from 4 GiB up. Errors: host_resource when the host cannot give that much.
    static Result<std::unique_ptr<PhysicalMemory>> create(u64 ram_bytes);
    ~PhysicalMemory();
    PhysicalMemory(const PhysicalMemory&) = delete;
    PhysicalMemory& operator=(const PhysicalMemory&) = delete;

    static constexpr u64 kLowRamMax = u64{3} << 30;
    static constexpr u64 kHighRamBase = u64{4} << 30;

    [[nodiscard]] u64 ram_bytes() const { return ram_bytes_; }
    [[nodiscard]] u64 low_ram_bytes() const { return ram_bytes_ < kLowRamMax ? ram_bytes_ : kLowRamMax; }
    [[nodiscard]] u64 high_ram_bytes() const { return ram_bytes_ - low_ram_bytes(); }
    [[nodiscard]] int ram_fd() const { return ram_fd_; }
    /// RAM as the file behind ram_fd() has it: no region of the map hides anything there.
    [[nodiscard]] std::span<const u8> ram() const { return {ram_, ram_bytes_}; }
    /// The stretches of ram() that the host has backed with memory, whole pages in rising order; all else is zero, and
    /// looking at it would allocate it.
    struct Stretch {
        u64 begin, end;  // offsets
    };
    [[nodiscard]] std::vector<Stretch> backed() const;
    /// The offset in ram_fd() of a host address that page() gave, if it is one of RAM.
    [[nodiscard]] std::optional<u64> ram_offset(const u8* host) const {
        const auto offset = reinterpret_cast<u64>(host) - reinterpret_cast<u64>(ram_);
        return offset < ram_bytes_ ? std::optional(offset) : std::nullopt;
    }

    /// Read-only memory at `base` (page-aligned), hiding RAM there; writes are dropped and counted. Copied, and filled
    /// with FFh to a whole number of pages. Names are unique; overlap with another region: CHECK.
    void map_rom(std::string name, Physical base, std::vector<u8> contents);
    /// Read-only memory of a device (flash memory that shows its array) at `base`, whole pages: reads go straight to
    /// `bytes`, which stay where and what they are until unmap; writes go to space.write, but for block copies (copy_in
    /// and what of the Mmu ends there), which are dropped.
    void map_device_rom(std::string name, Physical base, std::span<const u8> bytes, RegisterSpace space);
    /// Memory of a device (a frame buffer) at `base`, whole pages: CPU accesses go straight to its bytes, which stay
    /// where they are until unmap. DEVIATION: bus masters and loaders (copy_in) reach it too, and what the device
    /// itself changes in it is not announced to the CodeObserver: code there is decoded anew after CPU writes and when
    /// the region moves.
    /// `written` is told the offset of a page that watch_writes() waits for, before it is written.
    void map_memory(std::string name, Physical base, std::span<u8> bytes,
                    std::function<void(u64 offset)> written = nullptr);
    /// Registers at `base`; the region must be page-aligned and a whole number of pages. Overlap with another region:
    /// CHECK.
    void map_mmio(std::string name, Physical base, u64 size, RegisterSpace space);
    /// Removes the region called `name`, if there is one; RAM under it shows again.
    void unmap(const std::string& name);

    /// A20 gate: while closed, the CPU drives address bit 20 as 0 (read, write, peek, page and the code marks). copy_in
    /// and copy_out stand for bus masters and loaders, which the gate does not touch: A20M# is a pin of the CPU.
    void set_a20(bool open);
    [[nodiscard]] bool a20() const { return a20_; }
    [[nodiscard]] Physical gated(Physical address) const { return {address.value & a20_mask_}; }

    /// What the page that holds `address` is, for the TLB. `host` is its first byte, or null when every access must go
    /// through read()/write().
    struct Page {
        u8* host = nullptr;
        bool writable = false;  // false: ROM, or a page that holds code (see write)
    };
    [[nodiscard]] Page page(Physical address) const;

    /// Any access of 1..8 bytes that does not cross a page. MMIO sees it whole where it is naturally aligned and no
    /// wider than RegisterSpace::max_size; otherwise as naturally aligned parts, lowest address first. No region: all
    /// ones.
    u64 read(Physical address, unsigned size);
    void write(Physical address, unsigned size, u64 value);
    /// Locked compare-and-exchange of a naturally aligned 4- or 8-byte page-table entry; false: it no longer holds
    /// `expected`, and nothing was changed.
    bool exchange(Physical address, unsigned size, u64 expected, u64 desired);
    /// read without side effects. Unmapped or peek-less MMIO gives all ones.
    [[nodiscard]] u64 peek(Physical address, unsigned size) const;

    /// Bulk copies for DMA, loaders and debugger; may cross pages. MMIO and holes read as FFh and drop writes.
    void copy_out(Physical from, std::span<u8> to) const;
    void copy_in(Physical to, std::span<const u8> from);

    /// Host address of a page-table entry (any naturally aligned access) at `address` when it lies in RAM that no
    /// region hides; null otherwise. The short cut of page walks: no search through the regions.
    [[nodiscard]] const u8* plain_ram(Physical address) const {
        const u64 at = address.value & a20_mask_;
        if (at >= plain_low_begin_ && at < low_ram_bytes()) return ram_ + at;
        if (at - kHighRamBase < plain_high_bytes_) return ram_ + low_ram_bytes() + (at - kHighRamBase);
        return nullptr;
    }

    /// Marks / clears the page of RAM or device memory at `address` as holding decoded code; elsewhere without effect.
    /// A marked page is never handed out writable, and marking takes it back from every HostPointerCache. `map` says
    /// where in the page code is, until the page is cleared: what looks there first may write beside it. Null:
    /// anywhere.
    void mark_code(Physical address, const CodeMap* map = nullptr);
    void clear_code(Physical address);
    /// Where the map of the page at `address` is found, while it holds code; null unless it is RAM.
    using CodeMapSlot = const CodeMap*;
    [[nodiscard]] const CodeMapSlot* code_map_of(Physical address) const;
    [[nodiscard]] bool holds_code(Physical address) const;
    /// From now on the first write to each page of [offset, offset + bytes) of the device memory `name` is told to its
    /// listener; without effect where it is not mapped. Costs nothing but that write's way through the slow path.
    void watch_writes(const std::string& name, u64 offset, u64 bytes);
    /// Told of accesses to registers that the CPU makes, by region: reads when the value is there, writes before.
    using RegisterTrace =
        std::function<void(bool write, const std::string& region, Physical address, unsigned size, u64 value)>;
    void set_register_trace(RegisterTrace trace) { register_trace_ = std::move(trace); }
    void set_code_observer(CodeObserver* observer) { observer_ = observer; }
    void attach(HostPointerCache& cache) { caches_.push_back(&cache); }
    void detach(HostPointerCache& cache) { std::erase(caches_, &cache); }

    struct RegionInfo {
        std::string name;
        Physical base;
        u64 size;
        bool mmio;
    };
    [[nodiscard]] std::vector<RegionInfo> regions() const;
    /// Accesses that no region claimed: reads, writes.
    [[nodiscard]] u64 unclaimed_reads() const { return unclaimed_reads_; }
    [[nodiscard]] u64 unclaimed_writes() const { return unclaimed_writes_; }

    void describe(Archive& archive);

private:
    struct Region;
    PhysicalMemory();
    [[nodiscard]] u8* ram_at(u64 address) const;  // null outside RAM; regions not considered
    /// Where [address, ...) may be written: RAM or device memory, and the marks of its page; nulls elsewhere.
    struct Store {
        u8* host = nullptr;
        u8* marks = nullptr;  // kHoldsCode, kWatched
    };
    static constexpr u8 kHoldsCode = 1, kWatched = 2;
    [[nodiscard]] CodeMapSlot* code_map_at(u64 address) const;
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    [[nodiscard]] Store store_at(u64 address) const { return store_in(region_at(address), address); }
    [[nodiscard]] Store store_in(const Region* region, u64 address) const;
    /// The region at `address` after A20; null for RAM, found without a search where none can be.
    [[nodiscard]] const Region* gated_region_at(u64 address) const {
        return plain_ram({address}) != nullptr ? nullptr : region_at(address);
    }
    /// What [address, ...) reads as: the same, or ROM; null for registers and holes.
    [[nodiscard]] const u8* load_in(const Region* region, u64 address) const;
    [[nodiscard]] const Region* region_at(u64 address) const;
    void add_region(Region region);
    void map_changed(Physical first, u64 bytes);
    void whole_map_changed() { map_changed({0}, ~u64{0}); }
    /// Tells whoever marked the page that [address, address + size), inside it, becomes `bytes`.
    void announce_write(u64 address, const Store& store, const void* bytes, u64 size) {
        if (*store.marks != 0) announce_marked(address, store, bytes, size);
    }
    void announce_marked(u64 address, const Store& store, const void* bytes, u64 size);

    u8* ram_ = nullptr;
    u64 ram_bytes_ = 0;
    int ram_fd_ = -1;
    u64 a20_mask_ = ~u64{0};
    bool a20_ = true;
    u64 plain_low_begin_ = 0;                         // no region lies in RAM between here and the end of low RAM
    u64 plain_high_bytes_ = 0;                        // all of high RAM, or 0 when a region lies in it
    std::vector<Region> regions_;                     // sorted by base
    std::unique_ptr<u8[]> page_marks_;                // the marks of each RAM page
    std::unique_ptr<CodeMapSlot[], Free> code_maps_;  // of each RAM page
    CodeObserver* observer_ = nullptr;
    RegisterTrace register_trace_;
    std::vector<HostPointerCache*> caches_;
    u64 unclaimed_reads_ = 0;
    u64 unclaimed_writes_ = 0;
};

}  // namespace bantam
