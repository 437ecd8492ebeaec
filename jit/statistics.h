// What the translator counts. Counting is always on: nothing of it is in translated code itself, only where C++ is
// reached anyway.
#pragma once

#include <array>
#include <atomic>
#include <string>

#include "cpu/isa/mnemonic.h"

namespace bantam::jit {

/// Why translated code came back.
enum class Departure : u8 {
    link,           // a direct jump that was not linked (yet)
    indirect_miss,  // an indirect or far jump whose target was not in the table
    deadline,       // the next block is longer than the count of instructions left
    handler,        // an instruction after which control or modes may differ
    redirected,     // a handler went elsewhere, as a string instruction does between its turns
    attention,      // an interrupt, a nearer deadline, code written: BlockRunner::break_block
    page_tables,    // Mmu::fetch_generation moved
    window,         // a block is to be translated anew, without windows for some instruction
    key,            // other segments or modes than the translation was made for
    exception,
    count
};
inline constexpr std::array<const char*, static_cast<std::size_t>(Departure::count)> kDepartureNames{
    "unlinked jump", "indirect miss", "deadline",        "system instruction", "string turn",
    "attention",     "page tables",   "new translation", "key change",         "exception"};

/// What the thread that runs the processor is at; a sampler reads it from another thread.
enum class Phase : u8 { interpreter, translator, translated_code, handler, slow_path, count };

using CountByMnemonic = std::array<u64, static_cast<std::size_t>(isa::Mnemonic::count)>;

struct Statistics {
    u64 translations = 0;
    u64 translated_instructions = 0;
    u64 host_bytes = 0;
    u64 not_translatable = 0;  // blocks whose host code could not be made
    u64 gone_on = 0;           // times that control went elsewhere after a handler without leaving
    u64 runs = 0;              // entries into translated code from C++
    u64 retired = 0;           // instructions, in these runs
    u64 handed_over = 0;       // instructions executed by their handlers, slow paths among them
    u64 slow_paths = 0;        // translated instructions whose memory operand needed the handler
    u64 links = 0;
    u64 flushes = 0;              // of the whole cache
    u64 host_faults = 0;          // in translated code
    u64 slow_faults = 0;          // of them, those that led to a handler
    u64 kept_from_windows = 0;    // instructions
    u64 windows_tried_again = 0;  // blocks of them
    u64 unexpected_windows = 0;   // accesses
    // Blocks left to the interpreter.
    u64 declined_cold = 0;  // not asked for often enough yet
    u64 declined_mode = 0;  // limits of CS, alignment checks
    std::array<u64, static_cast<std::size_t>(Departure::count)> departures{};
    CountByMnemonic handed_over_by{};  // without slow paths
    CountByMnemonic slow_paths_by{};
};

/// The counts in words, a few lines.
[[nodiscard]] std::string to_text(const Statistics& statistics);

}  // namespace bantam::jit
