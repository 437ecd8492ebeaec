// PhysicalMemory: RAM layout, ROM, the splitting of register accesses, A20, code pages, DMA, state.
#include "mmu/physical_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <string>
#include <vector>

namespace bantam::test {
namespace {

constexpr u64 kMiB = u64{1} << 20;
constexpr u64 kGiB = u64{1} << 30;

std::unique_ptr<PhysicalMemory> make(u64 bytes = 2 * kMiB) { return std::move(PhysicalMemory::create(bytes).value()); }

struct Recorder final : CodeObserver {
    std::vector<std::pair<u64, u64>> writes;
    unsigned maps = 0;
    u8 byte_seen = 0;  // memory contents at the time of the call
    PhysicalMemory* memory = nullptr;
    void code_written(Physical address, u64 size) override {
        writes.emplace_back(address.value, size);
        if (memory != nullptr) byte_seen = static_cast<u8>(memory->peek(address, 1));
    }
    void map_changed(Physical, u64) override { ++maps; }
};

struct Registers {
    std::string log;
    RegisterSpace space(unsigned max_size) {
        return {.read =
                    [this](u64 offset, unsigned size) {
                        log += "r" + std::to_string(offset) + "/" + std::to_string(size) + " ";
                        return 0xA0A1A2A3A4A5A600 + offset;
                    },
                .write =
                    [this](u64 offset, unsigned size, u64 value) {
                        log += "w" + std::to_string(offset) + "/" + std::to_string(size) + "=" + std::to_string(value) +
                               " ";
                    },
                .peek = nullptr,
                .max_size = max_size};
    }
};

TEST(PhysicalMemory, RamBelowAndAboveTheHole) {
    const auto memory = make(3 * kGiB + 2 * kMiB);
    EXPECT_EQ(memory->low_ram_bytes(), 3 * kGiB);
    EXPECT_EQ(memory->high_ram_bytes(), 2 * kMiB);
    memory->write({3 * kGiB - 8}, 8, 0x1122334455667788);
    memory->write({4 * kGiB}, 4, 0xCAFEF00D);
    EXPECT_EQ(memory->read({3 * kGiB - 4}, 4), 0x11223344u);
    EXPECT_EQ(memory->read({4 * kGiB}, 4), 0xCAFEF00Du);
    EXPECT_EQ(memory->page({3 * kGiB}).host, nullptr);
    EXPECT_EQ(memory->read({3 * kGiB}, 4), 0xFFFFFFFFu);
    EXPECT_EQ(memory->read({4 * kGiB + 2 * kMiB}, 8), ~u64{0});
    EXPECT_EQ(memory->unclaimed_reads(), 2u);
    memory->write({3 * kGiB}, 4, 1);
    EXPECT_EQ(memory->unclaimed_writes(), 1u);
    EXPECT_EQ(memory->read({~u64{0} - 7}, 8), ~u64{0});
}

TEST(PhysicalMemory, RomHidesRamAndDropsWrites) {
    const auto memory = make();
    memory->write({0xF0000}, 1, 0x55);
    memory->map_rom("rom", {0xF0000}, std::vector<u8>(0x1001, 0xAB));
    EXPECT_EQ(memory->read({0xF0000}, 2), 0xABABu);
    EXPECT_EQ(memory->peek({0xF1000}, 2), 0xFFABu);  // filled to whole pages
    memory->write({0xF0000}, 1, 0x66);
    EXPECT_EQ(memory->read({0xF0000}, 1), 0xABu);
    EXPECT_EQ(memory->unclaimed_writes(), 1u);
    EXPECT_NE(memory->page({0xF0000}).host, nullptr);
    EXPECT_FALSE(memory->page({0xF0000}).writable);
    const std::array<u8, 2> bytes{1, 2};
    memory->copy_in({0xF0000}, bytes);
    EXPECT_EQ(memory->read({0xF0000}, 1), 0xABu);
    memory->unmap("rom");
    EXPECT_EQ(memory->read({0xF0000}, 1), 0x55u);
    EXPECT_TRUE(memory->page({0xF0000}).writable);
}

TEST(PhysicalMemory, DeviceRomReadsDirectlyAndPassesWritesOn) {
    const auto memory = make();
    std::vector<u8> array(2 * kPageSize, 0x5A);
    std::vector<std::pair<u64, u64>> writes;
    const auto map = [&] {
        memory->map_device_rom("flash", {0x1000}, array,
                               {.read = [](u64, unsigned) -> u64 { return 0; },
                                .write = [&](u64 offset, unsigned, u64 value) { writes.emplace_back(offset, value); },
                                .peek = nullptr,
                                .max_size = 1});
    };
    map();
    EXPECT_EQ(memory->read({0x1000}, 4), 0x5A5A5A5Au);
    EXPECT_EQ(memory->peek({0x2FFF}, 1), 0x5Au);
    EXPECT_EQ(memory->page({0x2000}).host, array.data() + kPageSize);
    EXPECT_FALSE(memory->page({0x2000}).writable);
    memory->write({0x2001}, 2, 0x1234);
    EXPECT_EQ(writes, (std::vector<std::pair<u64, u64>>{{0x1001, 0x34}, {0x1002, 0x12}}));
    EXPECT_EQ(memory->read({0x2001}, 1), 0x5Au);
    EXPECT_EQ(memory->unclaimed_writes(), 0u);
    memory->copy_in({0x1000}, std::array<u8, 2>{1, 2});
    EXPECT_EQ(memory->read({0x1000}, 1), 0x5Au);
    memory->mark_code({0x1000});
    EXPECT_FALSE(memory->holds_code({0x1000}));
    ASSERT_EQ(memory->regions().size(), 1u);
    EXPECT_FALSE(memory->regions()[0].mmio);
    memory->unmap("flash");
    array[0] = 0x77;
    map();
    EXPECT_EQ(memory->read({0x1000}, 1), 0x77u);
}

TEST(PhysicalMemory, RegisterAccessesAreSplitIntoNaturallyAlignedParts) {
    struct Case {
        unsigned max_size;
        u64 offset;
        unsigned size;
        const char* reads;
    };
    for (const Case& c : {Case{1, 0, 4, "r0/1 r1/1 r2/1 r3/1 "}, Case{4, 0, 4, "r0/4 "}, Case{4, 0, 8, "r0/4 r4/4 "},
                          Case{8, 8, 8, "r8/8 "}, Case{4, 1, 4, "r1/1 r2/2 r4/1 "}, Case{8, 4, 8, "r4/4 r8/4 "},
                          Case{8, 0, 7, "r0/4 r4/2 r6/1 "}, Case{2, 3, 3, "r3/1 r4/2 "}, Case{8, 0, 3, "r0/2 r2/1 "}}) {
        const auto memory = make();
        Registers registers;
        memory->map_mmio("chip", {0xFEC00000}, 0x1000, registers.space(c.max_size));
        const u64 value = memory->read(Physical{0xFEC00000} + c.offset, c.size);
        EXPECT_EQ(registers.log, c.reads);
        EXPECT_EQ(value & 0xFF, c.offset);  // the lowest part comes first
        EXPECT_EQ(value >> (8 * c.size - 1) >> 1, 0u);
        EXPECT_EQ(memory->peek({0xFEC00000}, 4), 0xFFFFFFFFu);
        EXPECT_EQ(registers.log, c.reads);
    }
    const auto memory = make();
    Registers registers;
    memory->map_mmio("chip", {0xFEC00000}, 0x1000, registers.space(2));
    memory->write({0xFEC00001}, 4, 0x44332211);
    EXPECT_EQ(registers.log, "w1/1=17 w2/2=13090 w4/1=68 ");
    EXPECT_EQ(memory->page({0xFEC00000}).host, nullptr);
}

TEST(PhysicalMemory, RegisterWriteMayUnmapItself) {
    const auto memory = make();
    std::string log;
    memory->map_mmio("chip", {0x100000}, 0x1000,
                     {.read = [](u64, unsigned) { return u64{7}; },
                      .write =
                          [&](u64 offset, unsigned, u64) {
                              log += std::to_string(offset) + " ";
                              memory->unmap("chip");
                          }});
    memory->write({0x100000}, 2, 0x1234);
    EXPECT_EQ(log, "0 1 ");
    EXPECT_EQ(memory->read({0x100000}, 2), 0u);  // RAM again
}

TEST(PhysicalMemory, A20GateIsTheCpusAlone) {
    const auto memory = make(4 * kMiB);
    Recorder recorder;
    memory->set_code_observer(&recorder);
    memory->write({0x100010}, 1, 0xBB);
    memory->write({0x10}, 1, 0xAA);
    memory->set_a20(false);
    EXPECT_EQ(recorder.maps, 1u);
    EXPECT_EQ(memory->read({0x100010}, 1), 0xAAu);
    EXPECT_EQ(memory->peek({0x300010}, 1), memory->peek({0x200010}, 1));
    EXPECT_EQ(memory->page({0x100000}).host, memory->page({0}).host);
    memory->write({0x100010}, 1, 0xCC);
    std::array<u8, 1> byte{};
    memory->copy_out({0x100010}, byte);
    EXPECT_EQ(byte[0], 0xBB);
    memory->set_a20(false);
    EXPECT_EQ(recorder.maps, 1u);
    memory->set_a20(true);
    EXPECT_EQ(memory->read({0x10}, 1), 0xCCu);
    EXPECT_EQ(memory->read({0x100010}, 1), 0xBBu);
}

TEST(PhysicalMemory, CodePagesAnnounceEveryWriteFirst) {
    const auto memory = make();
    Recorder recorder;
    recorder.memory = memory.get();
    memory->set_code_observer(&recorder);
    memory->write({0x5004}, 1, 0x11);
    memory->mark_code({0x5123});
    EXPECT_TRUE(memory->holds_code({0x5FFF}));
    EXPECT_FALSE(memory->holds_code({0x6000}));
    EXPECT_FALSE(memory->page({0x5000}).writable);
    memory->write({0x5004}, 4, 0x99);
    ASSERT_EQ(recorder.writes.size(), 1u);
    EXPECT_EQ(recorder.writes[0], std::make_pair(u64{0x5004}, u64{4}));
    EXPECT_EQ(recorder.byte_seen, 0x11);
    memory->copy_in({0x4FF0}, std::vector<u8>(0x30, 1));  // only the part in the code page is announced
    ASSERT_EQ(recorder.writes.size(), 2u);
    EXPECT_EQ(recorder.writes[1], std::make_pair(u64{0x5000}, u64{0x20}));
    EXPECT_TRUE(memory->exchange({0x5800}, 8, 0, 5));
    EXPECT_EQ(recorder.writes.size(), 3u);
    memory->clear_code({0x5000});
    memory->write({0x5004}, 4, 0x77);
    EXPECT_EQ(recorder.writes.size(), 3u);
    EXPECT_TRUE(memory->page({0x5000}).writable);
    memory->mark_code({0xFEC00000});  // no RAM: nothing to mark
    EXPECT_FALSE(memory->holds_code({0xFEC00000}));
}

TEST(PhysicalMemory, DeviceMemoryIsTheDevicesOwnBytes) {
    const auto memory = make();
    Recorder recorder;
    memory->set_code_observer(&recorder);
    alignas(kPageSize) std::array<u8, 2 * kPageSize> bytes{};
    memory->map_memory("frame", {0xE0000000}, bytes);
    EXPECT_EQ(recorder.maps, 1u);
    EXPECT_FALSE(memory->regions().at(0).mmio);
    memory->write({0xE0001004}, 4, 0x11223344);
    EXPECT_EQ(bytes[0x1004], 0x44);
    bytes[0x1005] = 0x99;
    EXPECT_EQ(memory->read({0xE0001004}, 4), 0x11229944u);
    EXPECT_EQ(memory->peek({0xE0001004}, 4), 0x11229944u);
    memory->copy_in({0xE0000FFF}, std::vector<u8>{1, 2});
    EXPECT_EQ(bytes[0xFFF], 1);
    EXPECT_EQ(bytes[0x1000], 2);
    std::array<u8, 2> seen{};
    memory->copy_out({0xE0001FFF}, seen);
    EXPECT_EQ(seen[1], 0xFF) << "nothing behind it";
    EXPECT_EQ(memory->page({0xE0001000}).host, bytes.data() + kPageSize);
    EXPECT_TRUE(memory->page({0xE0001000}).writable);
    memory->mark_code({0xE0001000});
    EXPECT_TRUE(memory->holds_code({0xE0001ABC}));
    EXPECT_FALSE(memory->holds_code({0xE0000ABC}));
    EXPECT_FALSE(memory->page({0xE0001000}).writable);
    memory->write({0xE0001008}, 2, 1);
    ASSERT_EQ(recorder.writes.size(), 1u);
    EXPECT_EQ(recorder.writes[0], std::make_pair(u64{0xE0001008}, u64{2}));
    EXPECT_TRUE(memory->exchange({0xE0001008}, 4, 1, 7));
    EXPECT_EQ(bytes[0x1008], 7);
    memory->clear_code({0xE0001000});
    EXPECT_TRUE(memory->page({0xE0001000}).writable);
    memory->unmap("frame");
    EXPECT_EQ(memory->page({0xE0001000}).host, nullptr);
    EXPECT_EQ(memory->unclaimed_writes(), 0u);
}

// A page that was marked before a region hid it is not marked for ever.
TEST(PhysicalMemory, CodeMarkUnderARegionIsCleared) {
    const auto memory = make();
    memory->mark_code({0x5000});
    memory->map_rom("rom", {0x5000}, std::vector<u8>(kPageSize, 1));
    memory->clear_code({0x5000});
    memory->unmap("rom");
    EXPECT_FALSE(memory->holds_code({0x5000}));
}

TEST(PhysicalMemory, ExchangeComparesFirst) {
    const auto memory = make();
    memory->write({0x1000}, 8, 0x1122334455667788);
    EXPECT_FALSE(memory->exchange({0x1000}, 8, 1, 2));
    EXPECT_FALSE(memory->exchange({0x1000}, 4, 1, 2));
    EXPECT_TRUE(memory->exchange({0x1000}, 4, 0x55667788, 2));
    EXPECT_EQ(memory->read({0x1000}, 8), 0x1122334400000002u);
}

TEST(PhysicalMemory, BulkCopiesCrossPagesHolesAndRegions) {
    const auto memory = make();
    Registers registers;
    memory->map_mmio("chip", {0xA0000}, 0x1000, registers.space(1));
    std::vector<u8> bytes(0x3000);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<u8>(i * 7);
    memory->copy_in({0x9F000}, bytes);
    std::vector<u8> back(0x3000);
    memory->copy_out({0x9F000}, back);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.begin() + 0x1000, back.begin()));
    EXPECT_TRUE(std::all_of(back.begin() + 0x1000, back.begin() + 0x2000, [](u8 b) { return b == 0xFF; }));
    EXPECT_TRUE(std::equal(bytes.begin() + 0x2000, bytes.end(), back.begin() + 0x2000));
    EXPECT_EQ(registers.log, "");
    memory->copy_in({2 * kMiB - 4}, bytes);
    memory->copy_out({2 * kMiB - 4}, back);
    EXPECT_EQ(back[3], bytes[3]);
    EXPECT_EQ(back[4], 0xFF);
}

TEST(PhysicalMemory, ListsItsRegions) {
    const auto memory = make();
    Registers registers;
    memory->map_mmio("chip", {0xFEC00000}, 0x1000, registers.space(4));
    memory->map_rom("rom", {0xE0000}, std::vector<u8>(0x20000));
    const auto regions = memory->regions();
    ASSERT_EQ(regions.size(), 2u);
    EXPECT_EQ(regions[0].name, "rom");
    EXPECT_FALSE(regions[0].mmio);
    EXPECT_EQ(regions[1].base.value, 0xFEC00000u);
    EXPECT_TRUE(regions[1].mmio);
}

TEST(PhysicalMemory, MisuseByTheBoardIsCaught) {
    const auto memory = make();
    memory->map_rom("rom", {0xE0000}, std::vector<u8>(0x20000));
    EXPECT_EXIT(memory->map_rom("other", {0xFF000}, std::vector<u8>(1)), testing::ExitedWithCode(70), "internal error");
    EXPECT_EXIT(memory->map_rom("rom", {0xC0000}, std::vector<u8>(1)), testing::ExitedWithCode(70), "internal error");
    EXPECT_EXIT(memory->map_rom("other", {0xC0001}, std::vector<u8>(1)), testing::ExitedWithCode(70), "internal error");
}

/// Keeps what it visits, and gives it back in the same order.
struct Tape final : Archive {
    std::deque<u64> scalars;
    std::deque<std::vector<u8>> blocks;
    bool playing = false;
    [[nodiscard]] bool loading() const override { return playing; }
    void begin_section(std::string_view) override {}
    void end_section() override {}
    void scalar(std::string_view, u64& value, unsigned) override {
        if (!playing) return scalars.push_back(value);
        value = scalars.front();
        scalars.pop_front();
    }
    void bytes(std::string_view, void* data, std::size_t size) override {
        auto* at = static_cast<u8*>(data);
        if (!playing) {
            blocks.emplace_back(at, at + size);
            return;
        }
        std::copy(blocks.front().begin(), blocks.front().end(), at);
        blocks.pop_front();
    }
};

TEST(PhysicalMemory, StateIsTheNonZeroPagesWhateverTheHostAllocated) {
    const auto hash = [](PhysicalMemory& memory) {
        HashArchive archive;
        memory.describe(archive);
        return archive.hash();
    };
    const auto one = make(64 * kMiB);
    const auto two = make(64 * kMiB);
    one->write({0x123456}, 4, 0xDEADBEEF);
    two->write({0x123456}, 4, 0xDEADBEEF);
    two->write({0x2000000}, 4, 1);
    EXPECT_NE(hash(*one), hash(*two));
    two->write({0x2000000}, 4, 0);  // allocated, but zero again
    EXPECT_EQ(hash(*one), hash(*two));
    two->set_a20(false);
    EXPECT_NE(hash(*one), hash(*two));

    Tape tape;
    one->describe(tape);
    EXPECT_EQ(tape.blocks.size(), 1u);
    const u64 saved = hash(*one);
    one->write({0x3000}, 8, 5);
    one->set_a20(false);
    tape.playing = true;
    one->describe(tape);
    EXPECT_EQ(hash(*one), saved);
    EXPECT_EQ(one->read({0x3000}, 8), 0u);
}

TEST(PhysicalMemory, WatchedPagesTellTheirNextWrite) {
    const auto memory = make();
    std::vector<u8> buffer(4 * kPageSize);
    std::vector<u64> written;
    const Physical base{kGiB};
    memory->map_memory("frame", base, buffer, [&](u64 offset) { written.push_back(offset); });
    EXPECT_TRUE(memory->page(base).writable);
    memory->write(base, 1, 1);
    EXPECT_TRUE(written.empty());
    memory->watch_writes("frame", kPageSize, 2 * kPageSize);
    memory->watch_writes("nothing", 0, kPageSize);
    EXPECT_TRUE(memory->page(base).writable);
    EXPECT_FALSE(memory->page(base + kPageSize).writable);
    memory->write(base + (2 * kPageSize + 8), 4, 0x1234);
    EXPECT_EQ(written, (std::vector<u64>{2 * kPageSize}));
    EXPECT_TRUE(memory->page(base + 2 * kPageSize).writable) << "told once";
    memory->write(base + 2 * kPageSize, 4, 0x1234);
    const std::array<u8, 2> bytes{1, 2};
    memory->copy_in(base + kPageSize, bytes);
    EXPECT_EQ(written, (std::vector<u64>{2 * kPageSize, kPageSize}));

    // Code in a watched page stays code, and the other way round.
    memory->watch_writes("frame", 0, kPageSize);
    memory->mark_code(base);
    memory->clear_code(base);
    EXPECT_FALSE(memory->page(base).writable);
    memory->mark_code(base);
    memory->write(base, 1, 2);
    EXPECT_EQ(written.size(), 3u);
    EXPECT_TRUE(memory->holds_code(base));
    EXPECT_FALSE(memory->page(base).writable);
}

}  // namespace
}  // namespace bantam::test
