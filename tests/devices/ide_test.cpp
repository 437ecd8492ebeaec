// IDE from the host's side: channel, ATA disk and ATAPI CD-ROM by PIO and by the PIIX3's bus-master engine.
#include <chrono>
#include <cstring>
#include <thread>

#include "devices/ata_disk.h"
#include "devices/atapi_cdrom.h"
#include "devices/piix3_ide.h"
#include "tests/devices/test_board.h"
#include "tests/storage/memory_image.h"

namespace bantam::devices {
namespace {

using storage::BlockDevice;
using storage::MemoryImage;

/// An image and the device over it.
struct Medium {
    explicit Medium(u64 sectors) : owned(std::make_unique<MemoryImage>(sectors)), image(*owned) {}
    std::unique_ptr<MemoryImage> owned;
    MemoryImage& image;
    std::unique_ptr<BlockDevice> device = std::move(BlockDevice::create(std::move(owned)).value());
};

class IdeTest : public ::testing::Test {
protected:
    IdeTest() {
        for (std::size_t i = 0; i < image.bytes.size(); ++i) image.bytes[i] = static_cast<u8>(i / 512 + i);
        for (std::size_t i = 0; i < disc.bytes.size(); ++i) disc.bytes[i] = static_cast<u8>(i / 2048 * 3);
        ide.channel(0).attach(0, disk);
        ide.channel(1).attach(0, cdrom);
        ide.write_config(0x40, 4, 0x80008000);
        ide.write_config(0x20, 4, 0xC000);
        ide.write_config(0x04, 2, 5);
    }
    u8 in(unsigned channel, u64 index) { return static_cast<u8>(block(channel).read(index, 1)); }
    void out(unsigned channel, u64 index, u8 value) { block(channel).write(index, 1, value); }
    RegisterSpace block(unsigned channel) { return ide.channel(channel).command_block(); }
    void lba28(u32 lba, u8 count, u8 device = 0xE0) {
        out(0, 2, count);
        for (unsigned i = 0; i < 3; ++i) out(0, 3 + i, static_cast<u8>(lba >> (8 * i)));
        out(0, 6, static_cast<u8>(device | (lba >> 24 & 15)));
    }
    /// Waits for the interrupt and gives the status that the handler reads.
    u8 wait(unsigned channel) {
        for (unsigned i = 0; i < 1000 && !level[channel]; ++i) board.run_for(10'000);
        EXPECT_TRUE(level[channel]) << "no interrupt";
        return in(channel, 7);
    }
    std::vector<u8> take(unsigned channel, unsigned bytes) {
        std::vector<u8> data;
        for (unsigned i = 0; i < bytes; i += 2) {
            const u64 word = block(channel).read(0, 2);
            data.push_back(static_cast<u8>(word));
            data.push_back(static_cast<u8>(word >> 8));
        }
        return data;
    }
    void give(unsigned channel, const std::vector<u8>& data) {
        for (std::size_t i = 0; i + 1 < data.size(); i += 2) block(channel).write(0, 2, data[i] | data[i + 1] << 8);
    }
    std::vector<u8> sectors(u64 first, u64 count) {
        const auto at = image.bytes.begin() + static_cast<std::ptrdiff_t>(first * 512);
        return {at, at + static_cast<std::ptrdiff_t>(count * 512)};
    }
    /// One region per pair; starts the engine.
    void start_dma(unsigned channel, const std::vector<std::pair<u32, u32>>& regions, bool to_memory) {
        for (std::size_t i = 0; i < regions.size(); ++i) {
            memory->write({0x800 + 8 * i}, 4, regions[i].first);
            memory->write({0x804 + 8 * i}, 4,
                          (regions[i].second & 0xFFFF) | (i + 1 == regions.size() ? 0x80000000 : 0));
        }
        RegisterSpace engine = ide.engine_registers();
        for (unsigned i = 0; i < 4; ++i) engine.write(channel * 8 + 4 + i, 1, 0x800u >> (8 * i) & 0xFF);
        engine.write(channel * 8, 1, 0);
        engine.write(channel * 8 + 2, 1, 0x66);
        engine.write(channel * 8, 1, to_memory ? 9 : 1);
    }
    u8 engine_status(unsigned channel) { return static_cast<u8>(ide.engine_registers().read(channel * 8 + 2, 1)); }
    /// Sends a packet; gives the data of all DRQ blocks.
    std::vector<u8> packet(std::array<u8, 12> bytes, u16 limit = 0xFFFE) {
        out(1, 1, 0);
        out(1, 4, static_cast<u8>(limit));
        out(1, 5, static_cast<u8>(limit >> 8));
        out(1, 7, 0xA0);
        EXPECT_EQ(in(1, 7) & 0x88, 0x08);
        EXPECT_EQ(in(1, 2) & 3, 1) << "command phase";
        give(1, {bytes.begin(), bytes.end()});
        std::vector<u8> data;
        while (((packet_status = wait(1)) & 8) != 0) {
            EXPECT_EQ(in(1, 2) & 3, 2) << "data to the host";
            const unsigned count = in(1, 4) | in(1, 5) << 8;
            EXPECT_LE(count, limit);
            const std::vector<u8> piece = take(1, count);
            data.insert(data.end(), piece.begin(), piece.end());
        }
        EXPECT_EQ(in(1, 2) & 3, 3) << "status phase";
        return data;
    }
    void clear_attention() { packet({0x00}); }
    TestBoard board;
    std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(1 << 20).value());
    Medium hard_disk{4096}, compact_disc{400};
    MemoryImage &image = hard_disk.image, &disc = compact_disc.image;
    bool level[2] = {};
    u8 packet_status = 0;
    Piix3Ide ide{*memory,
                 {.interrupt = [this](unsigned channel, bool on) { level[channel] = on; }, .decode_changed = nullptr}};
    AtaDisk disk{board.scheduler, "disk", *hard_disk.device, "S1"};
    AtapiCdrom cdrom{board.scheduler, "cdrom", compact_disc.device.get(), "S2"};
};

TEST(IdeChannel, WithoutDrivesIsNotBusy) {
    IdeChannel channel("ide0", {});
    const RegisterSpace block = channel.command_block();
    for (const u64 device : {0xA0u, 0xB0u}) {
        block.write(6, 1, device);
        block.write(7, 1, 0x90);  // EXECUTE DEVICE DIAGNOSTIC
        EXPECT_EQ(block.read(7, 1) & 0x80, 0u);
        block.write(2, 1, 0x55);
        EXPECT_NE(block.read(2, 1) & 0xFF, 0x55u) << "nothing keeps what is written";
    }
}

TEST_F(IdeTest, ChannelsAreDecodedUntilIdetimSaysOtherwise) {
    ide.reset();
    EXPECT_FALSE(ide.channel_decoded(0)) << "no I/O space";
    ide.write_config(0x04, 2, 1);
    EXPECT_TRUE(ide.channel_decoded(0) && ide.channel_decoded(1));
    ide.write_config(0x42, 2, 0);
    EXPECT_TRUE(ide.channel_decoded(0));
    EXPECT_FALSE(ide.channel_decoded(1));
    ide.write_config(0x40, 2, 0);
    EXPECT_FALSE(ide.channel_decoded(0));
}

TEST_F(IdeTest, IdentifyDevice) {
    out(0, 6, 0xA0);
    out(0, 7, 0xEC);
    EXPECT_EQ(in(0, 7) & 0x80, 0x80);
    EXPECT_EQ(wait(0), 0x58);
    const std::vector<u8> words = take(0, 512);
    const auto word = [&](unsigned i) { return words[2 * i] | words[2 * i + 1] << 8; };
    EXPECT_EQ(word(3), 16);
    EXPECT_EQ(word(6), 63);
    EXPECT_EQ(word(60) | word(61) << 16, 4096);
    EXPECT_EQ(word(100), 4096);
    EXPECT_EQ(word(83) & 0x0400, 0x0400);
    u8 sum = 0;
    for (const u8 byte : words) sum = static_cast<u8>(sum + byte);
    EXPECT_EQ(sum, 0);
    EXPECT_EQ(in(0, 7), 0x50);
}

TEST_F(IdeTest, ReadsByPioInEveryAddressing) {
    lba28(5, 2);
    out(0, 7, 0x20);
    EXPECT_EQ(wait(0), 0x58);
    std::vector<u8> data = take(0, 512);
    EXPECT_EQ(wait(0), 0x58);
    const std::vector<u8> more = take(0, 512);
    data.insert(data.end(), more.begin(), more.end());
    EXPECT_EQ(data, sectors(5, 2));
    EXPECT_EQ(in(0, 3), 6) << "address of the last sector";

    out(0, 6, 0xA1);  // CHS 1/1/3: (16 + 1) * 63 + 2
    out(0, 2, 1);
    out(0, 3, 3);
    out(0, 4, 1);
    out(0, 5, 0);
    out(0, 7, 0x20);
    wait(0);
    EXPECT_EQ(take(0, 512), sectors(17 * 63 + 2, 1));

    out(0, 6, 0xE0);  // 48 bits: previous contents first
    for (const int value : {0, 1}) out(0, 2, static_cast<u8>(value));
    for (const int value : {0, 0x34}) out(0, 3, static_cast<u8>(value));
    for (const int value : {0, 0x0A}) out(0, 4, static_cast<u8>(value));
    for (const int value : {0, 0}) out(0, 5, static_cast<u8>(value));
    out(0, 7, 0x24);
    wait(0);
    EXPECT_EQ(take(0, 512), sectors(0xA34, 1));
}

TEST_F(IdeTest, WritesMultipleAndFlushes) {
    out(0, 2, 4);
    out(0, 7, 0xC6);
    EXPECT_EQ(wait(0), 0x50);
    std::vector<u8> data(6 * 512);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<u8>(i * 7);
    lba28(100, 6);
    out(0, 7, 0xC5);
    EXPECT_EQ(in(0, 7) & 8, 8);
    EXPECT_FALSE(level[0]) << "no interrupt before the first block";
    give(0, {data.begin(), data.begin() + 2048});
    EXPECT_EQ(wait(0), 0x58);
    give(0, {data.begin() + 2048, data.end()});
    EXPECT_EQ(wait(0), 0x50);
    EXPECT_EQ(sectors(100, 6), data);
    EXPECT_EQ(image.flushes, 0u);
    out(0, 7, 0xE7);
    EXPECT_EQ(wait(0), 0x50);
    EXPECT_EQ(image.flushes, 1u);
    out(0, 1, 0x82);
    out(0, 7, 0xEF);
    wait(0);
    lba28(0, 1);
    out(0, 7, 0x30);
    give(0, std::vector<u8>(512));
    wait(0);
    EXPECT_EQ(image.flushes, 3u) << "without write cache each write is flushed";
}

TEST_F(IdeTest, ErrorsNameTheSector) {
    lba28(4095, 2);
    out(0, 7, 0x20);
    wait(0);
    take(0, 512);
    EXPECT_EQ(wait(0), 0x51);
    EXPECT_EQ(in(0, 1), 0x10);
    EXPECT_EQ(in(0, 4), 0x10);
    lba28(4096, 1);
    out(0, 7, 0xC8);
    EXPECT_EQ(wait(0), 0x51);
    image.broken = true;
    lba28(7, 1);
    out(0, 7, 0x20);
    EXPECT_EQ(wait(0), 0x51);
    EXPECT_EQ(in(0, 1), 0x40);
    image.read_only = true;
    lba28(7, 1);
    out(0, 7, 0x30);
    EXPECT_EQ(wait(0), 0x51);
    EXPECT_EQ(in(0, 1) & 4, 4);
    out(0, 7, 0xB0);
    EXPECT_EQ(wait(0), 0x51);
    EXPECT_EQ(in(0, 1), 0x04);
}

TEST_F(IdeTest, DmaScattersAndGathers) {
    lba28(8, 200);
    out(0, 7, 0xC8);
    start_dma(0, {{0x10000, 0x0}, {0x30000, 200 * 512 - 0x10000}}, true);
    EXPECT_EQ(wait(0), 0x50);
    EXPECT_EQ(engine_status(0) & 7, 4) << "done and interrupted";
    std::vector<u8> got(200 * 512);
    memory->copy_out({0x10000}, std::span(got).first(0x10000));
    memory->copy_out({0x30000}, std::span(got).subspan(0x10000));
    EXPECT_EQ(got, sectors(8, 200));

    lba28(1000, 200);
    out(0, 7, 0xCA);
    start_dma(0, {{0x10000, 0x0}, {0x30000, 200 * 512 - 0x10000}}, false);
    EXPECT_EQ(wait(0), 0x50);
    EXPECT_EQ(sectors(1000, 200), got);
}

TEST_F(IdeTest, ShortAndWrongTables) {
    lba28(8, 2);
    out(0, 7, 0xC8);
    start_dma(0, {{0x10000, 512}}, true);
    board.run_for(1'000'000);
    EXPECT_EQ(engine_status(0) & 7, 0) << "table exhausted, drive still asks";
    EXPECT_EQ(in(0, 7) & 8, 8);
    lba28(8, 1);
    ide.channel(0).control_block().write(0, 1, 4);
    ide.channel(0).control_block().write(0, 1, 0);
    lba28(8, 1);
    out(0, 7, 0xC8);
    start_dma(0, {{0x10000, 512}}, false);
    board.run_for(1'000'000);
    EXPECT_EQ(engine_status(0) & 3, 2) << "direction against the drive's";
}

TEST_F(IdeTest, ResetSelectionAndNien) {
    EXPECT_EQ(in(0, 7), 0x50);
    EXPECT_EQ(in(1, 4), 0x14) << "ATAPI signature";
    EXPECT_EQ(in(1, 5), 0xEB);
    out(0, 6, 0xB0);
    EXPECT_EQ(in(0, 7), 0) << "device 0 answers for an absent device 1";
    out(0, 6, 0xA0);
    ide.channel(0).control_block().write(0, 1, 2);
    out(0, 7, 0xEC);
    board.run_for(1'000'000);
    EXPECT_FALSE(level[0]);
    ide.channel(0).control_block().write(0, 1, 0);
    EXPECT_TRUE(level[0]) << "it was only held back";
    ide.channel(0).control_block().write(0, 1, 4);
    EXPECT_EQ(ide.channel(0).control_block().read(0, 1), 0x80u);
    ide.channel(0).control_block().write(0, 1, 0);
    EXPECT_EQ(in(0, 7), 0x50);
    EXPECT_EQ(in(0, 1), 1);
    EXPECT_FALSE(level[0]);
    out(0, 7, 0x90);
    EXPECT_EQ(wait(0), 0x50);
    EXPECT_EQ(in(0, 1), 1);
    out(1, 7, 0xEC);
    EXPECT_EQ(wait(1) & 1, 1) << "IDENTIFY DEVICE aborts with the signature";
    EXPECT_EQ(in(1, 5), 0xEB);
}

TEST_F(IdeTest, PacketCommands) {
    packet({0x00});
    EXPECT_EQ(packet_status & 1, 1) << "reset is a unit attention";
    EXPECT_EQ(in(1, 1) >> 4, 6);
    const std::vector<u8> sense = packet({0x03, 0, 0, 0, 18});
    EXPECT_EQ(sense.size(), 18u);
    EXPECT_EQ(sense[2], 6);
    EXPECT_EQ(sense[12], 0x29);
    packet({0x00});
    EXPECT_EQ(packet_status, 0x50);
    EXPECT_EQ(packet({0x25}), (std::vector<u8>{0, 0, 0, 99, 0, 0, 8, 0}));
    EXPECT_EQ(packet({0x12, 0, 0, 0, 36}).size(), 36u);
    std::vector<u8> data = packet({0x28, 0, 0, 0, 0, 10, 0, 0, 40}, 4096);
    EXPECT_EQ(data, std::vector<u8>(disc.bytes.begin() + 10 * 2048, disc.bytes.begin() + 50 * 2048));
    packet({0x28, 0, 0, 0, 0, 99, 0, 0, 2});
    EXPECT_EQ(packet_status & 1, 1);
    EXPECT_EQ(packet({0x03, 0, 0, 0, 18})[12], 0x21);
    EXPECT_EQ(packet({0x43, 2, 0, 0, 0, 0, 0, 0, 20}).size(), 20u);
    EXPECT_EQ(packet({0x43, 0, 1, 0, 0, 0, 0, 0, 12}).size(), 12u);
    EXPECT_EQ(packet({0x43, 0, 2, 0, 0, 0, 0, 0, 48}).size(), 48u);
    EXPECT_EQ(packet({0x46, 0, 0, 0, 0, 0, 0, 0, 64}).size(), 52u);
    EXPECT_EQ(packet({0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 64}).size(), 30u);
    EXPECT_EQ(packet({0x51, 0, 0, 0, 0, 0, 0, 0, 34}).size(), 34u);
    EXPECT_EQ(packet({0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8}).size(), 8u);
    packet({0xFF});
    EXPECT_EQ(packet({0x03, 0, 0, 0, 18})[12], 0x20);
}

TEST_F(IdeTest, PacketByDma) {
    clear_attention();
    out(1, 1, 1);
    out(1, 7, 0xA0);
    give(1, {0xA8, 0, 0, 0, 0, 1, 0, 0, 0, 50, 0, 0});
    start_dma(1, {{0x10000, 0x0}, {0x20000, 50 * 2048 - 0x10000}}, true);
    EXPECT_EQ(wait(1), 0x50);
    EXPECT_EQ(in(1, 2) & 3, 3);
    EXPECT_EQ(engine_status(1) & 7, 4);
    std::vector<u8> got(50 * 2048);
    memory->copy_out({0x10000}, got);
    EXPECT_EQ(got, std::vector<u8>(disc.bytes.begin() + 2048, disc.bytes.begin() + 51 * 2048));
}

TEST_F(IdeTest, MediumChangesAndTray) {
    clear_attention();
    packet({0x1E, 0, 0, 0, 1});
    EXPECT_TRUE(cdrom.locked());
    packet({0x1B, 0, 0, 0, 2});
    EXPECT_EQ(packet_status & 1, 1) << "locked";
    packet({0x1E, 0, 0, 0, 0});
    packet({0x1B, 0, 0, 0, 2});
    EXPECT_EQ(packet_status, 0x50);
    packet({0x00});
    EXPECT_EQ(packet({0x03, 0, 0, 0, 18})[13], 2) << "tray open";
    cdrom.insert(nullptr);
    EXPECT_EQ(packet({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8})[4], 3) << "medium removed";
    packet({0x25});
    EXPECT_EQ(packet({0x03, 0, 0, 0, 18})[12], 0x3A);
    Medium other(9);  // two and a quarter blocks
    cdrom.insert(other.device.get());
    EXPECT_EQ(packet({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8})[4], 2) << "new medium";
    clear_attention();
    EXPECT_EQ(packet({0x25})[3], 2);
    EXPECT_EQ(packet({0x28, 0, 0, 0, 0, 2, 0, 0, 1}).size(), 2048u);
    cdrom.insert(compact_disc.device.get());
}

TEST_F(IdeTest, ASlowHostChangesNothing) {
    const auto course = [this](bool slow) {
        if (slow) image.hold();
        std::thread host([&] {
            if (!slow) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(30));
            image.release();
        });
        const u64 start = board.now();
        lba28(9, 1);
        out(0, 7, 0x20);
        std::vector<u64> course_ns;
        while (!level[0]) {
            board.run_for(100);
            course_ns.push_back(ide.channel(0).control_block().read(0, 1));
        }
        host.join();
        EXPECT_EQ(take(0, 512), sectors(9, 1));
        course_ns.push_back(board.now() - start);
        return course_ns;
    };
    EXPECT_EQ(course(true), course(false));
}

TEST_F(IdeTest, ResetDuringARequestForgetsIt) {
    image.hold();
    lba28(9, 1);
    out(0, 7, 0x20);
    ide.channel(0).control_block().write(0, 1, 4);
    ide.channel(0).control_block().write(0, 1, 0);
    EXPECT_EQ(in(0, 7), 0x50);
    image.release();
    board.run_for(10'000'000);
    EXPECT_FALSE(level[0]);
    EXPECT_EQ(in(0, 7), 0x50);
}

TEST_F(IdeTest, AMediumChangeEndsARunningRead) {
    clear_attention();
    out(1, 1, 0);
    out(1, 4, 0);
    out(1, 5, 8);
    out(1, 7, 0xA0);
    give(1, {0x28, 0, 0, 0, 0, 0, 0, 0, 90, 0, 0, 0});
    for (unsigned block = 0; block < 20; ++block) {
        ASSERT_EQ(wait(1) & 9, 8);
        take(1, 2048);
    }
    Medium other(40);
    cdrom.insert(other.device.get());
    for (unsigned block = 20; block < 32; ++block) {  // the piece that was read already
        ASSERT_EQ(wait(1) & 9, 8);
        take(1, 2048);
    }
    EXPECT_EQ(wait(1) & 1, 1);
    EXPECT_EQ(packet({0x03, 0, 0, 0, 18})[12], 0x28);
    cdrom.insert(nullptr);
}

TEST_F(IdeTest, State) {
    lba28(5, 2);
    out(0, 7, 0x20);
    wait(0);
    take(0, 100);
    AtaDisk twin(board.scheduler, "twin", *hard_disk.device, "S1");
    EXPECT_NE(saved(disk), saved(twin));
    LoadArchive load(saved(disk));
    twin.describe(load);
    EXPECT_EQ(saved(twin), saved(disk));
    clear_attention();
    AtapiCdrom other(board.scheduler, "other", compact_disc.device.get(), "S2");
    LoadArchive load_cdrom(saved(cdrom));
    other.describe(load_cdrom);
    EXPECT_EQ(saved(other), saved(cdrom));
    start_dma(0, {{0x1000, 512}}, true);
    Piix3Ide fresh(*memory, {});
    expect_faithful_state(ide, fresh);
}

}  // namespace
}  // namespace bantam::devices
