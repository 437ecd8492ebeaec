// Mmu: what may be cached, and what each invalidation must drop; crossing accesses; registers, ROM, code and watched
// pages.
#include "mmu/mmu.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace bantam::test {
namespace {

constexpr auto kSup = Privilege::supervisor;
constexpr auto kUser = Privilege::user;

class MmuTest : public testing::Test {
protected:
    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(u64{8} << 20).value());
    Mmu mmu_{*memory_};
    PagingControls controls_;
    MemoryFault fault_;

    /// 32-bit paging: one directory at 1000h, tables for the first 4 MiB at 2000h and the second at 3000h; pages
    /// unmapped.
    MmuTest() {
        controls_.paging = true;
        controls_.write_protect = true;
        controls_.pge = true;
        controls_.pse = true;
        controls_.cr3 = 0x1000;
        memory_->write({0x1000}, 4, 0x2007);
        memory_->write({0x1004}, 4, 0x3007);
        mmu_.set_controls(controls_);
    }
    void map(u64 linear, u64 entry) { memory_->write({0x2000 + (linear >> 12) * 4}, 4, entry); }
    u64 read(u64 linear, unsigned size = 4, Privilege privilege = kSup) {
        u64 value = 0;
        EXPECT_TRUE(mmu_.read({linear}, size, privilege, value, fault_));
        return value;
    }
    bool can_read(u64 linear, Privilege privilege = kSup) {
        u64 value = 0;
        return mmu_.read({linear}, 1, privilege, value, fault_);
    }
    bool write(u64 linear, unsigned size, u64 value, Privilege privilege = kSup) {
        return mmu_.write({linear}, size, privilege, value, fault_);
    }
    u64 fetch(u64 linear, Privilege privilege = kSup) {
        Physical physical{};
        return mmu_.fetch({linear}, privilege, physical, fault_) ? physical.value : ~u64{0};
    }
};

TEST_F(MmuTest, FastPathFollowsRights) {
    map(0x10000, 0x20001);  // read-only, supervisor
    memory_->write({0x20010}, 4, 0x12345678);
    EXPECT_EQ(mmu_.fast_read({0x10010}, 4, kSup), nullptr);
    EXPECT_EQ(read(0x10010), 0x12345678u);
    ASSERT_NE(mmu_.fast_read({0x10010}, 4, kSup), nullptr);
    EXPECT_EQ(*mmu_.fast_read({0x10010}, 4, kSup), 0x78);
    EXPECT_EQ(mmu_.fast_read({0x10010}, 4, kUser), nullptr);
    EXPECT_EQ(mmu_.fast_write({0x10010}, 4, kSup), nullptr);
    EXPECT_FALSE(write(0x10010, 4, 0));
    EXPECT_EQ(fault_.error_code, u32{kPfPresent | kPfWrite});
    EXPECT_EQ(fault_.address.value, 0x10010u);
    EXPECT_FALSE(can_read(0x10010, kUser));
    EXPECT_EQ(fault_.error_code, u32{kPfPresent | kPfUser});
    read(0x10010);  // the faults dropped it
    EXPECT_NE(mmu_.fast_read({0x10FFC}, 4, kSup), nullptr);
    EXPECT_EQ(mmu_.fast_read({0x10FFD}, 4, kSup), nullptr);  // crosses
}

TEST_F(MmuTest, WriteTagOnlyWithDirtySet) {
    map(0x10000, 0x20003);
    read(0x10000);
    EXPECT_EQ(mmu_.fast_write({0x10000}, 4, kSup), nullptr);
    EXPECT_EQ(memory_->peek({0x2040}, 4), 0x20023u);
    EXPECT_TRUE(write(0x10000, 4, 7));
    EXPECT_EQ(memory_->peek({0x2040}, 4), 0x20063u);
    EXPECT_NE(mmu_.fast_write({0x10000}, 4, kSup), nullptr);
    map(0x11000, 0x21063);  // D already set: a read is enough
    read(0x11000);
    EXPECT_NE(mmu_.fast_write({0x11000}, 4, kSup), nullptr);
}

TEST_F(MmuTest, InvalidationDropsWhatItMust) {
    map(0x10000, 0x20063);
    map(0x11000, 0x21163);  // global
    const auto load_both = [&] {
        read(0x10000);
        read(0x11000);
    };
    load_both();
    map(0x10000, 0);
    map(0x11000, 0);
    EXPECT_TRUE(can_read(0x10000));  // still cached, as on a processor
    mmu_.flush_non_global();
    EXPECT_FALSE(can_read(0x10000));
    EXPECT_TRUE(can_read(0x11000));
    controls_.cr3 = 0x1018;  // MOV CR3
    mmu_.set_controls(controls_);
    EXPECT_TRUE(can_read(0x11000));
    mmu_.flush_page({0x11ABC});
    EXPECT_FALSE(can_read(0x11000));
    map(0x11000, 0x21163);
    read(0x11000);
    map(0x11000, 0);
    mmu_.flush_all();
    EXPECT_FALSE(can_read(0x11000));
}

TEST_F(MmuTest, EveryControlThatDecidesRightsTakesEffectAtOnce) {
    map(0x10000, 0x20065);  // read-only user page
    EXPECT_EQ(fetch(0x10000), 0x20000u);
    EXPECT_FALSE(write(0x10000, 1, 1));
    controls_.write_protect = false;
    mmu_.set_controls(controls_);
    EXPECT_TRUE(write(0x10000, 1, 1));
    controls_.write_protect = true;
    mmu_.set_controls(controls_);
    EXPECT_EQ(mmu_.fast_write({0x10000}, 1, kSup), nullptr);
    EXPECT_FALSE(write(0x10000, 1, 1));
    controls_.smep = true;
    mmu_.set_controls(controls_);
    EXPECT_EQ(fetch(0x10000), ~u64{0});
    EXPECT_EQ(fault_.error_code, u32{kPfPresent | kPfFetch});
    EXPECT_TRUE(can_read(0x10000));
    controls_.smap = true;
    mmu_.set_controls(controls_);
    EXPECT_FALSE(can_read(0x10000));
    EXPECT_TRUE(can_read(0x10000, Privilege::supervisor_smap_lifted));
    EXPECT_EQ(mmu_.fast_read({0x10000}, 1, kSup), nullptr);
    controls_.paging = false;
    mmu_.set_controls(controls_);
    read(0x20000);
    EXPECT_EQ(mmu_.fast_read({0x20000}, 1, kSup), memory_->page({0x20000}).host);
}

TEST_F(MmuTest, SupervisorMayFetchWhatSmapForbidsItToRead) {
    controls_.smap = true;
    mmu_.set_controls(controls_);
    map(0x10000, 0x20067);
    EXPECT_EQ(fetch(0x10004), 0x20004u);
    EXPECT_FALSE(can_read(0x10004));
    EXPECT_EQ(fault_.error_code, u32{kPfPresent});
    EXPECT_FALSE(write(0x10004, 1, 0));
}

TEST_F(MmuTest, InvlpgDropsAllPiecesOfALargePage) {
    memory_->write({0x1004}, 4, 0x4000E3);  // 4 MiB page at 400000h
    read(0x400000);
    read(0x7FF000);
    read(0x455000, 1, kSup);
    memory_->write({0x1004}, 4, 0);
    mmu_.flush_page({0x600123});
    EXPECT_FALSE(can_read(0x400000));
    EXPECT_FALSE(can_read(0x7FF000));
    EXPECT_FALSE(can_read(0x455000));
}

TEST_F(MmuTest, ALargePageFillsEmptyEntriesAroundIt) {
    constexpr u64 kLarge = Mmu::kEntries * kPageSize;  // 4 MiB at a multiple of the TLB's reach
    memory_->write({0x1000 + (kLarge >> 22) * 4}, 4, 0x4000E3);
    memory_->write({0x41F000}, 1, 0x77);
    map(0x12000, 0x20001);
    read(0x12000);
    read(kLarge + 0x14000);
    const u64 misses = mmu_.misses();
    EXPECT_EQ(*mmu_.fast_read({kLarge + 0x1F000}, 1, kSup), 0x77);
    EXPECT_TRUE(can_read(kLarge + 0x10000));
    EXPECT_NE(mmu_.fast_write({kLarge + 0x10000}, 1, kSup), nullptr);
    EXPECT_NE(mmu_.fast_read({0x12000}, 1, kSup), nullptr) << "it is not displaced";
    EXPECT_EQ(mmu_.misses(), misses);
    for (const u64 other : {0xF000, 0x12000, 0x20000}) {
        EXPECT_EQ(mmu_.fast_read({kLarge + other}, 1, kSup), nullptr);
    }
    EXPECT_EQ(mmu_.fast_read({kLarge + 0x14000}, 1, kUser), nullptr);
    mmu_.flush_page({kLarge + 0x300000});
    EXPECT_EQ(mmu_.fast_read({kLarge + 0x1F000}, 1, kSup), nullptr);
}

TEST_F(MmuTest, NothingLeadsToPageZeroButItself) {
    // An empty entry's bias is that of page 0, but at either end.
    constexpr std::array<u64, 6> kAddresses{0, 0xFFF, 0x1000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFF};
    for (const u64 address : kAddresses) {
        for (const unsigned size : {1u, 8u}) {
            EXPECT_EQ(mmu_.fast_read({address}, size, kSup), nullptr) << address;
            EXPECT_EQ(mmu_.fast_write({address}, size, kUser), nullptr) << address;
        }
    }
    map(0, 0x20001);
    read(0);
    EXPECT_NE(mmu_.fast_read({0xFF8}, 8, kSup), nullptr);
    EXPECT_EQ(mmu_.fast_read({0xFF9}, 8, kSup), nullptr);
    EXPECT_EQ(mmu_.fast_read({0xFFFFFFFFFFFFFFFF}, 8, kSup), nullptr);
}

TEST_F(MmuTest, InvlpgDropsAllPiecesOfAGigabytePage) {
    PagingControls c;
    c.paging = c.pae = c.long_mode = c.page1gb = true;
    c.physical_bits = 40;
    c.cr3 = 0x1000;
    memory_->write({0x1000}, 8, 0x2003);
    memory_->write({0x2000}, 8, 0xE3);
    mmu_.set_controls(c);
    read(0x1000);
    read(0x654321);
    EXPECT_EQ(mmu_.entries().size(), 2u * 16);
    mmu_.flush_page({0x3FFFFFFF});
    EXPECT_TRUE(mmu_.entries().empty());
}

TEST_F(MmuTest, FaultDropsTheStaleEntry) {
    map(0x10000, 0x20061);
    read(0x10000);
    map(0x10000, 0);
    EXPECT_FALSE(write(0x10000, 1, 0));
    EXPECT_EQ(fault_.error_code, u32{kPfWrite});
    EXPECT_EQ(mmu_.fast_read({0x10000}, 1, kSup), nullptr);
}

TEST_F(MmuTest, FetchGenerationMovesWhenAFetchMappingMay) {
    map(0x10000, 0x20063);
    map(0x11000, 0x21163);
    map(0x12000, 0x22063);
    fetch(0x10000);
    fetch(0x11000);
    read(0x12000);
    u64 before = mmu_.fetch_generation(kSup);
    mmu_.flush_page({0x13000});
    EXPECT_EQ(mmu_.fetch_generation(kSup), before);  // nothing cached there
    mmu_.flush_page({0x10000});
    EXPECT_GT(mmu_.fetch_generation(kSup), before);
    before = mmu_.fetch_generation(kSup);
    mmu_.flush_non_global();  // only a global page is left to fetch from, and a data page that was read
    fetch(0x10000);
    before = mmu_.fetch_generation(kSup);
    mmu_.flush_non_global();
    EXPECT_GT(mmu_.fetch_generation(kSup), before);
    before = mmu_.fetch_generation(kSup);
    mmu_.flush_all();
    EXPECT_GT(mmu_.fetch_generation(kSup), before);
    // An entry that was pushed out is no longer seen by INVLPG, so that must count up whatever it names.
    fetch(0x10000);
    memory_->write({0x1004}, 4, 0x3007);
    memory_->write({0x3040}, 4, 0x23063);
    fetch(0x410000);  // same slot
    before = mmu_.fetch_generation(kSup);
    mmu_.flush_page({0x10000});
    EXPECT_GT(mmu_.fetch_generation(kSup), before);
}

TEST_F(MmuTest, FetchGenerationsOfTheKernelAndOfProgramsAreTwo) {
    map(0x10000, 0x20165);  // global, user
    map(0x11000, 0x21165);
    const auto fetch_as = [this](u64 address, Privilege privilege) {
        Physical physical;
        ASSERT_TRUE(mmu_.fetch({address}, privilege, physical, fault_));
    };
    fetch_as(0x10000, kSup);
    fetch_as(0x11000, Privilege::user);
    mmu_.flush_page({0x11000});
    const u64 kernel = mmu_.fetch_generation(kSup), programs = mmu_.fetch_generation(Privilege::user);
    mmu_.flush_non_global();
    EXPECT_EQ(mmu_.fetch_generation(kSup), kernel);
    EXPECT_EQ(mmu_.fetch_generation(Privilege::user), programs);
    map(0x11000, 0x21065);
    fetch_as(0x11000, Privilege::user);
    mmu_.flush_non_global();
    EXPECT_EQ(mmu_.fetch_generation(kSup), kernel);
    EXPECT_GT(mmu_.fetch_generation(Privilege::user), programs);
    fetch_as(0x11000, kSup);
    mmu_.flush_non_global();
    EXPECT_GT(mmu_.fetch_generation(kSup), kernel);
}

TEST_F(MmuTest, FetchesHaveEntriesOfTheirOwn) {
    map(0x10000, 0x20061);
    fetch(0x10000);
    const u64 before = mmu_.fetch_generation(kSup);
    map(0x10000, 0x24063);
    EXPECT_TRUE(write(0x10000, 1, 1));  // walks
    EXPECT_EQ(fetch(0x10000), 0x20000u);
    EXPECT_EQ(mmu_.fetch_generation(kSup), before);
    mmu_.flush_page({0x10000});
    EXPECT_GT(mmu_.fetch_generation(kSup), before);
    EXPECT_EQ(fetch(0x10000), 0x24000u);
}

TEST_F(MmuTest, FetchesDoNotEvictDataEntries) {
    map(0x10000, 0x20061);
    map(0x10000 + Mmu::kEntries * kPageSize, 0x24061);
    read(0x10000);
    const u64 misses = mmu_.misses(Privilege::supervisor);
    fetch(0x10000 + Mmu::kEntries * kPageSize);
    read(0x10000);
    EXPECT_EQ(mmu_.misses(Privilege::supervisor), misses);
}

TEST_F(MmuTest, CrossingAccessChecksBothPagesFirst) {
    map(0x10000, 0x20067);
    map(0x11000, 0x30065);  // read-only
    memory_->write({0x20FFC}, 4, 0x44332211);
    memory_->write({0x30000}, 4, 0x88776655);
    EXPECT_EQ(read(0x10FFE, 4), 0x66554433u);
    EXPECT_EQ(read(0x10FF9, 8), 0x5544332211000000u);
    EXPECT_FALSE(write(0x10FFE, 4, 0));
    EXPECT_EQ(fault_.address.value, 0x11000u);
    EXPECT_EQ(memory_->peek({0x20FFC}, 4), 0x44332211u);
    map(0x11000, 0x30067);
    mmu_.flush_all();
    EXPECT_TRUE(write(0x10FFD, 8, 0x0102030405060708));
    EXPECT_EQ(memory_->peek({0x20FFC}, 4), 0x06070811u);
    EXPECT_EQ(memory_->peek({0x30000}, 8), 0x0000000102030405u | 0u);
}

TEST_F(MmuTest, LinearAddressesWrapAt4GiBOutsideLongMode) {
    controls_.paging = false;
    mmu_.set_controls(controls_);
    memory_->map_rom("top", {0xFFFFF000}, std::vector<u8>(0x1000, 0xAB));
    memory_->write({0}, 2, 0x1234);
    EXPECT_EQ(read(0xFFFFFFFE, 4), 0x1234ABABu);
}

TEST_F(MmuTest, RegistersAreReadOncePerAccessAndNeverFast) {
    std::string log;
    memory_->map_mmio("chip", {0x700000}, 0x2000,
                      {.read =
                           [&](u64 offset, unsigned size) {
                               log += "r" + std::to_string(offset) + "/" + std::to_string(size) + " ";
                               return u64{0x5A};
                           },
                       .write = [&](u64 offset, unsigned size,
                                    u64) { log += "w" + std::to_string(offset) + "/" + std::to_string(size) + " "; },
                       .max_size = 4});
    map(0x10000, 0x700067);
    map(0x11000, 0x20065);
    EXPECT_EQ(read(0x10010, 4), 0x5Au);
    const u64 misses = mmu_.misses();
    EXPECT_TRUE(write(0x10020, 2, 1));
    EXPECT_EQ(mmu_.misses(), misses);  // no second walk
    EXPECT_EQ(mmu_.fast_read({0x10010}, 4, kSup), nullptr);
    EXPECT_EQ(log, "r16/4 w32/2 ");
    log.clear();
    EXPECT_FALSE(write(0x10FFE, 4, 0));  // the second page faults: the registers see nothing
    EXPECT_EQ(log, "");
    std::array<u8, 12> block{};
    EXPECT_TRUE(mmu_.read_block({0x10002}, block, kSup, fault_));
    EXPECT_EQ(log, "r2/2 r4/4 r8/4 r12/2 ");
    EXPECT_EQ(fetch(0x10004), 0x700004u);
}

TEST_F(MmuTest, RomIsReadFastAndNeverWritten) {
    memory_->map_rom("rom", {0xF0000}, std::vector<u8>(0x1000, 0xC3));
    map(0x10000, 0xF0063);
    EXPECT_EQ(read(0x10000, 1), 0xC3u);
    EXPECT_NE(mmu_.fast_read({0x10000}, 1, kSup), nullptr);
    EXPECT_TRUE(write(0x10000, 1, 0));
    EXPECT_EQ(mmu_.fast_write({0x10000}, 1, kSup), nullptr);
    const std::array<u8, 4> block{};
    EXPECT_TRUE(mmu_.write_block({0x10000}, block, kSup, fault_));
    EXPECT_EQ(read(0x10000, 1), 0xC3u);
    memory_->unmap("rom");  // tells the Mmu by itself
    EXPECT_EQ(mmu_.fast_read({0x10000}, 1, kSup), nullptr);
    EXPECT_EQ(read(0x10000, 1), 0u);
}

TEST_F(MmuTest, A20ChangesReachTheTlb) {
    map(0x10000, 0x100063);
    memory_->write({0x100000}, 1, 0xBB);
    memory_->write({0x0}, 1, 0xAA);
    EXPECT_EQ(read(0x10000, 1), 0xBBu);
    memory_->set_a20(false);
    EXPECT_EQ(read(0x10000, 1), 0xAAu);
    EXPECT_EQ(fetch(0x10000), 0u);
    memory_->set_a20(true);
    EXPECT_EQ(*mmu_.memory().page({0x100000}).host, 0xBB);
    EXPECT_EQ(read(0x10000, 1), 0xBBu);
}

struct Clearing final : CodeObserver {
    PhysicalMemory& memory;
    unsigned calls = 0;
    bool clear = false;
    explicit Clearing(PhysicalMemory& m) : memory(m) {}
    void code_written(Physical address, u64) override {
        ++calls;
        if (clear) memory.clear_code(address);
    }
    void map_changed(Physical, u64) override {}
};

TEST_F(MmuTest, CodePagesLoseTheFastWriteAndGetItBack) {
    Clearing observer(*memory_);
    memory_->set_code_observer(&observer);
    map(0x10000, 0x20067);
    map(0x11000, 0x20067);  // a second mapping of the same page
    EXPECT_TRUE(write(0x10000, 1, 1));
    EXPECT_TRUE(write(0x11000, 1, 1));
    EXPECT_TRUE(write(0x11000, 1, 1, kUser));
    memory_->mark_code({0x20000});
    for (const u64 linear : {0x10000, 0x11000}) EXPECT_EQ(mmu_.fast_write({linear}, 1, kSup), nullptr);
    EXPECT_EQ(mmu_.fast_write({0x11000}, 1, kUser), nullptr);
    EXPECT_NE(mmu_.fast_read({0x10000}, 1, kSup), nullptr);
    EXPECT_TRUE(write(0x10000, 1, 2));
    EXPECT_TRUE(write(0x10000, 1, 3));
    EXPECT_EQ(observer.calls, 2u);
    EXPECT_TRUE(write(0x10000, 1, 3));
    EXPECT_EQ(observer.calls, 2u);  // the same byte again
    observer.clear = true;
    EXPECT_TRUE(write(0x10000, 1, 4));
    EXPECT_NE(mmu_.fast_write({0x10000}, 1, kSup), nullptr);
    EXPECT_EQ(observer.calls, 3u);
    // Page tables may hold code too: setting A announces the write.
    memory_->mark_code({0x2000});
    map(0x13000, 0x20001);
    memory_->mark_code({0x2000});
    const unsigned calls = observer.calls;
    read(0x13000);
    EXPECT_EQ(observer.calls, calls + 1);
}

TEST_F(MmuTest, WatchedPagesAreNeverFast) {
    map(0x10000, 0x20067);
    EXPECT_TRUE(write(0x10000, 4, 0x1234));
    const Linear watched{0x10ABC};
    mmu_.set_watched({&watched, 1});
    EXPECT_TRUE(mmu_.watched({0x10000}));
    EXPECT_FALSE(mmu_.watched({0x11000}));
    EXPECT_EQ(mmu_.fast_read({0x10000}, 4, kSup), nullptr);
    EXPECT_EQ(mmu_.fast_write({0x10000}, 4, kSup), nullptr);
    EXPECT_EQ(read(0x10000), 0x1234u);
    EXPECT_EQ(mmu_.fast_read({0x10000}, 4, kSup), nullptr);
    mmu_.flush_all();
    EXPECT_EQ(read(0x10000), 0x1234u);
    EXPECT_EQ(mmu_.fast_read({0x10000}, 4, kSup), nullptr);
    mmu_.set_watched({});
    EXPECT_NE(mmu_.fast_write({0x10000}, 4, kSup), nullptr);
}

TEST_F(MmuTest, BlocksAndProbes) {
    map(0x10000, 0x20007);
    map(0x11000, 0x30005);
    EXPECT_TRUE(mmu_.probe_write({0x10FF0}, 16, kSup, fault_));
    EXPECT_EQ(memory_->peek({0x2040}, 4), 0x20067u);  // D set
    EXPECT_FALSE(mmu_.probe_write({0x10FF1}, 16, kSup, fault_));
    EXPECT_EQ(fault_.address.value, 0x11000u);
    std::vector<u8> bytes(4096);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<u8>(i * 5);
    EXPECT_FALSE(mmu_.write_block({0x10800}, bytes, kSup, fault_));
    EXPECT_EQ(memory_->peek({0x20801}, 1), 0u);
    map(0x11000, 0x30007);
    EXPECT_TRUE(mmu_.write_block({0x10800}, bytes, kSup, fault_));
    std::vector<u8> back(4096);
    EXPECT_TRUE(mmu_.read_block({0x10800}, back, kUser, fault_));
    EXPECT_EQ(back, bytes);
    EXPECT_EQ(memory_->peek({0x307FF}, 1), bytes[4095]);
}

/// The TLB must be invisible as long as every table change is followed by its invalidation.
TEST_F(MmuTest, RandomRemappingIsCoherent) {
    std::mt19937 random{7};
    for (u64 page = 0x100; page < 0x400; ++page) memory_->write({page << 12}, 4, page);
    std::array<u64, 64> frame{};
    for (unsigned step = 0; step < 200'000; ++step) {
        const u64 index = random() % frame.size();
        const u64 linear = (index << 12) + 0x100000;
        switch (random() % 8) {
            case 0:
                frame[index] = random() % 3 == 0 ? 0 : 0x100 + random() % 0x300;
                map(linear, frame[index] == 0 ? 0 : frame[index] << 12 | 0x67 | (random() % 2 ? 0x100 : 0));
                mmu_.flush_page({linear + random() % 4096});
                break;
            case 1:
                mmu_.flush_non_global();
                break;
            case 2:
                if (random() % 64 == 0) mmu_.flush_all();
                break;
            case 3:
                if (frame[index] != 0) {
                    ASSERT_EQ(fetch(linear + 5), (frame[index] << 12) + 5);
                }
                break;
            default: {
                u64 value = 0;
                const u8* fast = mmu_.fast_read({linear}, 4, kUser);
                const bool ok = mmu_.read({linear}, 4, kUser, value, fault_);
                ASSERT_EQ(ok, frame[index] != 0);
                if (fast != nullptr) {
                    ASSERT_EQ(fast, memory_->page({frame[index] << 12}).host);
                }
                if (ok) {
                    ASSERT_EQ(value, frame[index]);
                }
            }
        }
    }
}

}  // namespace
}  // namespace bantam::test
