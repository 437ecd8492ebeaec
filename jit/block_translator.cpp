#include "jit/block_translator.h"

#include <algorithm>
#include <span>

#include "cpu/isa/table.h"
#include "jit/instructions.h"

namespace bantam::jit {
namespace {

/// Whether `mnemonic` may mask or unmask floating-point exceptions (see key_of).
bool changes_exception_masks(isa::Mnemonic mnemonic) {
    switch (mnemonic) {
        case isa::Mnemonic::Fldcw:
        case isa::Mnemonic::Fldenv:
        case isa::Mnemonic::Fninit:
        case isa::Mnemonic::Fnsave:
        case isa::Mnemonic::Frstor:
        case isa::Mnemonic::Fxrstor:
        case isa::Mnemonic::Ldmxcsr:
        case isa::Mnemonic::Vldmxcsr:
        case isa::Mnemonic::Xrstor:
            return true;
        default:
            return false;
    }
}

bool uses_vectors(const interpreter::Block& block) {
    const auto code = std::span(block.code, block.count);
    return std::any_of(code.begin(), code.end(), [](const isa::Instruction& i) {
        return (isa::row_of(i).attributes & (isa::kSse | isa::kAvx)) != 0;
    });
}

void hand_over(Emitter& e, const isa::Instruction& i, Site& site) {
    const u32 attributes = isa::row_of(i).attributes;
    site.handed_over = true;
    site.leaves = (attributes & isa::kEndsBlock) != 0 || i.mnemonic == isa::Mnemonic::Invalid;
    site.changes_masks = changes_exception_masks(i.mnemonic);
    site.changes_key = (attributes & isa::kSegmentLoad) != 0 || site.changes_masks;
    e.hand_over();
}

/// An instruction that is no branch.
bool translate_straight(Emitter& e, const isa::Instruction& i) {
    const bool floating = (isa::row_of(i).attributes & (isa::kX87 | isa::kMmx)) != 0;
    return (e.has(Optimisation::native_integer) &&
            (translate_system(e, i) || translate_integer(e, i) || translate_string(e, i))) ||
           (e.has(Optimisation::native_stack) && translate_stack(e, i)) ||
           (e.has(Optimisation::native_integer) && translate_segment_register(e, i)) ||
           (e.has(floating ? Optimisation::x87 : Optimisation::vector) && translate_vector(e, i));
}

/// Whether the block ends in a jump to its own beginning.
bool turns(const Emitter& e, const Translation& translation) {
    const isa::Instruction& last = translation.block->code[translation.block->count - 1];
    if (last.operand_count == 0 || last.operands[0].kind != isa::OperandKind::relative) return false;
    u64 target = translation.next_rip_of(translation.block->count - 1) + last.immediate;
    if (!e.wide()) target &= 0xFFFFFFFF;
    return target == translation.rip;
}

/// A jump beyond the page's end may come to lead elsewhere. Telling the BlockWatch at the beginning of a turn
/// overwrites scratch registers.
bool may_loop(const Emitter& e, const Translation& translation) {
    return windowed(e.key()) && e.has(Optimisation::links) && e.has(Optimisation::loops) && !e.tells_block_watch() &&
           !e.leaves_page(translation.rip) && turns(e, translation);
}

void translate_instructions(Emitter& e, Translation& translation) {
    const interpreter::Block& block = *translation.block;
    bool open = true;  // execution can reach the end of what was written
    for (u32 k = 0; k < block.count; ++k) {
        const isa::Instruction& i = block.code[k];
        Site& site = e.begin_instruction(k);
        if (k == 0) e.tell_block_watch();
        const bool branch = (isa::row_of(i).attributes & isa::kBranch) != 0;
        if (branch) e.write_x87_pointer();
        // Even a native branch leaves when its memory operand needs the handler.
        if (branch) site.leaves = true;
        if (branch && e.has(Optimisation::native_branches) && translate_branch(e, i, site)) {
            open = false;
        } else if (branch || !translate_straight(e, i)) {
            hand_over(e, i, site);
            open = !site.leaves;
        }
        e.end_instruction();
    }
    if (open) {
        e.write_x87_pointer();
        e.settle_stack();
        e.jump(translation.next_rip_of(block.count - 1));
    }
}

}  // namespace

bool translate_block(const Emitter::Target& target, Translation& translation) {
    const interpreter::Block& block = *translation.block;
    // At the end of the canonical addresses the interpreter finds out what fetching the next instruction raises.
    if (is_64bit(translation.key) && !target.cpu.canonical(translation.rip + block.bytes)) return false;
    // What happens at the end of the segment, or beyond, is the interpreter's business too.
    if (is_16bit(translation.key) && translation.rip + block.bytes > kTopOffset) return false;
    Emitter e(target, translation);
    if (may_loop(e, translation)) e.allow_loop();
    e.enter_block(block.count, uses_vectors(block));
    translate_instructions(e, translation);
    if (e.has_loop()) {
        e.begin_loop(block.count);
        translate_instructions(e, translation);
    }
    return e.finish();
}

}  // namespace bantam::jit
