#include "jit/emitter.h"

#include <algorithm>
#include <span>

#include "base/bits.h"
#include "cpu/interpreter/block_watch.h"
#include "cpu/isa/table.h"

namespace bantam::jit {

namespace {

constexpr u32 kSoon = 8;  // instructions: how far one looks ahead for uses of what scratch registers have

/// Whether the translation of `i`, or what follows a jump, reads or writes kGuestRsp itself. A handler's call sees to
/// it by itself.
bool needs_stack_pointer(const isa::Instruction& i) {
    const auto is_rsp = [](const isa::Operand& o) {
        return o.kind == isa::OperandKind::gpr && o.reg == kRsp && !o.is_high;
    };
    if (i.base == kRsp || std::any_of(i.operands.begin(), i.operands.begin() + i.operand_count, is_rsp)) return true;
    switch (i.mnemonic) {
        case isa::Mnemonic::Push:
        case isa::Mnemonic::Pop:
        case isa::Mnemonic::Call:
        case isa::Mnemonic::Ret:
            return false;
        case isa::Mnemonic::Leave:
            return true;
        default:
            return (isa::row_of(i).attributes & isa::kBranch) != 0;
    }
}

}  // namespace

Emitter::Emitter(const Target& target, Translation& translation)
    : t_(target),
      translation_(translation),
      wide_(is_64bit(translation.key)),
      sixteen_(is_16bit(translation.key)),
      stack_window_(target.stack_window && wide_ && windowed(translation.key)),
      expects_(target.window_check != nullptr && wide_ && windowed(translation.key)),
      home_(home()),
      linear_(linear_of(translation.rip)),
      tables_(target.cpu.mmu.fast_tables(data_set(translation.key))),
      assembly_(target.workshop.assembly_),
      a_(assembly_.assembler()),
      expected_values_(target.cpu, data_set(translation.key)),
      instructions_(target.workshop.instructions_),
      slow_paths_(target.workshop.slow_paths_),
      writes_beside_code_(target.workshop.writes_beside_code_),
      fault_sites_(target.workshop.fault_sites_),
      links_(target.workshop.links_) {
    target.workshop.clear();
}

void Emitter::Workshop::clear() {
    assembly_.begin();
    instructions_.clear();
    slow_paths_.clear();
    writes_beside_code_.clear();
    fault_sites_.clear();
    links_.clear();
}

Site& Emitter::begin_instruction(unsigned index) {
    if (needs_stack_pointer(translation_.block->code[index])) settle_stack();
    instructions_.push_back({.stack_before = stack_moved_});
    resume_ = a_.newLabel();
    resume_bound_ = false;
    may_fault_ = false;
    keeps_copies_ = false;
    uses_second_distance_ = false;
    instruction_begin_ = a_.offset();
    windowed_ = windowed(translation_.key) && (translation_.block->no_window >> index & 1) == 0;
    site_ = t_.cache.make<Site>();
    *site_ = {.translation = &translation_,
              .index = static_cast<u8>(index),
              .x87_index = x87_pending_ != nullptr ? x87_pending_->index : Site::kNone};
    return *site_;
}

void Emitter::end_instruction() {
    const isa::Instruction& instruction = site_->instruction();
    distance_.follow(instruction);
    follow_second_distance(instruction);
    if (wide_) {
        checked_.follow(instruction);
        ranges_.follow(instruction);
    }
    if (expects_) expected_values_.follow(instruction, site_->next_rip());
    if (!keeps_copies_) copies_.forget();
    if (may_fault_) {
        const SlowPath slow = slow_path(false);
        slow_paths_.push_back(slow);
        fault_sites_.push_back(
            {instruction_begin_, a_.offset(), slow,
             uses_second_distance_ ? FaultSite::Distance::in_address : FaultSite::Distance::in_addend});
    }
    if (stack_window_ && !site_->handed_over) follow_stack(instruction);
    if (resume_bound_) return;
    a_.bind(resume_);
    instructions_.back().stack_after = stack_moved_;
    instructions_.back().distance_of = distance_.anchor();
    if (copies_.has_distance()) instructions_.back().second_distance_of = second_distance_.anchor();
    instructions_.back().copies = copies_;
}

void Emitter::resume_here(u64 rip) {
    a_.bind(resume_);
    resume_bound_ = true;
    site_->leaves = false;
    site_->resume_distance = static_cast<i32>(rip - site_->next_rip());
}

// --- registers

x86::Gp Emitter::sized(const x86::Gp& reg64, unsigned size) {
    switch (size) {
        case 1:
            return reg64.r8();
        case 2:
            return reg64.r16();
        case 4:
            return reg64.r32();
        default:
            return reg64.r64();
    }
}

x86::Gp Emitter::read_register(unsigned guest, const x86::Gp& scratch) {
    if (!is_homed(guest)) return host_register(guest);
    a_.mov(scratch, homed_operand(guest, 8));
    return scratch;
}

void Emitter::store_homed(unsigned guest, const x86::Gp& scratch) {
    if (!is_homed(guest)) return;
    a_.mov(homed_operand(guest, 8), scratch);
    copies_.set(scratch, guest);
}

x86::Gp Emitter::read_only(unsigned guest, const x86::Gp& scratch) {
    if (!keeps_copies_ || !is_homed(guest)) return read_register(guest, scratch);
    if (const std::optional<x86::Gp> copy = copies_.find(guest)) return *copy;
    read_register(guest, scratch);
    copies_.set(scratch, guest);
    return scratch;
}

/// The instruction `k` instructions behind the next one; null: there is none in the block.
const isa::Instruction* Emitter::following(u32 k) const {
    const interpreter::Block& block = *translation_.block;
    const u32 at = site_->index + 1 + k;
    return at < block.count || loop_allowed_ ? &block.code[at % block.count] : nullptr;
}

std::span<const isa::Instruction> Emitter::rest_of_block() const {
    const interpreter::Block& block = *translation_.block;
    return std::span(block.code, block.count).subspan(site_->index + 1u);
}

bool Emitter::used_soon(const Anchor& anchor) const {
    if (!anchor.constant()) {
        return (anchor.base == isa::kSlotZero || read_soon(anchor.base)) &&
               (anchor.index == isa::kSlotZero || read_soon(anchor.index));
    }
    for (u32 k = 0; k < kSoon && following(k) != nullptr; ++k) {
        const isa::Instruction& i = *following(k);
        if (i.memory_operand() == nullptr) continue;
        if (i.base >= isa::kSlotRip || checked_.entry_of(Anchor::of_register(i.base)) == anchor.entry) return true;
    }
    return false;
}

bool Emitter::read_soon(unsigned guest) const {
    for (u32 k = 0; k < kSoon && following(k) != nullptr; ++k) {
        const isa::Instruction& i = *following(k);
        if (i.base == guest || i.index == guest) return true;
        bool replaced = false;
        for (const isa::Operand& operand : std::span(i.operands).first(i.operand_count)) {
            if (operand.kind != isa::OperandKind::gpr || operand.reg != guest) continue;
            if ((operand.access & isa::kAccessRead) != 0 || operand.size < 4) return true;
            replaced = true;
        }
        if (replaced) return false;
    }
    return false;
}

x86::Mem Emitter::homed_operand(unsigned guest, unsigned size) const {
    return low_operand(reinterpret_cast<u64>(&state().gpr[guest]), size);
}

void Emitter::load_constant(const x86::Gp& reg, u64 value) {
    a_.mov(sized(reg, value <= 0xFFFFFFFF ? 4 : 8), asmjit::imm(value));
}

void Emitter::load_immediate(const x86::Gp& reg, const isa::Instruction& i, unsigned size) {
    const Physical at{i.immediate};
    load_constant(reg, reinterpret_cast<u64>(t_.cpu.mmu.memory().page(at).host) + at.page_offset());
    const x86::Mem bytes = x86::ptr(reg, 0, i.immediate_size);
    if (i.immediate_size == size) {
        a_.mov(sized(reg, size), bytes);
    } else if (i.immediate_size == 4) {
        a_.movsxd(reg, bytes);
    } else {
        a_.movsx(sized(reg, size), bytes);
    }
}

void Emitter::store_constant(const x86::Mem& to, u64 value) {
    if (to.size() < 8 || fits_signed_32(value)) {
        a_.mov(to, asmjit::imm(static_cast<i32>(value)));
        return;
    }
    load_constant(kSpare, value);
    a_.mov(to, kSpare);
}

void Emitter::write_slow_paths() {
    for (const SlowPath& slow : slow_paths_) {
        a_.bind(slow.label);
        const InstructionState& state = instructions_[slow.instruction];
        if (slow.rcx_in_spare) a_.mov(x86::rcx, kSpare);
        if (slow.in_rdi) subtract_string_distances(slow.in_rsi);
        shift_stack_register(state.stack_before);
        load_constant(x86::r14, reinterpret_cast<u64>(slow.site));
        a_.call(asmjit::imm(t_.stubs.call_handler));
        if (slow.site->leaves) continue;
        if (vectors_) a_.call(asmjit::imm(t_.stubs.load_vectors));
        shift_stack_register(-state.stack_after);
        const std::optional<Anchor> kept = wide_ ? state.distance_of : home_;
        if (kept) load_distance(*kept, kAddend);
        if (state.second_distance_of) load_distance(*state.second_distance_of, kAddress);
        state.copies.each([this](unsigned guest, const x86::Gp& place) { read_register(guest, place); });
        a_.jmp(slow.resume);
    }
}

void Emitter::slow_path_unless_zero(const bool& value) {
    const asmjit::Label zero = a_.newLabel();
    slow_paths_.push_back(slow_path(true));
    a_.mov(kSpare, x86::rcx);
    a_.movzx(x86::ecx, low_operand(reinterpret_cast<const u8*>(&value)));
    a_.jecxz(x86::rcx, zero);
    a_.jmp(slow_paths_.back().label);
    a_.bind(zero);
    a_.mov(x86::rcx, kSpare);
}

void Emitter::write_writes_beside_code() {
    const auto& stubs = t_.stubs.write_beside_code.at(Mmu::number_of(data_set(key())));
    for (const WriteBesideCode& write : writes_beside_code_) {
        const asmjit::Label allowed = a_.newLabel();
        a_.bind(write.label);
        a_.mov(x86::rcx, write.address);
        a_.call(asmjit::imm(stubs.at(write.size_log)));
        a_.jecxz(x86::rcx, allowed);
        a_.jmp(write.slow);
        a_.bind(allowed);
        a_.jmp(write.direct);
    }
}

// --- control

void Emitter::enter_block(u32 instructions, bool vectors) {
    vectors_ = vectors;
    used_up_ = a_.newLabel();
    leave_ = a_.newLabel();
    const asmjit::Label miss = a_.newLabel();
    const asmjit::Label same = a_.newLabel();
    entry_ = a_.newLabel();
    loaded_entry_ = a_.newLabel();
    indirect_entry_ = a_.newLabel();
    a_.bind(used_up_);
    a_.lea(kCount, x86::ptr(kCount, static_cast<i32>(instructions)));
    a_.bind(leave_);
    load_constant(x86::r14, translation_.rip);
    a_.jmp(asmjit::imm(t_.stubs.leave_at_rip));
    a_.bind(miss);
    a_.mov(x86::rcx, kSpare);
    a_.jmp(asmjit::imm(t_.stubs.leave_at_rip));
    pad_before_entry();
    a_.bind(indirect_entry_);
    a_.mov(kSpare, x86::rcx);
    compare_rip(translation_.rip, same);
    a_.jmp(miss);
    a_.bind(same);
    if (sixteen_) check_code_base(miss);
    a_.mov(x86::rcx, kSpare);
    if (wide_ && home_) load_distance(*home_, kAddend);
    if (vectors_) {
        a_.bind(entry_);
        const asmjit::Label loaded = a_.newLabel();
        a_.mov(kSpare, x86::rcx);
        a_.mov(x86::rcx, low_operand(&t_.context.vectors_away));
        a_.jecxz(x86::rcx, loaded);
        a_.call(asmjit::imm(t_.stubs.load_vectors));
        if (home_) load_distance(*home_, kAddend);
        a_.bind(loaded);
        a_.mov(x86::rcx, kSpare);
    }
    a_.align(asmjit::AlignMode::kCode, CodeCache::kCodeAlignment);
    if (!vectors_) a_.bind(entry_);
    a_.bind(loaded_entry_);
    if (home_) begin_with_home();
    check_count(instructions);
}

std::optional<Anchor> Emitter::home() const {
    if (!windowed(key())) return std::nullopt;
    if (!wide_) return kLowWindow;
    return expects_ && has(Optimisation::home_window) ? std::optional(Anchor::of_entry(t_.home.entry())) : std::nullopt;
}

/// A loop's turns begin where the block of 32-bit code does: there is nothing else that they could keep.
void Emitter::begin_with_home() {
    distance_.set(*home_);
    if (wide_ || !loop_allowed_) return;
    loop_ = a_.newLabel();
    a_.bind(loop_);
}

void Emitter::settle_distance() {
    if (!home_ || distance_.serves(*home_)) return;
    load_distance(*home_, kAddend);
    distance_.set(*home_);
}

/// In 64-bit code kAddend has the branch's Site, and where indirect ways lead the distance is loaded.
void Emitter::settle_before_indirect() {
    if (!wide_) settle_distance();
}

/// Counts, and leaves where too few are left. Overwrites kSpare.
void Emitter::check_count(u32 instructions) {
    a_.lea(kCount, x86::ptr(kCount, -static_cast<i32>(instructions)));
    const std::size_t load = a_.offset();
    a_.mov(kSpare.r32(), x86::ptr(kCount));
    fault_sites_.push_back({load, a_.offset(), {.label = used_up_}});
}

/// Before a jump to `rip`: whether it goes to the loop's beginning. Then scratch registers have what they have there.
bool Emitter::begins_turn(u64 rip) {
    if (!loop_allowed_ || rip != translation_.rip || returned_) return false;
    if (!wide_) return true;
    if (!loop_state_) keep_copy_for_turn();
    LoopState now{distance_, second_distance_, checked_, copies_, ranges_};
    // The branch may write a register itself: LOOP.
    const isa::Instruction& branch = site_->instruction();
    for (KeptDistance* distance : {&now.distance, &now.second_distance}) {
        distance->follow(branch);
        distance->begin_turn();
    }
    now.checked.follow(branch);
    now.checked.begin_turn();
    now.ranges.follow(branch);
    if (now.copies.has_distance() && !now.second_distance.anchor()) now.copies.forget(kAddress);
    if (!loop_state_) {
        now.copies.forget(kSpare);  // check_count's
        const bool other_distance = now.distance.anchor() && now.distance.anchor() != home_;
        if (!other_distance && now.copies.empty() && now.checked.empty()) return false;
        loop_state_ = now;
        loop_ = a_.newLabel();
        return true;
    }
    LoopState& wanted = *loop_state_;
    if (!now.checked.contain(wanted.checked)) return false;
    // In the loop, which knows more at its beginning than the first turn, they are no wider here than in that.
    wanted.ranges.join(now.ranges);
    wanted.copies.each([&](unsigned guest, const x86::Gp& place) {
        if (const std::optional<x86::Gp> copy = now.copies.find(guest)) {
            if (copy->id() != place.id()) a_.mov(place, *copy);
        } else {
            read_register(guest, place);
        }
    });
    const auto second = wanted.copies.has_distance() ? wanted.second_distance.anchor() : std::nullopt;
    const bool has_second = now.copies.has_distance() && now.second_distance.anchor() == second;
    if (second && !has_second) load_distance(*second, kAddress);
    const std::optional<Anchor> first = wanted.distance.anchor();
    if (first && now.distance.anchor() != first) {
        load_distance(*first, kAddend);
        distance_.forget();
    }
    return true;
}

/// Saves the copy that check_count overwrites, if the next turn reads it soon and kAddress has no such use. PERF: what
/// one turn writes last and the next reads would wait for the store.
void Emitter::keep_copy_for_turn() {
    const std::optional<unsigned> kept = copies_.in(kSpare);
    if (!kept || !read_soon(*kept)) return;
    if (copies_.has_distance() && used_soon(*second_distance_.anchor())) return;
    if (const std::optional<unsigned> other = copies_.in(kAddress); other && read_soon(*other)) return;
    a_.mov(kAddress, kSpare);
    copies_.set(kAddress, *kept);
}

void Emitter::begin_loop(u32 instructions) {
    a_.align(asmjit::AlignMode::kCode, CodeCache::kCodeAlignment);
    a_.bind(loop_);
    distance_ = loop_state_->distance;
    second_distance_ = loop_state_->second_distance;
    checked_ = loop_state_->checked;
    copies_ = loop_state_->copies;
    ranges_ = loop_state_->ranges;
    expected_values_.restart();  // a turn begins near where the first one did
    check_count(instructions);
}

/// Puts what aligns the loaded entry before the others, where it is not executed. 16-bit code has its few NOPs.
void Emitter::pad_before_entry() {
    constexpr std::size_t kNear = 3 + 7 + 2 + 2 + 3, kFar = 3 + 10 + 4 + 2 + 2 + 3;  // bytes of the indirect entry
    constexpr std::size_t kVectors = 3 + 7 + 2 + 5 + 3;                              // of the entry
    constexpr std::size_t kHome = 7;
    const std::size_t indirect = (fits_signed_32(u64{0} - translation_.rip) ? kNear : kFar) +
                                 (wide_ && home_ ? kHome : 0) + (vectors_ ? kVectors + (home_ ? kHome : 0) : 0);
    for (std::size_t at = a_.offset(); (at + indirect) % CodeCache::kCodeAlignment != 0; ++at) a_.int3();
}

void Emitter::tell_block_watch() {
    if (!tells_block_watch()) return;
    if (const u64* const executions = translation_.block->executions; executions != nullptr) {
        load_constant(kAddress, reinterpret_cast<u64>(executions));
        a_.mov(kSpare, x86::ptr(kAddress));
        a_.lea(kSpare, x86::ptr(kSpare, 1));
        a_.mov(x86::ptr(kAddress), kSpare);
    }
    if (!t_.cpu.block_watch->each_execution()) return;
    load_constant(x86::r14, reinterpret_cast<u64>(site_));
    a_.call(asmjit::imm(t_.stubs.call_block_watch));
    go_on_after_call();
}

/// Where a stub that called C++ returns: loading vector registers overwrites kAddend, and registers may have changed.
void Emitter::go_on_after_call() {
    if (vectors_) a_.call(asmjit::imm(t_.stubs.load_vectors));
    distance_.forget();
    checked_.forget();
}

/// Jumps to `miss` if the base of CS is another one. RCX is overwritten.
void Emitter::check_code_base(const asmjit::Label& miss) {
    const asmjit::Label same = a_.newLabel();
    const auto negated = static_cast<i32>(0u - static_cast<u32>(translation_.cs_base));
    a_.mov(x86::rcx, low_operand(&state().segment[kCs].base));
    a_.lea(x86::ecx, x86::ptr(x86::rcx, negated));
    a_.jecxz(x86::rcx, same);
    a_.jmp(miss);
    a_.bind(same);
}

/// Jumps to `same` if kAddress is `rip`. RCX is overwritten.
void Emitter::compare_rip(u64 rip, const asmjit::Label& same) {
    const u64 negated = u64{0} - rip;
    if (fits_signed_32(negated)) {
        a_.lea(x86::rcx, x86::ptr(kAddress, static_cast<i32>(negated)));
    } else {
        a_.mov(x86::rcx, asmjit::imm(negated));
        a_.lea(x86::rcx, x86::ptr(x86::rcx, kAddress));
    }
    a_.jecxz(x86::rcx, same);
}

void Emitter::hand_over() {
    settle_stack();
    load_constant(x86::r14, reinterpret_cast<u64>(site_));
    a_.call(asmjit::imm(t_.stubs.call_handler));
    if (!site_->leaves) go_on_after_call();
    x87_pending_ = nullptr;
}

void Emitter::write_x87_pointer() {
    if (x87_pending_ == nullptr) return;
    store_constant(low_operand(&state().x87_instruction_pointer), x87_pending_->rip());
    x87_pending_ = nullptr;
}

u64 Emitter::linear_of(u64 rip) const { return wide_ ? rip : (translation_.cs_base + rip) & 0xFFFFFFFF; }

bool Emitter::leaves_page(u64 rip) const {
    const u64 linear = linear_of(rip);
    return (linear ^ linear_) >> 12 != 0 || (linear & kPageMask) > kPageSize - isa::kLongestInstruction;
}

asmjit::Label Emitter::link_to(u64 rip) {
    Link* const link = t_.cache.make<Link>();
    link->target_rip = rip;
    link->source = &translation_;
    link->leaves_page = leaves_page(rip);
    link->vectors = vectors_ && !returned_;
    links_.push_back({link, 0, a_.newLabel()});
    return links_.back().stub;
}

void Emitter::jump(u64 rip) {
    if (!wide_) settle_distance();
    if (begins_turn(rip)) {
        a_.jmp(loop_);
        return;
    }
    settle_distance();
    const asmjit::Label stub = link_to(rip);
    a_.long_().jmp(stub);
    links_.back().end_offset = a_.offset();
}

void Emitter::jump_if(u8 condition, u64 rip) {
    if (!wide_) settle_distance();
    const asmjit::InstId jump = x86::Inst::jccFromCond(static_cast<x86::CondCode>(condition));
    if (begins_turn(rip)) {
        a_.emit(jump, loop_);
        return;
    }
    settle_distance();
    const asmjit::Label stub = link_to(rip);
    a_.long_().emit(jump, stub);
    links_.back().end_offset = a_.offset();
}

void Emitter::jump_if_rcx_zero(unsigned address_size, u64 rip) {
    const asmjit::Label zero = a_.newLabel();
    const asmjit::Label not_zero = a_.newLabel();
    settle_distance();
    if (address_size == 2) {
        a_.mov(kSpare, x86::rcx);
        a_.movzx(x86::ecx, x86::cx);
    }
    a_.jecxz(sized(x86::rcx, address_size == 8 ? 8 : 4), zero);
    a_.short_().jmp(not_zero);
    a_.bind(zero);
    if (address_size == 2) a_.mov(x86::rcx, kSpare);
    jump(rip);
    a_.bind(not_zero);
    if (address_size == 2) a_.mov(x86::rcx, kSpare);
}

void Emitter::jump_indirect() {
    settle_before_indirect();
    load_target();
    a_.jmp(kSpare);
}

void Emitter::call(u64 target, u64 rip) {
    settle_distance();
    const asmjit::Label stub = link_to(target);
    a_.call(stub);
    links_.back().end_offset = a_.offset();
    write_continuation(rip);
}

void Emitter::call_indirect(u64 rip) {
    settle_before_indirect();
    load_target();
    a_.call(kSpare);
    write_continuation(rip);
}

void Emitter::ret() {
    settle_before_indirect();
    a_.ret();
}

/// Where host returns arrive.
void Emitter::write_continuation(u64 rip) {
    returned_ = true;
    if (wide_) distance_.forget();
    const asmjit::Label expected = a_.newLabel();
    a_.mov(kSpare, x86::rcx);
    compare_rip(rip, expected);
    a_.mov(x86::rcx, kSpare);
    jump_indirect();
    a_.bind(expected);
    a_.mov(x86::rcx, kSpare);
    jump(rip);
}

/// The host address for the RIP in kAddress to kSpare.
void Emitter::load_target() {
    if (sixteen_) {
        a_.lea(kSpare.r32(), x86::ptr(kAddress, static_cast<i32>(translation_.cs_base & 0xFFFF)));
        a_.movzx(kSpare.r32(), kSpare.r16());
    } else {
        a_.movzx(kSpare.r32(), kAddress.r16());
    }
    a_.mov(kSpare.r32(), x86::ptr_abs(t_.indirect_table, kSpare, 2));
    a_.lea(kSpare.r32(), x86::ptr(kSpare, static_cast<i32>(t_.stubs.leave_at_rip)));
}

void Emitter::write_links() {
    for (const PendingLink& pending : links_) {
        a_.bind(pending.stub);
        load_constant(x86::r14, reinterpret_cast<u64>(pending.link));
        a_.jmp(asmjit::imm(t_.stubs.leave_by_link));
    }
}

bool Emitter::finish() {
    write_writes_beside_code();
    write_slow_paths();
    write_links();
    if (assembly_.finish() == 0) return false;
    translation_.entry = static_cast<u32>(assembly_.address_of(entry_));
    translation_.loaded_entry = static_cast<u32>(assembly_.address_of(loaded_entry_));
    translation_.indirect_entry = static_cast<u32>(assembly_.address_of(indirect_entry_));
    if (loop_.isValid()) {
        translation_.loop = static_cast<u32>(assembly_.address_of(loop_));
        translation_.leave = static_cast<u32>(assembly_.address_of(leave_));
    }
    for (const PendingFaultSite& site : fault_sites_) {
        t_.cache.add_fault_site({.begin = static_cast<u32>(assembly_.address() + site.begin),
                                 .slow = static_cast<u32>(assembly_.address_of(site.slow.label)),
                                 .site = site.slow.site,
                                 .bytes = static_cast<u16>(site.end - site.begin),
                                 .distance = site.distance});
    }
    for (const PendingLink& pending : links_) {
        Link& link = *pending.link;
        link.origin = static_cast<u32>(assembly_.address() + pending.end_offset);
        link.displacement = t_.cache.writable(link.origin - sizeof(u32));
        link.unlinked = static_cast<u32>(assembly_.address_of(pending.stub));
    }
    return true;
}

}  // namespace bantam::jit
