// FwCfg through its ports and its DMA interface, as the published specification says.
#include "devices/fw_cfg.h"

#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

class FwCfgTest : public ::testing::Test {
protected:
    FwCfgTest() {
        device.set_file("etc/one", {1, 2, 3});
        device.set_file("etc/two", std::vector<u8>(5000, 7));
    }
    void select(u16 key) { ports.write(0, 2, key); }
    u8 next() { return static_cast<u8>(ports.read(1, 1)); }
    u64 next_big_endian(unsigned bytes) {
        u64 value = 0;
        while (bytes-- != 0) value = value << 8 | next();
        return value;
    }
    /// Runs one command at 1000h; gives the control word it leaves.
    u32 dma(u32 control, u32 length, u64 address) {
        std::vector<u8> command;
        for (const auto& [value, bytes] : {std::pair<u64, unsigned>{control, 4}, {length, 4}, {address, 8}}) {
            for (unsigned i = bytes; i-- > 0;) command.push_back(static_cast<u8>(value >> (8 * i)));
        }
        memory->copy_in({0x1000}, command);
        dma_ports.write(0, 4, 0);
        dma_ports.write(4, 4, __builtin_bswap32(0x1000));
        return __builtin_bswap32(static_cast<u32>(memory->peek({0x1000}, 4)));
    }
    std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(1 << 20).value());
    FwCfg device{*memory};
    RegisterSpace ports = device.ports();
    RegisterSpace dma_ports = device.dma_ports();
};

TEST_F(FwCfgTest, SignatureAndFeatures) {
    select(FwCfg::kSignature);
    EXPECT_EQ(next_big_endian(4), 0x51454D55u);
    EXPECT_EQ(next(), 0) << "zeroes beyond the end";
    select(FwCfg::kId);
    EXPECT_EQ(next_big_endian(4), 0x03000000u) << "traditional and DMA, little-endian";
    EXPECT_EQ(dma_ports.read(0, 4), 0x554D4551u) << "QEMU";
    EXPECT_EQ(dma_ports.read(4, 4), 0x47464320u) << " CFG";
}

TEST_F(FwCfgTest, DirectoryNamesFiles) {
    select(FwCfg::kFileDirectory);
    EXPECT_EQ(next_big_endian(4), 2u);
    EXPECT_EQ(next_big_endian(4), 3u);
    const u16 key = static_cast<u16>(next_big_endian(2));
    EXPECT_EQ(next_big_endian(2), 0u);
    std::string name;
    for (unsigned i = 0; i < FwCfg::kFileNameBytes; ++i) name.push_back(static_cast<char>(next()));
    EXPECT_STREQ(name.c_str(), "etc/one");
    EXPECT_EQ(key, device.key_of("etc/one"));
    select(key);
    EXPECT_EQ(next_big_endian(3), 0x010203u);
}

TEST_F(FwCfgTest, DmaReadsSkipsAndRefusesWrites) {
    const u32 two = device.key_of("etc/two");
    EXPECT_EQ(dma(two << 16 | 8 | 4, 4998, 0), 0u);  // select and skip
    memory->write({0x2000}, 4, 0xFFFFFFFF);
    EXPECT_EQ(dma(2, 4, 0x2000), 0u);
    EXPECT_EQ(memory->peek({0x2000}, 4), 0x00000707u) << "the rest of the file, then zeroes";
    EXPECT_EQ(dma(two << 16 | 8 | 16, 4, 0x2000), 1u);
    EXPECT_EQ(dma(two << 16 | 8 | 2, 0xFFFFFFFF, 0x3000), 0u) << "more than there is memory";
    EXPECT_EQ(memory->peek({0x3000 + 4999}, 2), 0x0007u);
    memory->write({0xFFFFC}, 4, 0xFFFFFFFF);
    EXPECT_EQ(dma(two << 16 | 8 | 2, 0xFFFFFFFF, 0xFFFFFFFFFFFFFF00), 0u) << "the end of the address space";
    EXPECT_EQ(memory->peek({0xFFFFC}, 4), 0xFFFFFFFFu);
    EXPECT_EQ(dma(two << 16 | 8 | 4, 5000, 0), 0u);
    EXPECT_EQ(dma(2, 0xFFFFFFFF, 0xFFFFE), 0u) << "past the end of the file: zeroes, to the end of memory";
    EXPECT_EQ(memory->peek({0xFFFFC}, 4), 0xFFFFu);
}

TEST_F(FwCfgTest, ListenerRenewsItems) {
    const u16 key = device.key_of("etc/one");
    device.set_select_listener([&](u16 selected) {
        if (selected == key) device.set_file("etc/one", {9, 9, 9});
    });
    select(key);
    EXPECT_EQ(next(), 9);
}

TEST_F(FwCfgTest, State) {
    select(device.key_of("etc/one"));
    next();
    dma_ports.write(0, 4, 1);
    FwCfg twin(*memory);
    twin.set_file("etc/one", {1, 2, 3});
    twin.set_file("etc/two", std::vector<u8>(5000, 7));
    expect_faithful_state(device, twin);
}

}  // namespace
}  // namespace bantam::devices
