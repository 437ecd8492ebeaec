// I8259 against the 8259A datasheet: initialisation, priorities, EOIs, rotation, masks, poll, cascade, ELCR.
#include "devices/i8259.h"

#include "tests/devices/test_board.h"

namespace bantam::devices {
namespace {

class I8259Test : public ::testing::Test {
protected:
    void initialise(u8 icw1 = 0x11, u8 icw4 = 0x01) {
        chip.write(0, icw1);
        chip.write(1, 0x20);
        if ((icw1 & 2) == 0) chip.write(1, 0x00);
        if ((icw1 & 1) != 0) chip.write(1, icw4);
    }
    void pulse(unsigned line) {
        chip.set_irq(line, true);
        chip.set_irq(line, false);
    }
    u8 isr() {
        chip.write(0, 0x0B);
        return chip.read(0);
    }
    u8 irr() {
        chip.write(0, 0x0A);
        return chip.read(0);
    }
    TestBoard board;
    RecordedLine interrupt{board.scheduler};
    I8259 chip{"i8259", 0xF8, {.interrupt = interrupt.pin(), .cascade = nullptr}};
};

TEST_F(I8259Test, DeliversNothingBeforeInitialisation) {
    chip.set_irq(0, true);
    EXPECT_FALSE(interrupt.level);
    chip.write(1, 0x00);  // OCW1: the mask register works, as probing software expects
    EXPECT_FALSE(interrupt.level);
    chip.write(1, 0x5A);
    EXPECT_EQ(chip.read(1), 0x5A);
    chip.write(0, 0x11);
    chip.write(1, 0x20);
    chip.write(1, 0x04);
    chip.set_irq(1, true);
    EXPECT_FALSE(interrupt.level) << "ICW4 is still to come";
    chip.write(1, 0x01);
    EXPECT_TRUE(interrupt.level);
    EXPECT_EQ(chip.acknowledge(), 0x21);
}

TEST_F(I8259Test, InitialisationWithoutIcw3AndIcw4) {
    initialise(0x12);
    chip.write(1, 0xFE);
    EXPECT_EQ(chip.read(1), 0xFE) << "after ICW2 the next write is OCW1";
    chip.set_irq(0, true);
    EXPECT_EQ(chip.acknowledge(), 0x20);
}

TEST_F(I8259Test, Icw1ForgetsEdgesMaskAndService) {
    initialise();
    chip.write(1, 0xFF);
    chip.set_irq(3, true);
    EXPECT_EQ(irr(), 0x08);
    initialise();
    EXPECT_EQ(irr(), 0x00) << "the edge is forgotten although the input is high";
    EXPECT_EQ(chip.read(1), 0x00);
    chip.set_irq(3, false);
    chip.set_irq(3, true);
    EXPECT_TRUE(interrupt.level);
}

TEST_F(I8259Test, VectorTakesTheHighFiveBitsOfIcw2) {
    chip.write(0, 0x13);
    chip.write(1, 0x77);
    chip.write(1, 0x01);
    chip.set_irq(5, true);
    EXPECT_EQ(chip.acknowledge(), 0x75);
}

TEST_F(I8259Test, FullyNestedPriority) {
    initialise();
    chip.set_irq(4, true);
    EXPECT_EQ(chip.acknowledge(), 0x24);
    EXPECT_FALSE(interrupt.level);
    chip.set_irq(6, true);
    EXPECT_FALSE(interrupt.level) << "lower priority waits";
    chip.set_irq(1, true);
    EXPECT_TRUE(interrupt.level);
    EXPECT_EQ(chip.acknowledge(), 0x21);
    EXPECT_EQ(isr(), 0x12);
    chip.write(0, 0x20);  // non-specific EOI ends the highest
    EXPECT_EQ(isr(), 0x10);
    EXPECT_FALSE(interrupt.level);
    chip.write(0, 0x20);
    EXPECT_EQ(chip.acknowledge(), 0x26);
    chip.write(0, 0x20);
    chip.write(0, 0x20);  // nothing in service: harmless
    EXPECT_EQ(isr(), 0);
}

TEST_F(I8259Test, EdgeRequestsOncePerRise) {
    initialise();
    chip.set_irq(1, true);
    EXPECT_EQ(chip.acknowledge(), 0x21);
    chip.write(0, 0x61);
    EXPECT_FALSE(interrupt.level);
    chip.set_irq(1, true);
    EXPECT_FALSE(interrupt.level);
    chip.set_irq(1, false);
    chip.set_irq(1, true);
    EXPECT_TRUE(interrupt.level);
}

TEST_F(I8259Test, InputThatFallsBeforeIntaIsSpurious) {
    initialise();
    pulse(3);
    EXPECT_FALSE(interrupt.level);
    EXPECT_EQ(chip.acknowledge(), 0x27);
    EXPECT_EQ(isr(), 0) << "a spurious interrupt is not in service";
}

TEST_F(I8259Test, LevelModeRequestsWhileHigh) {
    initialise();
    const RegisterSpace elcr = chip.elcr();
    elcr.write(0, 1, 0xFF);
    EXPECT_EQ(elcr.read(0, 1), 0xF8u) << "IRQ0-2 stay edge-triggered";
    elcr.write(0, 1, 0x20);
    chip.set_irq(5, true);
    EXPECT_EQ(chip.acknowledge(), 0x25);
    EXPECT_EQ(irr(), 0x20);
    chip.write(0, 0x20);
    EXPECT_TRUE(interrupt.level) << "still high, so it requests again";
    chip.set_irq(5, false);
    EXPECT_FALSE(interrupt.level);
}

TEST_F(I8259Test, ElcrWrittenWhileLineIsHighRequests) {
    initialise();
    chip.set_irq(5, true);
    chip.acknowledge();
    chip.write(0, 0x20);
    EXPECT_FALSE(interrupt.level);
    chip.elcr().write(0, 1, 0x20);
    EXPECT_TRUE(interrupt.level);
}

TEST_F(I8259Test, LtimMakesEveryInputLevel) {
    chip.set_irq(2, true);
    initialise(0x19);
    EXPECT_TRUE(interrupt.level);
    EXPECT_EQ(chip.acknowledge(), 0x22);
    chip.write(0, 0x20);
    EXPECT_TRUE(interrupt.level);
}

TEST_F(I8259Test, MaskHoldsBackAndKeepsTheRequest) {
    initialise();
    chip.write(1, 0x02);
    chip.set_irq(1, true);
    EXPECT_FALSE(interrupt.level);
    EXPECT_EQ(irr(), 0x02);
    chip.write(1, 0x00);
    EXPECT_TRUE(interrupt.level);
}

TEST_F(I8259Test, AutomaticEoi) {
    initialise(0x11, 0x03);
    chip.set_irq(4, true);
    chip.set_irq(6, true);
    EXPECT_EQ(chip.acknowledge(), 0x24);
    EXPECT_EQ(isr(), 0);
    EXPECT_TRUE(interrupt.level);
    EXPECT_EQ(chip.acknowledge(), 0x26);
}

TEST_F(I8259Test, RotationOnAutomaticEoi) {
    initialise(0x11, 0x03);
    chip.write(0, 0x80);
    chip.set_irq(0, true);
    chip.acknowledge();
    chip.set_irq(0, false);
    chip.set_irq(0, true);
    chip.set_irq(1, true);
    EXPECT_EQ(chip.acknowledge(), 0x21) << "input 0 is the lowest now";
    EXPECT_EQ(chip.acknowledge(), 0x20);
    chip.write(0, 0x00);  // clear: no more rotation, input 0 stays lowest
    for (unsigned line : {0u, 1u}) chip.set_irq(line, false);
    for (unsigned line : {0u, 1u}) chip.set_irq(line, true);
    EXPECT_EQ(chip.acknowledge(), 0x21);
}

TEST_F(I8259Test, RotateOnNonSpecificEoi) {
    initialise();
    chip.set_irq(4, true);
    chip.acknowledge();
    chip.write(0, 0xA0);
    EXPECT_EQ(isr(), 0);
    chip.set_irq(3, true);
    chip.set_irq(5, true);
    EXPECT_EQ(chip.acknowledge(), 0x25) << "4 is lowest, 5 highest";
}

TEST_F(I8259Test, RotateOnSpecificEoiAndSetPriority) {
    initialise();
    chip.set_irq(2, true);
    chip.acknowledge();
    chip.write(0, 0xE2);
    EXPECT_EQ(isr(), 0);
    chip.set_irq(0, true);
    chip.set_irq(3, true);
    EXPECT_EQ(chip.acknowledge(), 0x23);
    chip.write(0, 0x63);
    chip.write(0, 0xC7);  // set priority: 7 lowest, 0 highest
    chip.set_irq(6, true);
    EXPECT_EQ(chip.acknowledge(), 0x20);
    chip.write(0, 0x40);  // no operation
    EXPECT_EQ(isr(), 0x01);
}

TEST_F(I8259Test, SpecialMaskLetsLowerInputsThrough) {
    initialise();
    chip.set_irq(1, true);
    chip.acknowledge();
    chip.write(1, 0x02);
    chip.set_irq(5, true);
    EXPECT_FALSE(interrupt.level);
    chip.write(0, 0x68);
    EXPECT_TRUE(interrupt.level);
    EXPECT_EQ(chip.acknowledge(), 0x25);
    chip.write(0, 0x20);
    EXPECT_EQ(isr(), 0x02) << "non-specific EOI passes over the masked input in service";
    chip.write(0, 0x48);  // special mask off
    chip.write(0, 0x20);
    EXPECT_EQ(isr(), 0x00);
}

TEST_F(I8259Test, PollIsAnAcknowledge) {
    initialise();
    chip.write(0, 0x0C);
    EXPECT_EQ(chip.peek(0), 0x00);
    EXPECT_EQ(chip.read(0), 0x00);
    chip.set_irq(6, true);
    chip.set_irq(3, true);
    chip.write(0, 0x0C);
    EXPECT_EQ(chip.peek(0), 0x83) << "a debugger's look changes nothing";
    EXPECT_EQ(chip.read(0), 0x83);
    EXPECT_EQ(isr(), 0x08);
    chip.write(0, 0x0C);
    EXPECT_EQ(chip.read(1), 0x00) << "6 waits for 3's EOI; the poll word comes at either address";
    EXPECT_EQ(chip.read(1), 0x00) << "the mask again";
}

TEST(I8259Cascade, SlaveDeliversThroughMaster) {
    TestBoard board;
    RecordedLine interrupt(board.scheduler);
    I8259* slave_pointer = nullptr;
    I8259 master("master", 0xF8, {.interrupt = interrupt.pin(), .cascade = [&](unsigned line) {
                                      EXPECT_EQ(line, 2u);
                                      return slave_pointer->acknowledge();
                                  }});
    I8259 slave("slave", 0xDE, {.interrupt = [&](bool level) { master.set_irq(2, level); }, .cascade = nullptr});
    slave_pointer = &slave;
    const auto initialise = [&](u8 master_icw4) {
        master.write(0, 0x11);
        slave.write(0, 0x11);
        master.write(1, 0x30);
        slave.write(1, 0x70);
        master.write(1, 0x04);
        slave.write(1, 0x02);
        master.write(1, master_icw4);
        slave.write(1, 0x01);
    };
    initialise(0x01);
    slave.set_irq(4, true);
    EXPECT_TRUE(interrupt.level);
    EXPECT_EQ(master.acknowledge(), 0x74);
    slave.set_irq(1, true);
    EXPECT_FALSE(interrupt.level) << "fully nested: the master's IR2 is in service";
    slave.write(0, 0x20);
    master.write(0, 0x20);
    EXPECT_TRUE(interrupt.level);
    EXPECT_EQ(master.acknowledge(), 0x71);
    slave.write(0, 0x20);
    master.write(0, 0x20);
    EXPECT_FALSE(interrupt.level);

    // Two requests of the slave one after the other: its INT rises for each.
    slave.set_irq(5, true);
    slave.set_irq(6, true);
    EXPECT_EQ(master.acknowledge(), 0x75);
    slave.write(0, 0x20);
    master.write(0, 0x20);
    EXPECT_EQ(master.acknowledge(), 0x76);
    slave.write(0, 0x20);
    master.write(0, 0x20);

    // A slave whose request went away answers with its own IR7.
    slave.set_irq(7, true);
    EXPECT_TRUE(interrupt.level);
    master.elcr().write(0, 1, 0);
    EXPECT_EQ(slave.acknowledge(), 0x77);
    slave.write(0, 0x20);

    // Special fully nested: the slave's higher request passes its lower one.
    initialise(0x11);
    for (unsigned line : {1u, 4u, 5u, 6u, 7u}) slave.set_irq(line, false);
    slave.set_irq(4, true);
    EXPECT_EQ(master.acknowledge(), 0x74);
    slave.set_irq(1, true);
    EXPECT_TRUE(interrupt.level);
    EXPECT_EQ(master.acknowledge(), 0x71);
}

TEST_F(I8259Test, StateRoundTripAndReset) {
    I8259 twin("i8259", 0xF8, {});
    initialise(0x11, 0x11);
    chip.elcr().write(0, 1, 0x40);
    chip.set_irq(3, true);
    chip.acknowledge();
    chip.set_irq(1, true);
    chip.write(1, 0x80);
    chip.write(0, 0xC0);
    chip.write(0, 0x80);
    chip.write(0, 0x6F);
    EXPECT_TRUE(interrupt.level);
    expect_faithful_state(chip, twin);
    EXPECT_FALSE(interrupt.level) << "reset lets INT fall";
}

}  // namespace
}  // namespace bantam::devices
