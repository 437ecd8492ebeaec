// The board's wiring, driven through ports and memory as a guest would: interrupts by every route, gates, resets,
// power.
#include "machine/pc.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>

#include "devices/key_names.h"
#include "tests/devices/code_page_437_glyphs.h"

namespace bantam {
namespace {

/// A serial line's far end in memory.
struct Line final : devices::CharacterPort {
    std::string sent;
    std::deque<u8> waiting;
    void put(u8 byte) override { sent.push_back(static_cast<char>(byte)); }
    std::optional<u8> get() override {
        if (waiting.empty()) return std::nullopt;
        const u8 byte = waiting.front();
        waiting.pop_front();
        return byte;
    }
};

class PcTest : public testing::Test {
protected:
    PcTest() {
        Pc::Options options;
        options.rtc_epoch_seconds = 1'000'000'000;
        options.serials[0] = &com1_;
        options.debug_console = &console_;
        options.debug_exit = true;
        options.pvpanic = true;
        options.boot_order = "dc";
        options.floppies = {devices::FloppyDrive::Type::inch3_1440k, devices::FloppyDrive::Type::inch5_1200k};
        pc_ = std::make_unique<Pc>(
            model_, *memory_, scheduler_, options,
            Pc::Events{.reset = [this](Pc::ResetKind kind) { resets_.push_back(kind); },
                       .power_off = [this] { ++power_offs_; },
                       .debug_exit = [this](int status) { exit_status_ = status; },
                       .panicked = [this](bool crash_loaded) { panics_ += crash_loaded ? "c" : "p"; },
                       .stall = [this](u64 ns) { stalled_ns_ += ns; }});
    }
    void out(u16 port, u32 value, unsigned size = 1) { pc_->write_port(port, size, value); }
    u32 in(u16 port, unsigned size = 1) { return pc_->read_port(port, size); }
    void poke(u64 address, u32 value) { memory_->write({address}, 4, value); }
    u32 peek(u64 address) { return static_cast<u32>(memory_->read({address}, 4)); }
    [[nodiscard]] bool intr() { return pc_->cpu().state.intr_pin; }

    /// Lets guest time pass, timers included.
    void advance(u64 ns) {
        const u64 end = scheduler_.now() + ns;
        while (scheduler_.next_deadline() <= end) {
            scheduler_.set_now(std::max(scheduler_.now(), scheduler_.next_deadline()));
            scheduler_.run_due();
        }
        scheduler_.set_now(end);
    }
    /// Vectors 20h-2Fh; `unmasked` per line.
    void program_pics(u16 unmasked) {
        out(0x20, 0x11), out(0x21, 0x20), out(0x21, 0x04), out(0x21, 0x01);
        out(0xA0, 0x11), out(0xA1, 0x28), out(0xA1, 0x02), out(0xA1, 0x01);
        out(0x21, static_cast<u8>(~unmasked)), out(0xA1, static_cast<u8>(~unmasked >> 8));
    }
    void start_pit_ticks() {
        out(0x43, 0x34), out(0x40, 0x9C), out(0x40, 0x2E);  // 100 Hz
    }
    void disable_apic() { pc_->apic_base_written(0xFEE00100); }

    Model model_ = Model::find("x86-64-v2").value();
    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(u64{32} << 20).value());
    Scheduler scheduler_;
    Line com1_, console_;
    std::vector<Pc::ResetKind> resets_;
    int power_offs_ = 0;
    int exit_status_ = -1;
    u64 stalled_ns_ = 0;
    std::string panics_;
    std::unique_ptr<Pc> pc_;
};

constexpr u64 kApic = 0xFEE00000, kIoApic = 0xFEC00000;
constexpr u64 kMs = 1'000'000;

TEST_F(PcTest, IoCyclesAndPauseTakeTime) {
    const auto takes_ns = [this](auto act) {
        stalled_ns_ = 0;
        act();
        return stalled_ns_;
    };
    EXPECT_EQ(takes_ns([this] { out(0x80, 0); }), 720);
    EXPECT_EQ(takes_ns([this] { in(0x61); }), 720);
    EXPECT_EQ(takes_ns([this] { in(0x1F0, 2); }), 360);
    EXPECT_EQ(takes_ns([this] { out(0xCF8, 0, 4); }), 120);
    EXPECT_EQ(takes_ns([this] { peek(devices::Hpet::kDefaultBase + 0xF0); }), 120);
    EXPECT_EQ(takes_ns([this] { poke(devices::Hpet::kDefaultBase + 0x10, 1); }), 120);
    EXPECT_EQ(takes_ns([this] { static_cast<void>(memory_->peek({devices::Hpet::kDefaultBase + 0xF0}, 4)); }), 0);
    EXPECT_EQ(takes_ns([this] { pc_->time_stamp_read(); }), 9);
    EXPECT_EQ(takes_ns([this] { pc_->pause(); }), 140);
    for (int i = 0; i < 1022; ++i) pc_->pause();
    EXPECT_EQ(takes_ns([this] { pc_->pause(); }), 10'000);  // it has spun for long
    pc_->acknowledge_interrupt();
    EXPECT_EQ(takes_ns([this] { pc_->pause(); }), 140);
}

TEST_F(PcTest, DiskettesAtTheirPorts) {
    const auto cmos = [this](u8 index) {
        out(0x70, index);
        return in(0x71);
    };
    EXPECT_EQ(cmos(0x10), 0x42u);
    EXPECT_EQ(cmos(0x14) & 0xC1, 0x41u) << "two drives";
    disable_apic();
    program_pics(1 << 6);
    out(0x3F2, 0x0C);
    advance(2 * kMs);
    ASSERT_TRUE(intr()) << "IRQ 6 after the reset";
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x26);
    for (unsigned unit = 0; unit < 4; ++unit) {
        out(0x3F5, 0x08);
        EXPECT_EQ(in(0x3F5), 0xC0 | unit);
        EXPECT_EQ(in(0x3F5), 0u);
    }
    EXPECT_EQ(in(0x3F4), 0x80u);
    EXPECT_EQ(in(0x3F6), 0xFFu) << "the disk's";
    out(0x3F2, 0x1C);
    EXPECT_EQ(in(0x3F7), 0xFFu) << "no diskette: changed";
}

TEST_F(PcTest, DmaControllersAtTheirPorts) {
    out(0xDA, 0), out(0x0D, 0);
    out(0xD6, 0xC0), out(0xD4, 0);
    out(0x81, 0x01), out(0x04, 0x00), out(0x04, 0x20), out(0x05, 0x03), out(0x05, 0x00);
    out(0x0B, 0x86), out(0x09, 0x06);  // block, write: a software request moves the floating bus to memory
    EXPECT_EQ(peek(0x12000), 0xFFFFFFFFu);
    EXPECT_EQ(peek(0x12004), 0u);
    EXPECT_EQ(in(0x08), 0x04u);
    EXPECT_EQ(in(0x81), 0x01u);
    EXPECT_EQ(in(0x80), 0x00u) << "the POST port stays its own";
}

TEST_F(PcTest, TimerReachesTheCoreThroughThe8259WhileTheApicIsOff) {
    disable_apic();
    start_pit_ticks();  // programming mode 2 raises OUT, which the initialisation of the 8259 forgets
    program_pics(0x0001);
    EXPECT_FALSE(intr());
    advance(11 * kMs);
    ASSERT_TRUE(intr());
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x20);
    EXPECT_FALSE(intr());
    advance(10 * kMs);
    EXPECT_FALSE(intr());  // in service
    out(0x20, 0x20);       // EOI
    EXPECT_TRUE(intr());
}

TEST_F(PcTest, TimerReachesTheCoreThroughLint0InVirtualWireMode) {
    program_pics(0x0001);
    start_pit_ticks();
    advance(11 * kMs);
    EXPECT_FALSE(intr());  // LINT0 is masked after RESET
    pc_->set_up_without_firmware(devices::make_plain_font());
    ASSERT_TRUE(intr());
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x20);
}

TEST_F(PcTest, TimerReachesTheCoreThroughTheIoApicInput2) {
    poke(kApic + 0xF0, 0x1FF);
    poke(kIoApic, 0x10 + 2 * 2), poke(kIoApic + 0x10, 0x30);  // edge, fixed, unmasked
    start_pit_ticks();
    advance(11 * kMs);
    ASSERT_TRUE(intr());
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x30);
    EXPECT_FALSE(intr());
    poke(kApic + 0xB0, 0);
    advance(10 * kMs);
    EXPECT_TRUE(intr());
}

TEST_F(PcTest, Unprogrammed8259GivesNoInterrupt) {
    disable_apic();
    start_pit_ticks();
    advance(50 * kMs);
    EXPECT_FALSE(intr());
}

TEST_F(PcTest, ApicMayBeTurnedOffAndOnAgain) {
    poke(kApic + 0xF0, 0x1FF);
    disable_apic();
    EXPECT_NE(peek(kApic + 0x30), 0x00050014u);  // the page no longer decodes
    pc_->apic_base_written(0xFEE00900);
    EXPECT_EQ(peek(kApic + 0x30) & 0xFF, 0x14u);
    EXPECT_EQ(peek(kApic + 0xF0), 0xFFu);
}

TEST_F(PcTest, ApicMovesAndNeverCollides) {
    pc_->apic_base_written(0xFEB00900);
    EXPECT_EQ(peek(0xFEB00030) & 0xFF, 0x14u);
    pc_->apic_base_written(0xFED00900);  // the HPET is there
    pc_->apic_base_written(0xA0900);     // VGA memory
    pc_->apic_base_written(0xC0900);     // shadow RAM
    pc_->set_up_without_firmware(devices::make_plain_font());
    pc_->apic_base_written(0xFEE00900);
    EXPECT_EQ(peek(kApic + 0x30) & 0xFF, 0x14u);
}

TEST_F(PcTest, KeyboardMouseSerialAndRtcLines) {
    disable_apic();
    program_pics(0xFFFF);
    out(0x64, 0x60), out(0x60, 0x41);  // command byte: translate, keyboard on with interrupts
    advance(5 * kMs);
    const std::optional<devices::KeyCode> key = devices::key_by_name("a");
    ASSERT_TRUE(key.has_value());
    pc_->keyboard().key(*key, true);
    advance(5 * kMs);
    ASSERT_TRUE(intr());
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x21);
    EXPECT_EQ(in(0x60), 0x1Eu);
    out(0x20, 0x20);

    out(0x3FC, 0x0B), out(0x3F9, 0x01);  // OUT2, received data interrupt
    com1_.waiting.push_back('x');
    pc_->input_waiting();
    advance(5 * kMs);
    ASSERT_TRUE(intr());
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x24);
    EXPECT_EQ(in(0x3F8), u32{'x'});
    out(0x20, 0x20);

    out(0x70, 0x0B), out(0x71, 0x52);  // periodic interrupt, BCD, 24 hours
    out(0x70, 0x0A), out(0x71, 0x26);
    advance(5 * kMs);
    ASSERT_TRUE(intr());
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x28);
}

TEST_F(PcTest, SerialOutputGoesOut) {
    for (const char c : std::string("hi")) {
        out(0x3F8, static_cast<u8>(c));
        advance(kMs);
    }
    EXPECT_EQ(com1_.sent, "hi");
    EXPECT_EQ(in(0x2F8), 0xFFu);  // COM2 does not exist
}

TEST_F(PcTest, HpetLegacyReplacementTakesTheTimersPlace) {
    disable_apic();
    start_pit_ticks();
    program_pics(0x0001);
    poke(0xFED00010, 3);  // enable, legacy replacement
    advance(50 * kMs);
    EXPECT_FALSE(intr());
    poke(0xFED00100, 0x104);  // timer 0: interrupts on, 32 bits
    poke(0xFED00108, peek(0xFED000F0) + 10'000);
    advance(5 * kMs);
    ASSERT_TRUE(intr());
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x20);
}

TEST_F(PcTest, ThreeWaysToReset) {
    out(0x64, 0xFE);
    out(0x92, 0x01);
    out(0xCF9, 0x02), out(0xCF9, 0x06);
    out(0xCF9, 0x00), out(0xCF9, 0x04);
    EXPECT_EQ(resets_, (std::vector{Pc::ResetKind::processor, Pc::ResetKind::processor, Pc::ResetKind::system,
                                    Pc::ResetKind::processor}));
    pc_->reset();
    EXPECT_EQ(pc_->cpu().state.segment[kCs].selector, 0xF000);
    EXPECT_EQ(pc_->cpu().state.rip(), 0xFFF0u);
}

TEST_F(PcTest, AcpiPowerOff) {
    EXPECT_EQ(in(Pc::kPmBase + 8, 4), 0xFFFFFFFFu);  // not decoded after RESET
    pc_->set_up_without_firmware(devices::make_plain_font());
    const u32 first = in(Pc::kPmBase + 8, 4);
    advance(kMs);
    EXPECT_NEAR(in(Pc::kPmBase + 8, 4) - first, 3579, 2);
    out(Pc::kPmBase + 4, 0x2000, 2);  // SLP_EN, type 0: S5
    EXPECT_EQ(power_offs_, 1);
}

TEST_F(PcTest, KernelsWithoutFirmwareReadKeysFromPort60h) {
    pc_->set_up_without_firmware(devices::make_plain_font());
    const devices::KeyCode left = devices::key_by_name("left").value();
    std::vector<u32> codes;
    for (const bool pressed : {true, false}) {
        pc_->keyboard().key(left, pressed);
        for (unsigned i = 0; i < 4; ++i) {
            advance(kMs);
            if ((in(0x64) & 1) != 0) codes.push_back(in(0x60));
        }
    }
    EXPECT_EQ(codes, (std::vector<u32>{0xE0, 0x4B, 0xE0, 0xCB}));
}

TEST_F(PcTest, PowerButtonRaisesTheSci) {
    disable_apic();
    pc_->set_up_without_firmware(devices::make_plain_font());
    program_pics(0x0204);
    out(0xB2, devices::Piix4Pm::kAcpiEnable);
    out(Pc::kPmBase + 2, 0x0100, 2);  // PWRBTN_EN
    pc_->power_management().press_power_button();
    ASSERT_TRUE(intr());
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x29);
}

TEST_F(PcTest, A20IsOpenWhileEitherGateIs) {
    EXPECT_TRUE(memory_->a20());
    out(0x64, 0xD1), out(0x60, 0xDD);  // output port: A20 low
    advance(kMs);
    EXPECT_FALSE(memory_->a20());
    out(0x92, 0x02);
    EXPECT_TRUE(memory_->a20());
    out(0x92, 0x00);
    EXPECT_FALSE(memory_->a20());
    pc_->reset();
    EXPECT_TRUE(memory_->a20());
}

TEST_F(PcTest, DebugPorts) {
    EXPECT_EQ(in(0xE9), 0xE9u);
    EXPECT_EQ(in(0x402), 0xE9u);
    out(0xE9, 'A'), out(0x402, 'B');
    EXPECT_EQ(console_.sent, "AB");
    out(0xF4, 21, 4);
    EXPECT_EQ(exit_status_, 43);
    out(0x80, 0x5A);
    EXPECT_EQ(in(0x80), 0x5Au);
}

TEST_F(PcTest, Port61SeesTimer2) {
    out(0x61, 0x01);
    out(0x43, 0xB0), out(0x42, 0x10), out(0x42, 0x00);  // mode 0
    EXPECT_EQ(in(0x61) & 0x20, 0u);
    advance(kMs);
    EXPECT_EQ(in(0x61) & 0x20, 0x20u);
}

TEST_F(PcTest, CoprocessorErrorRoute) {
    disable_apic();
    program_pics(0x2004);
    pc_->set_ferr(true);
    ASSERT_TRUE(intr());
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x2D);
    out(0xF0, 0);
    EXPECT_TRUE(pc_->cpu().ignne());
    pc_->set_ferr(false);
    EXPECT_FALSE(pc_->cpu().ignne());
}

TEST_F(PcTest, ShadowMemoryFollowsTheAttributeMap) {
    std::vector<u8> bios(0x40000, 0xAA);
    bios.back() = 0x55;
    pc_->memory_map().install_bios(bios);
    pc_->reset();
    EXPECT_EQ(memory_->read({0xFFFFF}, 1), 0x55u);
    EXPECT_EQ(memory_->read({0xFFFFFFFF}, 1), 0x55u);
    EXPECT_EQ(memory_->read({0xE0000}, 1), 0xAAu);
    EXPECT_EQ(memory_->read({0xD0000}, 1), 0xFFu);
    memory_->write({0xF0000}, 1, 0x11);
    EXPECT_EQ(memory_->read({0xF0000}, 1), 0xAAu);

    out(0xCF8, 0x80000058, 4), out(0xCFD, 0x20);  // PAM0: write DRAM, read ROM
    memory_->write({0xF0000}, 1, 0x22);
    EXPECT_EQ(memory_->read({0xF0000}, 1), 0xAAu);
    out(0xCFD, 0x30);  // read and write DRAM
    EXPECT_EQ(memory_->read({0xF0000}, 1), 0x22u);
    EXPECT_EQ(memory_->read({0xF0001}, 1), 0x00u);
    out(0xCFD, 0x10);  // read DRAM, writes go nowhere
    memory_->write({0xF0000}, 1, 0x33);
    EXPECT_EQ(memory_->read({0xF0000}, 1), 0x22u);
    out(0xCFD, 0x00);
    EXPECT_EQ(memory_->read({0xF0000}, 1), 0xAAu);
}

TEST_F(PcTest, PciFunctions) {
    const auto id = [this](u32 device, u32 function) {
        out(0xCF8, 0x80000000 | device << 11 | function << 8, 4);
        return in(0xCFC, 4);
    };
    EXPECT_EQ(id(0, 0), 0x12378086u);
    EXPECT_EQ(id(1, 0), 0x70008086u);
    EXPECT_EQ(id(1, 3), 0x71138086u);
    EXPECT_EQ(id(2, 0), 0x11111234u);
    EXPECT_EQ(id(3, 0), 0xFFFFFFFFu);
}

TEST_F(PcTest, CmosTellsTheMemorySize) {
    const auto cmos = [this](u8 index) {
        out(0x70, index);
        return in(0x71);
    };
    EXPECT_EQ(cmos(0x15) | cmos(0x16) << 8, 640u);
    EXPECT_EQ(cmos(0x30) | cmos(0x31) << 8, 31u * 1024);
    EXPECT_EQ(cmos(0x34) | cmos(0x35) << 8, 16u * 16);
    EXPECT_EQ(cmos(0x3D), 0x23u);
}

TEST_F(PcTest, VgaTextMemoryIsVisible) {
    pc_->set_up_without_firmware(devices::make_plain_font());
    const std::string word = "Bantam";
    for (std::size_t i = 0; i < word.size(); ++i) {
        memory_->write({0xB8000 + 2 * i}, 2, static_cast<u64>(0x0700 | static_cast<u8>(word[i])));
    }
    EXPECT_EQ(pc_->vga().text_screen(devices::code_page_437_glyphs()).substr(0, word.size()), word);
}

TEST_F(PcTest, HaltedWithInterruptsOffMayWakeOnlyByArmedNmi) {
    EXPECT_FALSE(pc_->can_wake_masked());
    poke(kApic + 0xF0, 0x1FF);
    poke(kApic + 0x350, 0x400);  // LINT0: NMI
    EXPECT_TRUE(pc_->can_wake_masked());
    poke(kApic + 0x350, 0x10400);
    EXPECT_FALSE(pc_->can_wake_masked());
    poke(kIoApic, 0x10 + 2 * 2), poke(kIoApic + 0x10, 0x400);
    EXPECT_TRUE(pc_->can_wake_masked());
}

TEST_F(PcTest, EqualHistoriesHashEqual) {
    const auto hash = [](Pc& pc) {
        HashArchive archive;
        archive.field("pc", pc);
        return archive.hash();
    };
    const u64 first = hash(*pc_);
    EXPECT_EQ(hash(*pc_), first);
    out(0x70, 0x40), out(0x71, 1);
    EXPECT_NE(hash(*pc_), first);
}

TEST_F(PcTest, WritesToTheFrameBufferShow) {
    const auto dispi = [this](u32 index, u32 value) { out(0x1CE, index, 2), out(0x1CF, value, 2); };
    out(0xCF8, 0x80001010, 4), out(0xCFC, 0xE0000000, 4);
    out(0xCF8, 0x80001004, 4), out(0xCFC, 2, 2);
    dispi(1, 640), dispi(2, 480), dispi(3, 32), dispi(4, 0x41);
    devices::Picture picture;
    EXPECT_TRUE(pc_->vga().render_changes(picture));
    EXPECT_FALSE(pc_->vga().render_changes(picture));
    // Through the TLB: the first write is told, later ones go straight to the memory until the next look.
    Mmu& mmu = pc_->cpu().mmu;
    MemoryFault fault;
    constexpr Linear kPixel{0xE0000000 + (100 * 640 + 3) * 4};
    for (const u32 colour : {0x111111u, 0x222222u, 0x333333u}) {
        EXPECT_EQ(mmu.fast_write(kPixel, 4, Privilege::supervisor), nullptr) << "watched";
        ASSERT_TRUE(mmu.write(kPixel, 4, Privilege::supervisor, 0x42, fault));
        u8* direct = mmu.fast_write(kPixel, 4, Privilege::supervisor);
        ASSERT_NE(direct, nullptr);
        std::memcpy(direct, &colour, 4);
        EXPECT_TRUE(pc_->vga().render_changes(picture));
        EXPECT_EQ(picture.frame.pixels[100 * 640 + 3], colour);
        EXPECT_LE(picture.first_row, 100u);
        EXPECT_LE(picture.end_row - picture.first_row, 3u);
        EXPECT_FALSE(pc_->vga().render_changes(picture));
    }
}

TEST_F(PcTest, VmmouseCallsGoThroughTheRegisters) {
    auto& gpr = pc_->cpu().state.gpr;
    const auto call = [&](u16 command, u32 argument) {
        gpr[kRax] = 0x564D5868;
        gpr[kRbx] = argument;
        gpr[kRcx] = command;
        gpr[kRdx] = 0xFFFFFFFF00005658;
        return in(0x5658, 4);
    };
    EXPECT_EQ(call(10, 0), 6u);
    EXPECT_EQ(gpr[kRbx], 0x564D5868u);
    EXPECT_EQ(call(41, 0x45414552), 0u);
    EXPECT_EQ(call(41, 0x53424152), 0u);
    EXPECT_EQ(call(39, 1), 0x3442554Au);
    // The mouse tells of a report by a packet that says nothing.
    out(0x64, 0x60), out(0x60, 0x47);
    out(0x64, 0xD4), out(0x60, 0xF4);
    advance(1'000'000);
    EXPECT_EQ(in(0x60), 0xFAu);
    pc_->point(0x1234, 0xFFFF, 1, -1);
    advance(50'000'000);
    EXPECT_EQ(in(0x64) & 0x21, 0x21u);
    EXPECT_EQ(in(0x60), 0x08u);
    EXPECT_EQ(call(40, 0), 4u);
    EXPECT_EQ(call(39, 4), 0x20u);
    EXPECT_EQ(gpr[kRbx], 0x1234u);
    EXPECT_EQ(gpr[kRcx], 0xFFFFu);
    EXPECT_EQ(gpr[kRdx], 0xFFFFFFFFu);
    gpr[kRax] = 0;
    EXPECT_EQ(in(0x5658, 4), 0xFFFFFFFFu) << "without the magic number";
    EXPECT_EQ(in(0x5658, 1), 0xFFu);
}

TEST_F(PcTest, PanicsAreToldThroughTheirPort) {
    EXPECT_EQ(in(0x505), 3u);
    out(0x505, 2);
    out(0x505, 1);
    EXPECT_EQ(panics_, "cp");
}

}  // namespace
}  // namespace bantam
