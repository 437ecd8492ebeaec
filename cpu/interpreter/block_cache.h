// BlockCache: decoded blocks, found by the physical address of their first byte and the mode they were decoded in. A
// block is a run of instructions within one page (or a single instruction across two) that ends at the first one after
// which control or mode may differ.
//
// Pages that hold blocks are marked in PhysicalMemory; a write to one, by CPU or DMA, invalidates the blocks it
// touches. Memory is bounded: when full, everything is forgotten and decoded anew.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "cpu/interpreter/block_runner.h"
#include "cpu/isa/instruction.h"
#include "mmu/mmu.h"

namespace bantam::jit {
struct Translation;
}

namespace bantam::interpreter {

struct Block {
    static constexpr u64 kMostInstructions = 64;

    Physical start{};
    u64 bytes = 0;
    std::optional<Physical> second_page;  // of a single instruction that crosses into another page
    u32 mode_key = 0;
    u32 count = 0;
    bool valid = true;
    bool patched = false;     // an instruction of it reads its immediate from memory
    u16 no_window_pause = 4;  // intervals until windows may be tried again
    isa::Instruction* code = nullptr;
    Block* next_in_bucket = nullptr;
    u32 runs = 0;                              // how often a BlockRunner was asked for it and declined
    u32 no_window_since = 0;                   // WindowPolicy::interval
    jit::Translation* translations = nullptr;  // the runner's
    u64 no_window = 0;                         // the runner's: instructions that windows do not suit, one bit each
    u64 unexpected = 0;                        // the runner's: those that were not in the window that was expected
    static_assert(kMostInstructions <= 8 * sizeof no_window);
    u64* executions = nullptr;  // counts them, for a BlockWatch; null: it does not want to know
};

class BlockCache final : public CodeObserver {
public:
    /// `invalidated` is called after any block was invalidated or forgotten: the running one may be among them.
    BlockCache(Mmu& mmu, std::function<void()> invalidated);
    ~BlockCache() override;
    BlockCache(const BlockCache&) = delete;
    BlockCache& operator=(const BlockCache&) = delete;

    void set_runner(BlockRunner* runner) { runner_ = runner; }

    /// The valid block at `start`, or null. A page-crossing one only if its second part lies in `second_page`.
    [[nodiscard]] Block* find(Physical start, u32 mode_key) const;

    /// Adds a block of `code` (never while a block is running), whose bytes lie at `start` (and on from the beginning
    /// of `second_page`).
    Block& add(Physical start, u64 bytes, std::optional<Physical> second_page, u32 mode_key,
               std::span<const isa::Instruction> code);

    /// Forgets every block.
    void clear();
    /// Counts up whenever Block addresses become invalid (clear).
    [[nodiscard]] u64 generation() const { return generation_; }
    [[nodiscard]] u64 invalidations() const { return invalidations_; }
    /// Instructions that began to read their immediates from memory.
    [[nodiscard]] u64 patched() const { return patched_; }

    void code_written(Physical address, u64 size) override;
    void map_changed(Physical first, u64 bytes) override;

private:
    static constexpr std::size_t kBuckets = 1u << 15;
    static constexpr std::size_t kChunkInstructions = 2048;
    static constexpr std::size_t kMaxChunks = 81;  // about 12 MiB

    static constexpr std::size_t kMaxBlocks = 1u << 16;  // about 6 MiB

    [[nodiscard]] static std::size_t bucket_of(Physical start, u32 mode_key);
    isa::Instruction* allocate(std::size_t count);
    void release_removed();
    void remove(Block* block);

    Mmu& mmu_;
    std::function<void()> invalidated_;
    BlockRunner* runner_ = nullptr;
    std::vector<Block*> buckets_;
    std::deque<Block> blocks_;
    /// What of a block lies in one page, but for immediates that are read from memory: offsets [first, end).
    struct Part {
        Block* block;
        u64 first, end;
    };
    /// What a page holds: parts of valid blocks by rising offset, and which of its bytes are theirs: programs keep data
    /// beside code.
    struct Page {
        std::vector<Part> parts;
        u64 longest = 0;  // bytes: no part has had more
        CodeMap code;

        /// Those that may lie in [first, end), by where they begin.
        [[nodiscard]] std::span<const Part> near(u64 first, u64 end) const;
        [[nodiscard]] std::size_t place_of(u64 first) const;
    };
    void add_part(Physical page, const Part& part);
    void remove_part(Physical page, const Part& part);
    void add_parts(Block& block);
    void remove_parts(Block& block);
    bool patch_immediate(Block& block, Physical address, u64 size);
    /// Calls with(page, part) for each part of `block`.
    template <class With>
    static void for_parts(Block& block, With with);
    std::unordered_map<u64, Page> pages_;  // by page address
    std::vector<std::unique_ptr<isa::Instruction[]>> chunks_;
    std::vector<std::unique_ptr<isa::Instruction[]>> retired_chunks_;  // cleared, perhaps still running
    std::vector<std::deque<Block>> retired_blocks_;
    std::size_t used_in_chunk_ = kChunkInstructions;
    std::vector<const Block*> removed_;  // whose instructions may still be running
    std::array<std::vector<isa::Instruction*>, Block::kMostInstructions + 1> free_;  // by their count
    std::vector<Block*> overwritten_;                                                // scratch of code_written
    u64 generation_ = 1;
    u64 invalidations_ = 0;
    u64 patched_ = 0;
};

}  // namespace bantam::interpreter
