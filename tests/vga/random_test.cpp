// Vga against ReferenceVga: random registers, random accesses to memory, every picture dot by dot, drawn whole and by
// what changed.
#include <gtest/gtest.h>

#include <random>

#include "devices/vga.h"
#include "tests/devices/test_board.h"
#include "tests/vga/reference_vga.h"

namespace bantam::devices {
namespace {

class Pair {
public:
    explicit Pair(unsigned seed) : random_(seed) {
        out(0x3C2, 0x67);
        sequencer(0, 3);
        sequencer(2, 15);
        sequencer(4, 6);
        graphics(8, 0xFF);
        graphics(6, 5);
        for (u32 address = 0; address < 0x10000; ++address) {
            for (unsigned plane = 0; plane < 4; ++plane) {
                sequencer(2, static_cast<u8>(1u << plane));
                write(0xA0000 + address, byte());
            }
        }
    }
    u8 byte() { return static_cast<u8>(random_()); }
    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    void out(unsigned port, u8 value) {
        chip.write(port - 0x3B0, value);
        reference.out(port, value);
    }
    void in(unsigned port) {
        chip.read(port - 0x3B0);
        reference.in(port);
    }
    void indexed(unsigned port, u8 index, u8 value) {
        out(port, index);
        out(port + 1, value);
    }
    void sequencer(u8 index, u8 value) { indexed(0x3C4, index, value); }
    void graphics(u8 index, u8 value) { indexed(0x3CE, index, value); }
    void attribute(u8 index, u8 value) {
        in(0x3DA);
        out(0x3C0, index);
        out(0x3C0, value);
    }
    void write(u32 address, u8 value) {
        chip.write_memory(address - 0xA0000, value);
        reference.write(address, value);
    }
    void read(u32 address) { ASSERT_EQ(chip.read_memory(address - 0xA0000), reference.read(address)) << address; }

    /// A small picture, otherwise anything.
    void random_registers() {
        out(0x3C2, static_cast<u8>((byte() & 0xEC) | 0x03));
        sequencer(1, static_cast<u8>(byte() & (below(8) == 0 ? 0x29 : 0x09)));
        sequencer(3, byte());
        indexed(0x3D4, 0x11, 0);
        for (unsigned index = 0; index < 0x19; ++index) {
            u8 value = byte();
            if (index == 1) value &= 31;
            if (index == 7) value &= 0x10;
            if (index == 9 && below(2) == 0) value &= 0x87;
            if (index == 0x0A && below(2) == 0) value &= 0x07;
            if (index == 0x0E || index == 0x0F) continue;
            if (index == 0x11) value = 0;
            if (index == 0x12) value &= 63;
            if (index == 0x14 && below(2) == 0) value &= 0x1F;
            if (index == 0x17) value = static_cast<u8>(value | 0x80) & (below(4) == 0 ? 0xFF : 0xE3);
            if (index == 0x18) value &= 63;
            indexed(0x3D4, static_cast<u8>(index), value);
        }
        const unsigned cursor = below(64);
        indexed(0x3D4, 0x0D, byte());
        const u8 start_low = chip.peek(0x25);
        indexed(0x3D4, 0x0C, 0);
        indexed(0x3D4, 0x0E, static_cast<u8>((start_low + cursor) >> 8));
        indexed(0x3D4, 0x0F, static_cast<u8>(start_low + cursor));
        if (below(2) == 0) indexed(0x3D4, 0x0C, byte());
        for (unsigned index = 0; index < 0x15; ++index) attribute(static_cast<u8>(index), byte());
        in(0x3DA);
        out(0x3C0, below(16) == 0 ? 0 : 0x20);
        out(0x3C6, below(2) == 0 ? 0xFF : byte());
        out(0x3C8, byte());
        for (unsigned i = 0; i < 300; ++i) out(0x3C9, byte());
        random_memory_registers();
    }
    void random_memory_registers() {
        sequencer(2, byte());
        sequencer(4, byte());
        for (unsigned index = 0; index < 9; ++index) {
            if (index == 5 || index == 6) continue;
            graphics(static_cast<u8>(index), below(3) == 0 ? byte() : index == 8 ? 0xFF : 0);
        }
    }
    void random_mode() {
        graphics(5, byte());
        graphics(6, byte());
    }
    void random_accesses(unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            const u32 address = 0xA0000 + below(0x20000);
            if (below(3) == 0) {
                ASSERT_NO_FATAL_FAILURE(read(address));
            }
            write(address + below(4) - (address == 0xBFFFF ? 3 : 0) - (address > 0xBFFFB ? 4 : 0), byte());
        }
    }
    void expect_same_picture() {
        const bool changed = chip.render_changes(seen_);
        EXPECT_EQ(changed, seen_.first_row < seen_.end_row);
        const reference::Picture wanted = reference.picture(static_cast<unsigned>(chip.picture_version() & 3));
        for (const Frame& frame : {seen_.frame, chip.render()}) {
            ASSERT_EQ(frame.width, wanted.width);
            ASSERT_EQ(frame.height, wanted.height);
            for (std::size_t i = 0; i < frame.pixels.size(); ++i) {
                const u32 dot =
                    static_cast<u32>(wanted.rgb[3 * i] << 16 | wanted.rgb[3 * i + 1] << 8 | wanted.rgb[3 * i + 2]);
                ASSERT_EQ(frame.pixels[i], dot) << i % wanted.width << ',' << i / wanted.width << '\n' << chip.info();
            }
        }
    }
    TestBoard board;
    Vga chip{board.scheduler, {}};
    reference::ReferenceVga reference;

private:
    std::mt19937 random_;
    Picture seen_;
};

class VgaAgainstReference : public ::testing::TestWithParam<unsigned> {};

TEST_P(VgaAgainstReference, SamePictures) {
    Pair pair(GetParam());
    for (unsigned trial = 0; trial < 60; ++trial) {
        SCOPED_TRACE(trial);
        pair.random_registers();
        pair.random_mode();
        ASSERT_NO_FATAL_FAILURE(pair.random_accesses(200));
        ASSERT_NO_FATAL_FAILURE(pair.expect_same_picture());
        for (unsigned change = 0; change < 3; ++change) {  // the mode stays: only what was written is drawn anew
            ASSERT_NO_FATAL_FAILURE(pair.random_accesses(1 + pair.below(4)));
            pair.board.run_for(pair.below(400'000'000));
            ASSERT_NO_FATAL_FAILURE(pair.expect_same_picture());
        }
    }
}

TEST_P(VgaAgainstReference, SameMemory) {
    Pair pair(GetParam() + 1000);
    for (unsigned trial = 0; trial < 400; ++trial) {
        SCOPED_TRACE(trial);
        pair.random_memory_registers();
        pair.random_mode();
        ASSERT_NO_FATAL_FAILURE(pair.random_accesses(100));
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, VgaAgainstReference, ::testing::Range(1u, 5u));

}  // namespace
}  // namespace bantam::devices
