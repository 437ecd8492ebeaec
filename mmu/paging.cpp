#include "mmu/paging.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"

namespace bantam {
namespace {

/// Bits of paging-structure entries (SDM vol. 3, tables 4-5 to 4-20); the same in every format.
enum EntryBit : u64 {
    kPresent = 1u << 0,
    kWritable = 1u << 1,
    kUser = 1u << 2,
    kAccessed = 1u << 5,
    kDirty = 1u << 6,
    kPageSizeBit = 1u << 7,  // in entries that may map a page
    kPtePat = 1u << 7,       // in PTEs
    kGlobal = 1u << 8,
    kLargePat = 1u << 12,
    kExecuteDisable = u64{1} << 63,
};

/// Bits [low, high] set; none when low > high.
constexpr u64 bit_range(unsigned low, unsigned high) {
    return low > high ? 0 : (~u64{0} >> (63 - high)) & (~u64{0} << low);
}

struct Step {
    Physical address{};
    u64 value = 0;
};

/// What walking the tables found, before rights are looked at.
struct Walk {
    enum class Outcome { mapped, not_present, reserved } outcome = Outcome::mapped;
    std::array<Step, 4> steps{};  // entries read, root first; the last is the leaf
    unsigned count = 0;
    u64 rights = kWritable | kUser;  // AND of R/W and U/S over the levels
    bool execute_disable = false;    // OR of XD
    u64 base = 0;
    u64 page_bytes = kPageSize;
};

constexpr unsigned kPageShift = 12;

/// Reads entries through `Memory`: PhysicalMemory for the CPU, const PhysicalMemory for the debugger.
template <class Memory>
u64 read_entry(Memory& memory, Physical address, unsigned size) {
    if (const u8* host = memory.plain_ram(address)) {
        u64 value = 0;
        std::memcpy(&value, host, size);
        return value;
    }
    if constexpr (std::is_const_v<Memory>) {
        return memory.peek(address, size);
    } else {
        return memory.read(address, size);
    }
}

/// Bits that must be 0 in a present 32-bit PDE or PTE (SDM vol. 3, 4.3): only CR4.PSE = 1 makes any bit reserved.
u64 reserved_32bit(const PagingControls& c, bool page_directory, bool large) {
    if (!c.pse) return 0;
    const u64 no_pat = c.pat ? 0 : u64{large ? kLargePat : kPtePat};
    if (!page_directory) return no_pat;
    if (!large) return 0;
    const unsigned address_bits = c.pse36 ? std::min<unsigned>(40, c.physical_bits) : 32;
    return bit_range(std::max(address_bits, 32u) - 19, 21) | no_pat;
}

template <class Memory>
Walk walk_32bit(Memory& memory, const PagingControls& c, u64 linear) {
    Walk walk;
    Physical table{c.cr3 & 0xFFFFF000};
    for (const bool page_directory : {true, false}) {
        const Physical at = table + ((linear >> (page_directory ? 22 : 12)) & 0x3FF) * 4;
        const u64 entry = read_entry(memory, at, 4);
        walk.steps[walk.count++] = {at, entry};
        if ((entry & kPresent) == 0) {
            walk.outcome = Walk::Outcome::not_present;
            return walk;
        }
        const bool large = page_directory && c.pse && (entry & kPageSizeBit) != 0;
        if ((entry & reserved_32bit(c, page_directory, large)) != 0) {
            walk.outcome = Walk::Outcome::reserved;
            return walk;
        }
        walk.rights &= entry;
        if (large) {
            walk.page_bytes = u64{4} << 20;
            walk.base = (entry & 0xFFC00000) | (c.pse36 ? (entry & bit_range(13, 20)) << 19 : 0);
            return walk;
        }
        table = {entry & 0xFFFFF000};
    }
    walk.base = table.value;
    return walk;
}

/// PAE and 4-level entries are 8 bytes and differ from level 2 (page directory) down only in their reserved bits.
/// `level` counts the tables still to walk, this one included: 4 PML4, 3 PDPT, 2 PD, 1 PT.
u64 reserved_64bit(const PagingControls& c, unsigned level, bool large) {
    u64 reserved = bit_range(c.physical_bits, c.long_mode ? 51 : 62);
    if (!c.nx) reserved |= kExecuteDisable;
    if (level == 4 || (level == 3 && !c.page1gb)) reserved |= kPageSizeBit;
    if (large) reserved |= bit_range(13, level == 3 ? 29 : 20);
    if (!c.pat && !c.long_mode && (large || level == 1)) reserved |= large ? kLargePat : kPtePat;
    return reserved;
}

template <class Memory>
void walk_64bit(Memory& memory, const PagingControls& c, u64 linear, u64 table, unsigned level, Walk& walk) {
    const u64 address_bits = bit_range(kPageShift, c.physical_bits - 1u);
    for (;; --level) {
        const unsigned shift = kPageShift + 9 * (level - 1);
        const Physical at{table + ((linear >> shift) & 0x1FF) * 8};
        const u64 entry = read_entry(memory, at, 8);
        walk.steps[walk.count++] = {at, entry};
        if ((entry & kPresent) == 0) {
            walk.outcome = Walk::Outcome::not_present;
            return;
        }
        const bool large = (level == 2 || (level == 3 && c.page1gb)) && (entry & kPageSizeBit) != 0;
        if ((entry & reserved_64bit(c, level, large)) != 0) {
            walk.outcome = Walk::Outcome::reserved;
            return;
        }
        walk.rights &= entry;
        walk.execute_disable |= (entry & kExecuteDisable) != 0;
        if (large || level == 1) {
            walk.page_bytes = u64{1} << shift;
            walk.base = entry & address_bits & ~(walk.page_bytes - 1);
            return;
        }
        table = entry & address_bits;
    }
}

template <class Memory>
Walk walk_tables(Memory& memory, const PagingControls& c, Linear address) {
    if (!c.pae) return walk_32bit(memory, c, address.value & 0xFFFFFFFF);
    Walk walk;
    if (c.long_mode) {
        walk_64bit(memory, c, address.value, c.cr3 & bit_range(kPageShift, c.physical_bits - 1u), 4, walk);
        return walk;
    }
    const u64 linear = address.value & 0xFFFFFFFF;
    const u64 pdpte = c.pdpte[linear >> 30];
    if ((pdpte & kPresent) == 0) {
        walk.outcome = Walk::Outcome::not_present;
        return walk;
    }
    walk_64bit(memory, c, linear, pdpte & bit_range(kPageShift, c.physical_bits - 1u), 2, walk);
    return walk;
}

struct Rights {
    bool read = false;
    bool write = false;
    bool execute = false;

    [[nodiscard]] bool allow(AccessType type) const {
        if (type == AccessType::write) return write;
        return type == AccessType::read ? read : execute;
    }
};

/// SDM vol. 3, 4.6.1.
Rights rights_of(const Walk& walk, const PagingControls& c, Privilege privilege) {
    const bool user_page = (walk.rights & kUser) != 0;
    const bool writable = (walk.rights & kWritable) != 0;
    const bool executable = !(c.nx && walk.execute_disable);
    if (privilege == Privilege::user) return {user_page, user_page && writable, user_page && executable};
    const bool data = !(user_page && c.smap && privilege == Privilege::supervisor);
    return {data, data && (writable || !c.write_protect), executable && !(user_page && c.smep)};
}

u32 error_code(const PagingControls& c, AccessType type, Privilege privilege, u32 cause) {
    u32 code = cause;
    if (type == AccessType::write) code |= kPfWrite;
    if (privilege == Privilege::user) code |= kPfUser;
    if (type == AccessType::execute && (c.smep || (c.pae && c.nx))) code |= kPfFetch;
    return code;
}

/// Sets A in every entry used and D in the leaf of a write. False: an entry changed since it was read.
bool set_accessed_and_dirty(PhysicalMemory& memory, const PagingControls& c, Walk& walk, bool write) {
    for (unsigned i = 0; i < walk.count; ++i) {
        Step& step = walk.steps[i];
        const u64 wanted = step.value | kAccessed | (write && i + 1 == walk.count ? u64{kDirty} : 0);
        if (wanted == step.value) continue;
        if (!memory.exchange(step.address, c.pae ? 8 : 4, step.value, wanted)) return false;
        step.value = wanted;
    }
    return true;
}

Translation untranslated(Linear address) {
    return {
        .ok = true, .address = {address.value & 0xFFFFFFFF}, .may_read = true, .may_write = true, .may_execute = true};
}

Translation translation_of(const Walk& walk, const Rights& rights, const PagingControls& controls, Linear address) {
    const u64 leaf = walk.steps[walk.count - 1].value;
    return {.ok = true,
            .address = {walk.base | (address.value & (walk.page_bytes - 1))},
            .global = controls.pge && (leaf & kGlobal) != 0,
            .large = walk.page_bytes != kPageSize,
            .may_read = rights.read,
            .may_write = rights.write && (leaf & kDirty) != 0,
            .may_execute = rights.execute,
            .page_bytes = walk.page_bytes};
}

}  // namespace

Translation translate(PhysicalMemory& memory, const PagingControls& controls, Linear address, AccessType type,
                      Privilege privilege) {
    if (!controls.paging) return untranslated(address);
    for (;;) {
        Walk walk = walk_tables(memory, controls, address);
        if (walk.outcome != Walk::Outcome::mapped) {
            const u32 cause = walk.outcome == Walk::Outcome::reserved ? kPfPresent | kPfReserved : 0;
            return {.error_code = error_code(controls, type, privilege, cause)};
        }
        const Rights rights = rights_of(walk, controls, privilege);
        if (!rights.allow(type)) return {.error_code = error_code(controls, type, privilege, kPfPresent)};
        if (!set_accessed_and_dirty(memory, controls, walk, type == AccessType::write)) continue;
        return translation_of(walk, rights, controls, address);
    }
}

Translation peek_translation(const PhysicalMemory& memory, const PagingControls& controls, Linear address) {
    if (!controls.paging) return untranslated(address);
    const Walk walk = walk_tables(memory, controls, address);
    if (walk.outcome != Walk::Outcome::mapped) {
        return {.error_code = walk.outcome == Walk::Outcome::reserved ? u32{kPfPresent | kPfReserved} : 0};
    }
    return translation_of(walk, rights_of(walk, controls, Privilege::supervisor_smap_lifted), controls, address);
}

bool load_pdptes(PhysicalMemory& memory, u64 cr3, u8 physical_bits, std::array<u64, 4>& pdpte) {
    const u64 reserved = bit_range(1, 2) | bit_range(5, 8) | bit_range(physical_bits, 63);
    std::array<u64, 4> loaded{};
    for (unsigned i = 0; i < loaded.size(); ++i) {
        loaded[i] = memory.read(Physical{cr3 & 0xFFFFFFE0} + 8 * i, 8);
        if ((loaded[i] & kPresent) != 0 && (loaded[i] & reserved) != 0) return false;
    }
    pdpte = loaded;
    return true;
}

}  // namespace bantam
