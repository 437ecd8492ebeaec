// An 82077AA with one 3.5" drive, a 1.44M diskette in memory whose sectors all differ, and a host that answers DRQ.
#pragma once

#include <deque>
#include <initializer_list>

#include "devices/i82077.h"
#include "tests/devices/test_board.h"
#include "tests/storage/memory_image.h"

namespace bantam::devices {

inline constexpr u64 kMs = 1'000'000, kSecond = 1'000'000'000;
inline const storage::FloppyFormat k1440 = *storage::floppy_format_of(1'474'560);

class I82077Test : public ::testing::Test {
protected:
    using Bytes = std::vector<u8>;

    I82077Test() {
        auto made = std::make_unique<storage::MemoryImage>(k1440.bytes() / 512);
        image = made.get();
        for (std::size_t i = 0; i < image->bytes.size(); ++i) {
            const std::size_t block = i / 512;
            image->bytes[i] = static_cast<u8>((block * 7 + block / 251 + i * 3) % 253);
        }
        originals = image->bytes;
        disk = std::move(storage::BlockDevice::create(std::move(made)).value());
        drive.insert(disk.get(), k1440);
    }

    /// Out of reset, 500 kbit/s, interrupts of the reset taken.
    void start(u8 dor = 0x1C) {
        fdc.write(2, dor);
        fdc.write(7, 0);
        board.run_for(2 * kMs);
        for (int i = 0; i < 4; ++i) command({0x08}, 2);
        command({0x03, 0xAF, 0x02}, 0);
    }
    void issue(std::initializer_list<u8> bytes) {
        for (const u8 byte : bytes) {
            ASSERT_EQ(fdc.read(4) & 0xC0, 0x80) << "not ready for a command byte";
            fdc.write(5, byte);
        }
    }
    Bytes result(unsigned size) {
        Bytes bytes;
        for (unsigned i = 0; i < size; ++i) {
            EXPECT_EQ(fdc.read(4) & 0xD0, 0xD0) << "no result byte " << i;
            bytes.push_back(fdc.read(5));
        }
        EXPECT_EQ(fdc.read(4) & 0x50, 0) << "more results than expected";
        return bytes;
    }
    Bytes command(std::initializer_list<u8> bytes, unsigned size) {
        issue(bytes);
        return result(size);
    }
    /// False: none came within two seconds.
    bool run_to_interrupt() {
        for (unsigned i = 0; i < 2'000'000 && !irq.level; ++i) board.run_for(1000);
        return irq.level;
    }
    void run_to_result() {
        ASSERT_TRUE(run_to_interrupt());
        ASSERT_EQ(fdc.read(4) & 0xD0, 0xD0);
    }
    /// From now on the host's DMA takes `count` bytes, with TC at the last.
    void dma_read_bytes(unsigned count) {
        taken.clear();
        left_to_take = count;
    }
    void give(const Bytes& bytes) { given.assign(bytes.begin(), bytes.end()); }
    Bytes sector(unsigned c, unsigned h, unsigned r) { return sector_of(image->bytes, c, h, r); }
    Bytes original(unsigned c, unsigned h, unsigned r) { return sector_of(originals, c, h, r); }
    static Bytes first(Bytes bytes, std::size_t count) {
        bytes.resize(count);
        return bytes;
    }

    TestBoard board;
    RecordedLine irq{board.scheduler}, drq{board.scheduler};
    storage::MemoryImage* image = nullptr;
    Bytes originals;
    std::unique_ptr<storage::BlockDevice> disk;
    Bytes taken;           // what the host's DMA read
    std::deque<u8> given;  // what it writes
    unsigned left_to_take = 1u << 20;
    FloppyDrive drive{"floppy0", FloppyDrive::Type::inch3_1440k};
    I82077 fdc{board.scheduler,
               {.interrupt = irq.pin(),
                .dma_request =
                    [this](bool level) {
                        drq.pin()(level);
                        if (level) answer();
                    }},
               {&drive}};

private:
    static Bytes sector_of(const Bytes& bytes, unsigned c, unsigned h, unsigned r) {
        const auto begin = bytes.begin() + ((std::ptrdiff_t{c} * 2 + h) * 18 + r - 1) * 512;
        return {begin, begin + 512};
    }
    /// MSR says which way; a host without data does not answer.
    void answer() {
        while (drq.level) {
            if ((fdc.read(4) & 0x40) != 0) {
                if (left_to_take == 0) return;
                --left_to_take;
                taken.push_back(fdc.dma_read(left_to_take == 0));
            } else {
                if (given.empty()) return;
                const u8 byte = given.front();
                given.pop_front();
                fdc.dma_write(byte, given.empty());
            }
        }
    }
};

}  // namespace bantam::devices
