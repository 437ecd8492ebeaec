// See instructions.h. Repeated ones are the interpreter's: it does whole runs at once. Registers change only when the
// last access cannot fault any more.
#include "jit/instructions.h"

namespace bantam::jit {
namespace {

using isa::Instruction;
using isa::Mnemonic;

struct StringOperation {
    bool loads;   // at RSI
    bool stores;  // at RDI
    unsigned size;
};

std::optional<StringOperation> operation_of(const Instruction& i) {
    switch (i.mnemonic) {
        case Mnemonic::Movsb:
            return StringOperation{true, true, 1};
        case Mnemonic::Movsw:
            return StringOperation{true, true, 2};
        case Mnemonic::Movsd:
            return StringOperation{true, true, 4};
        case Mnemonic::Movsq:
            return StringOperation{true, true, 8};
        case Mnemonic::Stosb:
            return StringOperation{false, true, 1};
        case Mnemonic::Stosw:
            return StringOperation{false, true, 2};
        case Mnemonic::Stosd:
            return StringOperation{false, true, 4};
        case Mnemonic::Stosq:
            return StringOperation{false, true, 8};
        case Mnemonic::Lodsb:
            return StringOperation{true, false, 1};
        case Mnemonic::Lodsw:
            return StringOperation{true, false, 2};
        case Mnemonic::Lodsd:
            return StringOperation{true, false, 4};
        case Mnemonic::Lodsq:
            return StringOperation{true, false, 8};
        default:
            return std::nullopt;
    }
}

/// kSpare = DF ? -1 : 0
void load_direction(Emitter& e) {
    constexpr unsigned kDirectionBit = 10 - 8;  // of the byte
    x86::Assembler& a = e.assembler();
    a.movzx(kSpare.r32(), absolute(reinterpret_cast<const u8*>(&e.state().flags) + 1));
    e.load_constant(kAddend, 63 - kDirectionBit);
    a.shlx(kSpare, kSpare, kAddend);
    e.load_constant(kAddend, 63);
    a.sarx(kSpare, kSpare, kAddend);
}

/// `reg` += DF ? -size : size
void advance(Emitter& e, const x86::Gp& reg, unsigned size) {
    x86::Assembler& a = e.assembler();
    const x86::Gp result = Emitter::sized(reg, e.wide() ? 8 : 4);
    const u32 shift = size == 1 ? 1 : size == 2 ? 2 : 3;
    a.lea(result, x86::ptr(reg, kSpare, shift, static_cast<i32>(size)));
    if (size == 8) a.lea(result, x86::ptr(reg, kSpare, shift));
}

}  // namespace

bool translate_string(Emitter& e, const Instruction& i) {
    const std::optional<StringOperation> operation = operation_of(i);
    if (!operation || i.repeat != isa::RepeatPrefix::none || i.address_size != (e.wide() ? 8 : 4)) return false;
    if (operation->loads && !flat_read(e.key(), i.segment)) return false;
    if (operation->stores && !flat_write(e.key(), kEs)) return false;
    x86::Assembler& a = e.assembler();
    const unsigned size = operation->size;
    const x86::Gp accumulator = Emitter::sized(x86::rax, size);
    const x86::Gp value = operation->stores ? Emitter::sized(kSpare, size) : accumulator;
    if (operation->loads) {
        const x86::Mem from = e.pointer_operand(kRsi, i.segment, size, MemoryUse::read);
        a.mov(value, from);
    }
    if (operation->stores) {
        if (operation->loads) a.mov(absolute(&e.context().branch_target), kSpare);
        const x86::Mem to = e.pointer_operand(kRdi, kEs, size, MemoryUse::write);
        if (operation->loads) a.mov(kSpare, absolute(&e.context().branch_target));
        a.mov(to, operation->loads ? value : accumulator);
    }
    load_direction(e);
    if (operation->loads) advance(e, x86::rsi, size);
    if (operation->stores) advance(e, x86::rdi, size);
    return true;
}

}  // namespace bantam::jit
