// Paging: linear to physical by the guest's page tables (SDM vol. 3, chapter 4): none, 32-bit (with PSE), PAE, 4-level;
// rights, A and D bits, reserved bits, error codes. Pure function of the controls and memory; caches nothing.
#pragma once

#include <array>

#include "base/types.h"
#include "mmu/physical_memory.h"

namespace bantam {

/// The controls that decide a translation, copied from CR0, CR3, CR4, EFER and the CPU model.
struct PagingControls {
    bool paging = false;                                                                   // CR0.PG
    bool write_protect = false;                                                            // CR0.WP
    bool pse = false, pae = false, pge = false, smep = false, smap = false, pcid = false;  // CR4
    bool long_mode = false;                                                                // EFER.LMA
    bool nx = false;                                                                       // EFER.NXE
    bool pse36 = false;     // model: 36-bit physical addresses in 4 MiB pages
    bool pat = true;        // model: the page attribute table, else its bits in entries are reserved
    bool page1gb = false;   // model
    u8 physical_bits = 36;  // model: MAXPHYADDR
    u64 cr3 = 0;
    std::array<u64, 4> pdpte{};  // PAE: the PDPTE registers, loaded by MOV CR3 (SDM vol. 3, 4.4.1)

    bool operator==(const PagingControls&) const = default;
};

enum class AccessType : u8 { read, write, execute };

/// In whose name an access is made: decides U/S, SMAP.
enum class Privilege : u8 {
    supervisor,              // CPL < 3, or implicit (descriptor tables, TSS); SMAP applies
    supervisor_smap_lifted,  // explicit, CPL < 3, EFLAGS.AC = 1
    user,                    // CPL = 3
};

/// Page-fault error code bits (SDM vol. 3, 4.7).
enum PageFaultBit : u32 { kPfPresent = 1, kPfWrite = 2, kPfUser = 4, kPfReserved = 8, kPfFetch = 16 };

struct Translation {
    bool ok = false;
    u32 error_code = 0;        // when !ok
    Physical address{};        // of the byte asked for (before the A20 gate)
    bool global = false;       // G set and CR4.PGE
    bool large = false;        // from a 2 MiB, 4 MiB or 1 GiB page
    bool may_read = false;     // a read with the same privilege would succeed
    bool may_write = false;    // a write with the same privilege would succeed and D is already set
    bool may_execute = false;  // a fetch with the same privilege would succeed
    u64 page_bytes = kPageSize;
};

/// Translates and, when allowed, sets A (and D for writes) in the tables with the locked semantics of SDM vol. 3, 4.8.
Translation translate(PhysicalMemory& memory, const PagingControls& controls, Linear address, AccessType type,
                      Privilege privilege);

/// The same without side effects, for debugger and `info mem`: rights are not checked, A and D not set.
Translation peek_translation(const PhysicalMemory& memory, const PagingControls& controls, Linear address);

/// Loads the four PAE PDPTE registers from CR3; false when a reserved bit is set: #GP(0).
bool load_pdptes(PhysicalMemory& memory, u64 cr3, u8 physical_bits, std::array<u64, 4>& pdpte);

}  // namespace bantam
