// Handlers around thunks: availability, pending x87 errors, operands in memory, host exceptions turned into the
// guest's. SDM vol. 2, 2.4 (exception classes) and 2.5 of vol. 3 (control register bits).
#include "cpu/host/handlers.h"

#include "cpu/host/extended_state.h"
#include "cpu/host/masked_access.h"
#include "cpu/host/operand_memory.h"
#include "cpu/host/x87_unit.h"
#include "cpu/isa/table.h"

namespace bantam::host {
namespace {

using isa::Instruction;
using isa::Mnemonic;

constexpr u64 kCr0Emulation = 1u << 2;
constexpr u64 kCr0TaskSwitched = 1u << 3;
constexpr u64 kCr4OsFxsr = 1u << 9;
constexpr u64 kCr4OsXmmExceptions = 1u << 10;
constexpr u64 kCr4OsXsave = 1u << 18;
constexpr u64 kXcr0Vectors = 6;

enum class MemoryUse : u8 { none, read, write, modify };

/// An exception the host raised inside a thunk becomes the guest's.
[[noreturn]] void raise_host_exception(Cpu& cpu, u32 outcome) {
    const Vector vector = static_cast<Vector>(outcome - 1);
    // SDM vol. 3, 6.15, "Interrupt 19": without CR4.OSXMMEXCPT a SIMD exception is an invalid opcode.
    if (vector == Vector::simd_error && (cpu.state.cr4 & kCr4OsXmmExceptions) == 0) cpu.raise(Vector::invalid_opcode);
    cpu.raise(vector);
}

void call(Cpu& cpu, const Thunk& thunk, void* buffer) {
    const u32 outcome = thunk.entry(&cpu.state, buffer);
    if (outcome != 0) [[unlikely]]
        raise_host_exception(cpu, outcome);
}

/// FIP, and what FOP and FDP become if the instruction leaves an exception pending.
template <MemoryUse use>
void note_x87_pointers(CpuState& state, const Instruction& i, u64 offset) {
    const u32 opcode = (i.opcode & 7u) << 8 | i.modrm;
    state.x87_instruction_pointer = state.instruction_rip;
    state.x87_code_segment = state.segment[kCs].selector;
    if constexpr (use == MemoryUse::none) {
        state.x87_last_opcode = static_cast<u16>(opcode | kX87LastValid | (state.x87_last_opcode & kX87EarlierMemory));
    } else {
        state.x87_last_opcode = static_cast<u16>(opcode | kX87LastValid | kX87LastMemory | kX87EarlierMemory);
        state.x87_last_data_pointer = offset;
        state.x87_last_data_segment = state.segment[i.segment].selector;
    }
}

/// An unmasked invalid operation, overflow or underflow keeps FST and its kin from storing (SDM vol. 1, 8.5).
bool x87_store_suppressed() {
    const u16 status = x87_status_word();
    if ((status & kX87ErrorSummary) == 0) return false;
    return (status & ~x87_control_word() & (kX87Invalid | kX87Overflow | kX87Underflow)) != 0;
}

/// Executes an x87 store into `buffer`. True: an unmasked exception keeps it from storing; it touches no memory, so it
/// is complete and cannot fault. False: it would store, and the x87 unit is as before.
bool rehearse_store(Cpu& cpu, const Thunk& thunk, u8* buffer) {
    std::array<u8, 108> before;
    asm volatile("fnsave %0\n\tfrstor %0" : "=m"(before));
    call(cpu, thunk, buffer);
    if (x87_store_suppressed()) return true;
    asm volatile("fnclex\n\tfrstor %0" : : "m"(before));
    return false;
}

constexpr bool waits(Unit unit) { return unit == Unit::x87 || unit == Unit::mmx || unit == Unit::sse_mmx; }

/// Operands that are not plainly in one page of RAM: checked, and copied through a buffer. What an instruction has done
/// before its store faults is as measured on a processor.
template <Unit unit, MemoryUse use>
[[gnu::noinline]] void execute_buffered(Cpu& cpu, const Instruction& i, u64 offset) {
    const Thunk& thunk = *static_cast<const Thunk*>(i.thunk);
    alignas(64) u8 buffer[64];
    if constexpr (unit == Unit::x87 && use == MemoryUse::write) {
        const bool may_suppress = (~x87_control_word() & (kX87Invalid | kX87Overflow | kX87Underflow)) != 0;
        if ((may_suppress || thunk.memory_size == 10) && rehearse_store(cpu, thunk, buffer)) {
            return note_x87_pointers<use>(cpu.state, i, offset);
        }
    }
    if constexpr (unit == Unit::mmx && use == MemoryUse::write) clear_x87_top();
    // VCVTPS2PH: its floating-point exceptions come before memory faults.
    if constexpr (unit == Unit::avx && use == MemoryUse::write) call(cpu, thunk, buffer);
    if constexpr (unit == Unit::avx) {
        if (cpu.alignment_checks() && exempt_from_alignment_check(i)) {
            if constexpr (use == MemoryUse::write)
                return write_unchecked(cpu, i.segment, offset, buffer, thunk.memory_size);
            read_unchecked(cpu, i.segment, offset, buffer, thunk.memory_size);
            return call(cpu, thunk, buffer);
        }
    }
    check_alignment(cpu, i, offset, thunk.memory_size, thunk.memory_alignment, use != MemoryUse::read);
    if constexpr (unit == Unit::x87 && use == MemoryUse::write) {
        // Ten bytes are stored in two parts, of which the second may fault.
        if (thunk.memory_size == 10) write_operand(cpu, i.segment, offset, buffer, 8);
    }
    if constexpr (use != MemoryUse::read) cpu.probe_write(i.segment, offset, thunk.memory_size);
    if constexpr (use != MemoryUse::write) read_operand(cpu, i.segment, offset, buffer, thunk.memory_size);
    if constexpr (unit == Unit::x87) note_x87_pointers<use>(cpu.state, i, offset);
    if constexpr (unit != Unit::avx || use != MemoryUse::write) call(cpu, thunk, buffer);
    if constexpr (use != MemoryUse::read) {
        if constexpr (unit == Unit::x87) {
            if (x87_store_suppressed()) return;
        }
        write_operand(cpu, i.segment, offset, buffer, thunk.memory_size);
    }
}

/// Host address of an operand in one page of RAM that no check can refuse, else null.
template <MemoryUse use>
u8* plain_operand(Cpu& cpu, const Instruction& i, u64 offset, const Thunk& thunk) {
    const SegmentRegister& s = cpu.state.segment[i.segment];
    const unsigned size = thunk.memory_size;
    const bool flat = use == MemoryUse::read ? s.flat_read : s.flat_write;
    if (!flat) {
        const bool allowed = use == MemoryUse::read ? s.readable : s.writable;
        if (!allowed || offset < s.low || offset > s.high || size - 1 > s.high - offset) return nullptr;
    }
    const Linear address = cpu.wrap_linear(s.base + offset);
    if ((address.value & (thunk.memory_alignment - 1u)) != 0 || cpu.alignment_checks()) return nullptr;
    if constexpr (use == MemoryUse::read) return cpu.mmu.fast_read(address, size, cpu.data_privilege());
    return cpu.mmu.fast_write(address, size, cpu.data_privilege());
}

template <Unit unit, MemoryUse use>
void execute(Cpu& cpu, const Instruction& i) {
    const Thunk& thunk = *static_cast<const Thunk*>(i.thunk);
    if constexpr (use == MemoryUse::none) {
        if constexpr (unit == Unit::x87) note_x87_pointers<use>(cpu.state, i, 0);
        call(cpu, thunk, nullptr);
    } else {
        const u64 offset = cpu.effective_address(i);
        u8* const host = plain_operand<use>(cpu, i, offset, thunk);
        // PERF: 2 to 4 times faster than the buffer. The thunk works on guest RAM itself, which cannot fault.
        if (host == nullptr) [[unlikely]]
            return execute_buffered<unit, use>(cpu, i, offset);
        if constexpr (unit == Unit::x87) note_x87_pointers<use>(cpu.state, i, offset);
        call(cpu, thunk, host);
    }
}

/// Instructions that wait for pending x87 exceptions: those come before memory faults, as measured on a processor.
template <Unit unit, MemoryUse use>
void execute_waiting(Cpu& cpu, const Instruction& i) {
    if ((x87_status_word() & kX87ErrorSummary) != 0) [[unlikely]] {
        if (report_x87_error(cpu)) return;
        // IGNNE#. A fault in the operand must find the exceptions where they were: touch it first.
        if constexpr (use == MemoryUse::read) {
            u8 ignored[64];
            const Thunk& thunk = *static_cast<const Thunk*>(i.thunk);
            read_operand(cpu, i.segment, cpu.effective_address(i), ignored, thunk.memory_size);
        } else if constexpr (use != MemoryUse::none) {
            const Thunk& thunk = *static_cast<const Thunk*>(i.thunk);
            cpu.probe_write(i.segment, cpu.effective_address(i), thunk.memory_size);
        }
        const u16 flags = set_aside_x87_exceptions();
        execute<unit, use>(cpu, i);
        restore_x87_exceptions(flags);
        return;
    }
    execute<unit, use>(cpu, i);
}

template <Unit unit>
isa::Handler pick(MemoryUse use, bool wait) {
    constexpr isa::Handler kPlain[] = {execute<unit, MemoryUse::none>, execute<unit, MemoryUse::read>,
                                       execute<unit, MemoryUse::write>, execute<unit, MemoryUse::modify>};
    if constexpr (waits(unit)) {
        constexpr isa::Handler kWaiting[] = {
            execute_waiting<unit, MemoryUse::none>, execute_waiting<unit, MemoryUse::read>,
            execute_waiting<unit, MemoryUse::write>, execute_waiting<unit, MemoryUse::modify>};
        if (wait) return kWaiting[static_cast<unsigned>(use)];
    }
    return kPlain[static_cast<unsigned>(use)];
}

MemoryUse memory_use(const Instruction& i) {
    const isa::Operand* memory = i.memory_operand();
    if (memory == nullptr) return MemoryUse::none;
    if (memory->access == isa::kAccessReadWrite) return MemoryUse::modify;
    return memory->access == isa::kAccessWrite ? MemoryUse::write : MemoryUse::read;
}

bool x87_control(Mnemonic mnemonic) {
    switch (mnemonic) {
        case Mnemonic::Fninit:
        case Mnemonic::Fnclex:
        case Mnemonic::Fneni:
        case Mnemonic::Fndisi:
        case Mnemonic::Fnsetpm:
        case Mnemonic::Fnstcw:
        case Mnemonic::Fnstsw:
        case Mnemonic::Fnstenv:
        case Mnemonic::Fnsave:
            return true;
        default:
            return false;
    }
}

Unit unit_of(const Instruction& i, u32 attributes) {
    if ((attributes & isa::kAvx) != 0) return Unit::avx;
    if ((attributes & isa::kX87) != 0) return x87_control(i.mnemonic) ? Unit::x87_control : Unit::x87;
    if ((attributes & isa::kSse) != 0) return (attributes & isa::kMmx) != 0 ? Unit::sse_mmx : Unit::sse;
    return (attributes & isa::kMmx) != 0 ? Unit::mmx : Unit::integer;
}

void raise_invalid_opcode(Cpu& cpu, const Instruction&) { cpu.raise(Vector::invalid_opcode); }
void raise_not_available(Cpu& cpu, const Instruction&) { cpu.raise(Vector::device_not_available); }

/// #UD or #NM by CR0, CR4 and XCR0, or null when `unit` may be used.
isa::Handler unavailable(const CpuState& s, Unit unit) {
    const bool emulation = (s.cr0 & kCr0Emulation) != 0;
    const bool switched = (s.cr0 & kCr0TaskSwitched) != 0;
    switch (unit) {
        case Unit::integer:
            return nullptr;
        case Unit::x87:
        case Unit::x87_control:
            return emulation || switched ? raise_not_available : nullptr;
        case Unit::mmx:
            if (emulation) return raise_invalid_opcode;
            break;
        case Unit::sse:
        case Unit::sse_mmx:
            if (emulation || (s.cr4 & kCr4OsFxsr) == 0) return raise_invalid_opcode;
            break;
        case Unit::avx:
            if ((s.cr4 & kCr4OsXsave) == 0 || (s.xcr0 & kXcr0Vectors) != kXcr0Vectors) return raise_invalid_opcode;
            break;
    }
    return switched ? raise_not_available : nullptr;
}

bool touches_mmx_register(const Instruction& i) {
    for (unsigned k = 0; k < i.operand_count; ++k) {
        if (i.operands[k].kind == isa::OperandKind::mmx) return true;
    }
    return i.mnemonic == Mnemonic::Emms;
}

/// FLDCW may unmask old exceptions: they are not the last instruction's.
void fldcw(Cpu& cpu, const Instruction& i) {
    if ((x87_status_word() & kX87ErrorSummary) != 0 && report_x87_error(cpu)) return;
    settle_x87_pointers(cpu);
    const u64 offset = cpu.effective_address(i);
    check_alignment(cpu, i, offset, 2, 1);
    const u16 control = cpu.read<u16>(i.segment, offset);
    cpu.state.x87_last_opcode = 0;
    const bool pending = (x87_status_word() & kX87ErrorSummary) != 0;
    const u16 flags = pending ? set_aside_x87_exceptions() : u16{0};
    asm volatile("fldcw %0" : : "m"(control));
    if (pending) restore_x87_exceptions(flags);
    update_ferr(cpu);
}

isa::Handler called_x87(Mnemonic mnemonic) {
    switch (mnemonic) {
        case Mnemonic::Fninit:
            return fninit;
        case Mnemonic::Fnclex:
            return fnclex;
        case Mnemonic::Fldcw:
            return fldcw;
        case Mnemonic::Fnstenv:
            return fnstenv;
        case Mnemonic::Fldenv:
            return fldenv;
        case Mnemonic::Fnsave:
            return fnsave;
        case Mnemonic::Frstor:
            return frstor;
        case Mnemonic::Fxsave:
            return fxsave;
        case Mnemonic::Fxrstor:
            return fxrstor;
        default:
            return nullptr;
    }
}

isa::Handler called_vector(const Instruction& i) {
    switch (i.mnemonic) {
        case Mnemonic::Ldmxcsr:
        case Mnemonic::Vldmxcsr:
            return ldmxcsr;
        case Mnemonic::Stmxcsr:
        case Mnemonic::Vstmxcsr:
            return stmxcsr;
        case Mnemonic::Vzeroall:
            return vzeroall;
        case Mnemonic::Vzeroupper:
            return vzeroupper;
        default:
            return masked_access_handler(i);
    }
}

isa::Handler called_xsave(const Cpu& cpu, Mnemonic mnemonic) {
    isa::Handler handler = nullptr;
    switch (mnemonic) {
        case Mnemonic::Xsave:
            handler = xsave;
            break;
        case Mnemonic::Xsaveopt:
            handler = xsaveopt;
            break;
        case Mnemonic::Xsavec:
            handler = xsavec;
            break;
        case Mnemonic::Xrstor:
            handler = xrstor;
            break;
        default:
            return nullptr;
    }
    if ((cpu.state.cr4 & kCr4OsXsave) == 0) return raise_invalid_opcode;
    return (cpu.state.cr0 & kCr0TaskSwitched) != 0 ? raise_not_available : handler;
}

}  // namespace

Result<std::unique_ptr<HostExecutor>> HostExecutor::create(std::size_t code_bytes) {
    Result<std::unique_ptr<CodeArena>> arena = CodeArena::create(code_bytes);
    if (!arena) return arena.error();
    return std::unique_ptr<HostExecutor>(new HostExecutor(std::move(arena.value())));
}

isa::Handler HostExecutor::handler_for(Cpu& cpu, isa::Instruction& i) {
    if (i.mnemonic == Mnemonic::Wait) return fwait;
    if (const isa::Handler handler = called_xsave(cpu, i.mnemonic); handler != nullptr) return handler;
    const isa::Row& row = isa::row_of(i);
    Unit unit = unit_of(i, row.attributes);
    if (const isa::Handler handler = called_x87(i.mnemonic); handler != nullptr) {
        const isa::Handler refusal = unavailable(cpu.state, Unit::x87_control);
        return refusal != nullptr ? refusal : handler;
    }
    if (unit != Unit::integer) {
        if (const isa::Handler refusal = unavailable(cpu.state, unit); refusal != nullptr) return refusal;
        if (const isa::Handler handler = called_vector(i); handler != nullptr) return handler;
    }
    if (isa::execution_class(row) != isa::ExecutionClass::host) return nullptr;
    constexpr u32 kElsewhere =
        isa::kEndsBlock | isa::kBranch | isa::kPrivileged | isa::kIo | isa::kString | isa::kSegmentLoad;
    if ((row.attributes & kElsewhere) != 0) return nullptr;
    const Thunk* thunk = thunks_.find(i);
    if (thunk == nullptr) return nullptr;
    i.thunk = const_cast<Thunk*>(thunk);
    const MemoryUse use = memory_use(i);
    switch (unit) {
        case Unit::integer:
            return pick<Unit::integer>(use, false);
        case Unit::x87:
            return pick<Unit::x87>(use, true);
        case Unit::x87_control:
            return pick<Unit::x87_control>(use, false);
        case Unit::mmx:
            return pick<Unit::mmx>(use, true);
        case Unit::sse:
            return pick<Unit::sse>(use, false);
        case Unit::sse_mmx:
            return pick<Unit::sse_mmx>(use, touches_mmx_register(i));
        case Unit::avx:
            return pick<Unit::avx>(use, false);
    }
    return nullptr;
}

}  // namespace bantam::host
