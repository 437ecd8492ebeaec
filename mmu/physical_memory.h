// PhysicalMemory: the guest's physical address space. RAM lives in one memfd (so that windows, snapshots, forks and KVM can
// share it); above it lie ROM and MMIO regions. Knows the A20 gate, and which RAM pages hold translated code.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/archive.h"
#include "base/register_space.h"
#include "base/result.h"
#include "base/types.h"

namespace bantam {

/// Told before the bytes of a page that holds decoded or translated code change, by CPU, DMA or remapping.
class CodeObserver {
public:
    virtual ~CodeObserver() = default;
    virtual void code_written(Physical address, u64 size) = 0;
    /// The physical map changed (A20, ROM shadow, MMIO moved): host pointers and fetched bytes may be stale.
    virtual void map_changed() = 0;
};

class PhysicalMemory {
public:
    /// Allocates `ram_bytes` (multiple of 4096) of zeroed RAM. The first 3 GiB at most lie from address 0 up, the rest from
    /// 4 GiB up. Errors: host_resource when the host cannot give that much.
    static Result<std::unique_ptr<PhysicalMemory>> create(u64 ram_bytes);
    ~PhysicalMemory();
    PhysicalMemory(const PhysicalMemory&) = delete;
    PhysicalMemory& operator=(const PhysicalMemory&) = delete;

    static constexpr u64 kLowRamMax = u64{3} << 30;
    static constexpr u64 kHighRamBase = u64{4} << 30;

    [[nodiscard]] u64 ram_bytes() const { return ram_bytes_; }
    [[nodiscard]] u64 low_ram_bytes() const;
    [[nodiscard]] u64 high_ram_bytes() const { return ram_bytes_ - low_ram_bytes(); }
    [[nodiscard]] int ram_fd() const { return ram_fd_; }

    /// Read-only memory at `base` (page-aligned), hiding RAM there; writes are dropped and counted. Copied.
    void map_rom(std::string name, Physical base, std::vector<u8> contents);
    /// Registers at `base`; the region must be page-aligned and a whole number of pages. Overlap with another region: CHECK.
    void map_mmio(std::string name, Physical base, u64 size, RegisterSpace space);
    void unmap(const std::string& name);

    /// A20 gate: closed, address bit 20 reads as 0 on the whole bus.
    void set_a20(bool open);
    [[nodiscard]] bool a20() const { return a20_; }
    [[nodiscard]] Physical gated(Physical address) const { return {address.value & a20_mask_}; }

    /// What the page that holds `address` is, for the TLB. `host` is its first byte, or null when every access must go
    /// through read()/write().
    struct Page {
        u8* host = nullptr;
        bool writable = false;  // false: ROM, or a RAM page that holds code (see write)
    };
    [[nodiscard]] Page page(Physical address) const;

    /// Any access of 1..8 bytes that does not cross a page; MMIO sees it whole.
    u64 read(Physical address, unsigned size);
    void write(Physical address, unsigned size, u64 value);
    /// read without side effects. Unmapped or peek-less MMIO gives all ones.
    [[nodiscard]] u64 peek(Physical address, unsigned size) const;

    /// Bulk copies for DMA, loaders and debugger; may cross pages. MMIO and holes read as FFh and drop writes.
    void copy_out(Physical from, std::span<u8> to) const;
    void copy_in(Physical to, std::span<const u8> from);

    /// Marks / clears the RAM page at `address` as holding decoded code. A marked page is never handed out writable.
    void mark_code(Physical address);
    void clear_code(Physical address);
    [[nodiscard]] bool holds_code(Physical address) const;
    void set_code_observer(CodeObserver* observer) { observer_ = observer; }

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
    PhysicalMemory() = default;
    struct Region;
    [[nodiscard]] u8* ram_at(Physical address) const;
    [[nodiscard]] const Region* region_at(Physical address) const;

    u8* ram_ = nullptr;
    u64 ram_bytes_ = 0;
    int ram_fd_ = -1;
    u64 a20_mask_ = ~u64{0};
    bool a20_ = true;
    std::vector<Region> regions_;  // sorted by base
    std::vector<u8> code_pages_;   // one flag per RAM page
    CodeObserver* observer_ = nullptr;
    u64 unclaimed_reads_ = 0;
    u64 unclaimed_writes_ = 0;
};

}  // namespace bantam
