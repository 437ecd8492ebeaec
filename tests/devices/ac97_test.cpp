// AC'97: the codec's registers, and the controller with buffers in memory.
#include "devices/i82801_audio.h"
#include "tests/devices/recorded_audio.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

constexpr u64 kMs = 1'000'000;
constexpr u64 kPcmOut = 0x10;
constexpr u32 kList = 0x1000, kSamples = 0x10000;

class Ac97Test : public ::testing::Test {
protected:
    Ac97Test() {
        controller.connect(&sound);
        master.write(0x2C, 4, 2);  // out of cold reset
    }
    /// Descriptor `index`: `count` samples at `at`.
    void buffer(unsigned index, u32 at, u32 count, bool interrupt) {
        memory->write({kList + u64{index} * 8}, 4, at);
        memory->write({kList + u64{index} * 8 + 4}, 4, count | (interrupt ? 0x80000000 : 0));
    }
    void fill(u32 samples) {
        for (u32 i = 0; i < samples; ++i) memory->write({kSamples + u64{i} * 2}, 2, i);
    }
    void start(u8 last, u8 control = 0x1D) {
        master.write(kPcmOut, 4, kList);
        master.write(kPcmOut + 5, 1, last);
        master.write(kPcmOut + 0xB, 1, control);
    }
    u16 status() { return static_cast<u16>(master.read(kPcmOut + 6, 2)); }

    TestBoard board;
    std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(u64{1} << 20).value());
    RecordedLine irq{board.scheduler};
    RecordedAudio sound;
    unsigned volume_changes = 0;
    Stac9700 codec{{.volume_changed = [this] { ++volume_changes; }}};
    I82801Audio controller{board.scheduler, *memory, codec, {.interrupt = irq.pin()}};
    RegisterSpace mixer = controller.mixer_registers(), master = controller.bus_master_registers();
};

TEST_F(Ac97Test, Identity) {
    EXPECT_EQ(controller.read_config(0, 4), 0x24158086u);
    EXPECT_EQ(controller.read_config(8, 4) >> 8, 0x040100u);
    EXPECT_EQ(mixer.read(0x7C, 2) << 16 | mixer.read(0x7E, 2), 0x83847600u);
    EXPECT_EQ(mixer.read(0x26, 2) & 0x0F, 0x0Fu) << "ready";
    EXPECT_EQ(mixer.read(0x28, 2) & 1, 1u) << "variable rate audio";
    EXPECT_EQ(mixer.read(0x80, 2), 0xFFFFu) << "no secondary codec";
    EXPECT_EQ(master.read(0x30, 4), 0x100u);
    master.write(0x2C, 4, 0);
    EXPECT_EQ(master.read(0x30, 4), 0u) << "the link is in reset";
}

TEST_F(Ac97Test, CodecSemaphore) {
    EXPECT_EQ(master.peek(0x34, 1), 0u);
    EXPECT_EQ(master.read(0x34, 1), 0u);
    EXPECT_EQ(master.read(0x34, 1), 1u);
    mixer.read(0, 2);
    EXPECT_EQ(master.read(0x34, 1), 0u);
}

TEST_F(Ac97Test, VolumesRatesAndTheirLimits) {
    EXPECT_EQ(codec.gain().left, 0u) << "muted";
    mixer.write(0x02, 2, 0x0000);
    mixer.write(0x18, 2, 0x0808);
    EXPECT_EQ(codec.gain().left, 65'536u);
    mixer.write(0x18, 2, 0x0810);
    EXPECT_NEAR(codec.gain().right, 16'462, 1) << "-12 dB";
    EXPECT_EQ(volume_changes, 3u);
    mixer.write(0x02, 2, 0x2020);
    EXPECT_EQ(mixer.read(0x02, 2), 0x1F1Fu) << "five bits";
    mixer.write(0x02, 1, 0x05);
    EXPECT_EQ(mixer.read(0x02, 2), 0x1F05u) << "a byte";
    mixer.write(0x2C, 2, 44'100);
    EXPECT_EQ(mixer.read(0x2C, 2), 48'000u) << "fixed";
    mixer.write(0x2A, 2, 1);
    mixer.write(0x2C, 2, 44'100);
    EXPECT_EQ(mixer.read(0x2C, 2), 44'100u);
    mixer.write(0x2C, 2, 0xFFFF);
    EXPECT_EQ(mixer.read(0x2C, 2), 48'000u);
    mixer.write(0, 2, 0);
    EXPECT_EQ(mixer.read(0x02, 2), 0x8000u);
}

TEST_F(Ac97Test, PlaysItsListAndStopsAtTheLastValid) {
    fill(960);
    buffer(0, kSamples, 480, true);  // 5 ms
    buffer(1, kSamples + 960, 480, false);
    start(1);
    EXPECT_EQ(status() & 1, 0);
    board.run_until(5 * kMs - 1);
    EXPECT_FALSE(irq.level);
    board.run_until(5 * kMs);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(status(), 0x08);
    EXPECT_EQ(master.read(0x30, 4) & 0xFF, 0x40u);
    EXPECT_EQ(master.read(kPcmOut + 4, 1), 1u);
    EXPECT_EQ(master.read(kPcmOut + 0xA, 1), 2u);
    master.write(kPcmOut + 6, 2, 8);
    EXPECT_FALSE(irq.level);
    board.run_until(7 * kMs);
    EXPECT_EQ(master.read(kPcmOut + 8, 2), 480u - 192) << "2 ms of the second";
    board.run_until(20 * kMs);
    EXPECT_EQ(status(), 0x07) << "halted at the last, which is done";
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(board.scheduler.next_deadline(), Scheduler::kNever);
    ASSERT_EQ(sound.frames.size(), 480u);
    EXPECT_EQ(sound.rate, 48'000u);
    for (i16 i = 0; i < 480; ++i)
        ASSERT_EQ(sound.frames[static_cast<std::size_t>(i)],
                  (AudioFrame{static_cast<i16>(2 * i), static_cast<i16>(2 * i + 1)}));
}

TEST_F(Ac97Test, GoesOnWhenTheListGrows) {
    fill(480);
    for (unsigned i = 0; i < 32; ++i) buffer(i, kSamples, 480, false);
    start(0);
    board.run_for(6 * kMs);
    EXPECT_EQ(status() & 1, 1);
    master.write(kPcmOut + 5, 1, 31);
    EXPECT_EQ(status() & 1, 0);
    board.run_for(200 * kMs);
    EXPECT_EQ(sound.frames.size(), 32u * 240);
    EXPECT_EQ(master.read(kPcmOut + 4, 1), 31u);
}

TEST_F(Ac97Test, VariableRatePauseAndReset) {
    fill(2'000);
    buffer(0, kSamples, 2'000, true);
    mixer.write(0x2A, 2, 1);
    mixer.write(0x2C, 2, 8'000);
    start(0);
    board.run_for(50 * kMs);
    EXPECT_EQ(sound.frames.size(), 400u);
    EXPECT_EQ(sound.rate, 8'000u);
    master.write(kPcmOut + 0xB, 1, 0x1C);
    EXPECT_EQ(status() & 1, 1);
    board.run_for(50 * kMs);
    EXPECT_EQ(sound.frames.size(), 400u);
    master.write(kPcmOut + 0xB, 1, 0x1D);
    board.run_for(75 * kMs);
    EXPECT_EQ(sound.frames.size(), 1'000u);
    EXPECT_TRUE(irq.level);
    master.write(kPcmOut + 0xB, 1, 0x02);
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(master.read(kPcmOut, 4), 0u);
    EXPECT_EQ(status(), 1);
    EXPECT_EQ(master.read(kPcmOut + 0xB, 1), 0u) << "the reset clears itself";
}

TEST_F(Ac97Test, RecordsSilence) {
    memory->write({kSamples}, 4, 0xFFFFFFFF);
    buffer(0, kSamples, 96, true);
    master.write(0, 4, kList);
    master.write(0xB, 1, 0x1D);
    board.run_for(2 * kMs);
    EXPECT_EQ(memory->read({kSamples}, 4), 0u);
    EXPECT_TRUE(irq.level);
    EXPECT_TRUE(sound.frames.empty());
}

TEST_F(Ac97Test, EmptyBuffersDoNotStopTheClock) {
    for (unsigned i = 0; i < 32; ++i) buffer(i, kSamples, 0, false);
    start(31);
    board.run_for(10 * kMs);
    EXPECT_EQ(status() & 1, 1);
    buffer(0, 0xFFFFFFF0, 0xFFFF, false);  // where no memory is
    start(0, 0x02), start(0);
    board.run_for(1'000 * kMs);
    EXPECT_EQ(sound.frames.size(), 0x7FFFu);
}

TEST_F(Ac97Test, State) {
    fill(2'000);
    buffer(0, kSamples, 2'000, true);
    start(0);
    board.run_for(5 * kMs);
    master.read(0x34, 1);
    Stac9700 other_codec({});
    I82801Audio twin(board.scheduler, *memory, other_codec, {});
    expect_faithful_state(controller, twin);
    mixer.write(0x1A, 2, 0x0404);
    Stac9700 twin_codec({});
    expect_faithful_state(codec, twin_codec);
}

}  // namespace
}  // namespace bantam::devices
