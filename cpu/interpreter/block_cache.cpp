#include "cpu/interpreter/block_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "cpu/interpreter/patched.h"

namespace bantam::interpreter {

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
    CHECK(count <= Block::kMostInstructions);
    retired_chunks_.clear();
    retired_blocks_.clear();
    release_removed();
    if (blocks_.size() == kMaxBlocks) clear();
    if (std::vector<isa::Instruction*>& free = free_.at(count); !free.empty()) {
        isa::Instruction* const first = free.back();
        free.pop_back();
        return first;
    }
    if (used_in_chunk_ + count > kChunkInstructions) {
        if (chunks_.size() == kMaxChunks) clear();
        chunks_.push_back(std::make_unique<isa::Instruction[]>(kChunkInstructions));
        used_in_chunk_ = 0;
    }
    isa::Instruction* first = &chunks_.back()[used_in_chunk_];
    used_in_chunk_ += count;
    return first;
}

void BlockCache::release_removed() {
    for (const Block* block : removed_) free_.at(block->count).push_back(block->code);
    removed_.clear();
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
    add_parts(block);
    return block;
}

template <class With>
void BlockCache::for_parts(Block& block, With with) {
    const u64 offset = block.start.page_offset();
    if (!block.second_page) {
        u64 first = offset;
        for (u32 k = 0; block.patched && k < block.count; ++k) {
            const isa::Instruction& i = block.code[k];
            if (!i.reads_immediate) continue;
            const u64 end = offset + i.next_offset;
            with(block.start.page(), Part{&block, first, end - i.immediate_size});
            first = end;
        }
        if (first < offset + block.bytes) with(block.start.page(), Part{&block, first, offset + block.bytes});
        return;
    }
    with(block.start.page(), Part{&block, offset, kPageSize});
    with(*block.second_page, Part{&block, 0, block.bytes - (kPageSize - offset)});
}

std::size_t BlockCache::Page::place_of(u64 first) const {
    const auto place =
        std::partition_point(parts.begin(), parts.end(), [first](const Part& part) { return part.first < first; });
    return static_cast<std::size_t>(place - parts.begin());
}

std::span<const BlockCache::Part> BlockCache::Page::near(u64 first, u64 end) const {
    const std::size_t begin = place_of(first - std::min(first, longest));
    return std::span(parts).subspan(begin, place_of(end) - begin);
}

void BlockCache::add_part(Physical page, const Part& part) {
    Page& tracked = pages_[page.value];
    if (tracked.parts.empty()) mmu_.memory().mark_code(page, &tracked.code);
    tracked.parts.insert(tracked.parts.begin() + static_cast<std::ptrdiff_t>(tracked.place_of(part.first)), part);
    tracked.longest = std::max(tracked.longest, part.end - part.first);
    tracked.code.set(part.first, part.end);
}

void BlockCache::remove_part(Physical page, const Part& part) {
    const auto found = pages_.find(page.value);
    Page& tracked = found->second;
    const auto same = std::find_if(tracked.parts.begin(), tracked.parts.end(), [&part](const Part& other) {
        return other.block == part.block && other.first == part.first;
    });
    tracked.parts.erase(same);
    if (tracked.parts.empty()) {
        mmu_.memory().clear_code(page);
        pages_.erase(found);
        return;
    }
    tracked.code.reset(part.first, part.end);
    for (const Part& other : tracked.near(part.first, part.end)) tracked.code.set(other.first, other.end);
}

void BlockCache::remove(Block* block) {
    block->valid = false;
    ++invalidations_;
    if (runner_ != nullptr) runner_->forget(*block);
    removed_.push_back(block);
    for (Block** link = &buckets_[bucket_of(block->start, block->mode_key)]; *link != nullptr;
         link = &(*link)->next_in_bucket) {
        if (*link == block) {
            *link = block->next_in_bucket;
            break;
        }
    }
    remove_parts(*block);
}

void BlockCache::add_parts(Block& block) {
    for_parts(block, [this](Physical page, const Part& part) { add_part(page, part); });
}

void BlockCache::remove_parts(Block& block) {
    for_parts(block, [this](Physical page, const Part& part) { remove_part(page, part); });
}

/// Whether [address, address + size) is part of an immediate of `block` that can be read from memory: it is from now
/// on.
bool BlockCache::patch_immediate(Block& block, Physical address, u64 size) {
    if (block.second_page) return false;
    const u64 first = address.value - block.start.value, end = first + size;
    for (isa::Instruction& i : std::span(block.code, block.count)) {
        if (first >= i.next_offset) continue;
        const bool inside = first + i.immediate_size >= i.next_offset && end <= i.next_offset;
        if (!inside || i.reads_immediate || !can_read_immediate(i)) return false;
        remove_parts(block);
        read_immediate(i, block.start + (i.next_offset - i.immediate_size));
        block.patched = true;
        add_parts(block);
        if (runner_ != nullptr) runner_->forget(block);
        ++patched_;
        return true;
    }
    return false;
}

void BlockCache::code_written(Physical address, u64 size) {
    overwritten_.clear();
    const u64 end = address.value + size;
    for (Physical page = address.page(); page.value < end; page = page + kPageSize) {
        const auto found = pages_.find(page.value);
        if (found == pages_.end()) continue;
        const u64 first = std::max(address.value, page.value) - page.value;
        const u64 last = std::min(end - page.value, kPageSize);
        if (!found->second.code.any(first, last)) continue;
        for (const Part& part : found->second.near(first, last)) {
            if (part.end > first) overwritten_.push_back(part.block);
        }
    }
    for (Block* block : overwritten_) {
        if (block->valid && !patch_immediate(*block, address, size))
            remove(block);  // not valid: it had two parts there
    }
    if (!overwritten_.empty()) invalidated_();
}

/// Devices' memory comes and goes without code in it.
void BlockCache::map_changed(Physical first, u64 bytes) {
    const bool holds_code =
        std::any_of(pages_.begin(), pages_.end(), [&](const auto& entry) { return entry.first - first.value < bytes; });
    if (holds_code) clear();
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
    removed_.clear();
    for (auto& free : free_) free.clear();
    used_in_chunk_ = kChunkInstructions;
    retired_blocks_.push_back(std::move(blocks_));
    blocks_ = {};
    invalidated_();
}

}  // namespace bantam::interpreter
