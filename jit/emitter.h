// Emitter: what translating one block is made of: guest registers and memory operands as host operands, handing
// instructions over, leaving. Nothing it writes between guest instructions changes EFLAGS.
//
// A memory operand goes through the soft TLB (mmu/mmu.h): PEXT picks the index from the linear address, the sum of
// address, bias and size - 1 must lie in a page, JRCXZ tells without flags. Where it does not, the interpreter's
// handler executes the whole instruction, out of line: registers and flags are still as before it. Where the key has
// windows (mmu/windows.h), the operand is an addition, and what it may not do shows as a host page fault.
//
// Within a block the guest's RSP may be kGuestRsp plus a constant (move_stack), kAddend may be known to serve another
// access (jit/kept_distance.h), registers may be known to be small (jit/register_ranges.h), and scratch registers may
// have copies of homed ones (jit/homed_copies.h); where a handler comes in between, out of line, all are seen to on the
// way there and back.
//
// In 16-bit code the offset is compared with 64 KiB first and the segment's base added (jit/segment_operand.cpp).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "cpu/host/x87_unit.h"
#include "jit/assembly.h"
#include "jit/checked_anchors.h"
#include "jit/expected_values.h"
#include "jit/home_window.h"
#include "jit/homed_copies.h"
#include "jit/kept_distance.h"
#include "jit/optimisations.h"
#include "jit/register_ranges.h"
#include "jit/stubs.h"
#include "jit/translation_key.h"
#include "jit/window_check.h"
#include "mmu/windows.h"

namespace bantam::jit {

enum class MemoryUse : u8 { read, write };

class Emitter {
public:
    class Workshop;
    struct Target {
        const Cpu& cpu;
        Context& context;
        CodeCache& cache;
        const Stubs& stubs;
        u64 indirect_table;               // address of the key's table
        const Windows* windows;           // null: no key has windows
        const WindowCheck* window_check;  // null: no window is expected
        HomeWindow& home;                 // of 64-bit code
        Workshop& workshop;               // of one emitter at a time
        bool stack_window;                // 64-bit code with windows has one (jit/stack_window.h)
        bool expects_unopened;            // windows are expected where nothing was accessed yet, too
        Optimisations optimisations{};
    };
    Emitter(const Target& target, Translation& translation);

    // --- what is being translated
    [[nodiscard]] x86::Assembler& assembler() { return a_; }
    [[nodiscard]] const Context& context() const { return t_.context; }
    [[nodiscard]] const CpuState& state() const { return t_.cpu.state; }
    [[nodiscard]] bool has(Optimisation optimisation) const { return t_.optimisations.has(optimisation); }
    [[nodiscard]] Key key() const { return translation_.key; }
    [[nodiscard]] bool wide() const { return wide_; }        // 64-bit code
    [[nodiscard]] bool sixteen() const { return sixteen_; }  // 16-bit code
    /// X87 and MMX instructions need no look at exceptions and pointers but the last instruction's address.
    [[nodiscard]] bool native_x87() const { return x87_masked(translation_.key) && host::x87_modern_pointers(t_.cpu); }
    [[nodiscard]] bool canonical(u64 address) const { return t_.cpu.canonical(address); }
    /// Whether code at `rip` may be elsewhere while this page is where it is: it is in another page, or may run on into
    /// one.
    [[nodiscard]] bool leaves_page(u64 rip) const;
    /// The instruction translated next; its Site.
    Site& begin_instruction(unsigned index);
    void end_instruction();
    /// The handler of the current instruction, which jumps to `rip`, goes on here instead of leaving.
    void resume_here(u64 rip);
    [[nodiscard]] const Site& site() const { return *site_; }
    /// The current instruction goes to its handler unless `value` is zero. Overwrites kSpare.
    void slow_path_unless_zero(const bool& value);
    /// The host code of the current instruction may raise a host exception; nothing has changed then.
    void may_fault() { may_fault_ = true; }

    // --- registers
    /// `reg` (any size) of host register `reg64`.
    [[nodiscard]] static x86::Gp sized(const x86::Gp& reg64, unsigned size);
    /// The host register with the value of general register `guest`; one that is homed is loaded into `scratch`.
    x86::Gp read_register(unsigned guest, const x86::Gp& scratch);
    void store_homed(unsigned guest, const x86::Gp& scratch);
    /// The same as read_register where the value is only read: from a copy, if there is one.
    x86::Gp read_only(unsigned guest, const x86::Gp& scratch);
    /// The current instruction's translation sees to it that copies() stays true; where this is not called, all copies
    /// are forgotten behind the instruction, and none is used in it.
    void keep_copies() { keeps_copies_ = has(Optimisation::homed_copies); }
    [[nodiscard]] bool keeps_copies() const { return keeps_copies_; }
    [[nodiscard]] HomedCopies& copies() { return copies_; }
    /// Whether one of the instructions that follow soon in the block reads general register `guest` as it is then.
    [[nodiscard]] bool read_soon(unsigned guest) const;
    /// The instructions of the block behind the current one.
    [[nodiscard]] std::span<const isa::Instruction> rest_of_block() const;
    /// Where general register `guest`, which is homed, is.
    [[nodiscard]] x86::Mem homed_operand(unsigned guest, unsigned size) const;
    void load_constant(const x86::Gp& reg, u64 value);
    /// `reg` of `size` bytes to the immediate of `i`, which reads it from memory, sign-extended.
    void load_immediate(const x86::Gp& reg, const isa::Instruction& i, unsigned size);
    /// `value` to `to`, of 4 or 8 bytes; overwrites kSpare.
    void store_constant(const x86::Mem& to, u64 value);

    // --- memory
    /// Whether memory operands of the current instruction can be translated.
    [[nodiscard]] bool addressable(const isa::Instruction& i, MemoryUse use) const;
    [[nodiscard]] bool addressable(unsigned segment, MemoryUse use) const;
    /// The offset of `i`'s memory operand in its segment, in kAddress or in the base register itself (never RCX).
    x86::Gp effective_offset(const isa::Instruction& i);
    /// The same into `to`, of which `width` bytes (4 or 8, at most the address size unless that is 2) are written as
    /// a host instruction of that size does.
    void load_offset(const isa::Instruction& i, const x86::Gp& to, unsigned width);
    /// Host operand of `size` bytes at `i`'s memory operand; overwrites the scratch registers. `alignment`: what the
    /// instruction demands, else 1.
    x86::Mem memory_operand(const isa::Instruction& i, unsigned size, MemoryUse use, unsigned alignment = 1);
    /// The same where the signed bit number in general register `number` (none that is homed) counts from there; `size`
    /// is 4 or 8. Not in 16-bit code.
    x86::Mem bit_string_operand(const isa::Instruction& i, unsigned number, unsigned size, MemoryUse use);
    /// The current instruction's memory operand goes through the soft TLB: it has other uses for kAddend, which tells
    /// windows the address that faulted.
    void avoid_windows() { windowed_ = false; }
    /// Before kAddend is overwritten, unless nothing in the instruction needs its distance afterwards and
    /// KeptDistance::follow forgets it.
    void overwrite_addend() { distance_.forget(); }
    [[nodiscard]] bool in_window() const { return windowed_; }
    /// The same for the stack pointer + `displacement`, in a stack that native_stack allows.
    x86::Mem stack_operand(int displacement, unsigned size, MemoryUse use);
    /// The same for general register `guest` (none that is homed, nor RCX) as a pointer of `address_size` bytes into
    /// `segment`.
    x86::Mem pointer_operand(unsigned guest, unsigned address_size, unsigned segment, unsigned size, MemoryUse use);

    /// REP of the host's, in a window, for MOVS (`loads`) or STOS of `size` bytes upwards; many elements, or downwards,
    /// are the handler's. False: the current instruction has no window; nothing is written.
    bool repeat_string(bool loads, unsigned size);

    /// RSP += `change`, after the access of a push or pop.
    void move_stack(int change);
    /// From here on kGuestRsp is the guest's RSP.
    void settle_stack();

    // --- control
    /// The block's entry: counts its instructions, or leaves when they are more than are left. `vectors`: some of them
    /// use vector registers.
    void enter_block(u32 instructions, bool vectors);
    /// Before enter_block. The block's last jump, to its own beginning, is a loop within it, if that spares something:
    /// what scratch registers have at its end they have at its beginning.
    void allow_loop() { loop_allowed_ = true; }
    /// Whether the block is to be written once more, for all turns but the first.
    [[nodiscard]] bool has_loop() const { return loop_state_.has_value(); }
    void begin_loop(u32 instructions);
    [[nodiscard]] bool tells_block_watch() const { return t_.cpu.block_watch != nullptr; }
    /// Counts the block's executions and tells the BlockWatch. The current instruction is the block's first.
    void tell_block_watch();
    /// The current instruction, translated, sets the x87 instruction pointer. It is written before it can be seen.
    void note_x87_instruction() { x87_pending_ = site_; }
    /// Writes the x87 instruction pointer: before the block is left.
    void write_x87_pointer();
    /// Executes the current instruction by its handler.
    void hand_over();
    /// Goes on at `rip`.
    void jump(u64 rip);
    void jump_if(u8 condition, u64 rip);
    /// Goes on at the RIP in kAddress.
    void jump_indirect();
    /// The same as host calls: a host return that follows goes on at `rip`, if that is in kAddress then.
    void call(u64 target, u64 rip);
    void call_indirect(u64 rip);
    /// Such a return, to the RIP in kAddress.
    void ret();
    /// JCXZ / JECXZ / JRCXZ to `rip`.
    void jump_if_rcx_zero(unsigned address_size, u64 rip);

    /// Writes the out-of-line parts and puts all into the cache. False: this block cannot be translated.
    bool finish();

private:
    struct SlowPath {
        asmjit::Label label;
        asmjit::Label resume{};
        Site* site = nullptr;
        std::size_t instruction = 0;  // place in instructions_
        bool rcx_in_spare = false;    // the guest's RCX is in kSpare
        bool in_rdi = false;          // RDI has the distance in kAddend added
        bool in_rsi = false;          // and RSI that in kAddress
    };
    /// What holds before an instruction, and where its handler's way back ends.
    struct InstructionState {
        int stack_before = 0;  // RSP less kGuestRsp
        int stack_after = 0;
        std::optional<Anchor> distance_of{};  // afterwards
        std::optional<Anchor> second_distance_of{};
        HomedCopies copies{};
    };
    /// A write of 2^size_log bytes to `address` that the soft TLB refused: where code elsewhere in the page is the
    /// reason, it is direct all the same.
    struct WriteBesideCode {
        asmjit::Label label;
        x86::Gp address;
        unsigned size_log;
        asmjit::Label direct, slow;
    };
    struct PendingFaultSite {
        std::size_t begin, end;  // offsets
        SlowPath slow;
        FaultSite::Distance distance = FaultSite::Distance::in_addend;
    };
    struct PendingLink {
        Link* link;
        std::size_t end_offset;  // of the jump instruction
        asmjit::Label stub;
    };
    /// What scratch registers have at the beginning of a turn.
    struct LoopState {
        KeptDistance distance, second_distance;
        CheckedAnchors checked;
        HomedCopies copies;
        RegisterRanges ranges;
    };
    [[nodiscard]] SlowPath slow_path(bool rcx_in_spare) {
        return {a_.newLabel(), resume_, site_, instructions_.size() - 1, rcx_in_spare};
    }
    [[nodiscard]] u64 linear_of(u64 rip) const;
    [[nodiscard]] std::optional<u16> expected_entry(std::optional<u64> address) const;
    [[nodiscard]] std::optional<u16> expected_entry(const Anchored& anchored) const;
    void check_window(const x86::Gp& pointer, u16 entry, const x86::Gp& address);
    [[nodiscard]] x86::Gp scratch_for_check(u16 entry, const x86::Gp& pointer, const x86::Gp& address);
    x86::Gp linear_address(const isa::Instruction& i) { return linear_address(i, effective_offset(i)); }
    x86::Gp linear_address(const isa::Instruction& i, const x86::Gp& offset);
    void add_segment_base(unsigned segment, const x86::Gp& offset);
    x86::Mem tlb_operand(const x86::Gp& address, unsigned size, MemoryUse use, unsigned alignment);
    x86::Mem checked_operand(const SlowPath& slow, const x86::Gp& address, unsigned size, MemoryUse use,
                             unsigned alignment);
    x86::Mem segment_operand(unsigned segment, unsigned address_size, unsigned size, MemoryUse use, unsigned alignment);
    x86::Mem segment_stack_operand(const x86::Gp& pointer, int displacement, unsigned size, MemoryUse use);
    x86::Mem window_operand(const isa::Instruction& i, unsigned size);
    x86::Mem anchored_operand(const isa::Instruction& i, unsigned size);
    x86::Mem unanchored_operand(const x86::Gp& address, unsigned size);
    [[nodiscard]] static bool adds_distance(const isa::Instruction& i);
    [[nodiscard]] x86::Mem plain_operand(const isa::Instruction& i, unsigned size) const;
    x86::Mem pointer_in_window(unsigned number, const x86::Gp& address, int displacement, unsigned size);
    x86::Gp distance_for(const Anchored& anchored, const x86::Gp& address);
    x86::Gp distance_for(const Anchored& anchored, const x86::Gp& address, const x86::Gp& anchor);
    x86::Gp scratch_with_distance(const Anchored& anchored, const x86::Gp& address, const x86::Gp& anchor);
    void load_distance(const x86::Gp& address, const x86::Gp& to = kAddend);
    void load_distance(const Anchor& anchor, const x86::Gp& to);
    void settle_distance();
    void subtract_string_distances(bool loads);
    [[nodiscard]] bool takes_second_distance() const;
    [[nodiscard]] bool used_soon(const Anchor& anchor) const;
    [[nodiscard]] const isa::Instruction* following(u32 k) const;
    void follow_second_distance(const isa::Instruction& i);
    [[nodiscard]] bool begins_turn(u64 rip);
    void keep_copy_for_turn();
    void check_count(u32 instructions);
    void begin_with_home();
    void settle_before_indirect();
    [[nodiscard]] std::optional<Anchor> home() const;
    void go_on_after_call();
    void follow_stack(const isa::Instruction& i);
    void shift_stack_register(int change);
    asmjit::Label link_to(u64 rip);
    void pad_before_entry();
    void load_target();
    void compare_rip(u64 rip, const asmjit::Label& same);
    void check_code_base(const asmjit::Label& miss);
    void write_continuation(u64 rip);
    void write_slow_paths();
    void write_writes_beside_code();
    void write_links();

    const Target& t_;
    Translation& translation_;
    const bool wide_;
    const bool sixteen_;
    const bool stack_window_;
    const bool expects_;                // windows, of the operands of 64-bit code
    const std::optional<Anchor> home_;  // whose distance kAddend has at both ends of the block
    const u64 linear_;
    const Mmu::FastTables tables_;
    Assembly& assembly_;
    x86::Assembler& a_;
    Site* site_ = nullptr;
    const Site* x87_pending_ = nullptr;  // whose RIP CpuState::x87_instruction_pointer must become
    bool vectors_ = false;               // the guest's vector registers are the host's
    bool returned_ = false;              // from a call, whatever happened there
    int stack_moved_ = 0;                // RSP less kGuestRsp
    KeptDistance distance_;
    KeptDistance second_distance_;  // kAddress's, where copies_ says that it has one
    HomedCopies copies_;
    CheckedAnchors checked_;
    RegisterRanges ranges_;
    ExpectedValues expected_values_;
    asmjit::Label used_up_;  // where the block leaves when too few instructions are left
    asmjit::Label leave_;    // the same before they are counted
    bool loop_allowed_ = false;
    std::optional<LoopState> loop_state_;
    asmjit::Label loop_;
    std::vector<InstructionState>& instructions_;
    // Of the current instruction:
    bool windowed_ = false;
    bool may_fault_ = false;
    bool keeps_copies_ = false;
    bool uses_second_distance_ = false;
    std::size_t instruction_begin_ = 0;
    asmjit::Label resume_;  // where its handler goes on: behind it, or resume_here
    bool resume_bound_ = false;
    asmjit::Label entry_;
    asmjit::Label loaded_entry_;
    asmjit::Label indirect_entry_;
    std::vector<SlowPath>& slow_paths_;
    std::vector<WriteBesideCode>& writes_beside_code_;
    std::vector<PendingFaultSite>& fault_sites_;
    std::vector<PendingLink>& links_;
};

/// What emitters use one after the other. PERF: allocating it anew took a tenth of the time of translations.
class Emitter::Workshop {
public:
    explicit Workshop(CodeCache& cache) : assembly_(cache) {}

private:
    friend class Emitter;
    void clear();

    Assembly assembly_;
    std::vector<InstructionState> instructions_;
    std::vector<SlowPath> slow_paths_;
    std::vector<WriteBesideCode> writes_beside_code_;
    std::vector<PendingFaultSite> fault_sites_;
    std::vector<PendingLink> links_;
};

}  // namespace bantam::jit
