// CodeCache: where translated code, its records and the tables of indirect jumps live; emptied as a whole.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/executable_memory.h"
#include "base/low_memory.h"
#include "jit/records.h"

namespace bantam::jit {

/// Zeroed pages below 2 GiB, for as long as the object lives.
class LowPages {
public:
    explicit LowPages(std::size_t bytes) : at_(static_cast<u8*>(allocate_low(bytes))), bytes_(bytes) {}
    ~LowPages() { release_low(at_, bytes_); }
    LowPages(const LowPages&) = delete;
    LowPages& operator=(const LowPages&) = delete;
    [[nodiscard]] u8* at() const { return at_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    u8* at_;
    std::size_t bytes_;
};

/// Targets of indirect jumps under one key, by the low 16 bits of their linear address: host address minus that of the
/// miss stub, so that untouched (zero) entries lead there.
class IndirectTable {
public:
    static constexpr std::size_t kEntries = 1u << 16;
    static constexpr std::size_t kBytes = kEntries * sizeof(u32);

    /// `entries`: kBytes of zeroed low memory.
    explicit IndirectTable(u8* entries) : entries_(reinterpret_cast<u32*>(entries)) {}
    [[nodiscard]] u64 address() const { return reinterpret_cast<u64>(entries_); }
    void set(u64 linear, u32 offset);
    /// Takes the target of `linear` out, if it is this one.
    void remove(u64 linear, u32 offset);
    void clear();

private:
    u32* entries_;
    std::vector<u16> filled_;  // may name an entry more than once
};

/// Host code of one instruction that may raise a host exception, and where it goes on then: in the slow path. Host
/// addresses.
struct FaultSite {
    u32 begin = 0;
    u32 slow = 0;
    LowPointer<Site> site;  // null: the count at a block's entry
    u16 bytes = 0;
    /// Which scratch register has the distance of what it accesses.
    enum class Distance : u8 {
        in_addend,
        in_address,
        of_string,  // REP: kAddend for what is written, kAddress for what is read; RDI and RSI have it added
    };
    Distance distance = Distance::in_addend;
};

class CodeCache {
public:
    static constexpr std::size_t kCodeBytes = std::size_t{16} << 20;
    static constexpr std::size_t kRecordBytes = std::size_t{12} << 20;
    /// The longest piece of code, and the free room below which the cache counts as nearly full: a translation and the
    /// indirect entry of another fit into it.
    static constexpr std::size_t kMostPieceBytes = 64 << 10;
    static constexpr std::size_t kCodeReserve = 2 * kMostPieceBytes + 64;
    /// Of each piece, and of the entries in them. PERF: the host fetches the heads of loops in one go.
    static constexpr std::size_t kCodeAlignment = 64;
    /// The same for the records of one block.
    static constexpr std::size_t kRecordReserve = 16 << 10;
    static constexpr std::size_t kMostTables = 32;

    /// Errors: host_resource when the host has no executable memory, or none below 2 GiB.
    static Result<std::unique_ptr<CodeCache>> create();

    [[nodiscard]] bool nearly_full() const {
        return code_used_ + kCodeReserve > kCodeBytes || records_used_ + kRecordReserve > kRecordBytes;
    }
    /// The executable address of the next code.
    [[nodiscard]] u64 next_code() const { return reinterpret_cast<u64>(memory_->executable() + code_used_); }
    /// Takes `bytes` from there; returns the writable address.
    u8* take_code(std::size_t bytes);
    [[nodiscard]] u8* writable(u64 executable) const {
        return memory_->writable() + (executable - reinterpret_cast<u64>(memory_->executable()));
    }
    template <class Record>
    Record* make() {
        u8* const at = records_.at() + records_used_;
        records_used_ += (sizeof(Record) + 15) & ~std::size_t{15};
        return new (at) Record{};
    }
    /// In rising order of addresses.
    void add_fault_site(const FaultSite& site) { fault_sites_.push_back(site); }
    [[nodiscard]] FaultSite* fault_site_at(u64 address);
    [[nodiscard]] bool has_table() const { return tables_used_ < kMostTables; }
    IndirectTable take_table() { return IndirectTable(tables_.at() + IndirectTable::kBytes * tables_used_++); }
    /// Everything after this call goes with clear(), what is there now stays.
    void keep() { code_kept_ = code_used_; }
    /// The tables that were taken must have been cleared.
    void clear();
    [[nodiscard]] std::span<const u8> executable() const { return {memory_->executable(), kCodeBytes}; }
    [[nodiscard]] std::size_t code_bytes() const { return code_used_; }
    [[nodiscard]] std::size_t record_bytes() const { return records_used_; }

private:
    explicit CodeCache(std::unique_ptr<ExecutableMemory> memory) : memory_(std::move(memory)) {}

    std::unique_ptr<ExecutableMemory> memory_;
    LowPages records_{kRecordBytes};
    LowPages tables_{kMostTables * IndirectTable::kBytes};
    std::deque<FaultSite> fault_sites_;
    std::size_t code_used_ = 0;
    std::size_t code_kept_ = 0;
    std::size_t records_used_ = 0;
    std::size_t tables_used_ = 0;
};

}  // namespace bantam::jit
