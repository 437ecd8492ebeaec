// The Linux loader: what it leaves in memory and registers, and every way an image or a machine can be unfit.
#include "machine/boot/linux.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "machine/boot/low_memory.h"
#include "tests/machine_boot/images.h"

namespace bantam::boot::test {
namespace {

TEST(LinuxLoader, ThirtyTwoBitEntry) {
    const auto memory = make_memory(64);
    KernelImage image = kernel(bzimage());
    image.command_line = "console=ttyS0 quiet";
    image.rsdp = 0xF8000;
    image.apm_table = {0x02, 0x01, 0x00, 0xF9};
    const auto loaded = load_kernel(*memory, image);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    const EntryState& entry = loaded.value();
    EXPECT_EQ(entry.mode, EntryState::Mode::protected32);
    EXPECT_EQ(entry.rip, 0x100000u);
    EXPECT_EQ(entry.cs, 0x10);
    EXPECT_EQ(entry.ds, 0x18);
    EXPECT_EQ(memory->peek({entry.gdt_base + entry.cs}, 8), 0x00CF9B000000FFFFu);
    EXPECT_EQ(memory->peek({entry.gdt_base + entry.ds}, 8), 0x00CF93000000FFFFu);
    EXPECT_GE(entry.gdt_limit, 0x1F);
    const std::vector<u8> code = bytes_at(*memory, 0x100000, image.contents.size() - kSetupBytes);
    EXPECT_TRUE(std::equal(code.begin(), code.end(), image.contents.begin() + kSetupBytes));

    const std::vector<u8> params = bytes_at(*memory, entry.rsi, 4096);
    EXPECT_EQ(read_le<u32>(params, 0x202), 0x53726448u);
    EXPECT_EQ(read_le<u16>(params, 0x206), 0x020F);
    EXPECT_EQ(read_le<u8>(params, 0x210), 0xFF);
    EXPECT_EQ(read_le<u8>(params, 0x06), 3);
    EXPECT_EQ(read_le<u8>(params, 0x07), 80);
    EXPECT_EQ(read_le<u8>(params, 0x0E), 25);
    EXPECT_EQ(read_le<u64>(params, 0x70), 0xF8000u);
    EXPECT_EQ(read_le<u64>(params, 0x40), 0xF9000102u);
    EXPECT_EQ(read_le<u32>(params, 0x218), 0u);
    EXPECT_EQ(text_at(*memory, read_le<u32>(params, 0x228)), image.command_line);
    // Outside the header and what the loader fills in, boot_params is zero.
    for (u64 at : {0x1F0u, 0x26Cu + 1, 0x2CFu}) EXPECT_EQ(params[at], 0);
    ASSERT_EQ(read_le<u8>(params, 0x1E8), 5);
    EXPECT_EQ(read_le<u64>(params, 0x2D0), 0u);
    EXPECT_EQ(read_le<u64>(params, 0x2D8), 0x9FC00u);
    EXPECT_EQ(read_le<u32>(params, 0x2E0), 1u);
    EXPECT_EQ(read_le<u64>(params, 0x2D0 + 3 * 20), 0x100000u);
    EXPECT_EQ(read_le<u64>(params, 0x2D8 + 3 * 20), 63u << 20);
}

TEST(LinuxLoader, SixtyFourBitEntryWithIdentityMap) {
    const auto memory = make_memory(64);
    KernelImage image = kernel(bzimage(0x4000, true));
    image.long_mode = true;
    const auto loaded = load_kernel(*memory, image);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    const EntryState& entry = loaded.value();
    EXPECT_EQ(entry.mode, EntryState::Mode::long64);
    EXPECT_EQ(entry.rip, 0x100200u);
    EXPECT_EQ(memory->peek({entry.gdt_base + entry.cs}, 8), 0x00AF9B000000FFFFu);
    const u64 pdpt = memory->peek({entry.cr3}, 8) & ~u64{0xFFF};
    for (const u64 linear : {u64{0}, u64{0x100000}, u64{0x12345678}, u64{0xFEE00000}, u64{0xFFFFFFFF}}) {
        const u64 directory = memory->peek({pdpt + (linear >> 30) * 8}, 8) & ~u64{0xFFF};
        EXPECT_EQ(memory->peek({directory + (linear >> 21 & 511) * 8}, 8), (linear & ~u64{0x1FFFFF}) | 0x83);
    }
    image.long_mode = false;
    const auto refused = load_kernel(*memory, image);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().status, ExitStatus::usage);
    EXPECT_NE(refused.error().message.find("--cpu"), std::string::npos);
}

TEST(LinuxLoader, RamAbove4GiBIsInTheMap) {
    const auto memory = make_memory(4096);
    const KernelImage image = kernel(bzimage());
    const auto loaded = load_kernel(*memory, image);
    ASSERT_TRUE(loaded.ok());
    const std::vector<u8> params = bytes_at(*memory, loaded.value().rsi, 4096);
    ASSERT_EQ(read_le<u8>(params, 0x1E8), 6);
    EXPECT_EQ(read_le<u64>(params, 0x2D0 + 5 * 20), u64{4} << 30);
    EXPECT_EQ(read_le<u64>(params, 0x2D8 + 5 * 20), u64{1} << 30);
}

TEST(LinuxLoader, InitrdLiesHighBelowItsLimit) {
    const auto memory = make_memory(64);
    KernelImage image = kernel(bzimage());
    image.initrd = Module{"the-initrd", "", std::vector<u8>(0x12345, 0x5A)};
    const auto place = [&] {
        const auto loaded = load_kernel(*memory, image);
        EXPECT_TRUE(loaded.ok()) << loaded.error().message;
        const std::vector<u8> params = bytes_at(*memory, loaded.value().rsi, 4096);
        EXPECT_EQ(read_le<u32>(params, 0x21C), 0x12345u);
        const u32 at = read_le<u32>(params, 0x218);
        EXPECT_EQ(at % 4096, 0u);
        EXPECT_EQ(bytes_at(*memory, at, 0x12345), image.initrd->contents);
        return at;
    };
    EXPECT_EQ(place(), (64u << 20) - 0x13000);
    write_le<u32>(image.contents, 0x22C, 0x1FFFFFF);  // 32 MiB
    EXPECT_EQ(place(), (32u << 20) - 0x13000);
    image.initrd->contents.resize(13 << 20);
    const auto refused = load_kernel(*memory, image);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().status, ExitStatus::usage);
    EXPECT_EQ(refused.error().message.find("the-initrd: "), 0u);
}

struct BadCase {
    const char* what;
    std::function<void(KernelImage&)> damage;
    ExitStatus status;
    const char* cause;
};

TEST(LinuxLoader, UnfitImagesAndMachinesAreNamed) {
    const std::vector<BadCase> cases{
        {"cut in half", [](KernelImage& i) { i.contents.resize(i.contents.size() / 2); }, ExitStatus::bad_input,
         "truncated"},
        {"cut in the setup code", [](KernelImage& i) { i.contents.resize(0x400); }, ExitStatus::bad_input, "truncated"},
        {"zImage", [](KernelImage& i) { i.contents[0x211] = 0; }, ExitStatus::bad_input, "zImage"},
        {"protocol 2.01", [](KernelImage& i) { write_le<u16>(i.contents, 0x206, 0x201); }, ExitStatus::bad_input,
         "2.01 is too old"},
        {"no jump", [](KernelImage& i) { i.contents[0x200] = 0; }, ExitStatus::bad_input, "damaged"},
        {"short header", [](KernelImage& i) { i.contents[0x201] = 3; }, ExitStatus::bad_input, "damaged"},
        {"huge pref_address", [](KernelImage& i) { write_le<u64>(i.contents, 0x258, ~u64{0}); }, ExitStatus::bad_input,
         "damaged"},
        {"huge init_size", [](KernelImage& i) { write_le<u32>(i.contents, 0x260, ~0u); }, ExitStatus::usage,
         "--memory"},
        {"no magic", [](KernelImage& i) { i.contents[0x202] = 'X'; }, ExitStatus::bad_input, "neither"},
        {"long command line", [](KernelImage& i) { i.command_line.assign(3000, 'a'); }, ExitStatus::usage, "2047"},
        {"modules",
         [](KernelImage& i) {
             i.modules.push_back({"m", "", {1}});
         },
         ExitStatus::usage, "--initrd"},
        {"no room", [](KernelImage& i) { i.contents = bzimage(40 << 20); }, ExitStatus::usage, "at least 41 MiB"},
    };
    for (const BadCase& c : cases) {
        const auto memory = make_memory(32);
        KernelImage image = kernel(bzimage());
        c.damage(image);
        const auto result = load_kernel(*memory, image);
        ASSERT_FALSE(result.ok()) << c.what;
        EXPECT_EQ(result.error().status, c.status) << c.what;
        EXPECT_EQ(result.error().message.find("the-kernel: "), 0u) << result.error().message;
        EXPECT_NE(result.error().message.find(c.cause), std::string::npos) << result.error().message;
    }
}

TEST(LinuxLoader, EveryTruncationFailsOrIsWithinTheRounding) {
    const auto memory = make_memory(32);
    const std::vector<u8> whole = bzimage(0x1000);
    for (std::size_t size = 0; size < whole.size() - 16; ++size) {
        const auto result =
            load_kernel(*memory, kernel({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}));
        ASSERT_FALSE(result.ok()) << size;
        ASSERT_EQ(result.error().status, ExitStatus::bad_input);
    }
}

TEST(LinuxLoader, FlippedBitsNeverDoHarm) {
    const auto memory = make_memory(32);
    std::mt19937 random{3};
    for (unsigned i = 0; i < 3000; ++i) {
        KernelImage image = kernel(bzimage(0x1000, i % 2 == 0));
        image.long_mode = true;
        image.initrd = Module{"the-initrd", "", std::vector<u8>(100)};
        for (unsigned flips = 1 + random() % 4; flips != 0; --flips) {
            image.contents[0x1F1 + random() % 0x80] ^= static_cast<u8>(1u << random() % 8);
        }
        const auto result = load_kernel(*memory, image);
        if (!result.ok()) {
            EXPECT_TRUE(result.error().status == ExitStatus::bad_input || result.error().status == ExitStatus::usage);
            EXPECT_EQ(result.error().message.find("the-"), 0u);
        }
    }
}

TEST(LinuxLoader, OldProtocolsUseTheirDefaults) {
    const auto memory = make_memory(1024);
    KernelImage image = kernel(bzimage());
    write_le<u16>(image.contents, 0x206, 0x0202);
    image.initrd = Module{"the-initrd", "", std::vector<u8>(4096)};
    const auto loaded = load_kernel(*memory, image);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_EQ(memory->peek({loaded.value().rsi + 0x218}, 4), 0x38000000u - 4096);
    image.command_line.assign(256, 'x');
    EXPECT_FALSE(load_kernel(*memory, image).ok());
}

TEST(LoadKernel, TinyMachinesAndStrangeFilesAreRefused) {
    const auto memory = make_memory(1);
    EXPECT_EQ(load_kernel(*memory, kernel(bzimage())).error().status, ExitStatus::usage);
    const auto enough = make_memory(16);
    for (const std::size_t size : {0u, 1u, 511u, 512u, 100000u}) {
        const auto result = load_kernel(*enough, kernel(std::vector<u8>(size)));
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().status, ExitStatus::bad_input);
    }
}

}  // namespace
}  // namespace bantam::boot::test
