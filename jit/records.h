// What translated code and the translator know of each other: plain records, found by address. All of them lie in low
// memory (base/low_memory.h) and live until the whole cache is emptied.
#pragma once

#include <array>
#include <cstring>
#include <type_traits>

#include "base/low_memory.h"
#include "cpu/interpreter/block_cache.h"
#include "jit/translation_key.h"

namespace bantam::jit {

struct Translation;

/// An instruction that translated code may hand to its interpreter handler.
struct Site {
    static constexpr u8 kNone = 0xFF;
    LowPointer<Translation> translation;
    i32 resume_distance = 0;       // from next_rip() to where translated code goes on after the handler, if it does
    i32 stack_change = 0;          // what a native near branch has added to RSP when its target turns out not canonical
    u8 index = 0;                  // in the block
    u8 x87_index = kNone;          // CpuState::x87_instruction_pointer must become that instruction's RIP first
    bool handed_over : 1 = false;  // always: nothing of it was translated
    bool leaves : 1 = false;       // ends the block: control or modes may differ afterwards
    bool changes_key : 1 = false;  // may change the key without ending the block (a segment register load)
    bool changes_masks : 1 = false;  // may mask or unmask floating-point exceptions

    [[nodiscard]] inline const isa::Instruction& instruction() const;
    [[nodiscard]] inline u64 rip() const;
    [[nodiscard]] inline u64 next_rip() const;
    [[nodiscard]] inline u64 resume_rip() const;
    /// Instructions of the block that follow.
    [[nodiscard]] inline u32 after() const;
};

class IndirectTable;

/// A direct jump out of a translation, patched to go straight to its target.
struct Link {
    u64 target_rip = 0;
    u8* displacement = nullptr;  // writable address of the jump's rel32
    u32 origin = 0;              // executable address behind the rel32
    u32 unlinked = 0;            // where the jump goes while it is not linked
    LowPointer<Translation> source;
    LowPointer<Translation> target;  // in whose `incoming` it is
    LowPointer<Link> next;           // there
    bool vectors = false;            // the guest's vector registers are the host's there
    bool leaves_page = false;        // other page tables may lead it elsewhere
    bool listed = false;             // among the translator's links to take back then

    /// The jump goes to host address `address`.
    void point_to(u32 address) const {
        const auto distance = static_cast<i32>(address - origin);
        std::memcpy(displacement, &distance, sizeof distance);
    }
    /// The link, which is in no list, is to be taken back when `to` is.
    inline void join(Translation& to);
};

/// One block as host code, for one RIP, one base of CS and one key. Its own addresses are the host's.
struct Translation {
    interpreter::Block* block = nullptr;
    u64 rip = 0;
    u64 key = 0;
    IndirectTable* table = nullptr;  // the key's
    u32 cs_base = 0;
    u32 entry = 0;
    u32 loaded_entry = 0;    // the entry where the guest's vector registers are the host's already
    u32 indirect_entry = 0;  // the entry that checks R14 = rip, and the base of CS, first
    u32 loop = 0;            // where all turns of its loop but the first begin; 0: it is none
    u32 leave = 0;           // where they can go instead
    u32 code = 0;            // its host code: [code, code + code_bytes), the indirect entry apart
    u32 code_bytes = 0;
    LowPointer<Translation> next;  // in Block::translations
    LowPointer<Link> incoming{};
    bool valid = true;
    // Where going on from here led to the last time: a key, and the address of its IndirectTable.
    u32 next_table = 0;
    u64 next_key = 0;

    [[nodiscard]] u64 linear() const { return cs_base + rip; }  // bits above those of the mode may be set
    /// The RIP of instruction `index`, and that behind it.
    [[nodiscard]] u64 next_rip_of(unsigned index) const { return rip + block->code[index].next_offset; }
    [[nodiscard]] u64 rip_of(unsigned index) const { return next_rip_of(index) - block->code[index].length; }
};

void Link::join(Translation& to) {
    target = &to;
    next = to.incoming;
    to.incoming = this;
}

const isa::Instruction& Site::instruction() const { return translation->block->code[index]; }
u64 Site::rip() const { return translation->rip_of(index); }
u64 Site::next_rip() const { return translation->next_rip_of(index); }
u64 Site::resume_rip() const {
    if (resume_distance == 0) return next_rip();
    const u64 rip = next_rip() + static_cast<u64>(i64{resume_distance});
    return is_64bit(translation->key) ? rip : rip & 0xFFFFFFFF;
}
u32 Site::after() const { return translation->block->count - 1 - index; }

/// The translator's side of running code: one per translator.
struct Context {
    u64 remaining = 0;           // CountRegion::base() + instructions left before this run must end
    const Site* site = nullptr;  // the instruction that is being handed over, or an indirect branch
    Link* link = nullptr;        // by which link the last run ended; null: by RIP alone
    u64 spared = 0;              // what a scratch register holds while it is needed otherwise
    u64 entry = 0;               // where `enter` goes
    void* self = nullptr;        // argument of call_handler
    u64 host_stack = 0;          // C++'s stack pointer
    u64 return_stack = 0;        // the stack pointer that translated code begins with
    u64 indirect_table = 0;      // address of the running key's
    u64 forget_returns = 0;      // where code goes on behind a handler: whether the return stack is of other code
    u64 vectors_away = 1;        // 1: vector registers and MXCSR are in CpuState; 0: in the host's
    u64 host_mxcsr = 0;          // C++'s
    u64 home_distance = 0;       // what kAddend has at both ends of blocks, while code with windows runs
    u64 gs_complement = 0;       // ~ the base of GS, while code with windows runs (jit/stack_window.h)
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
    u64 status_flags = kStatusFlags;
    u64 direction = 4;         // DF in bits 15:8 of EFLAGS
    u64 many_elements = 0;     // a count that has one of these bits is too high for REP in translated code
    u64 not_direction = 0xFB;  // bits 15:8 of EFLAGS but DF
    u64 not_interrupt = 0xFD;  // and but IF
};

static_assert(sizeof(Site) == 16);
static_assert(std::is_trivially_destructible_v<Site> && std::is_trivially_destructible_v<Link> &&
              std::is_trivially_destructible_v<Translation>);

}  // namespace bantam::jit
