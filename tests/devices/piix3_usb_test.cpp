// The USB host controller: registers, ports, and schedules in memory that keyboard and tablet answer.
#include "devices/piix3_usb.h"

#include "devices/usb_keyboard.h"
#include "devices/usb_tablet.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kMs = 1'000'000;
constexpr u64 kCommand = 0, kStatus = 2, kInterruptEnable = 4, kFrame = 6, kList = 8, kFrameLength = 12, kPort0 = 16,
              kPort1 = 18;
constexpr u32 kFrameList = 0x10000, kQueue = 0x2000, kTransfers = 0x3000, kData = 0x4000, kSetupData = 0x5000;
constexpr u32 kTerminate = 1, kQ = 2, kDepth = 4;
constexpr u32 kActive = 1u << 23, kStalled = 1u << 22, kBabble = 1u << 20, kNak = 1u << 19, kTimeout = 1u << 18,
              kIoc = 1u << 24, kIso = 1u << 25, kLowSpeed = 1u << 26, kThree = 3u << 27, kSpd = 1u << 29;
constexpr u8 kIn = 0x69, kOut = 0xE1, kSetup = 0x2D;

class Piix3UsbTest : public ::testing::Test {
protected:
    Piix3UsbTest() {
        usb.connect(0, &tablet);
        usb.connect(1, &keyboard);
        usb.write_config(4, 2, 5);
        for (u32 i = 0; i < 1024; ++i) poke(kFrameList + i * 4, kQueue | kQ);
        queue(kTransfers);
        write(kList, kFrameList, 4);
    }
    u16 read(u64 offset) { return static_cast<u16>(ports.read(offset, 2)); }
    void write(u64 offset, u32 value, unsigned size = 2) {
        for (unsigned at = 0; at < size; at += 2) ports.write(offset + at, std::min(size, 2u), value >> (8 * at));
    }
    void poke(u32 address, u32 value) { memory->write({address}, 4, value); }
    u32 peek(u32 address) { return static_cast<u32>(memory->read({address}, 4)); }
    void queue(u32 element, u32 next = kTerminate) {
        poke(kQueue, next);
        poke(kQueue + 4, element);
    }
    struct Wish {
        u8 pid = kIn;
        u8 address = 0;
        u8 endpoint = 0;
        bool toggle = true;
        u32 length = 64;
        u32 flags = kThree;
        u32 buffer = kData;
    };
    /// Transfer descriptor `index`; the link leads to the next unless `last`.
    void transfer(u32 index, const Wish& wish, bool last, u32 link_flags = 0) {
        const u32 at = kTransfers + index * 0x20;
        poke(at, last ? kTerminate : (at + 0x20) | link_flags);
        poke(at + 4, kActive | wish.flags | 0x7FF);
        poke(at + 8, ((wish.length - 1) & 0x7FF) << 21 | (wish.toggle ? 1u << 19 : 0) | u32{wish.endpoint} << 15 |
                         u32{wish.address} << 8 | wish.pid);
        poke(at + 12, wish.buffer);
    }
    u32 status(u32 index) { return peek(kTransfers + index * 0x20 + 4); }
    void setup_data(u64 packet) { memory->write({kSetupData}, 8, packet); }
    void run() { write(kCommand, 1); }
    /// One frame more is gone through.
    void frame() { board.run_for(kMs); }
    void enable_port(u64 port) {
        write(port, 0x200);
        write(port, 0);
        write(port, 0x0E);
    }
    /// A request without data, carried out by transfers 0 and 1 of the queue.
    void request(u8 address, u64 packet) {
        setup_data(packet);
        transfer(0, {.pid = kSetup, .address = address, .toggle = false, .length = 8, .buffer = kSetupData}, false,
                 kDepth);
        transfer(1, {.pid = kIn, .address = address, .length = 0}, true);
        queue(kTransfers);
        for (unsigned i = 0; i < 3; ++i) frame();
        EXPECT_EQ(status(1) & (kActive | kStalled), 0u);
    }
    void configure(u8 address) {
        request(0, 0x0500 | u64{address} << 16);
        request(address, 0x010900);
    }

    TestBoard board;
    std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(u64{1} << 20).value());
    RecordedLine irq{board.scheduler};
    unsigned smis = 0;
    Piix3Usb usb{board.scheduler, *memory, {.interrupt = irq.pin(), .smi = [this] { ++smis; }}};
    UsbTablet tablet{board.scheduler, {.resume = [this] { usb.resume(0); }}};
    UsbKeyboard keyboard{board.scheduler, {.resume = [this] { usb.resume(1); }}};
    RegisterSpace ports = usb.registers();
};

TEST_F(Piix3UsbTest, IdentityAndConfiguration) {
    EXPECT_EQ(usb.read_config(0, 4), 0x70208086u);
    EXPECT_EQ(usb.read_config(8, 4) >> 8, 0x0C0300u);
    EXPECT_EQ(usb.read_config(0x3D, 1), 4u);
    EXPECT_EQ(usb.read_config(0x60, 1), 0x10u);
    EXPECT_EQ(usb.read_config(0xC0, 2), 0x2000u);
    usb.write_config(0x20, 4, 0xFFFFFFFF);
    EXPECT_EQ(usb.read_config(0x20, 4), 0xFFFFFFE1u);
    usb.write_config(0xC0, 2, 0xFFFF);
    EXPECT_EQ(usb.read_config(0xC0, 2), 0x20BFu);
    EXPECT_EQ(usb.read_config(4, 2), 5u);
}

TEST_F(Piix3UsbTest, RegistersAndTheirBytes) {
    EXPECT_EQ(read(kStatus), 0x20) << "halted";
    EXPECT_EQ(ports.read(kFrameLength, 1), 0x40u);
    ports.write(kFrameLength, 1, 0xFF);
    EXPECT_EQ(ports.peek(kFrameLength, 1), 0x7Fu);
    write(kList, 0xFFFFFFFF, 4);
    EXPECT_EQ(read(kList), 0xF000);
    EXPECT_EQ(read(kList + 2), 0xFFFF);
    write(kFrame, 0xFFFF);
    EXPECT_EQ(read(kFrame), 0x7FF);
    ports.write(kFrame + 1, 1, 2);
    EXPECT_EQ(read(kFrame), 0x2FF);
    write(kInterruptEnable, 0xFFFF);
    EXPECT_EQ(read(kInterruptEnable), 0x0F);
    write(kCommand, 0xC0);
    EXPECT_EQ(read(kCommand), 0xC0);
    EXPECT_EQ(read(0x0E), 0);
    EXPECT_EQ(read(0x14), 0) << "no third port";
    write(kCommand, 2);
    EXPECT_EQ(read(kCommand), 0) << "host controller reset is over at once";
    EXPECT_EQ(read(kInterruptEnable), 0);
    EXPECT_EQ(ports.read(kFrameLength, 1), 0x40u);
}

TEST_F(Piix3UsbTest, FramesPassWhileItRuns) {
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever) << "costs nothing";
    run();
    EXPECT_EQ(read(kStatus), 0);
    board.run_for(kMs * 10 + kMs / 2);
    EXPECT_EQ(read(kFrame), 9u);
    write(kFrame, 0x100);
    EXPECT_EQ(read(kFrame), 9u) << "only while it stands";
    write(kCommand, 0);
    EXPECT_EQ(read(kStatus), 0x20);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
    ports.write(kFrameLength, 1, 0);
    run();
    EXPECT_EQ(board.scheduler.next_deadline() - board.now(), 994'666u) << "11936 bit times";
    board.leap(100'000 * kMs);
    EXPECT_LT(board.scheduler.next_deadline() - board.now(), kMs) << "a late timer does not make up for all frames";
}

TEST_F(Piix3UsbTest, PortsFindEnableAndReset) {
    EXPECT_EQ(read(kPort0), 0x93) << "connected, changed, D+";
    write(kPort0, 4);
    EXPECT_EQ(read(kPort0), 0x97);
    write(kPort0, 2);
    EXPECT_EQ(read(kPort0), 0x91);
    EXPECT_FALSE(usb.port_enabled(0));
    tablet.bus_reset();
    enable_port(kPort0);
    EXPECT_EQ(read(kPort0), 0x95);
    EXPECT_TRUE(usb.port_enabled(0));
    run();
    configure(7);
    EXPECT_EQ(tablet.address(), 7);
    EXPECT_EQ(keyboard.address(), 0) << "behind a port that is off";
    write(kPort0, 0x204);
    EXPECT_EQ(read(kPort0), 0x281) << "reset: off, SE0";
    EXPECT_EQ(tablet.address(), 0);
    write(kPort0, 0);
    usb.connect(0, nullptr);
    EXPECT_EQ(read(kPort0), 0x82);
    write(kPort0, 4);
    EXPECT_FALSE(usb.port_enabled(0)) << "nothing is there";
    usb.connect(0, &tablet);
    enable_port(kPort0);
    usb.connect(0, nullptr);
    EXPECT_EQ(read(kPort0), 0x8A) << "a device that goes switches its port off";
    usb.connect(0, &tablet);
    enable_port(kPort0);
    write(kCommand, 2);
    EXPECT_EQ(read(kPort0), 0x93) << "found anew";
}

TEST_F(Piix3UsbTest, GlobalResetReachesEveryDevice) {
    enable_port(kPort0);
    run();
    configure(3);
    write(kCommand, 4);
    EXPECT_EQ(tablet.address(), 0);
    EXPECT_EQ(read(kCommand), 4);
    EXPECT_FALSE(usb.port_enabled(0));
    write(kCommand, 0);
    EXPECT_EQ(read(kCommand), 0);
}

TEST_F(Piix3UsbTest, ControlTransferAndInterruptAtTheEndOfTheFrame) {
    enable_port(kPort1);
    write(kInterruptEnable, 4);
    setup_data(0x0012'0000'0100'0680);  // device descriptor
    transfer(0, {.pid = kSetup, .toggle = false, .length = 8, .buffer = kSetupData}, false, kDepth);
    transfer(1, {.length = 18}, false, kDepth);
    transfer(2, {.pid = kOut, .length = 0, .flags = kThree | kIoc}, true);
    run();
    frame();
    EXPECT_EQ(status(0), kThree | 7);
    EXPECT_EQ(status(1), kThree | 17);
    EXPECT_EQ(status(2), kThree | kIoc | 0x7FF) << "no bytes";
    EXPECT_EQ(peek(kData), 0x01100112u);
    EXPECT_EQ(peek(kData + 16), 0x0100u) << "18 bytes";
    EXPECT_EQ(peek(kQueue + 4), kTerminate);
    EXPECT_EQ(read(kStatus), 0) << "the frame is not over";
    EXPECT_FALSE(irq.level);
    frame();
    EXPECT_EQ(read(kStatus), 1);
    EXPECT_TRUE(irq.level);
    write(kStatus, 1);
    EXPECT_EQ(read(kStatus), 0);
    EXPECT_FALSE(irq.level);
}

TEST_F(Piix3UsbTest, BreadthFirstTakesOneTransferOfEachQueue) {
    enable_port(kPort1);
    setup_data(0x0012'0000'0100'0680);
    transfer(0, {.pid = kSetup, .toggle = false, .length = 8, .buffer = kSetupData}, false);
    transfer(1, {.length = 18}, false);
    transfer(2, {.pid = kOut, .length = 0}, true);
    run();
    frame();
    EXPECT_EQ(status(0) & kActive, 0u);
    EXPECT_NE(status(1) & kActive, 0u);
    EXPECT_EQ(peek(kQueue + 4), kTransfers + 0x20);
    frame();
    frame();
    EXPECT_EQ(status(2) & kActive, 0u);
    // In a circle a queue is come to again in the same frame.
    transfer(0, {.pid = kSetup, .toggle = false, .length = 8, .buffer = kSetupData}, false);
    transfer(1, {.length = 18}, false);
    transfer(2, {.pid = kOut, .length = 0}, true);
    queue(kTransfers, kQueue | kQ);
    frame();
    EXPECT_EQ(status(2) & kActive, 0u);
}

TEST_F(Piix3UsbTest, QueuesInQueuesAndDescriptorsInTheFrameList) {
    enable_port(kPort1);
    setup_data(0x0012'0000'0100'0680);
    // The queue's element is a queue, whose element is the transfer.
    constexpr u32 kInner = 0x2100;
    queue(kInner | kQ);
    poke(kInner, kTerminate);
    poke(kInner + 4, kTransfers);
    transfer(0, {.pid = kSetup, .toggle = false, .length = 8, .buffer = kSetupData}, true);
    run();
    frame();
    EXPECT_EQ(status(0) & kActive, 0u);
    EXPECT_EQ(peek(kInner + 4), kTerminate);
    EXPECT_EQ(peek(kQueue + 4), kInner | kQ);
    // Descriptors outside queues: all of them, whatever becomes of each.
    transfer(0, {.address = 99}, false);
    transfer(1, {.length = 18}, true);
    for (u32 i = 0; i < 1024; ++i) poke(kFrameList + i * 4, kTransfers);
    frame();
    EXPECT_NE(status(0) & kTimeout, 0u);
    EXPECT_EQ(status(1) & kActive, 0u);
    // An empty frame list entry.
    transfer(1, {.length = 18}, true);
    for (u32 i = 0; i < 1024; ++i) poke(kFrameList + i * 4, kTransfers | kTerminate);
    frame();
    EXPECT_NE(status(1) & kActive, 0u);
}

TEST_F(Piix3UsbTest, ShortPackets) {
    enable_port(kPort1);
    write(kInterruptEnable, 8);
    setup_data(0x0040'0000'0100'0680);
    transfer(0, {.pid = kSetup, .toggle = false, .length = 8, .buffer = kSetupData}, false, kDepth);
    transfer(1, {.length = 64, .flags = kThree | kSpd}, false, kDepth);
    transfer(2, {.pid = kOut, .length = 0}, true);
    run();
    frame();
    frame();
    EXPECT_EQ(status(1), kThree | kSpd | 17);
    EXPECT_NE(status(2) & kActive, 0u);
    EXPECT_EQ(peek(kQueue + 4), (kTransfers + 0x20) | kDepth) << "the queue stays";
    EXPECT_EQ(read(kStatus), 1);
    EXPECT_TRUE(irq.level);
    write(kInterruptEnable, 4);
    EXPECT_FALSE(irq.level) << "none that is complete";
    // Without detection it goes on.
    write(kStatus, 1);
    setup_data(0x0040'0000'0100'0680);
    transfer(0, {.pid = kSetup, .toggle = false, .length = 8, .buffer = kSetupData}, false, kDepth);
    transfer(1, {.length = 64}, false, kDepth);
    transfer(2, {.pid = kOut, .length = 0}, true);
    queue(kTransfers);
    frame();
    EXPECT_EQ(status(2) & kActive, 0u);
}

TEST_F(Piix3UsbTest, NakStallTimeoutAndBabble) {
    enable_port(kPort1);
    run();
    configure(2);
    write(kInterruptEnable, 1);
    // NAK: active as before.
    transfer(0, {.address = 2, .endpoint = 1, .toggle = false, .length = 8, .flags = kThree | kIoc}, true);
    queue(kTransfers);
    frame();
    frame();
    EXPECT_EQ(status(0), kActive | kNak | kThree | kIoc | 0x7FF);
    EXPECT_EQ(read(kStatus), 0);
    keyboard.key(*key_by_name("z"), true);
    frame();
    EXPECT_EQ(status(0), kThree | kIoc | 7);
    EXPECT_EQ(peek(kData), 0x1D0000u);
    frame();
    EXPECT_EQ(read(kStatus), 1);
    write(kStatus, 1);
    // The same toggle again: the report is taken for a repetition.
    keyboard.key(*key_by_name("z"), false);
    transfer(0, {.address = 2, .endpoint = 1, .toggle = false, .length = 8}, true);
    queue(kTransfers);
    frame();
    EXPECT_EQ(status(0), kActive | kThree | 0x7FF);
    EXPECT_TRUE(keyboard.read_all());
    // STALL: a request that there is not.
    setup_data(0x0012'0000'0700'0680);
    transfer(0, {.pid = kSetup, .address = 2, .toggle = false, .length = 8, .buffer = kSetupData}, false, kDepth);
    transfer(1, {.address = 2}, true);
    queue(kTransfers);
    frame();
    EXPECT_EQ(status(1), kStalled | kThree | 0x7FF);
    EXPECT_FALSE(irq.level);
    frame();
    EXPECT_EQ(read(kStatus), 2);
    EXPECT_TRUE(irq.level);
    write(kStatus, 2);
    // Nobody at the address: three times.
    transfer(0, {.address = 77, .flags = kThree | kIoc}, true);
    queue(kTransfers);
    frame();
    EXPECT_EQ(status(0), kActive | kTimeout | (2u << 27) | kIoc | 0x7FF);
    frame();
    frame();
    EXPECT_EQ(status(0), kStalled | kTimeout | kIoc | 0x7FF);
    frame();
    EXPECT_EQ(read(kStatus), 3);
    write(kStatus, 3);
    // Or for ever; low-speed devices are not here either.
    transfer(0, {.address = 2, .flags = kLowSpeed}, true);
    queue(kTransfers);
    for (unsigned i = 0; i < 10; ++i) frame();
    EXPECT_EQ(status(0), kActive | kTimeout | kLowSpeed | 0x7FF);
    // More than there is room for.
    setup_data(0x0012'0000'0100'0680);
    transfer(0, {.pid = kSetup, .address = 2, .toggle = false, .length = 8, .buffer = kSetupData}, false, kDepth);
    transfer(1, {.address = 2, .length = 4}, true);
    queue(kTransfers);
    frame();
    EXPECT_EQ(status(1), kBabble | kStalled | kThree | 0x7FF);
}

TEST_F(Piix3UsbTest, IsochronousTransfersAreNotAnsweredAndOver) {
    enable_port(kPort1);
    transfer(0, {.flags = kIso | kIoc}, true);
    for (u32 i = 0; i < 1024; ++i) poke(kFrameList + i * 4, kTransfers);
    run();
    frame();
    EXPECT_EQ(status(0), kTimeout | kIso | kIoc | 0x7FF);
    frame();
    EXPECT_EQ(read(kStatus), 1);
}

TEST_F(Piix3UsbTest, IllegalDescriptorsHaltIt) {
    for (const bool bad_pid : {true, false}) {
        transfer(0, {.pid = bad_pid ? u8{0x5A} : kIn, .length = bad_pid ? 8u : 0x501u}, true);
        queue(kTransfers);
        run();
        frame();
        EXPECT_EQ(read(kStatus), 0x30);
        EXPECT_EQ(read(kCommand), 0);
        EXPECT_TRUE(irq.level) << "cannot be masked";
        EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
        write(kStatus, 0x10);
        EXPECT_FALSE(irq.level);
    }
}

TEST_F(Piix3UsbTest, SchedulesEndWithTheFrame) {
    enable_port(kPort1);
    run();
    configure(2);
    // A queue in a circle whose transfer is refused: as often as the bus has time.
    transfer(0, {.address = 2, .endpoint = 1, .toggle = false, .length = 8}, true);
    queue(kTransfers, kQueue | kQ);
    frame();
    EXPECT_NE(status(0) & kNak, 0u);
    // Links in a circle without any.
    for (const u32 element : {kTerminate, kQueue | kQ}) {
        queue(element, kQueue | kQ);
        frame();
    }
    poke(kTransfers, kTransfers);
    poke(kTransfers + 4, 0);
    for (u32 i = 0; i < 1024; ++i) poke(kFrameList + i * 4, kTransfers);
    frame();
    // A transfer that does not fit waits.
    for (u32 i = 0; i < 2; ++i) transfer(i, {.address = 99, .length = 0x500, .flags = 0}, i == 1);
    frame();
    EXPECT_NE(status(0) & kTimeout, 0u);
    EXPECT_EQ(status(1) & kTimeout, 0u);
    const u64 before = read(kFrame);
    frame();
    EXPECT_EQ(read(kFrame), before + 1);
}

TEST_F(Piix3UsbTest, WithoutBusMasteringNothingIsFetched) {
    enable_port(kPort1);
    usb.write_config(4, 2, 1);
    transfer(0, {.address = 99, .flags = 0}, true);
    run();
    frame();
    EXPECT_EQ(status(0) & kTimeout, 0u);
    usb.write_config(4, 2, 5);
    frame();
    EXPECT_NE(status(0) & kTimeout, 0u);
}

TEST_F(Piix3UsbTest, SuspendAndResumeOfAPort) {
    enable_port(kPort1);
    run();
    configure(2);
    request(2, 0x010300);  // remote wakeup
    keyboard.key(*key_by_name("a"), true);
    EXPECT_EQ(read(kPort1), 0x95) << "not suspended";
    write(kPort1, 0x1004);
    EXPECT_EQ(read(kPort1), 0x1095);
    transfer(0, {.address = 2, .endpoint = 1, .toggle = false, .length = 8, .flags = 0}, true);
    queue(kTransfers);
    frame();
    EXPECT_NE(status(0) & kTimeout, 0u);
    keyboard.key(*key_by_name("a"), false);
    EXPECT_EQ(read(kPort1), 0x10E5) << "resume, K";
    EXPECT_EQ(read(kStatus), 0) << "the bus was not suspended";
    write(kPort1, 4);
    EXPECT_EQ(read(kPort1), 0x95);
    frame();
    EXPECT_EQ(status(0) & kActive, 0u);
}

TEST_F(Piix3UsbTest, SuspendAndResumeOfTheBus) {
    enable_port(kPort1);
    run();
    configure(2);
    request(2, 0x010300);
    write(kInterruptEnable, 2);
    write(kCommand, 8);
    keyboard.key(*key_by_name("a"), true);
    EXPECT_EQ(read(kStatus), 0x24);
    EXPECT_EQ(read(kCommand), 0x18) << "resume is driven on";
    EXPECT_TRUE(irq.level);
    write(kStatus, 4);
    EXPECT_FALSE(irq.level);
    write(kCommand, 0);
    write(kCommand, 8);
    usb.connect(0, nullptr);
    EXPECT_EQ(read(kStatus), 0x24) << "a device goes";
    write(kCommand, 9);
    transfer(0, {.address = 99, .flags = 0}, true);
    queue(kTransfers);
    frame();
    EXPECT_EQ(status(0) & kTimeout, 0u) << "no traffic on a suspended bus";
}

TEST_F(Piix3UsbTest, LegacySupportRoutesTheInterrupt) {
    usb.write_config(0xC0, 2, 0x0010);  // to SMI# alone
    transfer(0, {.pid = 0x5A, .length = 8}, true);
    run();
    frame();
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(smis, 1u);
    EXPECT_EQ(usb.read_config(0xC0, 2), 0x1010u) << "USB IRQ status";
    usb.write_config(0xC0, 2, 0x2000);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(smis, 1u);
    write(kStatus, 0x10);
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(usb.read_config(0xC0, 2), 0x2000u);
}

TEST_F(Piix3UsbTest, StateSurvives) {
    enable_port(kPort1);
    write(kInterruptEnable, 0x0F);
    usb.write_config(0x20, 4, 0xC001);
    ports.write(kFrameLength, 1, 0x41);
    transfer(0, {.flags = kIso | kIoc}, true);
    for (u32 i = 0; i < 1024; ++i) poke(kFrameList + i * 4, kTransfers);
    run();
    frame();
    frame();
    transfer(0, {.flags = kIso | kIoc}, true);
    frame();
    EXPECT_TRUE(irq.level);
    Piix3Usb twin(board.scheduler, *memory, {});
    twin.connect(0, &tablet);
    twin.connect(1, &keyboard);
    expect_faithful_state(usb, twin);
    EXPECT_FALSE(irq.level);
}

}  // namespace
}  // namespace bantam::devices
