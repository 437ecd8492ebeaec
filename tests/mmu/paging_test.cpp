// Paging against ReferenceWalker: random tables in every format, then every single bit of every level; PDPTE loading.
#include "mmu/paging.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/mmu/reference_walker.h"

namespace bantam::test {
namespace {

enum class Format { none, two_level, two_level_pse, pae, four_level };
constexpr std::array kFormats{Format::none, Format::two_level, Format::two_level_pse, Format::pae, Format::four_level};
constexpr std::array kTypes{AccessType::read, AccessType::write, AccessType::execute};
constexpr std::array kPrivileges{Privilege::supervisor, Privilege::supervisor_smap_lifted, Privilege::user};

class PagingTest : public testing::Test {
protected:
    static constexpr u64 kRam = u64{1} << 20;
    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(kRam).value());
    std::mt19937_64 random_{20240607};

    bool one_in(u64 n) { return random_() % n == 0; }
    bool coin() { return one_in(2); }
    u64 table_address() { return (random_() % (kRam >> 12)) << 12; }

    PagingControls controls(Format format) {
        PagingControls c;
        c.paging = format != Format::none;
        c.pae = format == Format::pae || format == Format::four_level;
        c.pse = format == Format::two_level_pse || coin();
        if (format == Format::two_level) c.pse = false;
        c.long_mode = format == Format::four_level;
        c.write_protect = coin();
        c.pge = coin();
        c.smep = coin();
        c.smap = coin();
        c.nx = coin();
        c.pse36 = coin();
        c.pat = coin();
        c.page1gb = coin();
        constexpr std::array<u8, 6> kWidths{32, 36, 39, 40, 46, 52};
        c.physical_bits = kWidths[random_() % kWidths.size()];
        if (c.long_mode && c.physical_bits == 32) c.physical_bits = 36;
        c.cr3 = table_address() | (random_() & 0xFFF);
        return c;
    }

    /// A mostly present entry that mostly points into RAM, with now and then any bit at all.
    u64 entry(unsigned size, bool may_be_large) {
        u64 value = table_address() | (random_() & 0x17F);
        if (!one_in(16)) value |= 7;
        if (one_in(4)) value &= ~u64{1} << (random_() % 3);
        if (may_be_large && one_in(3)) value = (value & 0xFFF) | 0x80 | (random_() & 0xFFE00000);
        if (one_in(8)) value |= u64{1} << 7;
        if (size == 8 && one_in(6)) value |= u64{1} << 63;
        if (size == 8 && one_in(10)) value |= u64{1} << (random_() % 64);
        if (one_in(10)) value |= u64{1} << (12 + random_() % 20);
        return size == 4 ? value & 0xFFFFFFFF : value;
    }

    void put(Physical at, unsigned size, u64 value) { memory_->write(at, size, value); }

    /// Fills the entries that a walk of `linear` will meet.
    void build(PagingControls& c, u64 linear) {
        if (!c.paging) return;
        if (!c.pae) {
            const u64 pde = entry(4, true);
            put({(c.cr3 & 0xFFFFF000) + (linear >> 22 & 0x3FF) * 4}, 4, pde);
            put({(pde & 0xFFFFF000) + (linear >> 12 & 0x3FF) * 4}, 4, entry(4, false));
            return;
        }
        u64 table = c.cr3 & 0xFFFFF000;
        unsigned level = 4;
        if (!c.long_mode) {
            for (u64& pdpte : c.pdpte) pdpte = table_address() | (one_in(8) ? 0 : 1) | (random_() & 0xE18);
            table = c.pdpte[linear >> 30 & 3] & 0xFFFFF000;
            level = 2;
        }
        for (; level != 0; --level) {
            const u64 value = entry(8, level == 2 || level == 3);
            put({table + (linear >> (12 + 9 * (level - 1)) & 0x1FF) * 8}, 8, value);
            table = value & 0xFFFFF000;
        }
    }

    std::vector<u8> snapshot() {
        std::vector<u8> bytes(kRam);
        memory_->copy_out({0}, bytes);
        return bytes;
    }

    void compare(const PagingControls& c, u64 linear, AccessType type, Privilege privilege) {
        const ReferenceResult expected = reference_translate(*memory_, c, linear, type, privilege);
        const Translation peeked = peek_translation(*memory_, c, {linear});
        const Translation got = translate(*memory_, c, {linear}, type, privilege);
        ASSERT_EQ(got.ok, expected.ok) << "linear " << std::hex << linear;
        if (!expected.ok) {
            ASSERT_EQ(got.error_code, expected.error_code);
            ASSERT_EQ(peeked.ok, (got.error_code & (kPfPresent | kPfReserved)) == kPfPresent);
            return;
        }
        ASSERT_EQ(got.address.value, expected.physical);
        ASSERT_EQ(got.global, expected.global);
        ASSERT_EQ(got.page_bytes, expected.page_bytes);
        ASSERT_EQ(got.large, expected.page_bytes != 0x1000);
        ASSERT_TRUE(peeked.ok);
        ASSERT_EQ(peeked.address.value, expected.physical);
        for (const auto& change : expected.changes) ASSERT_EQ(memory_->peek(change.entry, change.size), change.value);
        // What the TLB may cache: exactly what the same privilege could do next without touching the tables.
        for (const AccessType next : kTypes) {
            const ReferenceResult allowed = reference_translate(*memory_, c, linear, next, privilege);
            bool unchanged = allowed.ok;
            for (const auto& change : allowed.changes) {
                unchanged = unchanged && memory_->peek(change.entry, change.size) == change.value;
            }
            const bool claimed = next == AccessType::read    ? got.may_read
                                 : next == AccessType::write ? got.may_write
                                                             : got.may_execute;
            ASSERT_EQ(claimed, unchanged) << "next access type " << static_cast<int>(next);
        }
    }
};

TEST_F(PagingTest, RandomTablesAgreeWithTheReferenceWalker) {
    unsigned mapped = 0;
    std::array<unsigned, 32> faults{};
    for (unsigned i = 0; i < 400'000; ++i) {
        PagingControls c = controls(kFormats[i % kFormats.size()]);
        const u64 linear = c.long_mode ? random_() & 0xFFFFFFFFFFFF : random_() & 0xFFFFFFFF;
        build(c, linear);
        const AccessType type = kTypes[random_() % 3];
        const Privilege privilege = kPrivileges[random_() % 3];
        const ReferenceResult expected = reference_translate(*memory_, c, linear, type, privilege);
        expected.ok ? ++mapped : ++faults[expected.error_code];
        ASSERT_NO_FATAL_FAILURE(compare(c, linear, type, privilege)) << "case " << i;
    }
    // The generator reaches every outcome the error code can name.
    EXPECT_GT(mapped, 100'000u);
    for (const u32 code : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 9u, 11u, 13u, 15u, 16u, 17u, 20u, 21u, 25u, 29u}) {
        EXPECT_GT(faults[code], 50u) << "error code " << code;
    }
}

TEST_F(PagingTest, EveryBitOfEveryLevelInEveryFormat) {
    for (const Format format : {Format::two_level, Format::two_level_pse, Format::pae, Format::four_level}) {
        for (unsigned variant = 0; variant < 64; ++variant) {
            PagingControls c = controls(format);
            c.cr3 = 0x1000;
            c.pdpte = {0x2001, 0x2001, 0x2001, 0x2001};
            const unsigned size = c.pae ? 8 : 4;
            const unsigned levels = c.long_mode ? 4 : 2;
            for (unsigned leaf_level = 1; leaf_level <= (c.long_mode ? 3u : 2u); ++leaf_level) {
                for (unsigned level = leaf_level; level <= levels; ++level) {
                    for (unsigned bit = 0; bit < 8 * size; ++bit) {
                        const auto table_of = [&](unsigned at) -> u64 {
                            if (at == levels) return c.pae && !c.long_mode ? 0x2000 : 0x1000;
                            return 0x3000 + u64{0x1000} * at;
                        };
                        for (unsigned at = levels; at >= leaf_level; --at) {
                            u64 value = table_of(at - 1) | 0x67;
                            if (at == leaf_level) value = at == 1 ? 0x80067 : 0x400000E7;
                            if (at == level) value ^= u64{1} << bit;
                            put({table_of(at)}, size, value);
                        }
                        for (const AccessType type : kTypes) {
                            for (const Privilege privilege : kPrivileges) {
                                ASSERT_NO_FATAL_FAILURE(compare(c, 0x123, type, privilege))
                                    << "format " << static_cast<int>(format) << " level " << level << " bit " << bit;
                            }
                        }
                    }
                }
            }
        }
    }
}

TEST_F(PagingTest, FaultingAccessSetsNeitherAccessedNorDirty) {
    for (unsigned i = 0; i < 300; ++i) {
        PagingControls c = controls(kFormats[1 + i % 4]);
        const u64 linear = random_() & (c.long_mode ? 0xFFFFFFFFFFFF : 0xFFFFFFFF);
        build(c, linear);
        const std::vector<u8> before = snapshot();
        if (translate(*memory_, c, {linear}, kTypes[i % 3], kPrivileges[i / 3 % 3]).ok) continue;
        EXPECT_EQ(snapshot(), before);
    }
}

TEST_F(PagingTest, PeekChangesNothing) {
    PagingControls c;
    c.paging = true;
    c.cr3 = 0x1000;
    put({0x1000}, 4, 0x2003);
    put({0x2000}, 4, 0x3003);
    EXPECT_EQ(peek_translation(*memory_, c, {0x45}).address.value, 0x3045u);
    EXPECT_EQ(memory_->peek({0x1000}, 4), 0x2003u);
    EXPECT_EQ(memory_->peek({0x2000}, 4), 0x3003u);
}

TEST_F(PagingTest, TablesInRegistersOrHolesEndTheWalk) {
    memory_->map_mmio(
        "registers", {0x2000}, 0x1000,
        {.read = [](u64, unsigned) { return u64{0x3003}; }, .write = [](u64, unsigned, u64) {}, .max_size = 4});
    PagingControls c;
    c.paging = true;
    c.cr3 = 0x1000;
    put({0x1000}, 4, 0x2003);
    EXPECT_EQ(translate(*memory_, c, {0x45}, AccessType::write, Privilege::supervisor).address.value, 0x3045u);
    c.cr3 = 0x80000000;  // no memory there: reads as all ones
    c.pse = true;
    EXPECT_EQ(translate(*memory_, c, {0}, AccessType::read, Privilege::user).error_code, 13u);
}

TEST_F(PagingTest, PdpteReservedBits) {
    for (unsigned bit = 0; bit < 64; ++bit) {
        for (unsigned index = 0; index < 4; ++index) {
            for (unsigned i = 0; i < 4; ++i) put({0x2020 + 8 * i}, 8, 0x5001);
            put({0x2020 + 8 * index}, 8, 0x5001 | u64{1} << bit);
            std::array<u64, 4> pdpte{};
            const bool reserved = bit == 1 || bit == 2 || (bit >= 5 && bit <= 8) || bit >= 36;
            EXPECT_EQ(load_pdptes(*memory_, 0x203F, 36, pdpte), !reserved) << bit;
            EXPECT_EQ(pdpte[index], reserved ? 0 : 0x5001 | u64{1} << bit);
            // A PDPTE that is not present may hold anything.
            put({0x2020 + 8 * index}, 8, u64{bit == 0 ? 0u : 1u} << bit);
            EXPECT_TRUE(load_pdptes(*memory_, 0x2020, 36, pdpte));
        }
    }
}

}  // namespace
}  // namespace bantam::test
