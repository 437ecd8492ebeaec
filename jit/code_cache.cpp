#include "jit/code_cache.h"

#include <algorithm>

#include "base/bits.h"
#include "base/check.h"

namespace bantam::jit {

void IndirectTable::set(u64 linear, u32 offset) {
    const auto index = static_cast<u16>(linear);
    if (filled_.size() > 2 * kEntries) clear();
    if (entries_[index] == 0) filled_.push_back(index);
    entries_[index] = offset;
}

void IndirectTable::remove(u64 linear, u32 offset) {
    u32& entry = entries_[static_cast<u16>(linear)];
    if (entry == offset) entry = 0;
}

void IndirectTable::clear() {
    for (const u16 index : filled_) entries_[index] = 0;
    filled_.clear();
}

Result<std::unique_ptr<CodeCache>> CodeCache::create() {
    Result<std::unique_ptr<ExecutableMemory>> memory =
        ExecutableMemory::create(kCodeBytes, ExecutableMemory::Place::low);
    if (!memory) return memory.error();
    std::unique_ptr<CodeCache> cache(new CodeCache(std::move(memory.value())));
    const bool low = is_low(cache->memory_->executable(), kCodeBytes) && is_low(cache->records_.at(), kRecordBytes) &&
                     is_low(cache->tables_.at(), cache->tables_.bytes());
    if (!low) {
        return Error{ExitStatus::host_resource,
                     "the host has no memory below 2 GiB left for translated code; use --engine interpreter"};
    }
    return cache;
}

u8* CodeCache::take_code(std::size_t bytes) {
    CHECK(code_used_ + bytes <= kCodeBytes);
    u8* const at = memory_->writable() + code_used_;
    code_used_ = align_up(code_used_ + bytes, kCodeAlignment);
    return at;
}

FaultSite* CodeCache::fault_site_at(u64 address) {
    const auto after = std::upper_bound(fault_sites_.begin(), fault_sites_.end(), address,
                                        [](u64 value, const FaultSite& site) { return value < site.begin; });
    if (after == fault_sites_.begin()) return nullptr;
    FaultSite& site = *std::prev(after);
    return address - site.begin < site.bytes ? &site : nullptr;
}

void CodeCache::clear() {
    fault_sites_.clear();
    code_used_ = code_kept_;
    records_used_ = 0;
    tables_used_ = 0;
}

}  // namespace bantam::jit
