// MOVS, STOS, LODS, SCAS, CMPS with and without REP (SDM vol. 2; vol. 1, 7.3.9).
//
// Every iteration commits by itself, so a fault leaves the registers at the element that failed. A repeat stops after
// kElementsPerTurn elements, or when something wants attention, and resumes as a new execution of the same
// instruction; each turn counts as one retired instruction. A watchpoint of the debugger leaves in the midst of a turn,
// which then goes on as if it had not (debug_between_elements). Forward MOVS and STOS over plain RAM copy whole runs at
// once.
#include <algorithm>

#include "cpu/alu.h"
#include "cpu/interpreter/handlers.h"
#include "cpu/interpreter/operands.h"
#include "cpu/system/debug.h"

namespace bantam::interpreter {
namespace {

/// Writes an index or count register in the width of the address size.
void set_index(CpuState& s, const Instruction& i, Gpr reg, u64 value) {
    if (i.address_size == 2) {
        s.gpr[reg] = replace_bits(s.gpr[reg], value, u64{0xFFFF});
    } else {
        s.gpr[reg] = value & i.address_mask();
    }
}
u64 index_of(const CpuState& s, const Instruction& i, Gpr reg) { return s.gpr[reg] & i.address_mask(); }

template <class T>
u64 step(const CpuState& s) {
    return (s.flags & kFlagDirection) != 0 ? ~u64{sizeof(T)} + 1 : u64{sizeof(T)};
}
template <class T>
void advance(CpuState& s, const Instruction& i, Gpr reg, u64 elements = 1) {
    set_index(s, i, reg, s.gpr[reg] + step<T>(s) * elements);
}

/// How many elements fit, from `offset` up, before the page or the address size ends.
template <class T>
u64 run_length(const Instruction& i, Linear address, u64 offset) {
    const u64 to_page_end = (kPageSize - address.page_offset()) / sizeof(T);
    const u64 to_wrap = (i.address_mask() - offset) / sizeof(T);
    return std::min(to_page_end, to_wrap);
}

/// Copies `size` bytes to where the source still reaches, in rising order, so that what lies between repeats.
void repeat_upwards(u8* destination, const u8* source, std::size_t size) {
    const auto period = static_cast<std::size_t>(destination - source);
    for (std::size_t done = 0; done < size;) {
        const std::size_t part = std::min(period + done, size - done);  // what lies from `source` up to here
        std::memcpy(destination + done, source, part);
        done += part;
    }
}

/// Stores `value` `count` times.
template <class T>
void fill(u8* destination, T value, std::size_t count) {
    const auto byte = static_cast<u8>(value);
    if (value == static_cast<T>(u64{0x0101010101010101} * byte)) {
        std::memset(destination, byte, count * sizeof(T));
        return;
    }
    std::memcpy(destination, &value, sizeof(T));
    repeat_upwards(destination + sizeof(T), destination, (count - 1) * sizeof(T));
}

/// Runs may be copied whole: upwards, through flat segments, without alignment checks.
bool may_run(const Cpu& cpu) { return (cpu.state.flags & kFlagDirection) == 0 && !cpu.alignment_checks(); }

struct Movs {
    static constexpr bool kCompares = false;
    static constexpr bool kTruncatesRsi = true, kTruncatesRdi = true;
    template <class T>
    static void once(Cpu& cpu, const Instruction& i) {
        CpuState& s = cpu.state;
        const T value = cpu.read<T>(i.segment, index_of(s, i, kRsi));
        cpu.write<T>(kEs, index_of(s, i, kRdi), value);
        advance<T>(s, i, kRsi);
        advance<T>(s, i, kRdi);
    }
    /// Copies up to `count` elements; 0 when this place needs `once`.
    template <class T>
    static u64 many(Cpu& cpu, const Instruction& i, u64 count) {
        CpuState& s = cpu.state;
        const SegmentRegister& from_segment = s.segment[i.segment];
        const SegmentRegister& to_segment = s.segment[kEs];
        if (!may_run(cpu) || !from_segment.flat_read || !to_segment.flat_write) return 0;
        const u64 from_offset = index_of(s, i, kRsi);
        const u64 to_offset = index_of(s, i, kRdi);
        const Linear from = cpu.wrap_linear(from_segment.base + from_offset);
        const Linear to = cpu.wrap_linear(to_segment.base + to_offset);
        count = std::min({count, run_length<T>(i, from, from_offset), run_length<T>(i, to, to_offset)});
        if (count == 0) return 0;
        const auto size = static_cast<unsigned>(count * sizeof(T));
        const u8* source = cpu.mmu.fast_read(from, size, cpu.data_privilege());
        u8* destination = cpu.mmu.fast_write(to, size, cpu.data_privilege());
        if (source == nullptr || destination == nullptr) return 0;
        if (destination >= source + sizeof(T) && destination < source + size) {
            repeat_upwards(destination, source, size);
        } else if (destination > source && destination < source + size) {
            for (u64 element = 0; element < count; ++element) {
                T value;
                std::memcpy(&value, source + element * sizeof(T), sizeof(T));
                std::memcpy(destination + element * sizeof(T), &value, sizeof(T));
            }
        } else {
            std::memmove(destination, source, size);
        }
        advance<T>(s, i, kRsi, count);
        advance<T>(s, i, kRdi, count);
        return count;
    }
};

struct Stos {
    static constexpr bool kCompares = false;
    static constexpr bool kTruncatesRsi = false, kTruncatesRdi = true;
    template <class T>
    static void once(Cpu& cpu, const Instruction& i) {
        CpuState& s = cpu.state;
        cpu.write<T>(kEs, index_of(s, i, kRdi), get_register<T>(s, 0));
        advance<T>(s, i, kRdi);
    }
    template <class T>
    static u64 many(Cpu& cpu, const Instruction& i, u64 count) {
        CpuState& s = cpu.state;
        const SegmentRegister& segment = s.segment[kEs];
        if (!may_run(cpu) || !segment.flat_write) return 0;
        const u64 offset = index_of(s, i, kRdi);
        const Linear to = cpu.wrap_linear(segment.base + offset);
        count = std::min(count, run_length<T>(i, to, offset));
        if (count == 0) return 0;
        u8* destination = cpu.mmu.fast_write(to, static_cast<unsigned>(count * sizeof(T)), cpu.data_privilege());
        if (destination == nullptr) return 0;
        fill(destination, get_register<T>(s, 0), count);
        advance<T>(s, i, kRdi, count);
        return count;
    }
};

struct Lods {
    static constexpr bool kCompares = false;
    static constexpr bool kTruncatesRsi = false, kTruncatesRdi = false;
    template <class T>
    static void once(Cpu& cpu, const Instruction& i) {
        CpuState& s = cpu.state;
        set_register<T>(s, 0, cpu.read<T>(i.segment, index_of(s, i, kRsi)));
        advance<T>(s, i, kRsi);
    }
    template <class T>
    static u64 many(Cpu&, const Instruction&, u64) {
        return 0;
    }
};

struct Scas {
    static constexpr bool kCompares = true;
    static constexpr bool kTruncatesRsi = false, kTruncatesRdi = false;
    template <class T>
    static void once(Cpu& cpu, const Instruction& i) {
        CpuState& s = cpu.state;
        const T value = cpu.read<T>(kEs, index_of(s, i, kRdi));
        alu::Sub::apply(get_register<T>(s, 0), value, s.status);
        advance<T>(s, i, kRdi);
    }
    template <class T>
    static u64 many(Cpu&, const Instruction&, u64) {
        return 0;
    }
};

struct Cmps {
    static constexpr bool kCompares = true;
    static constexpr bool kTruncatesRsi = false, kTruncatesRdi = false;
    template <class T>
    static void once(Cpu& cpu, const Instruction& i) {
        CpuState& s = cpu.state;
        // As measured on processors: where both operands fault, the fault is the second's.
        const T second = cpu.read<T>(kEs, index_of(s, i, kRdi));
        const T first = cpu.read<T>(i.segment, index_of(s, i, kRsi));
        alu::Sub::apply(first, second, s.status);
        advance<T>(s, i, kRsi);
        advance<T>(s, i, kRdi);
    }
    template <class T>
    static u64 many(Cpu&, const Instruction&, u64) {
        return 0;
    }
};

template <class Op, class T>
void single(Cpu& cpu, const Instruction& i) {
    Op::template once<T>(cpu, i);
}

template <class Op, class T>
void repeated(Cpu& cpu, const Instruction& i) {
    CpuState& s = cpu.state;
    u64 count = index_of(s, i, kRcx);
    // With TF, a breakpoint or an interrupt due, one element at a time: each may be followed by its trap.
    // RF alone, as a fault handler's IRET leaves it, asks for no stop.
    const auto due = [&s] { return (s.attention & ~u32{kAttentionStep}) != 0 || s.step_armed; };
    u64 turn = due() ? 1 : debug_turn(cpu, kElementsPerTurn);
    const Status status = s.status;
    u64 code_changes = cpu.code_changes;
    // Once it is not told any more when its own bytes are written, it looks after each element. Where a turn ends is
    // counted, so it must not depend on what other code an engine holds.
    bool looks = false;
    const auto overwritten = [&] {
        if (!looks && cpu.code_changes == code_changes) return false;
        code_changes = cpu.code_changes;
        const Cpu::InFlight bytes = cpu.in_flight();
        looks = bytes != Cpu::InFlight::watched;
        return bytes == Cpu::InFlight::overwritten;
    };
    // As measured on a processor: 32-bit addresses clear bits 63:32 of the count, and of the pointers of MOVS and STOS,
    // even when the first element faults or there is none.
    if (i.address_size == 4) {
        set_index(s, i, kRcx, count);
        if constexpr (Op::kTruncatesRsi) set_index(s, i, kRsi, s.gpr[kRsi]);
        if constexpr (Op::kTruncatesRdi) set_index(s, i, kRdi, s.gpr[kRdi]);
    }
    while (count != 0) {
        u64 done = Op::template many<T>(cpu, i, looks ? 1 : std::min(count, turn));
        if (done == 0) {
            // A fault leaves the flags as they were before the first iteration (SDM vol. 2, REP).
            if constexpr (Op::kCompares) s.status = status;
            Op::template once<T>(cpu, i);
            done = 1;
        }
        count -= done;
        turn -= done;
        set_index(s, i, kRcx, count);
        if constexpr (Op::kCompares) {
            const bool zero = alu::condition_holds<4>(s.status);
            if (zero != (i.repeat == isa::RepeatPrefix::rep)) return;
        }
        const bool ended = overwritten();
        if (count != 0 && (turn == 0 || due() || ended)) {
            s.status = status;
            s.rip() = s.instruction_rip;
            // Events between elements save RF = 1 (SDM vol. 3, 18.3.1.1), and it holds until the last one. Written code
            // alone is no event.
            if (due() || !ended) {
                cpu.write_flags(kFlagResume, kFlagResume);
                s.resume_armed = false;
            }
            cpu.break_block();
            return;
        }
        if (count != 0 && !cpu.data_watches.empty()) {
            s.status = status;
            debug_between_elements(cpu, turn);
        }
    }
}

template <class Op>
struct StringMaker {
    template <class T>
    static Handler make() {
        return &single<Op, T>;
    }
};
template <class Op>
struct RepeatMaker {
    template <class T>
    static Handler make() {
        return &repeated<Op, T>;
    }
};

template <class Op>
Handler string(const Instruction& i, unsigned size) {
    if (i.repeat == isa::RepeatPrefix::none) return by_size<StringMaker<Op>>(size);
    return by_size<RepeatMaker<Op>>(size);
}

}  // namespace

Handler string_handler(const Instruction& instruction) {
    using isa::Mnemonic;
    switch (instruction.mnemonic) {
        case Mnemonic::Movsb:
            return string<Movs>(instruction, 1);
        case Mnemonic::Movsw:
            return string<Movs>(instruction, 2);
        case Mnemonic::Movsd:
            return string<Movs>(instruction, 4);
        case Mnemonic::Movsq:
            return string<Movs>(instruction, 8);
        case Mnemonic::Stosb:
            return string<Stos>(instruction, 1);
        case Mnemonic::Stosw:
            return string<Stos>(instruction, 2);
        case Mnemonic::Stosd:
            return string<Stos>(instruction, 4);
        case Mnemonic::Stosq:
            return string<Stos>(instruction, 8);
        case Mnemonic::Lodsb:
            return string<Lods>(instruction, 1);
        case Mnemonic::Lodsw:
            return string<Lods>(instruction, 2);
        case Mnemonic::Lodsd:
            return string<Lods>(instruction, 4);
        case Mnemonic::Lodsq:
            return string<Lods>(instruction, 8);
        case Mnemonic::Scasb:
            return string<Scas>(instruction, 1);
        case Mnemonic::Scasw:
            return string<Scas>(instruction, 2);
        case Mnemonic::Scasd:
            return string<Scas>(instruction, 4);
        case Mnemonic::Scasq:
            return string<Scas>(instruction, 8);
        case Mnemonic::Cmpsb:
            return string<Cmps>(instruction, 1);
        case Mnemonic::Cmpsw:
            return string<Cmps>(instruction, 2);
        case Mnemonic::Cmpsd:
            return string<Cmps>(instruction, 4);
        case Mnemonic::Cmpsq:
            return string<Cmps>(instruction, 8);
        default:
            return nullptr;
    }
}

}  // namespace bantam::interpreter
