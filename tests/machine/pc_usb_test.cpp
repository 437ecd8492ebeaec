// The wiring of USB: the function in configuration space and its ports, its interrupt, and which keyboard and pointing
// device a person's keys and pointer go to.
#include <gtest/gtest.h>

#include "machine/pc.h"

namespace bantam {
namespace {

constexpr u64 kMs = 1'000'000;
constexpr u16 kBase = 0xCC00;
constexpr u32 kQueue = 0x2000, kSetup = 0x3000, kStatus = 0x3020, kPoll = 0x3040, kPacket = 0x4000, kReport = 0x4100,
              kFrameList = 0x10000;
constexpr unsigned kTabletPort = 0, kKeyboardPort = 1;

class PcUsbTest : public testing::Test {
protected:
    void build(bool keyboard, bool tablet) {
        Pc::Options options;
        options.usb_keyboard = keyboard;
        options.usb_tablet = tablet;
        pc_.reset();
        memory_ = std::move(PhysicalMemory::create(u64{32} << 20).value());
        pc_ = std::make_unique<Pc>(model_, *memory_, scheduler_, options,
                                   Pc::Events{.reset = [](Pc::ResetKind) {},
                                              .power_off = [] {},
                                              .debug_exit = [](int) {},
                                              .panicked = [](bool) {},
                                              .stall = [](u64) {}});
        pc_->set_up_without_firmware(devices::make_plain_font());
    }
    void out(u16 port, u32 value, unsigned size = 1) { pc_->write_port(port, size, value); }
    u32 in(u16 port, unsigned size = 1) { return pc_->read_port(port, size); }
    void poke(u32 address, u32 value) { memory_->write({address}, 4, value); }
    u8 peek(u32 address) { return static_cast<u8>(memory_->read({address}, 1)); }
    u32 config(u32 offset) {
        out(0xCF8, 0x80000000 | 1 << 11 | 2 << 8 | offset, 4);
        return in(0xCFC, 4);
    }
    void advance(u64 ns) {
        const u64 end = scheduler_.now() + ns;
        while (scheduler_.next_deadline() <= end) {
            scheduler_.set_now(std::max(scheduler_.now(), scheduler_.next_deadline()));
            scheduler_.run_due();
        }
        scheduler_.set_now(end);
    }
    static u32 token(u8 pid, u8 address, u8 endpoint, bool toggle, u32 length) {
        return ((length - 1) & 0x7FF) << 21 | (toggle ? 1u << 19 : 0) | u32{endpoint} << 15 | u32{address} << 8 | pid;
    }
    void descriptor(u32 at, u32 link, u32 token, u32 buffer) {
        poke(at, link);
        poke(at + 4, 3u << 27 | 1u << 24 | 1u << 23);
        poke(at + 8, token);
        poke(at + 12, buffer);
    }
    void request(u8 address, u64 packet) {
        memory_->write({kPacket}, 8, packet);
        descriptor(kSetup, kStatus | 4, token(0x2D, address, 0, false, 8), kPacket);
        descriptor(kStatus, 1, token(0x69, address, 0, true, 0), 0);
        poke(kQueue + 4, kSetup);
        advance(3 * kMs);
    }
    /// As a driver does: the device in `port` has address 1 and a configuration.
    void configure(unsigned port) {
        for (u32 i = 0; i < 1024; ++i) poke(kFrameList + i * 4, kQueue | 2);
        poke(kQueue, 1);
        poke(kQueue + 4, 1);
        out(kBase + 8, kFrameList, 4);
        out(kBase, 1, 2);
        for (const u32 value : {0x200u, 0u, 4u}) out(static_cast<u16>(kBase + 0x10 + 2 * port), value, 2);
        request(0, 0x010500);
        request(1, 0x010900);
    }
    /// Asks for a report; true: there was one.
    bool poll(bool toggle) {
        descriptor(kPoll, 1, token(0x69, 1, 1, toggle, 8), kReport);
        poke(kQueue + 4, kPoll);
        advance(3 * kMs);
        return (memory_->read({kPoll + 4}, 4) & 1u << 23) == 0;
    }
    static devices::KeyCode key(std::string_view name) { return *devices::key_by_name(name); }

    Model model_ = Model::find("x86-64-v2").value();
    std::unique_ptr<PhysicalMemory> memory_;
    Scheduler scheduler_;
    std::unique_ptr<Pc> pc_;
};

TEST_F(PcUsbTest, TheControllerIsThereWithItsDevicesAlone) {
    build(false, false);
    EXPECT_EQ(config(0), 0xFFFFFFFF);
    EXPECT_EQ(in(kBase + 0x10, 2), 0xFFFFu);
    build(true, false);
    EXPECT_EQ(config(0), 0x70208086u);
    EXPECT_EQ(config(0x20), kBase | 1u);
    EXPECT_EQ(config(0x3C), 0x040Bu) << "INTD#, IRQ 11";
    EXPECT_EQ(in(kBase + 0x10, 2), 0x80u) << "no tablet";
    EXPECT_EQ(in(kBase + 0x12, 2), 0x93u) << "a keyboard";
    build(false, true);
    EXPECT_EQ(in(kBase + 0x10, 2), 0x93u);
}

TEST_F(PcUsbTest, InterruptsComeOnIrq11) {
    build(true, true);
    pc_->apic_base_written(0xFEE00100);  // off
    out(0x20, 0x11), out(0x21, 0x20), out(0x21, 0x04), out(0x21, 0x01);
    out(0xA0, 0x11), out(0xA1, 0x28), out(0xA1, 0x02), out(0xA1, 0x01);
    out(0x21, 0xFB), out(0xA1, 0xF7);
    out(kBase + 4, 4, 2);
    configure(kKeyboardPort);
    EXPECT_TRUE(pc_->cpu().state.intr_pin);
    EXPECT_EQ(pc_->acknowledge_interrupt(), 0x2B);
}

TEST_F(PcUsbTest, KeysGoToTheUsbKeyboardWhileItIsAskedForReports) {
    build(true, false);
    pc_->set_key(key("a"), true);
    advance(kMs);
    EXPECT_FALSE(pc_->keyboard_read());
    EXPECT_EQ(in(0x60), 0x1Eu);
    configure(kKeyboardPort);
    pc_->set_key(key("b"), true);
    advance(kMs);
    EXPECT_EQ(in(0x60), 0x30u) << "configured, but no driver asks";
    EXPECT_FALSE(poll(false));
    pc_->set_key(key("c"), true);
    EXPECT_FALSE(pc_->keyboard_read());
    EXPECT_TRUE(poll(false));
    EXPECT_TRUE(pc_->keyboard_read());
    EXPECT_EQ(peek(kReport + 2), 6);
    // What went down on the PS/2 keyboard goes up there.
    pc_->set_key(key("a"), false);
    advance(kMs);
    EXPECT_EQ(in(0x60), 0x9Eu);
    EXPECT_FALSE(poll(true));
    // Keys that a USB keyboard does not have.
    pc_->set_key(key("power"), true);
    advance(kMs);
    EXPECT_EQ(in(0x60), 0xE0u);
    // LEDs are those of the keyboard that is at work.
    request(1, 0x0001'0000'0200'0921);
    EXPECT_EQ(pc_->keyboard_leds(), 0u);
    out(static_cast<u16>(kBase + 0x12), 0, 2);  // the port is off
    pc_->set_key(key("d"), true);
    advance(kMs);
    in(0x60);
    advance(kMs);
    EXPECT_EQ(in(0x60), 0x20u);
}

TEST_F(PcUsbTest, ThePointerGoesToTheTabletWhileItIsAskedForReports) {
    build(false, true);
    EXPECT_FALSE(pc_->points_absolutely());
    configure(kTabletPort);
    EXPECT_FALSE(pc_->points_absolutely());
    EXPECT_FALSE(poll(false));
    EXPECT_TRUE(pc_->points_absolutely());
    EXPECT_TRUE(pc_->tablet_heard());
    pc_->point(0x8000, 0xFFFF, 1, 0);
    EXPECT_FALSE(pc_->pointing_read());
    EXPECT_TRUE(poll(false));
    EXPECT_TRUE(pc_->pointing_read());
    EXPECT_EQ(peek(kReport), 1);
    EXPECT_EQ(peek(kReport + 2), 0x40);
    EXPECT_EQ(peek(kReport + 4), 0x7F);
    out(kBase, 2, 2);  // host controller reset
    EXPECT_FALSE(pc_->points_absolutely());
}

}  // namespace
}  // namespace bantam
