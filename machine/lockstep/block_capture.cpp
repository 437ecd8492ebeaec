#include "machine/lockstep/block_capture.h"

#include <algorithm>

#include "cpu/isa/table.h"
#include "jit/records.h"

namespace bantam::lockstep {
namespace {

constexpr u64 kLargestOperand = 64;
constexpr u64 kSaveArea = 832;  // FXSAVE and XSAVE: legacy region, header, AVX

bool uses_stack(const isa::Instruction& i) {
    using isa::Mnemonic;
    switch (i.mnemonic) {
        case Mnemonic::Push:
        case Mnemonic::Pop:
        case Mnemonic::Call:
        case Mnemonic::Ret:
        case Mnemonic::Leave:
        case Mnemonic::Enter:
            return true;
        default:
            return (isa::row_of(i).attributes & isa::kEndsBlock) != 0;
    }
}

}  // namespace

void BlockCapture::begin(Cpu& cpu, const interpreter::Block& block, std::optional<jit::Key> key) {
    before_ = cpu.state;
    key_ = key;
    code_size_ = cpu.code_size();
    linear_ = cpu.wrap_linear(cpu.state.segment[kCs].base + cpu.state.rip());
    bytes_.resize(block.bytes);
    cpu.mmu.memory().copy_out(block.start, bytes_);
    code_.assign(block.code, block.code + block.count);
    memory_.clear();
    host_address_ = 0;
    host_code_.clear();
}

void BlockCapture::note_memory(Cpu& cpu, const CpuState& registers, std::size_t index) {
    if (index >= code_.size()) return;
    const isa::Instruction& i = code_[index];
    const u32 attributes = isa::row_of(i).attributes;
    const auto& gpr = registers.gpr;
    if (const isa::Operand* operand = i.memory_operand(); operand != nullptr && (attributes & isa::kVsib) == 0) {
        const u64 base = i.base == isa::kSlotRip ? before_.rip() + i.next_offset : gpr[i.base];
        const u64 offset = (base + (gpr[i.index] << i.scale) + static_cast<u64>(i.displacement)) & i.address_mask();
        keep(cpu, registers.segment[i.segment].base + offset, operand->size != 0 ? operand->size : kSaveArea);
    }
    if ((attributes & isa::kString) != 0) {
        keep(cpu, registers.segment[i.segment].base + (gpr[kRsi] & i.address_mask()), kLargestOperand);
        keep(cpu, registers.segment[kEs].base + (gpr[kRdi] & i.address_mask()), kLargestOperand);
    }
    if (uses_stack(i)) {
        const u64 top = registers.segment[kSs].base + (gpr[kRsp] & cpu.stack_mask());
        keep(cpu, top - kLargestOperand, 2 * kLargestOperand);
        keep(cpu, registers.segment[kSs].base + (gpr[kRbp] & cpu.stack_mask()), 8);
    }
}

void BlockCapture::keep(Cpu& cpu, u64 linear, u64 size) {
    for (u64 at = linear - linear % kGranule; at < linear + size; at += kGranule) {
        const u64 address = cpu.wrap_linear(at).value;
        if (memory_.contains(address)) continue;
        const Translation found = peek_translation(cpu.mmu.memory(), cpu.mmu.controls(), {address});
        if (!found.ok) continue;
        std::array<u8, kGranule>& bytes = memory_[address];
        cpu.mmu.memory().copy_out(cpu.mmu.memory().gated(found.address), bytes);
    }
}

void BlockCapture::note_host_code(const interpreter::Block& block) {
    if (!host_code_.empty()) return;
    for (const jit::Translation* t = block.translations; t != nullptr; t = t->next) {
        if (t->rip != before_.rip() || t->code_bytes == 0) continue;
        if (!key_ || (t->key != *key_ && t->key != jit::with_windows(*key_))) continue;
        host_address_ = t->code;
        const auto* const code = reinterpret_cast<const u8*>(t->code);
        host_code_.assign(code, code + t->code_bytes);
        return;
    }
}

}  // namespace bantam::lockstep
