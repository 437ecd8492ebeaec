// I82077 against its datasheet: register sets, resets, seeks, every command's results and errors, FIFO and timing.
#include "devices/i82077.h"

#include "tests/devices/i82077_fixture.h"

namespace bantam::devices {
namespace {

using Bytes = std::vector<u8>;

TEST_F(I82077Test, ResetPollsFourDrives) {
    EXPECT_EQ(fdc.read(4), 0) << "held in reset until DOR says otherwise";
    EXPECT_FALSE(irq.level);
    fdc.write(2, 0x0C);
    EXPECT_EQ(fdc.read(4), 0x80);
    board.run_for(2 * kMs);
    EXPECT_TRUE(irq.level);
    for (u8 unit = 0; unit < 4; ++unit) EXPECT_EQ(command({0x08}, 2), (Bytes{static_cast<u8>(0xC0 | unit), 0}));
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(command({0x08}, 1), Bytes{0x80}) << "nothing to say: invalid";
    EXPECT_EQ(irq.rises(), 1u);
}

TEST_F(I82077Test, DmaGateHoldsPinsBack) {
    fdc.write(2, 0x04);
    board.run_for(2 * kMs);
    EXPECT_FALSE(irq.level);
    fdc.write(2, 0x0C);
    EXPECT_TRUE(irq.level);
}

TEST_F(I82077Test, RegistersOfTheAt) {
    start();
    EXPECT_EQ(fdc.read(0), 0xFF);
    EXPECT_EQ(fdc.read(1), 0xFF);
    EXPECT_EQ(fdc.read(2), 0x1C);
    fdc.write(3, 0xFF);
    EXPECT_EQ(fdc.read(3), 0xFF);
    fdc.write(3, 0x01);
    EXPECT_EQ(fdc.read(3), 0xFD);
    EXPECT_EQ(fdc.read(6), 0xFF);
}

TEST_F(I82077Test, Ps2AndModel30Registers) {
    I82077 ps2(board.scheduler, {}, {}, {.interface = I82077::Interface::ps2});
    ps2.write(2, 0x35);
    ps2.write(7, 0x01);
    EXPECT_EQ(ps2.read(0) & 0xC0, 0x40);
    EXPECT_EQ(ps2.read(1), 0xC0 | 0x20 | 3);
    EXPECT_EQ(ps2.read(7), 0x78 | 1 << 1 | 1);
    ps2.write(7, 0x00);
    EXPECT_EQ(ps2.read(7), 0x78) << "HIGH DENSITY#";
    I82077 model30(board.scheduler, {}, {}, {.interface = I82077::Interface::model30});
    model30.write(2, 0x1C);
    model30.write(7, 0x06);
    EXPECT_EQ(model30.read(7), 0x80 | 0x08 | 0x04 | 0x02);
    EXPECT_EQ(model30.read(1), 0x80 | 0x40 | 0x03) << "drive 0 selected";
}

TEST_F(I82077Test, ControlCommands) {
    start();
    EXPECT_EQ(command({0x10}, 1), Bytes{0x90});
    EXPECT_EQ(command({0x18}, 1), Bytes{0x80}) << "PART ID came with the 82078";
    EXPECT_EQ(command({0x48}, 1), Bytes{0x80});
    command({0x03, 0xAF, 0x05}, 0);
    command({0x13, 0x00, 0x57, 0x21}, 0);
    command({0x12, 0x80 | 0x3F}, 0);
    EXPECT_EQ(command({0x94}, 1), Bytes{0x10});
    EXPECT_EQ(command({0x0E}, 10), (Bytes{0, 0, 0, 0, 0xAF, 0x05, 0, 0x80 | 0x3F, 0x57, 0x21}));
    fdc.write(4, 0x80);  // software reset
    board.run_for(2 * kMs);
    for (int i = 0; i < 4; ++i) command({0x08}, 2);
    EXPECT_EQ(command({0x0E}, 10), (Bytes{0, 0, 0, 0, 0xAF, 0x05, 0, 0x80 | 0x3C, 0x07, 0x21})) << "LOCK held";
    EXPECT_EQ(command({0x14}, 1), Bytes{0x00});
    fdc.write(2, 0x18);
    fdc.write(2, 0x1C);
    board.run_for(2 * kMs);
    for (int i = 0; i < 4; ++i) command({0x08}, 2);
    EXPECT_EQ(command({0x0E}, 10), (Bytes{0, 0, 0, 0, 0xAF, 0x05, 0, 0x3C, 0x20, 0}));
    command({0x12, 0x02}, 0);
    EXPECT_EQ(command({0x0E}, 10)[7], 0x3E) << "without OW the drive bits stay";
}

TEST_F(I82077Test, SeeksTakeTheirSteps) {
    start();
    command({0x03, 0xD0, 0x02}, 0);  // SRT: 3 ms at 500 kbit/s
    const u64 begin = board.now();
    issue({0x0F, 0x00, 10});
    EXPECT_EQ(fdc.read(4), 0x81);
    board.run_for(25 * kMs);
    EXPECT_FALSE(irq.level);
    board.run_for(10 * kMs);
    ASSERT_TRUE(irq.level);
    EXPECT_NEAR(static_cast<double>(irq.changes.back().time_ns - begin), 30e6, 1e5);
    EXPECT_EQ(command({0x08}, 2), (Bytes{0x20, 10}));
    EXPECT_EQ(fdc.read(4), 0x80);
    issue({0xCF, 0x00, 5});
    board.run_for(100 * kMs);
    EXPECT_EQ(command({0x08}, 2), (Bytes{0x20, 15}));
    issue({0x8F, 0x00, 3});
    board.run_for(100 * kMs);
    EXPECT_EQ(command({0x08}, 2), (Bytes{0x20, 12}));
    EXPECT_EQ(command({0x04, 0x04}, 1), Bytes{0x2C}) << "not at track 0, side 1";
    issue({0x07, 0x00});
    board.run_for(100 * kMs);
    EXPECT_EQ(command({0x08}, 2), (Bytes{0x20, 0}));
    EXPECT_EQ(command({0x04, 0x00}, 1), Bytes{0x38});
}

TEST_F(I82077Test, RecalibrateWithoutADrive) {
    start(0x2D);  // drive 1 is not connected
    issue({0x07, 0x01});
    board.run_for(kSecond);
    EXPECT_EQ(command({0x08}, 2), (Bytes{0x71, 0}));
}

TEST_F(I82077Test, DiskChangeLine) {
    start();
    EXPECT_EQ(fdc.read(7) & 0x80, 0x80) << "nothing has stepped since power-on";
    issue({0x0F, 0x00, 1});
    board.run_for(50 * kMs);
    command({0x08}, 2);
    EXPECT_EQ(fdc.read(7) & 0x80, 0);
    drive.eject();
    EXPECT_EQ(fdc.read(7) & 0x80, 0x80);
    issue({0x0F, 0x00, 0});
    board.run_for(50 * kMs);
    command({0x08}, 2);
    EXPECT_EQ(fdc.read(7) & 0x80, 0x80) << "still empty";
    drive.insert(disk.get(), k1440);
    EXPECT_EQ(fdc.read(7) & 0x80, 0x80);
    issue({0x0F, 0x00, 1});
    board.run_for(50 * kMs);
    EXPECT_EQ(fdc.read(7) & 0x80, 0);
    fdc.write(2, 0x0C);
    drive.eject();
    EXPECT_EQ(fdc.read(7) & 0x80, 0) << "not selected";
}

TEST_F(I82077Test, ReadByDma) {
    start();
    dma_read_bytes(512);
    const u64 begin = board.now();
    issue({0xE6, 0x00, 0, 0, 3, 2, 18, 0x1B, 0xFF});
    EXPECT_EQ(fdc.read(4), 0x50);
    run_to_result();
    EXPECT_EQ(taken, sector(0, 0, 3));
    EXPECT_EQ(result(7), (Bytes{0x00, 0, 0, 0, 0, 4, 2}));
    EXPECT_FALSE(irq.level);
    EXPECT_LE(board.now() - begin, 400 * kMs);
    EXPECT_GE(irq.changes.back().time_ns - begin, 512 * 16'000u) << "16 us a byte at 500 kbit/s";
}

TEST_F(I82077Test, MultiTrackReadOverBothSides) {
    start();
    dma_read_bytes(36 * 512);
    const u64 begin = board.now();
    issue({0xE6, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    run_to_result();
    ASSERT_EQ(taken.size(), 36u * 512);
    EXPECT_TRUE(std::equal(taken.begin(), taken.end(), image->bytes.begin()));
    EXPECT_EQ(result(7), (Bytes{0x04, 0, 0, 1, 0, 1, 2})) << "table 5-6: C + 1, H complemented, R 1";
    EXPECT_LE(board.now() - begin, 700 * kMs) << "two turns and the way to the first sector";
}

TEST_F(I82077Test, EndOfCylinderWithoutTerminalCount) {
    start();
    dma_read_bytes(4 * 512);
    issue({0x46, 0x00, 0, 0, 17, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0x40, 0x80, 0, 1, 0, 1, 2}));
    EXPECT_EQ(taken.size(), 1024u);
}

TEST_F(I82077Test, TerminalCountInsideASector) {
    start();
    dma_read_bytes(100);
    issue({0xE6, 0x00, 0, 0, 5, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(taken.size(), 100u);
    EXPECT_EQ(result(7), (Bytes{0x00, 0, 0, 0, 0, 6, 2}));
}

TEST_F(I82077Test, NonDmaReadOneInterruptAByte) {
    start();
    command({0x03, 0xAF, 0x03}, 0);
    issue({0x46, 0x00, 0, 0, 18, 2, 18, 0x1B, 0xFF});
    EXPECT_EQ(fdc.read(4), 0x70);
    Bytes got;
    while (got.size() < 512) {
        ASSERT_TRUE(run_to_interrupt());
        ASSERT_EQ(fdc.read(4), 0xF0);
        got.push_back(fdc.read(5));
        EXPECT_FALSE(irq.level);
    }
    EXPECT_EQ(got, sector(0, 0, 18));
    ASSERT_TRUE(run_to_interrupt());
    EXPECT_EQ(result(7), (Bytes{0x40, 0x80, 0, 1, 0, 1, 2})) << "no TC: end of cylinder";
    EXPECT_EQ(irq.rises(), 1u + 512 + 1);
}

TEST_F(I82077Test, NonDmaWithFifoAsksLessOften) {
    start();
    command({0x03, 0xAF, 0x03}, 0);
    command({0x13, 0x00, 0x07, 0x00}, 0);  // FIFO on, threshold 8
    issue({0x46, 0x00, 0, 0, 18, 2, 18, 0x1B, 0xFF});
    Bytes got;
    const unsigned before = irq.rises();
    while (got.size() < 512) {
        ASSERT_TRUE(run_to_interrupt());
        while ((fdc.read(4) & 0xF0) == 0xF0) got.push_back(fdc.read(5));
    }
    EXPECT_EQ(got, sector(0, 0, 18));
    EXPECT_EQ(irq.rises() - before, 512u / 8);
}

TEST_F(I82077Test, OverrunAndUnderrun) {
    start();
    command({0x03, 0xAF, 0x03}, 0);
    issue({0x46, 0x00, 0, 0, 4, 2, 18, 0x1B, 0xFF});
    ASSERT_TRUE(run_to_interrupt());
    board.run_for(40'000);
    EXPECT_EQ(result(7), (Bytes{0x40, 0x10, 0, 0, 0, 4, 2}));
    issue({0x45, 0x00, 0, 0, 4, 2, 18, 0x1B, 0xFF});
    board.run_for(300 * kMs);
    EXPECT_EQ(result(7), (Bytes{0x40, 0x10, 0, 0, 0, 4, 2}));
    EXPECT_EQ(sector(0, 0, 4), original(0, 0, 4)) << "not written";
}

TEST_F(I82077Test, WriteByDma) {
    start();
    given.assign(2 * 512, 0xA7);
    given[512] = 0x11;
    issue({0x45, 0x04, 0, 1, 7, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0x04, 0, 0, 0, 1, 9, 2}));
    EXPECT_EQ(sector(0, 1, 7), Bytes(512, 0xA7));
    EXPECT_EQ(sector(0, 1, 8)[0], 0x11);
    EXPECT_EQ(sector(0, 1, 9), original(0, 1, 9));
}

TEST_F(I82077Test, ShortWriteIsFilledWithZeros) {
    start();
    given.assign(10, 0xEE);
    issue({0x45, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0, 0, 0, 3, 2}));
    Bytes expected(512, 0);
    std::fill_n(expected.begin(), 10, u8{0xEE});
    EXPECT_EQ(sector(0, 0, 2), expected);
}

TEST_F(I82077Test, WriteProtect) {
    start();
    image->read_only = true;
    EXPECT_EQ(command({0x04, 0x00}, 1), Bytes{0x78});
    issue({0x45, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0x40, 0x02, 0, 0, 0, 2, 2}));
    issue({0x4D, 0x00, 2, 18, 0x54, 0xF6});
    run_to_result();
    EXPECT_EQ(result(7)[1], 0x02);
}

TEST_F(I82077Test, WrongAddressesFindNothing) {
    start();
    struct Case {
        u8 c, h, r, n, st2;
    };
    for (const Case& wrong : {Case{1, 0, 1, 2, 0x10}, Case{0, 1, 1, 2, 0}, Case{0, 0, 19, 2, 0}, Case{0, 0, 0, 2, 0},
                              Case{0, 0, 1, 3, 0}}) {
        const u64 begin = board.now();
        issue({0x46, 0x00, wrong.c, wrong.h, wrong.r, wrong.n, 18, 0x1B, 0xFF});
        run_to_result();
        EXPECT_EQ(result(7), (Bytes{0x40, 0x04, wrong.st2, wrong.c, wrong.h, wrong.r, wrong.n}));
        EXPECT_GE(board.now() - begin, 200 * kMs) << "two index pulses";
        EXPECT_LE(board.now() - begin, 410 * kMs);
    }
}

TEST_F(I82077Test, WrongDataRateOrFmFindsNoMarks) {
    start();
    fdc.write(7, 2);
    issue({0x4A, 0x00});
    run_to_result();
    EXPECT_EQ((Bytes{0x40, 0x01, 0}), first(result(7), 3));
    fdc.write(7, 0);
    issue({0x0A, 0x00});
    run_to_result();
    EXPECT_EQ((Bytes{0x40, 0x01, 0}), first(result(7), 3)) << "MFM clear";
    issue({0x4A, 0x04});
    run_to_result();
    const Bytes id = result(7);
    EXPECT_EQ((Bytes{0x04, 0, 0, 0, 1}), first(id, 5));
    EXPECT_EQ(id[6], 2);
    issue({0x4A, 0x04});
    run_to_result();
    EXPECT_EQ(result(7)[5], id[5] % 18 + 1) << "the next one that passes";
}

TEST_F(I82077Test, NoDisketteNeverEnds) {
    drive.eject();
    start();
    issue({0x4A, 0x00});
    board.run_for(10 * kSecond);
    EXPECT_EQ(fdc.read(4), 0x10);
    drive.insert(disk.get(), k1440);
    run_to_result();
    EXPECT_EQ(result(7)[0], 0x00) << "index pulses are back";
    issue({0x4A, 0x00});
    fdc.write(2, 0x0C);  // motor off
    board.run_for(kSecond);
    EXPECT_EQ(fdc.read(4), 0x10);
    fdc.write(2, 0x08);
    fdc.write(2, 0x1C);
    board.run_for(2 * kMs);
    EXPECT_EQ(command({0x08}, 2), (Bytes{0xC0, 0}));
}

TEST_F(I82077Test, AnEmptyDriveMayEndSearches) {
    FloppyDrive empty("floppy0", FloppyDrive::Type::inch3_1440k);
    RecordedLine request(board.scheduler);
    I82077 impatient(board.scheduler, {.interrupt = request.pin(), .dma_request = {}},
                     {&empty, nullptr, nullptr, nullptr}, {.empty_drive_ends_search = true});
    const auto take = [&](unsigned count) {
        Bytes bytes;
        for (unsigned i = 0; i < count && (impatient.read(4) & 0x40) != 0; ++i) bytes.push_back(impatient.read(5));
        return bytes;
    };
    const auto give = [&](std::initializer_list<u8> bytes) {
        for (const u8 byte : bytes) impatient.write(5, byte);
    };
    impatient.write(2, 0x1C);
    impatient.write(7, 0x00);  // 500 kbit/s
    board.run_for(2 * kMs);
    for (int i = 0; i < 4; ++i) give({0x08}), take(2);
    give({0x03, 0xAF, 0x02});
    give({0x4A, 0x00});  // READ ID
    board.run_for(350 * kMs);
    EXPECT_FALSE(request.level);
    board.run_for(100 * kMs);
    EXPECT_TRUE(request.level);
    EXPECT_EQ(take(3), (Bytes{0x40, 0x01, 0x00})) << "abnormal termination, missing address mark";
    take(4);
    // A diskette that comes in time is read.
    give({0x4A, 0x00});
    board.run_for(100 * kMs);
    empty.insert(disk.get(), k1440);
    board.run_for(350 * kMs);
    EXPECT_EQ(take(1), Bytes{0x00});
}

TEST_F(I82077Test, EjectedWhileReading) {
    start();
    issue({0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    while (taken.empty()) board.run_for(kMs);
    drive.eject();
    EXPECT_EQ(result(7), (Bytes{0x40, 0x20, 0x20, 0, 0, 1, 2}));
}

TEST_F(I82077Test, HostErrorsAreDataErrors) {
    start();
    image->broken = true;
    issue({0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0x40, 0x20, 0x20, 0, 0, 1, 2}));
    given.assign(512, 1);
    issue({0x45, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7)[0], 0x50);
}

TEST_F(I82077Test, DeletedDataAndSkip) {
    start();
    given.assign(512, 0xDD);
    issue({0x49, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7)[0], 0);
    dma_read_bytes(3 * 512);
    issue({0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0x40, 0, 0, 2, 2})) << "stops after the marked sector";
    EXPECT_EQ(taken.size(), 1024u);
    dma_read_bytes(2 * 512);
    issue({0x66, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0x40, 0, 0, 4, 2}));
    EXPECT_EQ(Bytes(taken.begin() + 512, taken.end()), sector(0, 0, 3)) << "sector 2 was skipped";
    dma_read_bytes(512);
    issue({0x4C, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0, 0, 0, 3, 2}));
    EXPECT_EQ(taken, Bytes(512, 0xDD));
}

TEST_F(I82077Test, Verify) {
    start();
    issue({0x56, 0x80, 0, 0, 3, 2, 18, 0x1B, 4});  // EC: four sectors
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0, 0, 0, 7, 2}));
    issue({0xD6, 0x00, 0, 0, 3, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0x04, 0, 0, 1, 0, 1, 2}));
    issue({0x56, 0x00, 0, 0, 3, 2, 19, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0x40, 0x04, 0, 0, 0, 19, 2}));
    EXPECT_TRUE(taken.empty());
    EXPECT_EQ(drq.rises(), 0u);
}

TEST_F(I82077Test, ReadTrackFromTheIndex) {
    start();
    dma_read_bytes(3 * 512);
    issue({0x42, 0x00, 0, 0, 1, 2, 3, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0, 1, 0, 1, 2}));
    EXPECT_TRUE(std::equal(taken.begin(), taken.end(), image->bytes.begin()));
    dma_read_bytes(512);
    issue({0x42, 0x00, 0, 0, 9, 2, 1, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7)[1], 0x04) << "another ID than asked for";
    EXPECT_EQ(taken, sector(0, 0, 1));
}

TEST_F(I82077Test, Format) {
    start();
    for (u8 r = 1; r <= 18; ++r) given.insert(given.end(), {0, 1, static_cast<u8>((r * 5) % 18 + 1), 2});
    issue({0x4D, 0x04, 2, 18, 0x54, 0xF6});
    run_to_result();
    EXPECT_EQ(first(result(7), 3), (Bytes{0x04, 0, 0}));
    for (unsigned r = 1; r <= 18; ++r) EXPECT_EQ(sector(0, 1, r), Bytes(512, 0xF6));
    EXPECT_FALSE(drive.deleted(1, 1)) << "formatted with normal data marks";
    EXPECT_EQ(sector(0, 0, 18), original(0, 0, 18));
    EXPECT_EQ(sector(1, 0, 1), original(1, 0, 1));
    given.clear();
    for (u8 r = 1; r <= 9; ++r) given.insert(given.end(), {0, 0, r, 3});
    issue({0x4D, 0x00, 3, 9, 0x54, 0xF6});
    run_to_result();
    EXPECT_EQ(first(result(7), 3), (Bytes{0x50, 0, 0})) << "no raw image holds 1024-byte sectors";
    EXPECT_EQ(sector(0, 0, 1), original(0, 0, 1));
}

TEST_F(I82077Test, Scan) {
    start();
    give(original(0, 0, 2));
    given[7] = 0xFF;  // any byte
    issue({0x51, 0x00, 0, 0, 2, 2, 18, 0x1B, 1});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0x08, 0, 0, 2, 2})) << "equal hit";
    // A host that sends the same sector again and again finds the one that holds it.
    const Bytes wanted = original(0, 0, 5);
    for (int i = 0; i < 18; ++i) given.insert(given.end(), wanted.begin(), wanted.end());
    issue({0x51, 0x00, 0, 0, 3, 2, 18, 0x1B, 2});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0x08, 0, 0, 5, 2}));
    given.clear();
    for (int i = 0; i < 18; ++i) given.insert(given.end(), wanted.begin(), wanted.end());
    issue({0x51, 0x00, 0, 0, 6, 2, 9, 0x1B, 1});
    run_to_result();
    EXPECT_EQ(result(7)[2], 0x04) << "not satisfied";
    given.assign(512, 0xFE);
    image->bytes[512 * 9] = 0xFD;
    issue({0x59, 0x00, 0, 0, 11, 2, 18, 0x1B, 1});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0, 0, 0, 11, 2})) << "low: satisfied, no equal hit";
    given.assign(512, 0x00);
    issue({0x5D, 0x00, 0, 0, 11, 2, 18, 0x1B, 1});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0, 0, 0, 11, 2})) << "high";
}

TEST_F(I82077Test, ImpliedSeek) {
    start();
    command({0x13, 0x00, 0x60, 0x00}, 0);
    dma_read_bytes(512);
    issue({0x46, 0x00, 40, 0, 1, 2, 18, 0x1B, 0xFF});
    run_to_result();
    EXPECT_EQ(result(7), (Bytes{0, 0, 0, 40, 0, 2, 2}));
    EXPECT_EQ(taken, sector(40, 0, 1));
    EXPECT_EQ(command({0x08}, 1), Bytes{0x80}) << "no interrupt of its own";
}

TEST_F(I82077Test, HeadLoadAndUnload) {
    start();
    command({0x03, 0xA1, 0x64}, 0);  // HUT 16 ms, HLT 100 ms
    issue({0x4A, 0x00});
    u64 begin = board.now();
    run_to_result();
    EXPECT_GE(board.now() - begin, 100 * kMs);
    result(7);
    issue({0x4A, 0x00});
    begin = board.now();
    run_to_result();
    EXPECT_LE(board.now() - begin, 13 * kMs) << "still loaded";
    result(7);
    board.run_for(20 * kMs);
    issue({0x4A, 0x00});
    begin = board.now();
    run_to_result();
    EXPECT_GE(board.now() - begin, 100 * kMs);
}

TEST_F(I82077Test, PowerDownUntilReset) {
    start();
    fdc.write(4, 0x40);
    EXPECT_EQ(fdc.read(4), 0);
    fdc.write(5, 0x10);
    fdc.write(4, 0x80);
    EXPECT_EQ(fdc.read(4), 0x80);
    EXPECT_EQ(command({0x10}, 1), Bytes{0x90});
}

TEST_F(I82077Test, ALateHostSlowsTheDiskette) {
    start();
    dma_read_bytes(18 * 512);
    issue({0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
    while (!irq.level) board.leap(5 * kMs);
    EXPECT_EQ(first(result(7), 3), (Bytes{0, 0, 0}));
    EXPECT_TRUE(std::equal(taken.begin(), taken.end(), image->bytes.begin()));
}

TEST_F(I82077Test, AFasterDrive) {
    I82077 fast(board.scheduler, {.interrupt = irq.pin(), .dma_request = nullptr}, {&drive}, {.speed_factor = 10});
    fast.write(2, 0x1C);
    fast.write(7, 0);
    board.run_for(2 * kMs);
    for (const u8 byte : Bytes{0x03, 0xAF, 0x03, 0x08}) fast.write(5, byte);
    while ((fast.read(4) & 0x40) != 0) fast.read(5);
    ASSERT_FALSE(irq.level);
    // Without DMA a byte still takes 16 us: the search is fast, the processor has its time.
    const u64 begin = board.now();
    for (const u8 byte : Bytes{0x46, 0, 0, 0, 18, 2, 18, 0x1B, 0xFF}) fast.write(5, byte);
    ASSERT_TRUE(run_to_interrupt());
    EXPECT_LE(board.now() - begin, 22 * kMs) << "a turn is 20 ms";
    Bytes got;
    const u64 first_byte = board.now();
    while (got.size() < 512) {
        ASSERT_TRUE(run_to_interrupt());
        got.push_back(fast.read(5));
    }
    EXPECT_EQ(got, sector(0, 0, 18));
    EXPECT_GE(board.now() - first_byte, 511 * 16'000u);
    fdc.reset();
}

TEST_F(I82077Test, StateOfAFreshChip) {
    const auto state = saved(fdc);
    LoadArchive load(state);
    fdc.describe(load);
    EXPECT_EQ(saved(fdc), state);
}

TEST_F(I82077Test, State) {
    start();
    command({0x13, 0x00, 0x07, 0x10}, 0);
    command({0x03, 0xAF, 0x03}, 0);
    issue({0x0F, 0x01, 20});
    issue({0x46, 0x00, 0, 0, 4, 2, 18, 0x1B, 0xFF});
    ASSERT_TRUE(run_to_interrupt());
    fdc.read(5);
    FloppyDrive other("floppy0", FloppyDrive::Type::inch3_1440k);
    I82077 twin(board.scheduler, {}, {&other});
    expect_faithful_state(fdc, twin);
}

}  // namespace
}  // namespace bantam::devices
