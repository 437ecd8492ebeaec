// Cpu: one logical processor: state, MMU, pins and the primitives every instruction is made of (memory access through
// segments, exceptions, attention). Engines (interpreter, translator, KVM) run it; cpu/system/ holds its rich control
// flow.
//
// Faults leave an instruction by longjmp to the running engine, so nothing with a destructor may live across an access
// that can fault, and visible state changes only after the last such access ("commit last").
#pragma once

#include <csetjmp>
#include <cstring>
#include <string>
#include <vector>

#include "base/bits.h"
#include "base/low_memory.h"
#include "cpu/environment.h"
#include "cpu/exception.h"
#include "cpu/isa/decoder.h"
#include "cpu/model.h"
#include "cpu/state.h"
#include "mmu/mmu.h"

namespace bantam {

class BlockWatch;  // cpu/interpreter/block_watch.h
class DataWatch;   // cpu/system/debug.h
class EventWatch;  // cpu/system/event_watch.h

class Cpu {
public:
    Cpu(const Model& model, PhysicalMemory& memory, Environment& environment, u8 apic_id = 0);

    /// On the heap a Cpu lies in low memory (base/low_memory.h) if it can: the translator needs it there.
    static void* operator new(std::size_t bytes) { return allocate_low(bytes, LowUse::whole); }
    static void operator delete(void* at, std::size_t bytes) { release_low(at, bytes); }

    CpuState state;
    Mmu mmu;
    Environment& environment;
    const Model& model;
    const u8 apic_id;

    // --- pins (called by the board; take effect before the next instruction)
    void set_intr(bool asserted);
    void pulse_nmi();
    void pulse_smi();
    void set_ignne(bool asserted);
    [[nodiscard]] bool ignne() const { return ignne_; }
    /// INIT# pulsed (port 92h, keyboard controller, INIT IPI); taken between instructions.
    void pulse_init();
    /// RESET (power-on values, SDM vol. 3, 10.1.1) and INIT (keeps FPU, MSRs and TSC).
    void reset();
    void init();

    // --- attention
    /// Sets Attention bits and ends the running block after the current instruction.
    void request_attention(u32 bits) {
        state.attention |= bits;
        break_block();
    }
    /// Ends the running block after the current instruction, so that attention is looked at again. The engine points
    /// block_break at a flag (or end pointer) of its own.
    void break_block() {
        if (block_break != nullptr) block_break(block_break_context);
    }
    void (*block_break)(void* context) = nullptr;
    /// CpuState::deadline has come nearer while the engine runs.
    void deadline_moved() {
        if (deadline_reader != nullptr) deadline_reader(block_break_context);
    }
    void (*deadline_reader)(void* context) = nullptr;
    void* block_break_context = nullptr;
    /// Counted up by the engine when code it holds was written: a repeated string instruction may have overwritten
    /// itself.
    u64 code_changes = 0;
    /// What the engine knows of the bytes of the instruction in flight: it would see them written; it would not any
    /// more, but they are as they were; they have changed.
    enum class InFlight : u8 { watched, intact, overwritten };
    [[nodiscard]] InFlight in_flight() const {
        return in_flight_source != nullptr ? in_flight_source(retired_context) : InFlight::watched;
    }
    InFlight (*in_flight_source)(const void* context) = nullptr;
    /// Instructions retired up to and excluding the current one; exact in the middle of a block (TSC, now_ns).
    [[nodiscard]] u64 retired() const {
        return retired_source != nullptr ? retired_source(retired_context) : state.instructions;
    }
    u64 (*retired_source)(const void* context) = nullptr;
    const void* retired_context = nullptr;
    /// Who watches accesses to data, beside the guest's own breakpoints (cpu/system/debug.h). After each change of it
    /// and of its members' pages: update_debug_watch.
    std::vector<DataWatch*> data_watches;
    /// Told of interrupts, exceptions and system calls.
    std::vector<EventWatch*> event_watches;
    /// Told of the blocks that execute; null: nobody. Set by Interpreter::set_block_watch.
    BlockWatch* block_watch = nullptr;

    // --- mode
    [[nodiscard]] bool protected_mode() const { return (state.cr0 & 1) != 0; }
    [[nodiscard]] bool v86() const { return (state.flags & kFlagVm) != 0; }
    /// Real-address or virtual-8086 mode: segments are 16 * selector.
    [[nodiscard]] bool real_or_v86() const { return !protected_mode() || v86(); }
    [[nodiscard]] bool long_mode() const { return (state.efer & 0x400) != 0; }  // EFER.LMA
    [[nodiscard]] bool code64() const { return code_size_ == isa::CodeSize::bits64; }
    [[nodiscard]] isa::CodeSize code_size() const { return code_size_; }
    /// Bytes of the stack pointer in use: 2, 4 or 8 (SS.B, 64-bit mode).
    [[nodiscard]] unsigned stack_size() const { return stack_size_; }
    [[nodiscard]] u64 stack_mask() const { return mask_for(stack_size_); }
    [[nodiscard]] unsigned iopl() const { return (state.flags >> 12) & 3u; }
    [[nodiscard]] const isa::DecodeMode& decode_mode() const { return decode_mode_; }
    /// Distinguishes decoded blocks of the same bytes: code size, protected mode, and what handlers were bound under.
    [[nodiscard]] u32 mode_key() const { return mode_key_; }
    /// Recomputes everything derived from CR0, CR4, EFER, EFLAGS.VM/AC, CPL, CS and SS, and tells the MMU. Every change
    /// of those goes through here.
    void update_mode();
    /// Only the part that follows CPL and EFLAGS.AC.
    void update_privilege();
    /// Only the part that follows CS, SS and CPL (far transfers, interrupts); CR0, CR4, EFER and VM have not changed.
    void update_segments();
    /// Outside 64-bit mode: the upper halves of RAX to RDI become zero, as in a switch from that mode, which need not
    /// keep them (SDM vol. 1, 3.4.1.1). Translated code counts on zeros.
    void clear_upper_halves() {
        u64 any = 0;
        for (unsigned number = kRax; number <= kRdi; ++number) any |= state.gpr[number];
        if (any >> 32 == 0) return;  // as nearly always
        for (unsigned number = kRax; number <= kRdi; ++number) state.gpr[number] &= 0xFFFFFFFF;
    }
    /// Recomputes which Attention bits of INTR, NMI, SMI and single-step are due, from pins, EFLAGS, DR7 and blocking.
    void update_attention();
    /// Loads a segment register with all its hidden parts, as RESET, loaders and task switches do; no checks.
    /// The caller ends with update_mode() or update_segments() after CS or SS.
    void set_segment(unsigned segment, u16 selector, u64 base, u32 limit, u16 attributes);
    /// Computes the derived fields of `s` for use as register `segment` in the current mode.
    void derive_segment(SegmentRegister& s, unsigned segment) const;
    [[nodiscard]] Privilege data_privilege() const { return data_privilege_; }
    [[nodiscard]] Privilege fetch_privilege() const { return state.cpl == 3 ? Privilege::user : Privilege::supervisor; }
    /// The TLB set of data_privilege(); none while alignment checks are armed.
    [[nodiscard]] Mmu::FastSet data_set() const { return data_set_; }
    /// CR0.AM, EFLAGS.AC and CPL 3: misaligned data accesses raise #AC.
    [[nodiscard]] bool alignment_checks() const { return alignment_mask_ != 0; }

    // --- exceptions
    [[noreturn]] void raise(Vector vector);
    [[noreturn]] void raise(Vector vector, u32 error_code);
    [[noreturn]] void raise_page_fault(const MemoryFault& fault);
    /// #SS(0) for the stack segment, #GP(0) for the others.
    [[noreturn]] void raise_segment_limit(unsigned segment);
    /// Where raise() goes: set by the engine around running code.
    std::jmp_buf* recovery = nullptr;
    Exception pending_exception{};  // what raise() raised

    // --- effective and linear addresses
    [[nodiscard]] u64 effective_address(const isa::Instruction& i) const {
        return (state.gpr[i.base] + (state.gpr[i.index] << i.scale) + static_cast<u64>(i.displacement)) &
               i.address_mask();
    }
    /// Linear address of `size` bytes at segment:offset after limit, rights and canonical checks; raises #GP(0) /
    /// #SS(0).
    [[nodiscard]] Linear linear_for_read(unsigned segment, u64 offset, unsigned size) {
        const SegmentRegister& s = state.segment[segment];
        if (!s.flat_read) return checked_linear(segment, offset, size, false);
        return wrap_linear(s.base + offset);
    }
    [[nodiscard]] Linear linear_for_write(unsigned segment, u64 offset, unsigned size) {
        const SegmentRegister& s = state.segment[segment];
        if (!s.flat_write) return checked_linear(segment, offset, size, true);
        return wrap_linear(s.base + offset);
    }

    // --- memory through a segment, with the privilege of the current code
    /// Host address of `size` bytes at segment:offset if nothing stands between: a flat segment, one RAM page, the
    /// right to read (write) it. Null: only the functions below know.
    [[nodiscard]] const u8* fast_read(unsigned segment, u64 offset, unsigned size) {
        const SegmentRegister& s = state.segment[segment];
        if (!s.flat_read) [[unlikely]]
            return nullptr;
        return mmu.fast_read(wrap_linear(s.base + offset), size, data_set_);
    }
    [[nodiscard]] u8* fast_write(unsigned segment, u64 offset, unsigned size) {
        const SegmentRegister& s = state.segment[segment];
        if (!s.flat_write) [[unlikely]]
            return nullptr;
        return mmu.fast_write(wrap_linear(s.base + offset), size, data_set_);
    }
    template <class T>
    [[nodiscard]] T read(unsigned segment, u64 offset) {
        const Linear address = linear_for_read(segment, offset, sizeof(T));
        if (const u8* host = mmu.fast_read(address, sizeof(T), data_set_); host != nullptr) [[likely]] {
            T value;
            std::memcpy(&value, host, sizeof(T));
            return value;
        }
        return static_cast<T>(read_linear_slow(address, sizeof(T), data_privilege_, segment));
    }
    template <class T>
    void write(unsigned segment, u64 offset, T value) {
        const Linear address = linear_for_write(segment, offset, sizeof(T));
        if (u8* host = mmu.fast_write(address, sizeof(T), data_set_); host != nullptr) [[likely]] {
            std::memcpy(host, &value, sizeof(T));
            return;
        }
        write_linear_slow(address, sizeof(T), static_cast<u64>(value), data_privilege_, segment);
    }
    /// Read-modify-write: checks for writing first, as the hardware does. `change` maps the old T to the new T.
    template <class T, class Change>
    void modify(unsigned segment, u64 offset, Change change) {
        const Linear address = linear_for_write(segment, offset, sizeof(T));
        if (u8* host = mmu.fast_write(address, sizeof(T), data_set_); host != nullptr) [[likely]] {
            T value;
            std::memcpy(&value, host, sizeof(T));
            value = change(value);
            std::memcpy(host, &value, sizeof(T));
            return;
        }
        prepare_modify(address, sizeof(T), segment);
        const T value = static_cast<T>(read_linear_slow(address, sizeof(T), data_privilege_, segment));
        write_linear_slow(address, sizeof(T), static_cast<u64>(change(value)), data_privilege_, segment);
    }
    /// Operands of any size up to 4096 bytes (10-byte reals, vectors, FXSAVE areas).
    void read_bytes(unsigned segment, u64 offset, void* to, unsigned size);
    void write_bytes(unsigned segment, u64 offset, const void* from, unsigned size);
    /// Raises whatever a write of `size` bytes there would raise; writes nothing.
    void probe_write(unsigned segment, u64 offset, unsigned size);

    // --- memory by linear address; `segment` only decides #SS or #GP for non-canonical addresses
    template <class T>
    [[nodiscard]] T read_linear(Linear address, Privilege privilege, unsigned segment = kDs) {
        if (const u8* host = mmu.fast_read(address, sizeof(T), privilege);
            host != nullptr && aligned_enough(address, sizeof(T))) {
            T value;
            std::memcpy(&value, host, sizeof(T));
            return value;
        }
        return static_cast<T>(read_linear_slow(address, sizeof(T), privilege, segment));
    }
    template <class T>
    void write_linear(Linear address, T value, Privilege privilege, unsigned segment = kDs) {
        if (u8* host = mmu.fast_write(address, sizeof(T), privilege);
            host != nullptr && aligned_enough(address, sizeof(T))) {
            std::memcpy(host, &value, sizeof(T));
            return;
        }
        write_linear_slow(address, sizeof(T), static_cast<u64>(value), privilege, segment);
    }
    /// Implicit supervisor accesses: descriptor tables, TSS, stack of an inner level.
    template <class T>
    [[nodiscard]] T read_system(Linear address) {
        return read_linear<T>({address.value & system_mask_}, Privilege::supervisor);
    }
    template <class T>
    void write_system(Linear address, T value) {
        write_linear<T>({address.value & system_mask_}, value, Privilege::supervisor);
    }

    /// Linear addresses are 32 bits wide outside 64-bit mode (IA-32e compatibility included); only the descriptor
    /// tables and the TSS lie in the full 64-bit space in compatibility mode too (read_system).
    [[nodiscard]] Linear wrap_linear(u64 value) const { return {value & linear_mask_}; }
    [[nodiscard]] bool canonical(u64 value) const {
        return static_cast<u64>(static_cast<i64>(value << 16) >> 16) == value;
    }

    // --- stack of the current code (16/32/64-bit pushes by `size`); commit RSP last
    template <class T>
    void push(T value) {
        const u64 top = (state.gpr[kRsp] - sizeof(T)) & stack_mask();
        write<T>(kSs, top, value);
        set_rsp(top);
    }
    template <class T>
    [[nodiscard]] T pop() {
        const T value = read<T>(kSs, state.gpr[kRsp] & stack_mask());
        set_rsp(state.gpr[kRsp] + sizeof(T));
        return value;
    }
    /// Writes the bytes of RSP that the stack size covers; a 32-bit write clears bits 63:32.
    void set_rsp(u64 value) {
        if (stack_size_ == 2) {
            state.gpr[kRsp] = (state.gpr[kRsp] & ~u64{0xFFFF}) | (value & 0xFFFF);
        } else {
            state.gpr[kRsp] = value & stack_mask();
        }
    }

    // --- control transfer within the code segment
    /// Sets RIP after the checks of a near transfer: CS limit or canonical form; raises #GP(0). Truncates to operand
    /// size (2, 4, 8).
    void jump_near(u64 target, unsigned operand_size);

    // --- EFLAGS
    /// Replaces the bits of `mask`, with all consequences (IF and TF attention, VM and AC modes).
    void write_flags(u32 value, u32 mask);

    // --- descriptor tables etc. live in cpu/system/*.h; I/O permission checks too

private:
    [[noreturn]] void leave_to_engine();
    void check_access(Linear address, unsigned size, Privilege privilege, unsigned segment);
    void update_paging();
    void update_decode();
    [[nodiscard]] Linear checked_linear(unsigned segment, u64 offset, unsigned size, bool write);
    u64 read_linear_slow(Linear address, unsigned size, Privilege privilege, unsigned segment);
    void write_linear_slow(Linear address, unsigned size, u64 value, Privilege privilege, unsigned segment);
    void prepare_modify(Linear address, unsigned size, unsigned segment);
    /// False when #AC is armed (CR0.AM, EFLAGS.AC, CPL 3) and `address` is misaligned: the slow path then raises it.
    [[nodiscard]] bool aligned_enough(Linear address, unsigned size) const {
        return (address.value & (size - 1) & alignment_mask_) == 0;
    }

    isa::CodeSize code_size_ = isa::CodeSize::bits16;
    unsigned stack_size_ = 2;
    u64 linear_mask_ = 0xFFFFFFFF;
    u64 system_mask_ = 0xFFFFFFFF;
    u64 alignment_mask_ = 0;  // all ones when alignment checks are armed
    Privilege data_privilege_ = Privilege::supervisor;
    Mmu::FastSet data_set_ = Mmu::fast_set(Privilege::supervisor);
    u32 mode_key_ = 0;
    isa::DecodeMode decode_mode_{};
    bool ignne_ = false;
    std::array<u64, 8> paging_inputs_{};  // CR0, CR3, CR4, EFER, PDPTEs the MMU was last told
};

}  // namespace bantam
