#include "cpu/interpreter/block_cache.h"

#include <algorithm>
#include <iterator>

namespace bantam::interpreter {

bool Block::overlaps(Physical address, u64 size) const {
    const u64 in_first = second_page ? kPageSize - start.page_offset() : bytes;
    if (address.value < start.value + in_first && start.value < address.value + size) return true;
    return second_page && address.value < second_page->value + (bytes - in_first) &&
           second_page->value < address.value + size;
}

BlockCache::BlockCache(Mmu& mmu, std::function<void()> invalidated)
    : mmu_(mmu), invalidated_(std::move(invalidated)), buckets_(kBuckets, nullptr) {
    mmu_.memory().set_code_observer(this);
}

BlockCache::~BlockCache() {
    clear();
    mmu_.memory().set_code_observer(nullptr);
}

std::size_t BlockCache::bucket_of(Physical start, u32 mode_key) {
    const u64 mixed = (start.value ^ (u64{mode_key} << 40)) * 0x9E3779B97F4A7C15;
    return static_cast<std::size_t>(mixed >> 49);
}

Block* BlockCache::find(Physical start, u32 mode_key) const {
    for (Block* block = buckets_[bucket_of(start, mode_key)]; block != nullptr; block = block->next_in_bucket) {
        if (block->start == start && block->mode_key == mode_key) return block;
    }
    return nullptr;
}

isa::Instruction* BlockCache::allocate(std::size_t count) {
    CHECK(count <= kChunkInstructions);
    retired_chunks_.clear();
    retired_blocks_.clear();
    if (used_in_chunk_ + count > kChunkInstructions) {
        if (chunks_.size() == kMaxChunks) clear();
        chunks_.push_back(std::make_unique<isa::Instruction[]>(kChunkInstructions));
        used_in_chunk_ = 0;
    }
    isa::Instruction* first = &chunks_.back()[used_in_chunk_];
    used_in_chunk_ += count;
    return first;
}

Block& BlockCache::add(Physical start, u64 bytes, std::optional<Physical> second_page, u32 mode_key,
                       std::span<const isa::Instruction> code) {
    isa::Instruction* const memory = allocate(code.size());
    std::copy(code.begin(), code.end(), memory);
    Block*& bucket = buckets_[bucket_of(start, mode_key)];
    Block& block = blocks_.emplace_back(Block{.start = start,
                                              .bytes = bytes,
                                              .second_page = second_page,
                                              .mode_key = mode_key,
                                              .count = static_cast<u32>(code.size()),
                                              .code = memory,
                                              .next_in_bucket = bucket});
    bucket = &block;
    track_page(start.page(), &block);
    if (second_page) track_page(*second_page, &block);
    return block;
}

/// What of [address, address + size) lies in `page`; empty where nothing does.
BlockCache::Range BlockCache::within(Physical page, Physical address, u64 size) {
    const u64 end = address.value + size;
    if (end <= page.value || address.value >= page.value + kPageSize) return {0, 0};
    return {std::max(address.value, page.value) - page.value, std::min(end, page.value + kPageSize) - page.value};
}

BlockCache::Range BlockCache::within(Physical page, const Block& block) {
    if (!block.second_page) return within(page, block.start, block.bytes);
    const u64 here = kPageSize - block.start.page_offset();
    if (page == block.start.page()) return within(page, block.start, here);
    return within(page, *block.second_page, block.bytes - here);
}

void BlockCache::track_page(Physical page, Block* block) {
    Page& tracked = pages_[page.value];
    if (tracked.blocks.empty()) mmu_.memory().mark_code(page);
    tracked.blocks.push_back(block);
    const Range range = within(page, *block);
    for (u64 at = range.first; at < range.end; ++at) tracked.code.set(at);
}

void BlockCache::remove(Block* block) {
    block->valid = false;
    ++invalidations_;
    if (runner_ != nullptr) runner_->forget(*block);
    for (Block** link = &buckets_[bucket_of(block->start, block->mode_key)]; *link != nullptr;
         link = &(*link)->next_in_bucket) {
        if (*link == block) {
            *link = block->next_in_bucket;
            break;
        }
    }
    const auto untrack = [&](Physical page) {
        const auto found = pages_.find(page.value);
        if (found == pages_.end()) return;
        Page& tracked = found->second;
        std::erase(tracked.blocks, block);
        if (tracked.blocks.empty()) {
            pages_.erase(found);
            mmu_.memory().clear_code(page);
            return;
        }
        const Range freed = within(page, *block);
        for (u64 at = freed.first; at < freed.end; ++at) tracked.code.reset(at);
        for (const Block* other : tracked.blocks) {
            const Range kept = within(page, *other);
            for (u64 at = std::max(kept.first, freed.first); at < std::min(kept.end, freed.end); ++at)
                tracked.code.set(at);
        }
    };
    untrack(block->start.page());
    if (block->second_page) untrack(*block->second_page);
}

void BlockCache::code_written(Physical address, u64 size) {
    bool any = false;
    for (Physical page = address.page(); page.value < address.value + size; page = page + kPageSize) {
        const auto found = pages_.find(page.value);
        if (found == pages_.end()) continue;
        Range written = within(page, address, size);
        while (written.first < written.end && !found->second.code[written.first]) ++written.first;
        if (written.first == written.end) continue;
        const std::vector<Block*> candidates = found->second.blocks;
        for (Block* block : candidates) {
            if (!block->overlaps(address, size)) continue;
            remove(block);
            any = true;
        }
    }
    if (any) invalidated_();
}

void BlockCache::clear() {
    if (runner_ != nullptr) runner_->forget_all();
    for (const auto& [page, tracked] : pages_) mmu_.memory().clear_code(Physical{page});
    for (Block& block : blocks_) block.valid = false;
    std::fill(buckets_.begin(), buckets_.end(), nullptr);
    pages_.clear();
    ++generation_;
    // A block may be running and may itself have caused this: its memory is released when the next block is added.
    std::move(chunks_.begin(), chunks_.end(), std::back_inserter(retired_chunks_));
    chunks_.clear();
    used_in_chunk_ = kChunkInstructions;
    retired_blocks_.push_back(std::move(blocks_));
    blocks_ = {};
    invalidated_();
}

}  // namespace bantam::interpreter
