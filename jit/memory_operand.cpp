// Memory operands (emitter.h): the offset, the linear address, and the way to the host's memory by the soft TLB or by
// windows. Those of 16-bit code: jit/segment_operand.cpp.
#include <bit>

#include "cpu/isa/table.h"
#include "jit/emitter.h"
#include "jit/register_effects.h"
#include "jit/stack_window.h"

namespace bantam::jit {
namespace {

constexpr i64 kLeastDisplacement = -(i64{1} << 20);  // others are addresses in the upper half, and registers offsets

x86::Mem in_gs(x86::Mem operand) {
    operand.setSegment(x86::gs);
    return operand;
}

}  // namespace

bool Emitter::addressable(const isa::Instruction& i, MemoryUse use) const {
    return (isa::row_of(i).attributes & isa::kVsib) == 0 && addressable(i.segment, use);
}

bool Emitter::addressable(unsigned segment, MemoryUse use) const {
    if (sixteen_) return use == MemoryUse::read ? low_read(key(), segment) : low_write(key(), segment);
    return use == MemoryUse::read ? flat_read(key(), segment) : flat_write(key(), segment);
}

x86::Gp Emitter::effective_offset(const isa::Instruction& i) {
    const bool is_base = i.base < isa::kSlotRip && i.index == isa::kSlotZero && i.displacement == 0;
    if (is_base && i.address_size == 8 && i.base != kRcx) return read_only(i.base, kAddress);
    load_offset(i, kAddress, i.address_size == 8 ? 8 : 4);
    return kAddress;
}

void Emitter::load_offset(const isa::Instruction& i, const x86::Gp& to, unsigned width) {
    const bool has_base = i.base != isa::kSlotZero;
    const bool has_index = i.index != isa::kSlotZero;
    const auto displacement = static_cast<u64>(i.displacement);
    const x86::Gp result = sized(to, width);
    if (i.base == isa::kSlotRip || (!has_base && !has_index)) {
        const u64 rip = has_base ? site_->next_rip() : 0;
        copies_.forget(to);
        load_constant(to, (rip + displacement) & i.address_mask() & (width == 8 ? ~u64{0} : 0xFFFFFFFF));
        return;
    }
    if (has_base && !has_index && displacement == 0) {
        const x86::Gp base = read_only(i.base, kAddress);
        copies_.forget(to);
        if (i.address_size == 2) {
            a_.movzx(result, base.r16());
        } else {
            a_.mov(result, sized(base, width));
        }
        return;
    }
    const auto offset = static_cast<i32>(i.displacement);
    x86::Mem sum = x86::ptr(0);
    if (has_base && has_index) {
        const x86::Gp base = read_only(i.base, kAddress);
        const x86::Gp scratch = is_homed_part(i.base) ? kAddend : kAddress;
        if (is_homed_part(i.base) && is_homed_part(i.index)) overwrite_addend();
        sum = x86::ptr(base, read_only(i.index, scratch), i.scale, offset);
    } else if (has_base) {
        sum = x86::ptr(read_only(i.base, kAddress), offset);
    } else {
        sum = x86::ptr_abs(static_cast<u64>(static_cast<i64>(offset)), read_only(i.index, kAddress), i.scale);
    }
    copies_.forget(to);
    a_.lea(result, sum);
    if (i.address_size == 2) a_.movzx(result, to.r16());
}

x86::Gp Emitter::linear_address(const isa::Instruction& i, const x86::Gp& offset) {
    if (base_zero(key(), i.segment)) return offset;
    add_segment_base(i.segment, offset);
    return kAddress;
}

/// KAddress = `offset` in `segment`; overwrites kAddend.
void Emitter::add_segment_base(unsigned segment, const x86::Gp& offset) {
    overwrite_addend();
    a_.mov(kAddend, low_operand(&state().segment[segment].base));
    a_.lea(sized(kAddress, wide_ ? 8 : 4), x86::ptr(offset, kAddend));
    copies_.forget(kAddress);
}

x86::Mem Emitter::memory_operand(const isa::Instruction& i, unsigned size, MemoryUse use, unsigned alignment) {
    if (windowed_) return window_operand(i, size);
    if (!sixteen_) return tlb_operand(linear_address(i), size, use, alignment);
    effective_offset(i);
    return segment_operand(i.segment, i.address_size, size, use, alignment);
}

x86::Mem Emitter::bit_string_operand(const isa::Instruction& i, unsigned number, unsigned size, MemoryUse use) {
    const x86::Gp offset = effective_offset(i);
    const unsigned size_log = size == 8 ? 3 : 2;
    overwrite_addend();
    load_constant(kAddend, size_log + 3);
    a_.sarx(sized(kAddend, size), sized(host_register(number), size), sized(kAddend, size));
    if (size == 4 && i.address_size == 8) a_.movsxd(kAddend, kAddend.r32());
    a_.lea(sized(kAddress, i.address_size), x86::ptr(offset, kAddend, size_log));
    const x86::Gp address = linear_address(i, kAddress);
    return windowed_ ? unanchored_operand(address, size) : tlb_operand(address, size, use, 1);
}

x86::Mem Emitter::stack_operand(int displacement, unsigned size, MemoryUse use) {
    if (sixteen_) return segment_stack_operand(kGuestRsp, displacement, size, use);
    displacement += stack_moved_;
    if (windowed_) return pointer_in_window(kRsp, kGuestRsp, displacement, size);
    if (displacement == 0 && wide_) return tlb_operand(kGuestRsp, size, use, 1);
    a_.lea(sized(kAddress, wide_ ? 8 : 4), x86::ptr(kGuestRsp, displacement));
    return tlb_operand(kAddress, size, use, 1);
}

void Emitter::move_stack(int change) {
    stack_moved_ += change;
    if (sixteen_ || !has(Optimisation::stack_moves)) settle_stack();
}

void Emitter::settle_stack() {
    shift_stack_register(stack_moved_);
    stack_moved_ = 0;
}

/// KGuestRsp, as wide as the stack is, += change.
void Emitter::shift_stack_register(int change) {
    if (change == 0) return;
    const unsigned width = wide_ ? 8 : wide_stack(key()) ? 4 : 2;
    a_.lea(sized(kGuestRsp, width), x86::ptr(kGuestRsp, change));
    distance_.move(kRsp, change);
    second_distance_.move(kRsp, change);
    checked_.move(kRsp, change);
}

x86::Mem Emitter::pointer_operand(unsigned guest, unsigned address_size, unsigned segment, unsigned size,
                                  MemoryUse use) {
    x86::Gp address = host_register(guest);
    if (sixteen_) {
        if (address_size == 2) {
            a_.movzx(kAddress.r32(), address.r16());
        } else {
            a_.mov(kAddress.r32(), address.r32());
        }
        return segment_operand(segment, address_size, size, use, 1);
    }
    if (!base_zero(key(), segment)) {
        add_segment_base(segment, address);
        if (windowed_) return unanchored_operand(kAddress, size);
        address = kAddress;
    }
    if (windowed_) return pointer_in_window(guest, address, 0, size);
    if (!wide_ && address != kAddress) {
        a_.mov(kAddress.r32(), address.r32());
        address = kAddress;
    }
    return tlb_operand(address, size, use, 1);
}

/// Registers and displacements stay in the host's operand where they can: what is beyond a window's end is in its
/// guard.
x86::Mem Emitter::window_operand(const isa::Instruction& i, unsigned size) {
    const bool plain = base_zero(key(), i.segment) && i.address_size == (wide_ ? 8 : 4);
    const bool two_homed = is_homed_part(i.base) && is_homed_part(i.index);
    if (!plain || two_homed) return unanchored_operand(linear_address(i), size);
    may_fault();
    if (wide_) return anchored_operand(i, size);
    if (adds_distance(i)) {
        const x86::Gp base = host_register(i.base);
        return x86::ptr(base, distance_for({kLowWindow, {}}, base), 0, static_cast<i32>(i.displacement), size);
    }
    return in_gs(plain_operand(i, size));
}

/// 32-bit code: whether the distance is added as a register. PERF: as the base of GS it delays addresses by a cycle or
/// two, and takes two prefixes; but a sum of two registers has 32 bits, and would need an instruction of its own.
bool Emitter::adds_distance(const isa::Instruction& i) {
    return i.base != isa::kSlotZero && i.index == isa::kSlotZero && i.displacement >= kLeastDisplacement;
}

/// The memory operand of 32-bit code with the host's registers.
x86::Mem Emitter::plain_operand(const isa::Instruction& i, unsigned size) const {
    const auto displacement = static_cast<i32>(i.displacement);
    const bool has_base = i.base != isa::kSlotZero, has_index = i.index != isa::kSlotZero;
    if (has_base && has_index)
        return x86::ptr(host_register(i.base).r32(), host_register(i.index).r32(), i.scale, displacement, size);
    if (has_base) return x86::ptr(host_register(i.base).r32(), displacement, size);
    if (has_index) return x86::ptr_abs(static_cast<u32>(displacement), host_register(i.index).r32(), i.scale, size);
    return x86::ptr_abs(static_cast<u32>(displacement), size);
}

/// 64-bit code. GS has the distance of the stack's window, the others are looked up.
x86::Mem Emitter::anchored_operand(const isa::Instruction& i, unsigned size) {
    const Anchored anchored = anchor_of(i, ranges_, site_->next_rip());
    const Anchor& anchor = anchored.anchor;
    if (!anchor.constant() && i.displacement < kLeastDisplacement) return unanchored_operand(linear_address(i), size);
    const auto displacement = static_cast<i32>(i.displacement);
    const bool has_base = i.base < isa::kSlotRip, has_index = i.index != isa::kSlotZero;
    if (stack_window_ && anchor == Anchor::of_register(kRsp)) {
        return in_gs(has_index ? x86::ptr(kGuestRsp, read_only(i.index, kAddress), i.scale, displacement, size)
                               : x86::ptr(kGuestRsp, displacement, size));
    }
    if (!has_base && !has_index) {
        const u64 address = (i.base == isa::kSlotRip ? site_->next_rip() : 0) + static_cast<u64>(i.displacement);
        if (fits_signed_32(address))
            return x86::ptr(distance_for(anchored, x86::Gp()), static_cast<i32>(address), size);
        copies_.forget(kAddress);
        load_constant(kAddress, address);
        return x86::ptr(kAddress, distance_for(anchored, kAddress), 0, 0, size);
    }
    const bool sum_is_anchor = anchor.index != isa::kSlotZero;
    if (sum_is_anchor || (has_base && has_index)) {
        if (!sum_is_anchor && !anchor.constant()) distance_for(anchored, kAddress, read_only(anchor.base, kAddress));
        load_offset(i, kAddress, 8);
        return x86::ptr(kAddress, distance_for(anchored, kAddress), 0, 0, size);
    }
    const x86::Gp reg = read_only(has_base ? i.base : i.index, kAddress);
    const x86::Gp distance = distance_for(anchored, reg);
    return has_base ? x86::ptr(reg, distance, 0, displacement, size)
                    : x86::ptr(distance, reg, i.scale, displacement, size);
}

x86::Mem Emitter::unanchored_operand(const x86::Gp& address, unsigned size) {
    may_fault();
    if (!wide_) return in_gs(x86::ptr(address.r32(), 0, size));
    if (const auto entry = expected_entry(expected_values_.address_of(site_->instruction(), site_->next_rip()))) {
        check_window(address, *entry, address);
        t_.home.note_access(*entry);
        return x86::ptr(address, scratch_with_distance({Anchor::of_entry(*entry), {}}, address, address), 0, 0, size);
    }
    load_distance(address);
    distance_.forget();
    return x86::ptr(address, kAddend, 0, 0, size);
}

/// At general register `number` + `displacement`, in the host's register `address`.
x86::Mem Emitter::pointer_in_window(unsigned number, const x86::Gp& address, int displacement, unsigned size) {
    may_fault();
    if (stack_window_ && number == kRsp) return in_gs(x86::ptr(address, displacement, size));
    const Anchored anchored =
        wide_ ? Anchored{Anchor::of_register(number), {displacement, displacement}} : Anchored{kLowWindow, {}};
    return x86::ptr(address, distance_for(anchored, address), 0, displacement, size);
}

/// The entry of the window that the current instruction is expected to access at `address`, unless that is no pointer.
std::optional<u16> Emitter::expected_entry(std::optional<u64> address) const {
    if (!expects_ || (translation_.block->unexpected >> site_->index & 1) != 0) return std::nullopt;
    if (!address || !canonical(*address) || !ExpectedValues::may_point(*address)) return std::nullopt;
    if (!t_.expects_unopened && !t_.windows->is_open(*address, data_privilege(key()))) return std::nullopt;
    return Windows::entry_of(*address);
}

/// The same at an operand by an anchor. RSP is none: pushes have a use for kAddress, which the check may overwrite.
std::optional<u16> Emitter::expected_entry(const Anchored& anchored) const {
    if (anchored.anchor.constant() || anchored.anchor == Anchor::of_register(kRsp)) return std::nullopt;
    const std::optional<u64> anchor = expected_values_.sum_of(anchored.anchor);
    return anchor ? expected_entry(*anchor + static_cast<u64>(anchored.offset.low)) : std::nullopt;
}

/// The handler is called unless `pointer` is in the window of `entry`. `address`: the register that has the operand's
/// address.
void Emitter::check_window(const x86::Gp& pointer, u16 entry, const x86::Gp& address) {
    const x86::Gp scratch = scratch_for_check(entry, pointer, address);
    a_.rorx(scratch, pointer, WindowCheck::kLowestBit);
    a_.movzx(scratch.r32(), x86::ptr(scratch.r32(), t_.window_check->displacement_of(entry), 1));
}

/// One that does not have the distance for `entry`, if another can be spared.
x86::Gp Emitter::scratch_for_check(u16 entry, const x86::Gp& pointer, const x86::Gp& address) {
    const Anchor anchor = Anchor::of_entry(entry);
    const bool address_free = address != kAddress && pointer != kAddress;
    const bool in_addend = distance_.serves(anchor);
    const bool in_address = copies_.has_distance() && second_distance_.serves(anchor);
    const std::optional<unsigned> copied = copies_.in(kAddress);
    const bool address_unused = !copies_.has_distance() && (!copied || !read_soon(*copied));
    const bool keeps_addend = in_addend || (!in_address && address_free && keeps_copies_ && takes_second_distance());
    if (address_free && keeps_addend && address_unused) {
        copies_.forget(kAddress);
        return kAddress;
    }
    distance_.forget();
    return kAddend;
}

/// The distance that an operand needs, in kAddend, or in kAddress where that is free. `address`: the register that has
/// the operand's address; none: it is a constant.
x86::Gp Emitter::distance_for(const Anchored& anchored, const x86::Gp& address) {
    return distance_for(anchored, address, address);
}

/// The same where the anchor is in `anchor`, or so near that it has the same window.
x86::Gp Emitter::distance_for(const Anchored& anchored, const x86::Gp& address, const x86::Gp& anchor) {
    std::optional<u16> entry = checked_.entry_of(anchored.anchor);
    if (!entry && (entry = expected_entry(anchored))) {
        check_window(anchor, *entry, address);
        checked_.add(anchored.anchor, *entry);
    }
    if (wide_ && anchored.anchor.constant()) t_.home.note_access(anchored.anchor.entry);
    if (!entry) return scratch_with_distance(anchored, address, anchor);
    t_.home.note_access(*entry);
    checked_.note_access(anchored.anchor, anchored.offset);
    return scratch_with_distance({Anchor::of_entry(*entry), anchored.offset}, address, anchor);
}

/// The scratch register that has the distance for an operand by `anchored`, whose window `anchor` points into.
x86::Gp Emitter::scratch_with_distance(const Anchored& anchored, const x86::Gp& address, const x86::Gp& anchor) {
    const bool keeps = has(Optimisation::kept_distances), address_free = keeps && keeps_copies_ && address != kAddress;
    if (address_free && copies_.has_distance() && second_distance_.serves(anchored.anchor)) {
        uses_second_distance_ = true;
    } else if (keeps && distance_.serves(anchored.anchor)) {
        uses_second_distance_ = false;
    } else {
        uses_second_distance_ = address_free && takes_second_distance();
        const x86::Gp& to = uses_second_distance_ ? kAddress : kAddend;
        if (anchored.anchor.constant()) {
            load_distance(anchored.anchor, to);
        } else {
            load_distance(anchor, to);
        }
        if (uses_second_distance_) copies_.set_distance();
        (uses_second_distance_ ? second_distance_ : distance_).set(anchored.anchor);
    }
    (uses_second_distance_ ? second_distance_ : distance_).note_access(anchored.offset);
    return uses_second_distance_ ? kAddress : kAddend;
}

/// Whether kAddress should have a distance, since kAddend's has a use yet and kAddress has none.
bool Emitter::takes_second_distance() const {
    if (!distance_.anchor()) return false;
    const bool is_home = wide_ && distance_.anchor() == home_;
    if (!is_home && !used_soon(*distance_.anchor())) return false;
    if (copies_.has_distance()) return !used_soon(*second_distance_.anchor());
    const std::optional<unsigned> copied = copies_.in(kAddress);
    return !copied || !read_soon(*copied);
}

void Emitter::follow_second_distance(const isa::Instruction& i) {
    if (!copies_.has_distance()) return;
    second_distance_.follow(i);
    if (!second_distance_.anchor()) copies_.forget(kAddress);
}

/// The distance of the window that `address` points into to `to`.
void Emitter::load_distance(const x86::Gp& address, const x86::Gp& to) {
    const u64 table = reinterpret_cast<u64>(t_.windows->table(data_privilege(key())));
    a_.rorx(to, address, 32);
    a_.movzx(to.r32(), to.r16());
    a_.mov(to, x86::ptr_abs(table, to, 3));
}

/// The same for `anchor`, which has one homed register at most.
void Emitter::load_distance(const Anchor& anchor, const x86::Gp& to) {
    if (anchor.constant()) {
        a_.mov(to, low_operand(&t_.windows->table(data_privilege(key()))[anchor.entry]));
    } else if (anchor.index == isa::kSlotZero) {
        load_distance(read_register(anchor.base, to), to);
    } else {
        const x86::Gp index = read_register(anchor.index, to);
        a_.lea(to, anchor.base == isa::kSlotZero ? x86::ptr_abs(0, index, anchor.scale)
                                                 : x86::ptr(read_register(anchor.base, to), index, anchor.scale));
        load_distance(to, to);
    }
}

bool Emitter::repeat_string(bool loads, unsigned size) {
    if (!windowed_) return false;
    distance_.forget();
    const asmjit::Label few = a_.newLabel();
    slow_paths_.push_back(slow_path(true));
    a_.mov(kSpare, x86::rcx);
    a_.movzx(kAddress.r32(), low_operand(reinterpret_cast<const u8*>(&state().flags) + 1));
    a_.pext(kAddress, kAddress, low_operand(&t_.context.direction));
    a_.pext(x86::rcx, x86::rcx, low_operand(&t_.context.many_elements));
    a_.lea(x86::rcx, x86::ptr(x86::rcx, kAddress));
    a_.jecxz(x86::rcx, few);
    a_.jmp(slow_paths_.back().label);
    a_.bind(few);
    a_.mov(x86::rcx, kSpare);
    if (wide_) {
        load_distance(x86::rdi);
        if (loads) load_distance(x86::rsi, kAddress);
    } else {
        load_distance(kLowWindow, kAddend);
        if (loads) a_.mov(kAddress, kAddend);
    }
    a_.lea(x86::rdi, x86::ptr(x86::rdi, kAddend));
    if (loads) a_.lea(x86::rsi, x86::ptr(x86::rsi, kAddress));
    SlowPath slow = slow_path(false);
    slow.in_rdi = true;
    slow.in_rsi = loads;
    const std::size_t begin = a_.offset();
    const x86::Mem to = x86::ptr(x86::rdi, 0, size);
    if (loads) {
        a_.rep().movs(to, x86::ptr(x86::rsi, 0, size));
    } else {
        a_.rep().stos(to, sized(x86::rax, size));
    }
    fault_sites_.push_back({begin, a_.offset(), slow, FaultSite::Distance::of_string});
    slow_paths_.push_back(slow);
    subtract_string_distances(loads);
    return true;
}

/// RDI, and RSI when it `loads`, are the guest's again.
void Emitter::subtract_string_distances(bool loads) {
    const unsigned width = wide_ ? 8 : 4;
    a_.not_(kAddend);
    a_.lea(sized(x86::rdi, width), x86::ptr(x86::rdi, kAddend, 0, 1));
    if (!loads) return;
    a_.not_(kAddress);
    a_.lea(sized(x86::rsi, width), x86::ptr(x86::rsi, kAddress, 0, 1));
}

/// After `i`, which was translated.
void Emitter::follow_stack(const isa::Instruction& i) {
    const std::optional<i64> change = i.mnemonic == isa::Mnemonic::Leave ? std::nullopt : added_by(i, kRsp);
    if (change && stack_window::outlasts(*change)) return;
    load_distance(kGuestRsp);
    distance_.forget();
    copies_.forget();
    a_.call(asmjit::imm(t_.stubs.load_stack_distance));
}

x86::Mem Emitter::tlb_operand(const x86::Gp& address, unsigned size, MemoryUse use, unsigned alignment) {
    const SlowPath slow = slow_path(true);
    a_.mov(kSpare, x86::rcx);
    return checked_operand(slow, address, size, use, alignment);
}

/// The guest's RCX is in kSpare.
x86::Mem Emitter::checked_operand(const SlowPath& slow, const x86::Gp& address, unsigned size, MemoryUse use,
                                  unsigned alignment) {
    const asmjit::Label direct = a_.newLabel();
    const u64 biases = reinterpret_cast<u64>(use == MemoryUse::read ? tables_.read_bias : tables_.write_bias);
    overwrite_addend();
    a_.pext(kAddend, address, low_operand(&t_.context.index_mask));
    a_.mov(x86::rcx, x86::ptr_abs(biases, kAddend, 3));
    // An aligned operand does not cross a page.
    a_.lea(x86::rcx, x86::ptr(x86::rcx, address, 0, alignment == 1 ? static_cast<i32>(size) - 1 : 0));
    const u64& mask = alignment == 1    ? t_.context.page_mask
                      : alignment == 16 ? t_.context.page_mask_16
                                        : t_.context.page_mask_32;
    a_.pext(x86::rcx, x86::rcx, low_operand(&mask));
    a_.jecxz(x86::rcx, direct);
    if (use == MemoryUse::write && alignment == 1 && std::has_single_bit(size) && size < 1u << Stubs::kWriteSizes &&
        has(Optimisation::beside_code)) {
        const auto size_log = static_cast<unsigned>(std::countr_zero(size));
        writes_beside_code_.push_back({a_.newLabel(), address, size_log, direct, slow.label});
        a_.jmp(writes_beside_code_.back().label);
    } else {
        a_.jmp(slow.label);
    }
    a_.bind(direct);
    a_.mov(x86::rcx, kSpare);
    a_.mov(kAddend, x86::ptr_abs(reinterpret_cast<u64>(tables_.addend), kAddend, 3));
    slow_paths_.push_back(slow);
    return x86::ptr(address, kAddend, 0, 0, size);
}

}  // namespace bantam::jit
