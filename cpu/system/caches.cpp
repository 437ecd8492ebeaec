// INVLPG, INVPCID, INVD, WBINVD, CLFLUSH, CLFLUSHOPT (SDM vol. 2). There is no cache to flush: what remains are the
// checks.
#include "cpu/system/handlers.h"
#include "cpu/system/operands.h"

namespace bantam::handlers {

void invlpg(Cpu& cpu, const isa::Instruction& i) {
    require_cpl0(cpu);
    const Linear address = cpu.wrap_linear(cpu.state.segment[i.segment].base + cpu.effective_address(i));
    if (cpu.canonical(address.value)) cpu.mmu.flush_page(address);
}

void invpcid(Cpu& cpu, const isa::Instruction& i) {
    require_cpl0(cpu);
    const u64 type = read_gpr(cpu, i.operands[0]);
    const u64 offset = cpu.effective_address(i);
    const u64 pcid = cpu.read<u64>(i.segment, offset);
    const u64 address = cpu.read<u64>(i.segment, (offset + 8) & i.address_mask());
    if (type > 3 || pcid > 0xFFF) cpu.raise(Vector::general_protection, 0);
    const bool pcid_off = !bit(cpu.state.cr4, 17);
    if (type < 2 && pcid_off && pcid != 0) cpu.raise(Vector::general_protection, 0);
    if (type == 0 && !cpu.canonical(address)) cpu.raise(Vector::general_protection, 0);
    if (type == 0) {
        cpu.mmu.flush_page(cpu.wrap_linear(address));
    } else if (type == 2) {
        cpu.mmu.flush_all();
    } else {
        cpu.mmu.flush_non_global();
    }
}

void invalidate_caches(Cpu& cpu, const isa::Instruction&) { require_cpl0(cpu); }

void clflush(Cpu& cpu, const isa::Instruction& i) {
    const u64 offset = cpu.effective_address(i);
    const Linear address = cpu.linear_for_read(i.segment, offset, 1);
    if (!cpu.canonical(address.value)) cpu.raise_segment_limit(i.segment);
    // Faults like a load of the byte, without loading it: it may be a device register.
    const Privilege privilege = cpu.data_privilege();
    const Translation t = translate(cpu.mmu.memory(), cpu.mmu.controls(), address, AccessType::read, privilege);
    if (!t.ok) cpu.raise_page_fault({address, t.error_code});
}

}  // namespace bantam::handlers
