// PCI mechanism #1, base address registers, the 440FX's attribute map and the PIIX3's interrupt routing.
#include "devices/pci.h"

#include "devices/i440fx.h"
#include "devices/piix3.h"
#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

class TestFunction final : public PciFunction {
public:
    TestFunction()
        : PciFunction("card", {.vendor = 0x1234, .device = 0x5678, .class_code = 0x020000, .interrupt_pin = 1}) {
        add_bar(0, Space::io, 0x20);
        add_bar(1, Space::memory, 0x1000);
        define_write_one_to_clear(0x40, 0x03);
    }
    void set_flags(u8 value) { set_config(0x40, value); }
};

class PciTest : public ::testing::Test {
protected:
    PciTest() {
        bus.attach(0, 0, bridge);
        bus.attach(1, 0, isa);
        bus.attach(3, 0, card);
        card.set_mapping_listener([this] { ++mappings; });
    }
    u32 config(u32 device, u32 offset, unsigned size) {
        bus.write(0, 4, 0x80000000 | device << 11 | (offset & 0xFC));
        return bus.read(4 + (offset & 3), size);
    }
    void set_config(u32 device, u32 offset, unsigned size, u32 value) {
        bus.write(0, 4, 0x80000000 | device << 11 | (offset & 0xFC));
        bus.write(4 + (offset & 3), size, value);
    }
    u8 reset_value = 0;
    std::vector<I440fx::Segment> segments;
    unsigned smram_changes = 0;
    std::vector<std::pair<unsigned, bool>> interrupts;
    unsigned mappings = 0;
    PciBus bus{{.reset_control = {.read = [this](u64, unsigned) { return u64{reset_value}; },
                                  .write = [this](u64, unsigned, u64 value) { reset_value = static_cast<u8>(value); },
                                  .peek = nullptr}}};
    I440fx bridge{{.segment_changed = [this](const I440fx::Segment& s) { segments.push_back(s); },
                   .smram_changed = [this] { ++smram_changes; }}};
    Piix3 isa{{.isa_interrupt = [this](unsigned irq, bool level) { interrupts.emplace_back(irq, level); }}};
    TestFunction card;
};

TEST_F(PciTest, MechanismOne) {
    EXPECT_EQ(config(0, 0, 4), 0x12378086u);
    EXPECT_EQ(config(0, 2, 2), 0x1237u);
    EXPECT_EQ(config(0, 0x0B, 1), 0x06u);
    EXPECT_EQ(config(1, 0, 4), 0x70008086u);
    EXPECT_EQ(config(1, 0x0E, 1), 0x80u);
    EXPECT_EQ(config(2, 0, 4), 0xFFFFFFFFu) << "empty slot";
    EXPECT_EQ(bus.read(0, 4), 0x80001000u);
    bus.write(0, 4, 0x80010000);
    EXPECT_EQ(bus.read(4, 4), 0xFFFFFFFFu) << "bus 1";
    bus.write(0, 4, 0x00000000);
    EXPECT_EQ(bus.read(4, 4), 0xFFFFFFFFu) << "disabled";
}

TEST_F(PciTest, ByteAtCf9IsResetControl) {
    bus.write(0, 4, 0x80000000);
    bus.write(1, 1, 0x06);
    EXPECT_EQ(reset_value, 0x06);
    EXPECT_EQ(bus.read(1, 1), 0x06u);
    EXPECT_EQ(bus.read(0, 4), 0x80000000u);
    EXPECT_EQ(bus.read(0, 2), 0xFFFFu);
}

TEST_F(PciTest, BaseAddressRegisters) {
    set_config(3, 0x10, 4, 0xFFFFFFFF);
    EXPECT_EQ(config(3, 0x10, 4), 0xFFFFFFE1u);
    set_config(3, 0x14, 4, 0xFFFFFFFF);
    EXPECT_EQ(config(3, 0x14, 4), 0xFFFFF000u);
    set_config(3, 0x18, 4, 0xFFFFFFFF);
    EXPECT_EQ(config(3, 0x18, 4), 0u);
    set_config(3, 0x04, 2, 0x0003);
    EXPECT_FALSE(card.window(0).enabled) << "sizing value";
    set_config(3, 0x10, 4, 0xC000);
    set_config(3, 0x14, 4, 0xFEBF1000);
    EXPECT_TRUE(card.window(0).enabled && card.window(0).io);
    EXPECT_EQ(card.window(0).base, 0xC000u);
    EXPECT_EQ(card.window(1).base, 0xFEBF1000u);
    EXPECT_EQ(card.window(1).size, 0x1000u);
    set_config(3, 0x04, 2, 0x0002);
    EXPECT_FALSE(card.window(0).enabled);
    EXPECT_TRUE(card.window(1).enabled);
    EXPECT_EQ(mappings, 7u) << "one per write to command or a base address register";
}

TEST_F(PciTest, ReadOnlyAndWriteOneToClear) {
    set_config(3, 0x00, 4, 0);
    EXPECT_EQ(config(3, 0, 4), 0x56781234u);
    card.set_flags(0x07);
    set_config(3, 0x40, 1, 0x05);
    EXPECT_EQ(config(3, 0x40, 1), 0x06u);
    set_config(3, 0x3C, 2, 0x0A0B);
    EXPECT_EQ(config(3, 0x3C, 2), 0x010Bu);
}

TEST_F(PciTest, AttributeMap) {
    set_config(0, 0x59, 1, 0x30);
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0], (I440fx::Segment{0xF0000, 0x10000, true, true}));
    set_config(0, 0x5A, 1, 0x21);
    ASSERT_EQ(segments.size(), 3u);
    EXPECT_EQ(segments[1], (I440fx::Segment{0xC0000, 0x4000, true, false}));
    EXPECT_EQ(segments[2], (I440fx::Segment{0xC4000, 0x4000, false, true}));
    set_config(0, 0x5F, 1, 0x30);
    EXPECT_EQ(segments.back(), (I440fx::Segment{0xEC000, 0x4000, true, true}));
}

TEST_F(PciTest, SmramLocks) {
    EXPECT_EQ(config(0, 0x72, 1), 0x02u);
    set_config(0, 0x72, 1, 0x4A);
    EXPECT_TRUE(bridge.smram_open());
    set_config(0, 0x72, 1, 0x5A);
    EXPECT_FALSE(bridge.smram_open()) << "locking closes it";
    EXPECT_TRUE(bridge.smram_enabled());
    set_config(0, 0x72, 1, 0x40);
    EXPECT_EQ(config(0, 0x72, 1), 0x1Au) << "only a reset unlocks";
    bridge.reset();
    EXPECT_EQ(config(0, 0x72, 1), 0x02u);
    set_config(0, 0x72, 1, 0x48);
    EXPECT_TRUE(bridge.smram_open());
}

TEST_F(PciTest, InterruptRouting) {
    isa.set_pci_interrupt(3, 1, true);  // PIRQ (3 + 0 + 3) mod 4 = C
    EXPECT_TRUE(interrupts.empty()) << "not routed";
    set_config(1, 0x62, 1, 0x0B);
    ASSERT_EQ(interrupts.size(), 1u);
    EXPECT_EQ(interrupts[0], (std::pair<unsigned, bool>{11, true}));
    isa.set_pci_interrupt(7, 1, true);
    isa.set_pci_interrupt(3, 1, false);
    EXPECT_EQ(interrupts.size(), 1u) << "device 7 shares the wire";
    set_config(1, 0x62, 1, 0x0A);
    EXPECT_EQ(interrupts.size(), 3u) << "moved from 11 to 10";
    isa.set_pci_interrupt(7, 1, false);
    EXPECT_EQ(interrupts.back(), (std::pair<unsigned, bool>{10, false}));
    set_config(1, 0x62, 1, 0x08);
    EXPECT_EQ(isa.route(2), -1) << "IRQ 8 cannot be used";
}

TEST_F(PciTest, KeepTheirState) {
    I440fx other_bridge({});
    Piix3 other_isa({});
    PciBus other_bus({});
    set_config(0, 0x59, 1, 0x30);
    set_config(1, 0x60, 1, 0x0B);
    isa.set_pci_interrupt(1, 1, true);
    expect_faithful_state(bridge, other_bridge);
    expect_faithful_state(isa, other_isa);
    LoadArchive load(saved(bus));
    other_bus.describe(load);
    EXPECT_EQ(saved(other_bus), saved(bus));
}

}  // namespace
}  // namespace bantam::devices
