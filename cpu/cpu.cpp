// Cpu: reset values, pins, derived mode, exceptions and the slow half of memory access.
// SDM vol. 3: chapter 10 (reset), 5.3 (limits), 4.6 (access rights), 6.13 (error codes), vol. 1, 3.3.7.1 (canonical
// form). Leaves out: the instructions themselves (cpu/interpreter, cpu/system) and instruction fetch.
#include "cpu/cpu.h"

#include "base/check.h"
#include "cpu/system/debug.h"

namespace bantam {
namespace {

constexpr u32 kSegmentWritableData = 0x93;
constexpr u32 kSegmentSystemLdt = 0x82;
constexpr u32 kSegmentBusyTss = 0x8B;

std::span<const u8> bytes_of(const u64& value, unsigned size) { return {reinterpret_cast<const u8*>(&value), size}; }

}  // namespace

Cpu::Cpu(const Model& cpu_model, PhysicalMemory& memory, Environment& env, u8 id)
    : mmu(memory), environment(env), model(cpu_model), apic_id(id) {
    reset();
}

void Cpu::reset() {
    const bool intr = state.intr_pin;
    const u64 instructions = state.instructions;
    const u64 deadline = state.deadline;
    state = CpuState{};
    state.intr_pin = intr;
    state.instructions = instructions;
    state.deadline = deadline;
    if (apic_id != 0) state.apic_base &= ~u64{0x100};  // only the bootstrap processor has BSP set
    if (!model.has(isa::Feature::apic)) state.apic_base = 0;
    state.microcode_revision = model.has(isa::Feature::pae) ? u64{1} << 32 : 0;
    state.misc_enable = 1 | 1u << 11 | 1u << 12;  // fast strings; no branch trace, no PEBS
    if (model.has(isa::Feature::monitor)) state.misc_enable |= 1u << 18;
    // FNINIT-like power-on image: FCW 0040h at RESET (SDM vol. 3, table 10-1), tag word all empty.
    state.x87[0] = 0x40;
    state.x87[1] = 0;
    init();
    state.cr0 = 0x60000010;
    update_mode();
    mmu.flush_all();
}

void Cpu::init() {
    state.gpr = {};
    state.gpr[kRdx] = model.signature;
    state.set_eflags(kFlagReserved1);
    state.cr0 = (state.cr0 & 0x60000000) | 0x10;  // CD and NW keep their values
    state.cr2 = state.cr3 = state.cr4 = 0;
    state.efer = 0;
    state.pdpte = {};
    state.cpl = 0;
    state.gdtr = {0, 0xFFFF};
    state.idtr = {0, 0xFFFF};
    for (unsigned i = 0; i < kSegmentCount; ++i) set_segment(i, 0, 0, 0xFFFF, kSegmentWritableData);
    set_segment(kCs, 0xF000, 0xFFFF0000, 0xFFFF, kSegmentWritableData);
    state.ldtr = {.attributes = kSegmentSystemLdt, .limit = 0xFFFF};
    state.tr = {.attributes = kSegmentBusyTss, .limit = 0xFFFF};
    state.rip() = 0xFFF0;
    state.instruction_rip = 0xFFF0;
    state.dr = {0, 0, 0, 0, 0, 0, 0xFFFF0FF0, 0x400};
    state.pending_debug = 0;
    state.nmi_latched = state.smi_latched = state.init_latched = false;
    state.nmi_blocked = state.in_smm = state.shutdown = false;
    state.step_armed = state.resume_armed = state.mov_ss_shadow = false;
    state.monitor_armed = state.wake_on_masked = false;
    state.attention &= kAttentionStop;
    update_debug_watch(*this);
    update_mode();
    mmu.flush_all();
}

// --- pins

void Cpu::set_intr(bool asserted) {
    state.intr_pin = asserted;
    update_attention();
}

void Cpu::pulse_nmi() {
    state.nmi_latched = true;
    update_attention();
}

void Cpu::pulse_smi() {
    state.smi_latched = true;
    update_attention();
}

void Cpu::pulse_init() {
    state.init_latched = true;
    update_attention();
}

void Cpu::set_ignne(bool asserted) {
    ignne_ = asserted;
    if (asserted && (state.attention & kAttentionFerr) != 0) {
        state.attention &= ~u32{kAttentionFerr};
        break_block();
    }
}

void Cpu::update_attention() {
    constexpr u32 kDerived = kAttentionIntr | kAttentionNmi | kAttentionSmi | kAttentionReset | kAttentionStep;
    u32 due = 0;
    const bool wakes = state.wake_on_masked && (state.attention & kAttentionHalted) != 0;
    if (state.intr_pin && ((state.flags & kFlagInterrupt) != 0 || wakes)) due |= kAttentionIntr;
    if (state.nmi_latched && !state.nmi_blocked) due |= kAttentionNmi;
    if (state.smi_latched && !state.in_smm) due |= kAttentionSmi;
    if (state.init_latched && !state.in_smm) due |= kAttentionReset;
    const bool instruction_breakpoint = debug_instruction_breakpoint_armed(state);
    if ((state.flags & (kFlagTrap | kFlagResume)) != 0 || instruction_breakpoint || state.step_armed)
        due |= kAttentionStep;
    const u32 next = (state.attention & ~kDerived) | due;
    const bool more = (next & ~state.attention) != 0;
    state.attention = next;
    if (more) break_block();
}

// --- mode

void Cpu::update_paging() {
    const std::array<u64, 8> inputs = {state.cr0,      state.cr3,      state.cr4,      state.efer,
                                       state.pdpte[0], state.pdpte[1], state.pdpte[2], state.pdpte[3]};
    if (inputs == paging_inputs_) return;
    paging_inputs_ = inputs;
    PagingControls c;
    c.paging = bit(state.cr0, 31);
    c.write_protect = bit(state.cr0, 16);
    c.pse = bit(state.cr4, 4);
    c.pae = bit(state.cr4, 5);
    c.pge = bit(state.cr4, 7);
    c.smep = bit(state.cr4, 20);
    c.smap = bit(state.cr4, 21);
    c.pcid = bit(state.cr4, 17);
    c.long_mode = long_mode();
    c.nx = bit(state.efer, 11);
    c.pse36 = model.has(isa::Feature::pse36);
    c.pat = model.has(isa::Feature::pat);
    c.page1gb = model.has(isa::Feature::page1gb);
    c.physical_bits = model.physical_bits;
    c.cr3 = state.cr3;
    c.pdpte = state.pdpte;
    mmu.set_controls(c);
}

void Cpu::update_decode() {
    const SegmentRegister& cs = state.segment[kCs];
    const bool real = real_or_v86(), was_64_bit = code64();
    if (long_mode() && cs.long_code()) {
        code_size_ = isa::CodeSize::bits64;
        stack_size_ = 8;
    } else {
        code_size_ = cs.default_big() ? isa::CodeSize::bits32 : isa::CodeSize::bits16;
        stack_size_ = state.segment[kSs].default_big() ? 4 : 2;
        if (was_64_bit) clear_upper_halves();
    }
    linear_mask_ = code64() ? ~u64{0} : 0xFFFFFFFF;
    system_mask_ = long_mode() ? ~u64{0} : 0xFFFFFFFF;
    decode_mode_ = {code_size_, !real, model.features};
}

void Cpu::update_mode() {
    update_paging();
    update_decode();
    for (unsigned i = 0; i < kSegmentCount; ++i) derive_segment(state.segment[i], i);
    state.ldtr.base = state.ldtr.hidden_base;
    state.tr.base = state.tr.hidden_base;
    update_privilege();
    update_attention();
}

void Cpu::update_segments() {
    const isa::CodeSize before = code_size_;
    update_decode();
    if (before != code_size_ && (before == isa::CodeSize::bits64 || code64())) {
        for (unsigned i = 0; i < kSegmentCount; ++i) derive_segment(state.segment[i], i);
    } else {
        derive_segment(state.segment[kCs], kCs);
        derive_segment(state.segment[kSs], kSs);
    }
    update_privilege();
}

void Cpu::update_privilege() {
    const bool user = state.cpl == 3;
    const bool ac = (state.flags & kFlagAlignmentCheck) != 0;
    if (user) {
        data_privilege_ = Privilege::user;
    } else {
        data_privilege_ = bit(state.cr4, 21) && ac ? Privilege::supervisor_smap_lifted : Privilege::supervisor;
    }
    alignment_mask_ = user && ac && bit(state.cr0, 18) ? ~u64{0} : 0;
    data_set_ = alignment_mask_ != 0 ? Mmu::FastSet::none : Mmu::fast_set(data_privilege_);
    // What handlers are bound under: see Cpu::mode_key.
    u32 key = static_cast<u32>(code_size_);
    key |= static_cast<u32>(decode_mode_.protected_mode) << 2;
    key |= static_cast<u32>(v86()) << 3;
    key |= static_cast<u32>(user) << 4;
    key |= static_cast<u32>(stack_size_ == 2) << 5;
    key |= static_cast<u32>(bits(state.cr0, 1, 3)) << 6;    // MP EM TS
    key |= static_cast<u32>(bit(state.cr4, 9)) << 9;        // OSFXSR
    key |= static_cast<u32>(bit(state.cr4, 18)) << 10;      // OSXSAVE
    key |= static_cast<u32>(bits(state.xcr0, 1, 2)) << 11;  // SSE, AVX
    key |= static_cast<u32>(bit(state.cr0, 5)) << 13;       // NE
    key |= static_cast<u32>(bit(state.cr4, 10)) << 14;      // OSXMMEXCPT
    mode_key_ = key;
}

void Cpu::set_segment(unsigned segment, u16 selector, u64 base, u32 limit, u16 attributes) {
    SegmentRegister& s = state.segment[segment];
    s.selector = selector;
    s.hidden_base = base;
    s.limit = limit;
    s.attributes = attributes;
    derive_segment(s, segment);
}

void Cpu::derive_segment(SegmentRegister& s, unsigned segment) const {
    if (code64()) {
        s.base = segment >= kFs ? s.hidden_base : 0;
        s.low = 0;
        s.high = ~u64{0};
        s.readable = s.writable = s.flat_read = s.flat_write = true;
        return;
    }
    s.base = s.hidden_base;
    const bool code = (s.type() & 8u) != 0;
    const bool bit1 = (s.type() & 2u) != 0;
    if (real_or_v86()) {
        // Rights left by protected mode do not matter in real-address mode; limits do ("unreal" mode).
        s.readable = s.writable = true;
    } else {
        const bool usable = s.present() && s.is_code_or_data();
        s.readable = usable && (!code || bit1);
        s.writable = usable && !code && bit1;
    }
    const bool expand_down = !code && (s.type() & 4u) != 0;
    if (expand_down) {
        s.low = u64{s.limit} + 1;
        s.high = s.default_big() ? 0xFFFFFFFF : 0xFFFF;
    } else {
        s.low = 0;
        s.high = s.limit;
    }
    const bool flat = s.low == 0 && s.high == 0xFFFFFFFF;
    s.flat_read = flat && s.readable;
    s.flat_write = flat && s.writable;
}

// --- exceptions

void Cpu::leave_to_engine() {
    CHECK(recovery != nullptr);
    std::longjmp(*recovery, 1);
}

void Cpu::raise(Vector vector) {
    pending_exception = {vector, false, 0, 0};
    leave_to_engine();
}

void Cpu::raise(Vector vector, u32 error_code) {
    pending_exception = {vector, true, error_code, 0};
    leave_to_engine();
}

void Cpu::raise_page_fault(const MemoryFault& fault) {
    pending_exception = {Vector::page_fault, true, fault.error_code, fault.address.value};
    leave_to_engine();
}

void Cpu::raise_segment_limit(unsigned segment) {
    raise(segment == kSs ? Vector::stack_fault : Vector::general_protection, 0);
}

// --- memory

Linear Cpu::checked_linear(unsigned segment, u64 offset, unsigned size, bool write) {
    const SegmentRegister& s = state.segment[segment];
    if (code64()) return {s.base + offset};
    const bool allowed = write ? s.writable : s.readable;
    if (!allowed || offset < s.low || offset > s.high || size - 1 > s.high - offset) raise_segment_limit(segment);
    return wrap_linear(s.base + offset);
}

void Cpu::check_access(Linear address, unsigned size, Privilege privilege, unsigned segment) {
    if (!canonical(address.value)) raise_segment_limit(segment);
    // As measured on a processor: #AC comes before #GP for an operand of which only the end is not canonical.
    if (privilege == Privilege::user && size <= 8 && !aligned_enough(address, size)) raise(Vector::alignment_check, 0);
    if (!canonical(address.value + (size - 1))) raise_segment_limit(segment);
}

u64 Cpu::read_linear_slow(Linear address, unsigned size, Privilege privilege, unsigned segment) {
    check_access(address, size, privilege, segment);
    if (address.value <= 0xFFFFFFFF && address.value + size > u64{1} << 32 && system_mask_ == 0xFFFFFFFF) {
        // The 4 GiB wrap of linear addresses outside IA-32e mode.
        u64 value = 0;
        for (unsigned i = 0; i < size; ++i) {
            value |= read_linear_slow(wrap_linear(address.value + i), 1, privilege, segment) << (8 * i);
        }
        return value;
    }
    u64 value = 0;
    MemoryFault fault;
    if (!mmu.read(address, size, privilege, value, fault)) raise_page_fault(fault);
    debug_data_access(*this, address, bytes_of(value, size), false);
    return value;
}

void Cpu::write_linear_slow(Linear address, unsigned size, u64 value, Privilege privilege, unsigned segment) {
    check_access(address, size, privilege, segment);
    if (address.value <= 0xFFFFFFFF && address.value + size > u64{1} << 32 && system_mask_ == 0xFFFFFFFF) {
        for (unsigned i = 0; i < size; ++i) prepare_modify(wrap_linear(address.value + i), 1, segment);
        for (unsigned i = 0; i < size; ++i) {
            write_linear_slow(wrap_linear(address.value + i), 1, value >> (8 * i), privilege, segment);
        }
        return;
    }
    MemoryFault fault;
    if (!mmu.write(address, size, privilege, value, fault)) raise_page_fault(fault);
    debug_data_access(*this, address, bytes_of(value, size), true);
}

void Cpu::prepare_modify(Linear address, unsigned size, unsigned segment) {
    check_access(address, size, data_privilege_, segment);
    MemoryFault fault;
    if (!mmu.probe_write(address, size, data_privilege_, fault)) raise_page_fault(fault);
}

void Cpu::read_bytes(unsigned segment, u64 offset, void* to, unsigned size) {
    const Linear address = linear_for_read(segment, offset, size);
    if (const u8* host = mmu.fast_read(address, size, data_privilege_); host != nullptr) {
        std::memcpy(to, host, size);
        return;
    }
    check_access(address, size, data_privilege_, segment);
    MemoryFault fault;
    if (!mmu.read_block(address, {static_cast<u8*>(to), size}, data_privilege_, fault)) raise_page_fault(fault);
    debug_data_access(*this, address, {static_cast<const u8*>(to), size}, false);
}

void Cpu::write_bytes(unsigned segment, u64 offset, const void* from, unsigned size) {
    const Linear address = linear_for_write(segment, offset, size);
    if (u8* host = mmu.fast_write(address, size, data_privilege_); host != nullptr) {
        std::memcpy(host, from, size);
        return;
    }
    check_access(address, size, data_privilege_, segment);
    MemoryFault fault;
    if (!mmu.write_block(address, {static_cast<const u8*>(from), size}, data_privilege_, fault))
        raise_page_fault(fault);
    debug_data_access(*this, address, {static_cast<const u8*>(from), size}, true);
}

void Cpu::probe_write(unsigned segment, u64 offset, unsigned size) {
    prepare_modify(linear_for_write(segment, offset, size), size, segment);
}

// --- control transfer and flags

void Cpu::jump_near(u64 target, unsigned operand_size) {
    target &= mask_for(operand_size);
    if (code64()) {
        if (!canonical(target)) raise(Vector::general_protection, 0);
    } else if (target > state.segment[kCs].limit) {
        raise(Vector::general_protection, 0);
    }
    state.rip() = target;
}

void Cpu::write_flags(u32 value, u32 mask) {
    if (!model.has(isa::Feature::cpuid)) mask &= ~u32{kFlagId};
    if (!model.has(isa::Feature::vme)) mask &= ~u32{kFlagVif | kFlagVip};
    const u32 before = state.eflags();
    const u32 after = replace_bits(before, value, mask);
    state.set_eflags(after);
    const u32 changed = before ^ after;
    if ((changed & kFlagVm) != 0) {
        update_mode();
    } else if ((changed & kFlagAlignmentCheck) != 0) {
        update_privilege();
    }
    if ((changed & (kFlagInterrupt | kFlagTrap | kFlagResume)) != 0) update_attention();
}

}  // namespace bantam
