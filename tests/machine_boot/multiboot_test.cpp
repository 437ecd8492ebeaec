// The multiboot loader: both layouts, the information structure, modules, and every malformed header.
#include "machine/boot/multiboot.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "tests/machine_boot/images.h"

namespace bantam::boot::test {
namespace {

TEST(MultibootLoader, FlatImageByAddressFields) {
    const auto memory = make_memory(16);
    memory->write({0x102800}, 8, ~u64{0});  // bss must be cleared
    KernelImage image = kernel(flat_image());
    image.command_line = "-v fast";
    const auto loaded = load_kernel(*memory, image);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    const EntryState& entry = loaded.value();
    EXPECT_EQ(entry.mode, EntryState::Mode::protected32);
    EXPECT_EQ(entry.rip, 0x100040u);
    EXPECT_EQ(entry.rax, 0x2BADB002u);
    EXPECT_EQ(bytes_at(*memory, 0x100000, 0x2000), image.contents);
    EXPECT_EQ(memory->peek({0x102800}, 8), 0u);
    const std::vector<u8> info = bytes_at(*memory, entry.rbx, 116);
    EXPECT_EQ(read_le<u32>(info, 0), 0x124Du);
    EXPECT_EQ(read_le<u32>(info, 4), 639u);
    EXPECT_EQ(read_le<u32>(info, 8), 15u * 1024);
    EXPECT_EQ(text_at(*memory, read_le<u32>(info, 16)), "the-kernel -v fast");
    EXPECT_EQ(text_at(*memory, read_le<u32>(info, 64)), "Bantam");
    EXPECT_EQ(read_le<u32>(info, 20), 0u);  // no modules
    EXPECT_EQ(read_le<u64>(info, 88), 0xB8000u);
    EXPECT_EQ(read_le<u32>(info, 100), 80u);
    EXPECT_EQ(read_le<u8>(info, 109), 2);
    // The memory map: entries that begin with their own size.
    u64 at = read_le<u32>(info, 48);
    const u64 end = at + read_le<u32>(info, 44);
    u64 ram = 0;
    for (; at < end; at += memory->peek({at}, 4) + 4) {
        if (memory->peek({at + 20}, 4) == 1) ram += memory->peek({at + 12}, 8);
    }
    EXPECT_EQ(at, end);
    EXPECT_EQ(ram, (15u << 20) + 0x9FC00);
}

TEST(MultibootLoader, ElfImageWithModules) {
    const auto memory = make_memory(16);
    KernelImage image = kernel(elf_image());
    image.modules = {{"first", "a b", std::vector<u8>(0x1001, 1)}, {"second", "", std::vector<u8>(10, 2)}};
    const auto loaded = load_kernel(*memory, image);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_EQ(loaded.value().rip, 0x200020u);  // the linked entry, at its physical address
    EXPECT_EQ(memory->peek({0x200000}, 1), image.contents[0x100]);
    EXPECT_EQ(memory->peek({0x200FFF}, 1), image.contents[0x10FF]);
    EXPECT_EQ(memory->peek({0x201000}, 1), 0u);
    const u64 info = loaded.value().rbx;
    ASSERT_EQ(memory->peek({info + 20}, 4), 2u);
    const u64 list = memory->peek({info + 24}, 4);
    EXPECT_EQ(memory->peek({list}, 4), 0x202000u);
    EXPECT_EQ(memory->peek({list + 4}, 4), 0x203001u);
    EXPECT_EQ(text_at(*memory, memory->peek({list + 8}, 4)), "first a b");
    EXPECT_EQ(memory->peek({list + 16}, 4), 0x204000u);
    EXPECT_EQ(text_at(*memory, memory->peek({list + 24}, 4)), "second");
    EXPECT_EQ(memory->peek({0x204009}, 1), 2u);
}

TEST(MultibootLoader, InformationMovesUpWhenTheImageLoadsLow) {
    const auto memory = make_memory(16);
    std::vector<u8> bytes = elf_image();
    write_le<u32>(bytes, 64, 0x10000);
    const auto loaded = load_kernel(*memory, kernel(bytes));
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_EQ(loaded.value().rip, 0x10020u);
    EXPECT_GE(loaded.value().rbx, 0x100000u);
}

struct BadCase {
    const char* what;
    std::vector<u8> (*base)();
    std::function<void(KernelImage&)> damage;
    ExitStatus status;
    const char* cause;
};

TEST(MultibootLoader, MalformedImagesAreNamed) {
    const auto flat = [] { return flat_image(); };
    const auto set = [](u64 at, u32 value) { return [=](KernelImage& i) { write_le<u32>(i.contents, at, value); }; };
    const auto set16 = [](u64 at, u16 value) { return [=](KernelImage& i) { write_le<u16>(i.contents, at, value); }; };
    const auto header = [](u64 at, u32 flags) {
        return [=](KernelImage& i) { put_multiboot_header(i.contents, at, flags); };
    };
    constexpr auto bad = ExitStatus::bad_input, unfit = ExitStatus::usage;
    const std::vector<BadCase> cases{
        {"unknown requirement", flat, header(0x10, 0x10008), bad, "0x8"},
        {"checksum", flat, set(0x18, 1), bad, "neither"},
        {"load_addr above header", flat, set(0x20, 0x100011), bad, "load_addr"},
        {"load_addr before file", flat, set(0x20, 0xF0000), bad, "load_addr"},
        {"load_end before load", flat, set(0x24, 0xFFFFF), bad, "load_end_addr"},
        {"load_end beyond file", flat, set(0x24, 0x200000), bad, "truncated"},
        {"bss_end before data", flat, set(0x28, 0x100800), bad, "bss_end_addr"},
        {"entry outside", flat, set(0x2C, 0x200000), bad, "entry point"},
        {"bss beyond RAM", flat, set(0x28, 0xFFFFFFFF), unfit, "--memory"},
        {"header cut", flat, [](KernelImage& i) { i.contents.resize(0x28); }, bad, "truncated"},
        {"not ELF", elf_image, [](KernelImage& i) { i.contents[0] = 0; }, bad, "neither ELF"},
        {"ELF64", elf_image, [](KernelImage& i) { i.contents[4] = 2; }, bad, "64-bit"},
        {"big-endian", elf_image, [](KernelImage& i) { i.contents[5] = 2; }, bad, "not a 32-bit x86"},
        {"shared object", elf_image, set16(16, 3), bad, "not a 32-bit x86"},
        {"other machine", elf_image, set16(18, 40), bad, "not a 32-bit x86"},
        {"no program headers", elf_image, set16(44, 0), bad, "without program headers"},
        {"small program headers", elf_image, set16(42, 8), bad, "without program headers"},
        {"program headers outside", elf_image, set(28, 0xFFFFFFF0), bad, "program headers lie beyond"},
        {"segment outside", elf_image, set(56, 0x1000), bad, "segment 0 lies beyond"},
        {"segment far outside", elf_image, set(56, 0xFFFFFFFF), bad, "segment 0 lies beyond"},
        {"larger in file", elf_image, set(72, 0x800), bad, "larger in the file"},
        {"nothing to load", elf_image, set(52, 2), bad, "without loadable"},
        {"into the hole", elf_image, set(64, 0xA0000), unfit, "no usable RAM"},
        {"into page 0", elf_image, set(64, 0), unfit, "no usable RAM"},
        {"across 1 MiB", elf_image, set(64, 0x9F000), unfit, "no usable RAM"},
        {"to the top of 4 GiB", elf_image, set(64, 0xFFFFF000), unfit, "no usable RAM"},
        {"huge bss", elf_image, set(72, 0xFFFFFFFF), unfit, "no usable RAM"},
        {"initrd", elf_image,
         [](KernelImage& i) {
             i.initrd = Module{"x", "", {1}};
         },
         unfit, "--module"},
        {"huge strings", elf_image, [](KernelImage& i) { i.command_line.assign(1 << 20, 'a'); }, unfit, "no room"},
    };
    for (const BadCase& c : cases) {
        const auto memory = make_memory(16);
        KernelImage image = kernel(c.base());
        c.damage(image);
        const auto result = load_kernel(*memory, image);
        ASSERT_FALSE(result.ok()) << c.what;
        EXPECT_EQ(result.error().status, c.status) << c.what;
        EXPECT_EQ(result.error().message.find("the-kernel: "), 0u) << result.error().message;
        EXPECT_NE(result.error().message.find(c.cause), std::string::npos) << c.what << ": " << result.error().message;
    }
}

TEST(MultibootLoader, ModuleThatDoesNotFitIsNamed) {
    const auto memory = make_memory(16);
    KernelImage image = kernel(elf_image());
    image.modules = {{"large", "", std::vector<u8>(15 << 20)}};
    const auto result = load_kernel(*memory, image);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().message.find("large: "), 0u);
    EXPECT_EQ(result.error().status, ExitStatus::usage);
}

TEST(MultibootLoader, TruncationsAndFlippedBitsNeverDoHarm) {
    const auto memory = make_memory(16);
    std::mt19937 random{5};
    for (unsigned i = 0; i < 6000; ++i) {
        std::vector<u8> bytes = i % 2 == 0 ? flat_image() : elf_image();
        for (unsigned flips = random() % 4; flips != 0; --flips) {
            bytes[random() % 0x60] ^= static_cast<u8>(1u << random() % 8);
        }
        if (random() % 2 == 0) bytes.resize(random() % bytes.size());
        const auto result = load_kernel(*memory, kernel(std::move(bytes)));
        if (result.ok()) continue;
        EXPECT_EQ(result.error().message.find("the-kernel: "), 0u);
    }
}

}  // namespace
}  // namespace bantam::boot::test
