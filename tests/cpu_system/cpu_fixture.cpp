// See cpu_fixture.h.
#include "cpu_fixture.h"

#include "cpu/isa/decoder.h"
#include "cpu/system/handlers.h"
#include "cpu/system/segmentation.h"

namespace bantam {

CpuFixture::CpuFixture(const char* name) : model(Model::find(name).value()) {
    memory = std::move(PhysicalMemory::create(u64{4} << 20).value());
    cpu = std::make_unique<Cpu>(model, *memory, board);
    cpu->state.deadline = ~u64{0};
}

u64 CpuFixture::descriptor(u32 base, u32 limit, u8 access, u8 flags) {
    return u64{limit & 0xFFFF} | u64{base & 0xFFFFFF} << 16 | u64{access} << 40 | u64{limit >> 16 & 0xF} << 48 |
           u64{flags} << 52 | u64{base >> 24} << 56;
}

void CpuFixture::gate64(u8 vector, u16 selector, u64 offset, u8 access, u8 ist) {
    poke64(kIdt + 16u * vector, (offset & 0xFFFF) | u64{selector} << 16 | u64{ist} << 32 | u64{access} << 40 |
                                    (offset >> 16 & 0xFFFF) << 48);
    poke64(kIdt + 16u * vector + 8, offset >> 32);
}

void CpuFixture::enter_protected() {
    gdt(kCode0, descriptor(0, 0xFFFFF, 0x9B, 0xC));
    gdt(kData0, descriptor(0, 0xFFFFF, 0x93, 0xC));
    gdt(kCode3, descriptor(0, 0xFFFFF, 0xFB, 0xC));
    gdt(kData3, descriptor(0, 0xFFFFF, 0xF3, 0xC));
    gdt(kTssSelector, descriptor(kTss, 0x67, 0x8B, 0));
    gdt(kCode64, descriptor(0, 0xFFFFF, 0x9B, 0xA));
    s().gdtr = {kGdt, 0xFF};
    s().idtr = {kIdt, 0x7FF};
    s().cr0 |= 1;
    s().cpl = 0;
    s().tr = {.selector = kTssSelector, .attributes = 0x8B, .limit = 0x67, .hidden_base = kTss};
    poke32(kTss + 4, kStack0);
    poke16(kTss + 8, kData0);
    poke16(kTss + 102, 0x68);  // I/O map beyond the limit
    cpu->set_segment(kCs, kCode0, 0, 0xFFFFFFFF, 0xC09B);
    for (const unsigned n : {kEs, kSs, kDs, kFs, kGs}) cpu->set_segment(n, kData0, 0, 0xFFFFFFFF, 0xC093);
    cpu->update_mode();
    s().rip() = kCode;
    s().gpr[kRsp] = kStack0;
}

void CpuFixture::enter_long() {
    enter_protected();
    poke64(0x10000, 0x11007);
    poke64(0x11000, 0x12007);
    for (u64 n = 0; n < 512; ++n) poke64(0x12000 + 8 * n, n << 21 | 0x87);
    s().cr3 = 0x10000;
    s().cr4 = 0x20;
    s().efer = 0x500;
    s().cr0 |= 0x80000000;
    gdt(kTssSelector, descriptor(kTss, 0x67, 0x8B, 0));
    gdt(kTssSelector + 8, 0);
    gdt(0x40, descriptor(0, 0xFFFFF, 0x9B, 0xA));
    gdt(0x48, descriptor(0, 0xFFFFF, 0xFB, 0xA));
    s().idtr = {kIdt, 0xFFF};
    cpu->set_segment(kCs, 0x40, 0, 0xFFFFFFFF, 0xA09B);
    cpu->update_mode();
    poke64(kTss + 4, kStack0);
}

void CpuFixture::set_cpl3() {
    s().cpl = 3;
    const bool wide = cpu->code64();
    cpu->set_segment(kCs, wide ? 0x4B : kCode3, 0, 0xFFFFFFFF, wide ? 0xA0FB : 0xC0FB);
    for (const unsigned n : {kEs, kSs, kDs, kFs, kGs}) cpu->set_segment(n, kData3, 0, 0xFFFFFFFF, 0xC0F3);
    cpu->update_mode();
    s().gpr[kRsp] = kStack3;
}

void CpuFixture::enter_v86(unsigned iopl) {
    s().set_eflags(kFlagVm | kFlagReserved1 | iopl << 12);
    s().cpl = 3;
    cpu->update_mode();
    for (unsigned n = 0; n < kSegmentCount; ++n) load_segment_real(*cpu, n, n == kCs ? 0x800 : 0x600);
    cpu->update_mode();
    s().rip() = 0;
    s().gpr[kRsp] = 0x1000;
}

Raised CpuFixture::run(std::initializer_list<u8> bytes) {
    const std::vector<u8> code(bytes);
    memory->copy_in({cpu->wrap_linear(s().segment[kCs].base + s().rip()).value}, code);
    isa::Instruction instruction;
    if (isa::decode(code, cpu->decode_mode(), instruction) != isa::DecodeStatus::ok) {
        return {Exception{.vector = Vector::invalid_opcode}};
    }
    const isa::Handler handler = system_handler(instruction);
    if (handler == nullptr) {
        ADD_FAILURE() << "no handler";
        return {};
    }
    s().instruction_rip = s().rip();
    s().rip() += instruction.length;
    Raised raised = guarded([&] { handler(*cpu, instruction); });
    if (!raised.none()) s().rip() = s().instruction_rip;
    return raised;
}

}  // namespace bantam
