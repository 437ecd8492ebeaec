// What translated code and the translator know of each other: plain records, found by address. All of them lie in low
// memory (base/low_memory.h) and live until the whole cache is emptied.
#pragma once

#include <array>
#include <type_traits>

#include "cpu/interpreter/block_cache.h"

namespace bantam::jit {

struct Translation;

/// An instruction that translated code may hand to its interpreter handler.
struct Site {
    const isa::Instruction* instruction = nullptr;
    u64 rip = 0;
    u64 next_rip = 0;
    u64 resume_rip = 0;  // where translated code goes on after the handler, if it does
    Translation* translation = nullptr;
    u32 after = 0;             // instructions of the block that follow
    i32 stack_change = 0;      // what a native near branch has added to RSP when its target turns out not canonical
    bool handed_over = false;  // always: nothing of it was translated
    bool leaves = false;       // ends the block: control or modes may differ afterwards
    bool changes_key = false;  // may change the key without ending the block (a segment register load)
    bool x87_pending = false;  // CpuState::x87_instruction_pointer must become x87_rip first
    u64 x87_rip = 0;
};

class IndirectTable;

/// A direct jump out of a translation, patched to go straight to its target.
struct Link {
    u64 target_rip = 0;
    u8* displacement = nullptr;  // writable address of the jump's rel32
    u64 origin = 0;              // executable address behind the rel32
    u64 unlinked = 0;            // where the jump goes while it is not linked
    Translation* source = nullptr;
    bool leaves_page = false;       // other page tables may lead it elsewhere
    bool listed = false;            // among the translator's links to take back then
    Translation* target = nullptr;  // in whose `incoming` it is
    Link* next = nullptr;           // there
};

/// One block as host code, for one RIP, one base of CS and one key.
struct Translation {
    interpreter::Block* block = nullptr;
    u64 rip = 0;
    u64 cs_base = 0;
    u64 key = 0;
    u64 entry = 0;                   // host address
    IndirectTable* table = nullptr;  // the key's
    u64 indirect_entry = 0;          // host address of the entry that checks R14 = rip, and the base of CS, first
    bool valid = true;
    Link* incoming = nullptr;
    Translation* next = nullptr;  // in Block::translations
    u64 code = 0;                 // its host code: [code, code + code_bytes), the indirect entry apart
    u64 code_bytes = 0;
    // Where going on from here led to the last time: a key, and the address of its IndirectTable.
    u64 next_key = 0;
    u64 next_table = 0;

    [[nodiscard]] u64 linear() const { return cs_base + rip; }  // bits above those of the mode may be set
};

/// The translator's side of running code: one per translator.
struct Context {
    u64 remaining = 0;           // CountRegion::base() + instructions left before this run must end
    const Site* site = nullptr;  // the instruction that is being handed over
    Link* link = nullptr;        // by which link the last run ended; null: by RIP alone
    u64 branch_target = 0;       // scratch of branches, pushes and moves whose operand is in memory
    u64 entry = 0;               // where `enter` goes
    void* self = nullptr;        // argument of call_handler
    u64 host_stack = 0;          // C++'s stack pointer
    u64 return_stack = 0;        // the stack pointer that translated code begins with
    u64 indirect_table = 0;      // address of the running key's
    u64 vectors_away = 1;        // 1: vector registers and MXCSR are in CpuState; 0: in the host's
    u64 host_mxcsr = 0;          // C++'s
    u64 spare = 0;               // scratch of stubs
    u64 address = 0;             // the same
    u64 index_mask = u64{Mmu::kEntries - 1} << 12;
    u64 page_mask = ~u64{kPageSize - 1};          // with these a sum of address, bias and size - 1 must be zero:
    u64 page_mask_16 = ~u64{kPageSize - 1} | 15;  // aligned operands, sum without the size
    u64 page_mask_32 = ~u64{kPageSize - 1} | 31;
    u64 beyond_64k = ~u64{0xFFFF};
    u64 map_byte = kPageMask & ~u64{7};  // of an address: the byte of a CodeMap, and the bit in it
    u64 map_bit = 7;
    std::array<u64, 6> bits{1, 3, 0xF, 0xFF, 0xFFFF, 0xFFFFFFFF};  // the lowest 1, 2, 4 ... 32
    u64 not_direction = 0xFB;                                      // bits 15:8 of EFLAGS but DF
    u64 not_interrupt = 0xFD;                                      // and but IF
};

static_assert(std::is_trivially_destructible_v<Site> && std::is_trivially_destructible_v<Link> &&
              std::is_trivially_destructible_v<Translation>);

}  // namespace bantam::jit
