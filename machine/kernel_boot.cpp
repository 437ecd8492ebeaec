#include "machine/kernel_boot.h"

#include <fmt/format.h>

#include "base/file.h"
#include "machine/boot/apm_bios.h"
#include "machine/boot/mp_table.h"

namespace bantam {
namespace {

constexpr u64 kCr0Protection = 1, kCr0ExtensionType = 0x10, kCr0Paging = u64{1} << 31;
constexpr u64 kCr4Pae = 0x20;
constexpr u64 kEferLongModeEnable = 0x100, kEferLongModeActive = 0x400;
// Descriptor attributes: present, accessed, ring 0, 4 KiB granularity.
constexpr u16 kCode32 = 0xC09B, kCode64 = 0xA09B, kData32 = 0xC093;
constexpr u32 kFlatLimit = 0xFFFFFFFF;

Result<boot::Module> read_module(const std::string& path, const std::string& arguments) {
    Result<std::vector<u8>> contents = read_file(path, boot::kMaxImageBytes);
    if (!contents) return contents.error();
    return boot::Module{path, arguments, std::move(contents.value())};
}

}  // namespace

Result<KernelBoot> KernelBoot::open(const MachineConfig& config, bool long_mode) {
    KernelBoot boot;
    Result<std::vector<u8>> kernel = read_file(config.kernel, boot::kMaxImageBytes);
    if (!kernel) return kernel.error();
    boot.image_.name = config.kernel;
    boot.image_.contents = std::move(kernel.value());
    boot.image_.command_line = config.append;
    boot.image_.long_mode = long_mode;
    if (!config.initrd.empty()) {
        Result<boot::Module> initrd = read_module(config.initrd, "");
        if (!initrd) return initrd.error();
        boot.image_.initrd = std::move(initrd.value());
    }
    for (const ModuleConfig& module : config.modules) {
        Result<boot::Module> read = read_module(module.path, module.arguments);
        if (!read) return read.error();
        boot.image_.modules.push_back(std::move(read.value()));
    }
    return boot;
}

Result<void> KernelBoot::start(Cpu& cpu, PhysicalMemory& memory, const boot::BoardDescription& board) {
    image_.rsdp = boot::install_acpi_tables(memory, board).value;
    boot::install_mp_table(memory, board);
    constexpr u16 kPm1aControl = 4;  // in the PM register window
    image_.apm_table = boot::install_apm_bios(memory, static_cast<u16>(board.pm_base + kPm1aControl));
    const Result<boot::EntryState> entry = boot::load_kernel(memory, image_);
    if (!entry) return entry.error();
    enter(cpu, entry.value());
    return {};
}

void enter(Cpu& cpu, const boot::EntryState& entry) {
    CpuState& state = cpu.state;
    const bool long64 = entry.mode == boot::EntryState::Mode::long64;
    state.gpr = {};
    state.rip() = entry.rip;
    state.gpr[kRax] = entry.rax;
    state.gpr[kRbx] = entry.rbx;
    state.gpr[kRsi] = entry.rsi;
    state.gpr[kRsp] = entry.rsp;
    state.set_eflags(kFlagReserved1);
    state.gdtr = {entry.gdt_base, entry.gdt_limit};
    state.idtr = {0, 0};
    state.cr0 = kCr0Protection | kCr0ExtensionType | (long64 ? kCr0Paging : 0);
    state.cr3 = entry.cr3;
    state.cr4 = long64 ? kCr4Pae : 0;
    state.efer = long64 ? kEferLongModeEnable | kEferLongModeActive : 0;
    cpu.update_mode();
    cpu.set_segment(kCs, entry.cs, 0, kFlatLimit, long64 ? kCode64 : kCode32);
    for (const unsigned segment : {kEs, kSs, kDs, kFs, kGs}) cpu.set_segment(segment, entry.ds, 0, kFlatLimit, kData32);
    cpu.update_mode();
}

}  // namespace bantam
