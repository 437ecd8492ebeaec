#include "tests/mmu/reference_walker.h"

namespace bantam::test {
namespace {

bool bit(u64 value, unsigned number) { return ((value >> number) & 1) != 0; }

bool any_bit(u64 value, unsigned low, unsigned high) {
    for (unsigned i = low; i <= high; ++i) {
        if (bit(value, i)) return true;
    }
    return false;
}

u64 field(u64 value, unsigned low, unsigned high) {
    u64 result = 0;
    for (unsigned i = low; i <= high; ++i) {
        if (bit(value, i)) result |= u64{1} << i;
    }
    return result;
}

struct Attempt {
    PhysicalMemory& memory;
    const PagingControls& c;
    u64 linear;
    AccessType type;
    Privilege privilege;
    ReferenceResult result{};
    bool all_writable = true;
    bool all_user = true;
    bool any_xd = false;
    std::vector<ReferenceResult::Change> used{};

    ReferenceResult fail(bool present, bool reserved) {
        result.ok = false;
        result.error_code = (present ? 1u : 0u) | (reserved ? 8u : 0u);
        if (type == AccessType::write) result.error_code |= 2;
        if (privilege == Privilege::user) result.error_code |= 4;
        if (type == AccessType::execute) {
            if (c.smep) result.error_code |= 16;
            if (c.pae && c.nx) result.error_code |= 16;
        }
        return result;
    }

    void combine(u64 entry, Physical at, unsigned size) {
        if (!bit(entry, 1)) all_writable = false;
        if (!bit(entry, 2)) all_user = false;
        if (size == 8 && bit(entry, 63)) any_xd = true;
        used.push_back({at, size, entry | 1u << 5});
    }

    ReferenceResult finish(u64 leaf, u64 base, u64 bytes) {
        bool allowed = true;
        if (privilege == Privilege::user) {
            if (!all_user) allowed = false;
            if (type == AccessType::write && !all_writable) allowed = false;
        } else {
            if (type != AccessType::execute && all_user && c.smap && privilege == Privilege::supervisor)
                allowed = false;
            if (type == AccessType::write && !all_writable && c.write_protect) allowed = false;
            if (type == AccessType::execute && all_user && c.smep) allowed = false;
        }
        if (type == AccessType::execute && c.nx && any_xd) allowed = false;
        if (!allowed) return fail(true, false);
        if (type == AccessType::write) used.back().value |= 1u << 6;
        result.ok = true;
        result.page_bytes = bytes;
        result.physical = base + linear % bytes;
        result.global = c.pge && bit(leaf, 8);
        // One entry may serve two levels (recursive tables): it then holds what either asks for.
        for (auto& first : used) {
            for (const auto& second : used) {
                if (first.entry == second.entry) first.value |= second.value;
            }
        }
        result.changes = used;
        return result;
    }

    ReferenceResult two_levels() {
        const Physical pde_at{field(c.cr3, 12, 31) + field(linear, 22, 31) / 0x400000 * 4};
        const u64 pde = memory.peek(pde_at, 4);
        if (!bit(pde, 0)) return fail(false, false);
        if (c.pse && bit(pde, 7)) {
            if (!c.pat && bit(pde, 12)) return fail(true, true);
            unsigned m = c.physical_bits < 40 ? c.physical_bits : 40;
            if (!c.pse36 || m < 32) m = 32;
            if (any_bit(pde, m - 19, 21)) return fail(true, true);
            combine(pde, pde_at, 4);
            u64 base = field(pde, 22, 31);
            for (unsigned i = 32; i < m; ++i) {
                if (bit(pde, i - 19)) base |= u64{1} << i;
            }
            return finish(pde, base, 0x400000);
        }
        combine(pde, pde_at, 4);
        const Physical pte_at{field(pde, 12, 31) + field(linear, 12, 21) / 0x1000 * 4};
        const u64 pte = memory.peek(pte_at, 4);
        if (!bit(pte, 0)) return fail(false, false);
        if (c.pse && !c.pat && bit(pte, 7)) return fail(true, true);
        combine(pte, pte_at, 4);
        return finish(pte, field(pte, 12, 31), 0x1000);
    }

    bool common_reserved(u64 entry) {
        if (c.physical_bits <= 51 && any_bit(entry, c.physical_bits, 51)) return true;
        if (!c.long_mode && any_bit(entry, 52, 62)) return true;
        return !c.nx && bit(entry, 63);
    }

    ReferenceResult directory_and_table(u64 directory) {
        const Physical pde_at{directory + field(linear, 21, 29) / 0x200000 * 8};
        const u64 pde = memory.peek(pde_at, 8);
        if (!bit(pde, 0)) return fail(false, false);
        if (common_reserved(pde)) return fail(true, true);
        if (bit(pde, 7)) {
            if (any_bit(pde, 13, 20)) return fail(true, true);
            if (!c.long_mode && !c.pat && bit(pde, 12)) return fail(true, true);
            combine(pde, pde_at, 8);
            return finish(pde, field(pde, 21, c.physical_bits - 1u), 0x200000);
        }
        combine(pde, pde_at, 8);
        const Physical pte_at{field(pde, 12, c.physical_bits - 1u) + field(linear, 12, 20) / 0x1000 * 8};
        const u64 pte = memory.peek(pte_at, 8);
        if (!bit(pte, 0)) return fail(false, false);
        if (common_reserved(pte)) return fail(true, true);
        if (!c.long_mode && !c.pat && bit(pte, 7)) return fail(true, true);
        combine(pte, pte_at, 8);
        return finish(pte, field(pte, 12, c.physical_bits - 1u), 0x1000);
    }

    ReferenceResult pae() {
        const u64 pdpte = c.pdpte[field(linear, 30, 31) / 0x40000000];
        if (!bit(pdpte, 0)) return fail(false, false);
        return directory_and_table(field(pdpte, 12, c.physical_bits - 1u));
    }

    ReferenceResult four_levels() {
        const Physical pml4e_at{field(c.cr3, 12, c.physical_bits - 1u) + field(linear, 39, 47) / 0x8000000000 * 8};
        const u64 pml4e = memory.peek(pml4e_at, 8);
        if (!bit(pml4e, 0)) return fail(false, false);
        if (common_reserved(pml4e) || bit(pml4e, 7)) return fail(true, true);
        combine(pml4e, pml4e_at, 8);
        const Physical pdpte_at{field(pml4e, 12, c.physical_bits - 1u) + field(linear, 30, 38) / 0x40000000 * 8};
        const u64 pdpte = memory.peek(pdpte_at, 8);
        if (!bit(pdpte, 0)) return fail(false, false);
        if (common_reserved(pdpte)) return fail(true, true);
        if (bit(pdpte, 7)) {
            if (!c.page1gb || any_bit(pdpte, 13, 29)) return fail(true, true);
            combine(pdpte, pdpte_at, 8);
            return finish(pdpte, field(pdpte, 30, c.physical_bits - 1u), 0x40000000);
        }
        combine(pdpte, pdpte_at, 8);
        return directory_and_table(field(pdpte, 12, c.physical_bits - 1u));
    }
};

}  // namespace

ReferenceResult reference_translate(PhysicalMemory& memory, const PagingControls& controls, u64 linear, AccessType type,
                                    Privilege privilege) {
    if (!controls.paging) return {.ok = true, .physical = linear & 0xFFFFFFFF, .page_bytes = 0x1000};
    Attempt attempt{memory, controls, controls.long_mode ? linear : linear & 0xFFFFFFFF, type, privilege};
    if (controls.long_mode) return attempt.four_levels();
    return controls.pae ? attempt.pae() : attempt.two_levels();
}

}  // namespace bantam::test
