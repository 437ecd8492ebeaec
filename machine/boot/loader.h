// Kernel loading without firmware: what a boot loader hands to the processor, and the choice of protocol by the image.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "mmu/physical_memory.h"

namespace bantam::boot {

/// The processor as the kernel's entry point expects it. CS and DS = ES = SS = FS = GS are flat, interrupts are off,
/// EFLAGS is 2. Registers not named are 0.
struct EntryState {
    enum class Mode {
        protected32,  // CR0.PE; no paging
        long64,       // CR0.PE and PG, CR4.PAE, EFER.LME and LMA, CR3 = cr3; CS is 64-bit code
    };
    Mode mode = Mode::protected32;
    u64 rip = 0, rax = 0, rbx = 0, rsi = 0, rsp = 0;
    u64 cr3 = 0;
    u64 gdt_base = 0;  // in guest memory, holding the descriptors that cs and ds select
    u16 gdt_limit = 0;
    u16 cs = 0, ds = 0;
};

struct Module {
    std::string name;  // file name, for messages and the module's string
    std::string arguments;
    std::vector<u8> contents;
};

struct KernelImage {
    std::string name;  // file name, for messages
    std::vector<u8> contents;
    std::string command_line;
    std::optional<Module> initrd;  // Linux only
    std::vector<Module> modules;   // multiboot only
    bool long_mode = false;        // the processor has it
    u64 rsdp = 0;                  // physical address of the ACPI RSDP; 0: no ACPI tables
    std::vector<u8> apm_table;     // by install_apm_bios; empty: no APM BIOS
};

/// Largest kernel, initrd or module taken.
inline constexpr u64 kMaxImageBytes = u64{1} << 30;

/// Loads `image` by the protocol it follows (Linux/x86 boot protocol or multiboot 1). Errors: bad_input naming the file
/// and what is wrong with it; usage when it does not fit this machine (memory, processor).
Result<EntryState> load_kernel(PhysicalMemory& memory, const KernelImage& image);

/// Writes a GDT of flat segments at low_memory::kGdt and points `entry` at it: selector 8 unused, 10h code (64-bit in
/// long64), 18h data.
void write_flat_gdt(PhysicalMemory& memory, EntryState& entry);

/// Shorthand for the errors of loaders.
Error bad_image(const std::string& name, const std::string& cause);
Error does_not_fit(const std::string& name, const std::string& cause);

}  // namespace bantam::boot
