// See instructions.h. Registers change only when the last access cannot fault any more, but those of repeated ones with
// each element. These are the host's where windows are used; elsewhere, and when they are long, the interpreter's,
// which does whole runs at once.
#include <algorithm>
#include <array>
#include <optional>

#include "jit/instructions.h"

namespace bantam::jit {
namespace {

using isa::Instruction;
using isa::Mnemonic;

struct StringOperation {
    Mnemonic bytes;  // those of words, doublewords and quadwords follow it
    bool loads;      // at RSI
    bool stores;     // at RDI
};
constexpr std::array kOperations{StringOperation{Mnemonic::Movsb, true, true},
                                 StringOperation{Mnemonic::Stosb, false, true},
                                 StringOperation{Mnemonic::Lodsb, true, false}};

/// The place of `mnemonic` among the four of `operation`, from 0; more: it is none.
unsigned size_log2(const StringOperation& operation, Mnemonic mnemonic) {
    return static_cast<unsigned>(mnemonic) - static_cast<unsigned>(operation.bytes);
}
static_assert(static_cast<unsigned>(Mnemonic::Movsq) == static_cast<unsigned>(Mnemonic::Movsb) + 3 &&
              static_cast<unsigned>(Mnemonic::Stosq) == static_cast<unsigned>(Mnemonic::Stosb) + 3 &&
              static_cast<unsigned>(Mnemonic::Lodsq) == static_cast<unsigned>(Mnemonic::Lodsb) + 3);

/// kSpare = DF ? -1 : 0
void load_direction(Emitter& e) {
    constexpr unsigned kDirectionBit = 10 - 8;  // of the byte
    x86::Assembler& a = e.assembler();
    a.movzx(kSpare.r32(), low_operand(reinterpret_cast<const u8*>(&e.state().flags) + 1));
    e.overwrite_addend();
    e.load_constant(kAddend, 63 - kDirectionBit);
    a.shlx(kSpare, kSpare, kAddend);
    e.load_constant(kAddend, 63);
    a.sarx(kSpare, kSpare, kAddend);
}

/// General register `guest`, as far as it is a pointer of `i`, += DF ? -size : size
void advance(Emitter& e, const Instruction& i, unsigned guest, unsigned size) {
    x86::Assembler& a = e.assembler();
    const x86::Gp reg = host_register(guest);
    const x86::Gp result = Emitter::sized(reg, i.address_size);
    const u32 shift = size == 1 ? 1 : size == 2 ? 2 : 3;
    a.lea(result, x86::ptr(reg, kSpare, shift, static_cast<i32>(size)));
    if (size == 8) a.lea(result, x86::ptr(reg, kSpare, shift));
}

/// Of flat segments without a base.
bool translate_repeated(Emitter& e, const Instruction& i, const StringOperation& operation) {
    if (!e.has(Optimisation::repeated_strings) || !operation.stores || !base_zero(e.key(), kEs)) return false;
    if (operation.loads && !base_zero(e.key(), i.segment)) return false;
    return e.repeat_string(operation.loads, 1u << size_log2(operation, i.mnemonic));
}

}  // namespace

bool translate_string(Emitter& e, const Instruction& i) {
    const auto* const operation = std::find_if(kOperations.begin(), kOperations.end(), [&i](const StringOperation& o) {
        return size_log2(o, i.mnemonic) <= 3;
    });
    if (operation == kOperations.end()) return false;
    if (!e.sixteen() && i.address_size != (e.wide() ? 8 : 4)) return false;
    if (operation->loads && !e.addressable(i.segment, MemoryUse::read)) return false;
    if (operation->stores && !e.addressable(kEs, MemoryUse::write)) return false;
    if (i.repeat != isa::RepeatPrefix::none) return translate_repeated(e, i, *operation);
    x86::Assembler& a = e.assembler();
    const unsigned size = 1u << size_log2(*operation, i.mnemonic);
    const x86::Gp accumulator = Emitter::sized(x86::rax, size);
    const x86::Gp value = operation->stores ? Emitter::sized(kSpare, size) : accumulator;
    if (operation->loads) {
        const x86::Mem from = e.pointer_operand(kRsi, i.address_size, i.segment, size, MemoryUse::read);
        a.mov(value, from);
    }
    if (operation->stores) {
        std::optional<SparedValue> loaded;
        if (operation->loads) loaded.emplace(e, kSpare);
        const x86::Mem to = e.pointer_operand(kRdi, i.address_size, kEs, size, MemoryUse::write);
        if (loaded) loaded->restore();
        a.mov(to, operation->loads ? value : accumulator);
    }
    load_direction(e);
    if (operation->loads) advance(e, i, kRsi, size);
    if (operation->stores) advance(e, i, kRdi, size);
    return true;
}

}  // namespace bantam::jit
