// The wiring of IDE drives: which exist, their ports as PCI decodes them, IRQ 14 and 15, what CMOS says about disks.
// And of flash memories: where they are, and what of them shows.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "machine/pc.h"
#include "storage/raw_image.h"
#include "tests/storage/memory_image.h"

namespace bantam {
namespace {

std::unique_ptr<storage::BlockDevice> medium(u64 sectors) {
    return std::move(storage::BlockDevice::create(std::make_unique<storage::MemoryImage>(sectors)).value());
}

class PcDrivesTest : public testing::Test {
protected:
    void build(bool disk, bool cdrom) {
        Pc::Options options;
        if (disk) options.drives[0] = {.present = true, .cdrom = false, .medium = disk_.get()};
        if (cdrom) options.drives[2] = {.present = true, .cdrom = true, .medium = nullptr};
        build(options);
    }
    void build(const Pc::Options& options) {
        pc_ = std::make_unique<Pc>(model_, *memory_, scheduler_, options,
                                   Pc::Events{.reset = [](Pc::ResetKind) {},
                                              .power_off = [] {},
                                              .debug_exit = [](int) {},
                                              .panicked = [](bool) {},
                                              .stall = [](u64) {}});
    }
    u32 config(u32 function, u32 offset) {
        out(0xCF8, 0x80000000 | 1 << 11 | function << 8 | offset, 4);
        return in(0xCFC, 4);
    }
    void set_config(u32 function, u32 offset, u32 value) {
        out(0xCF8, 0x80000000 | 1 << 11 | function << 8 | offset, 4);
        out(0xCFC, value, 4);
    }
    void out(u16 port, u32 value, unsigned size = 1) { pc_->write_port(port, size, value); }
    u32 in(u16 port, unsigned size = 1) { return pc_->read_port(port, size); }
    void advance(u64 ns) {
        scheduler_.set_now(scheduler_.now() + ns);
        scheduler_.run_due();
    }

    Model model_ = Model::find("x86-64-v2").value();
    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(u64{8} << 20).value());
    Scheduler scheduler_;
    std::unique_ptr<storage::BlockDevice> disk_ = medium(64);
    std::unique_ptr<Pc> pc_;
};

TEST_F(PcDrivesTest, WithoutDrivesThereIsNoController) {
    build(false, false);
    EXPECT_EQ(config(1, 0), 0xFFFFFFFFu);
    EXPECT_EQ(in(0x1F7), 0xFFu);
    EXPECT_EQ(pc_->drive(0), nullptr);
}

TEST_F(PcDrivesTest, FlashMemoriesLieBelow4GiB) {
    constexpr u64 kEnd = u64{1} << 32;
    constexpr u32 kFirstBytes = 0x30000, kSecondBytes = 0x2000;
    const auto first = medium(kFirstBytes / 512), second = medium(kSecondBytes / 512);
    std::vector<u8> code(kFirstBytes, 0x11);
    code.back() = 0x22;
    Pc::Options options;
    options.flashes = {{first.get(), code}, {second.get(), std::vector<u8>(kSecondBytes, 0x33)}};
    build(options);
    const auto read = [this](u64 address) { return static_cast<u8>(memory_->read({address}, 1)); };
    const auto write = [this](u64 address, u8 value) { memory_->write({address}, 1, value); };
    EXPECT_EQ(read(kEnd - 1), 0x22);
    EXPECT_EQ(read(0xFFFFF), 0x22);
    EXPECT_EQ(read(0xE0000), 0x11);
    EXPECT_EQ(read(0xD0000), 0xFF) << "only the last 128 KiB show below 1 MiB";
    EXPECT_EQ(read(kEnd - kFirstBytes), 0x11);
    EXPECT_EQ(read(kEnd - kFirstBytes - 1), 0x33);
    EXPECT_EQ(read(kEnd - kFirstBytes - kSecondBytes), 0x33);
    EXPECT_EQ(read(kEnd - kFirstBytes - kSecondBytes - 1), 0xFF);

    // Commands go to the one chip, and its array shows again when it is told so.
    write(kEnd - 1, 0x70);
    EXPECT_EQ(read(kEnd - 1), devices::IntelFlash::kReady);
    EXPECT_EQ(read(kEnd - kFirstBytes - 1), 0x33);
    EXPECT_EQ(read(0xFFFFF), 0x22) << "below 1 MiB stays what was there at reset";
    write(kEnd - 1, 0x40);
    write(kEnd - 1, 0x02);
    write(kEnd - 1, 0xFF);
    EXPECT_EQ(read(kEnd - 1), 0x02);
    EXPECT_EQ(read(0xFFFFF), 0x22);

    // A reset shows the arrays, and the new contents below 1 MiB too.
    write(kEnd - 1, 0x90);
    EXPECT_EQ(read(kEnd - kFirstBytes), 0x89);
    pc_->reset();
    EXPECT_EQ(read(kEnd - kFirstBytes), 0x11);
    EXPECT_EQ(read(0xFFFFF), 0x02);
    write(0xFFFFF, 0x70);
    EXPECT_EQ(read(0xFFFFF), 0x02);
    EXPECT_EQ(read(kEnd - 1), 0x02) << "no commands below 1 MiB";
    pc_.reset();  // before the media
}

TEST_F(PcDrivesTest, PortsFollowPciConfiguration) {
    build(true, false);
    EXPECT_EQ(config(1, 0), 0x70108086u);
    EXPECT_EQ(config(1, 8), 0x01018000u);
    EXPECT_EQ(in(0x1F7), 0xFFu) << "I/O space is off";
    set_config(1, 0x20, 0xC000);
    set_config(1, 0x04, 5);
    EXPECT_EQ(in(0x1F7), 0x50u);
    EXPECT_EQ(in(0x3F6), 0x50u);
    EXPECT_EQ(in(0x177), 0x7Fu) << "nothing is on the secondary channel";
    out(0xC004, 0x12345678, 4);
    EXPECT_EQ(in(0xC004, 4), 0x12345678u);
    set_config(1, 0x20, 0xD000);
    EXPECT_EQ(in(0xC004, 4), 0xFFFFFFFFu);
    EXPECT_EQ(in(0xD004, 4), 0x12345678u);
    set_config(1, 0x04, 0);
    EXPECT_EQ(in(0x1F7), 0xFFu);
    set_config(1, 0x04, 1);
    set_config(1, 0x40, 0);
    EXPECT_EQ(in(0x1F7), 0xFFu) << "not decoded";
    pc_->reset();
    EXPECT_EQ(config(1, 0x40), 0x80008000u);
}

TEST_F(PcDrivesTest, InterruptsReachLines14And15) {
    build(true, true);
    set_config(1, 0x40, 0x80008000);
    set_config(1, 0x04, 5);
    out(0x20, 0x11), out(0x21, 0x20), out(0x21, 0x04), out(0x21, 0x01), out(0x21, 0xFB);
    out(0xA0, 0x11), out(0xA1, 0x28), out(0xA1, 0x02), out(0xA1, 0x01), out(0xA1, 0x3F);
    pc_->apic_base_written(0xFEE00100);
    out(0x1F6, 0xE0), out(0x1F7, 0xEC);
    advance(1'000'000);
    ASSERT_TRUE(pc_->cpu().state.intr_pin);
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x2E);
    EXPECT_EQ(in(0x1F7), 0x58u);
    EXPECT_EQ(in(0x1F0, 2), 0x0040u) << "a fixed drive";
    out(0xA0, 0x20), out(0x20, 0x20);
    out(0x176, 0xA0), out(0x177, 0xA1);
    advance(1'000'000);
    ASSERT_TRUE(pc_->cpu().state.intr_pin);
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x2F);
    EXPECT_EQ(in(0x170, 2), 0x85C0u) << "a CD-ROM drive";
    EXPECT_NE(pc_->cdrom(2), nullptr);
    EXPECT_EQ(pc_->cdrom(0), nullptr);
}

TEST_F(PcDrivesTest, KernelsWithoutFirmwareFindTheControllerReady) {
    std::string path = (std::filesystem::temp_directory_path() / "bantam-drives-XXXXXX").string();
    const int fd = mkstemp(path.data());
    ASSERT_GE(fd, 0);
    ASSERT_EQ(ftruncate(fd, off_t{512} * (1024 * 16 * 63 + 1)), 0);  // sparse
    close(fd);
    disk_ = std::move(storage::BlockDevice::create(std::move(storage::RawImage::open(path, {}).value())).value());
    std::filesystem::remove(path);
    build(true, false);
    pc_->set_up_without_firmware(devices::make_plain_font());
    EXPECT_EQ(in(0x1F7), 0x50u);
    EXPECT_EQ(config(1, 4) & 5, 5u);
    EXPECT_EQ(pc_->rtc().cmos(0x39), 1) << "LBA translation for a disk beyond 504 MiB";
}

}  // namespace
}  // namespace bantam
