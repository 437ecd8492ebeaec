// Synthetic kernels for the loader tests: the smallest images that follow each protocol, to be damaged at will.
#pragma once

#include <algorithm>

#include "machine/boot/little_endian.h"
#include "machine/boot/loader.h"

namespace bantam::boot::test {

inline constexpr u64 kSetupBytes = 5 * 512;

/// A bzImage of protocol 2.15 with `code_bytes` of protected-mode code, needing memory up to 20 MiB.
inline std::vector<u8> bzimage(u64 code_bytes = 0x4000, bool kernel64 = false) {
    std::vector<u8> image(kSetupBytes + code_bytes);
    for (u64 i = kSetupBytes; i < image.size(); ++i) image[i] = static_cast<u8>(i * 13);
    write_le<u8>(image, 0x1F1, 4);
    write_le<u32>(image, 0x1F4, static_cast<u32>((code_bytes + 15) / 16));
    write_le<u16>(image, 0x1FE, 0xAA55);
    write_le<u16>(image, 0x200, 0x6AEB);
    write_le<u32>(image, 0x202, 0x53726448);
    write_le<u16>(image, 0x206, 0x020F);
    write_le<u8>(image, 0x211, 1);
    write_le<u32>(image, 0x214, 0x100000);
    write_le<u32>(image, 0x22C, 0x7FFFFFFF);
    write_le<u16>(image, 0x236, kernel64 ? 1 : 0);
    write_le<u32>(image, 0x238, 2047);
    write_le<u64>(image, 0x258, 0x1000000);
    write_le<u32>(image, 0x260, 0x400000);
    return image;
}

inline void put_multiboot_header(std::vector<u8>& image, u64 at, u32 flags) {
    write_le<u32>(image, at, 0x1BADB002);
    write_le<u32>(image, at + 4, flags);
    write_le<u32>(image, at + 8, 0u - 0x1BADB002 - flags);
}

/// A flat image with address fields: header at 10h, loaded at 1 MiB, entry at +40h, 1000h of bss.
inline std::vector<u8> flat_image(u64 bytes = 0x2000) {
    std::vector<u8> image(bytes, 0xC3);
    put_multiboot_header(image, 0x10, 0x10003);
    write_le<u32>(image, 0x1C, 0x100010);
    write_le<u32>(image, 0x20, 0x100000);
    write_le<u32>(image, 0x24, 0);
    write_le<u32>(image, 0x28, static_cast<u32>(0x100000 + bytes + 0x1000));
    write_le<u32>(image, 0x2C, 0x100040);
    return image;
}

/// An ELF32 image: one segment, file 100h-1100h to 200000h (linked at C0200000h), 2000h in memory, entry linked at
/// +20h.
inline std::vector<u8> elf_image() {
    std::vector<u8> image(0x1100);
    for (u64 i = 0x100; i < image.size(); ++i) image[i] = static_cast<u8>(i * 7);
    write_le<u32>(image, 0, 0x464C457F);
    write_le<u8>(image, 4, 1);
    write_le<u8>(image, 5, 1);
    write_le<u8>(image, 6, 1);
    write_le<u16>(image, 16, 2);
    write_le<u16>(image, 18, 3);
    write_le<u32>(image, 24, 0xC0200020);
    write_le<u32>(image, 28, 52);
    write_le<u16>(image, 42, 32);
    write_le<u16>(image, 44, 1);
    write_le<u32>(image, 52, 1);
    write_le<u32>(image, 56, 0x100);
    write_le<u32>(image, 60, 0xC0200000);
    write_le<u32>(image, 64, 0x200000);
    write_le<u32>(image, 68, 0x1000);
    write_le<u32>(image, 72, 0x2000);
    put_multiboot_header(image, 0x200, 3);
    return image;
}

inline KernelImage kernel(std::vector<u8> contents) {
    KernelImage image;
    image.name = "the-kernel";
    image.contents = std::move(contents);
    return image;
}

inline std::unique_ptr<PhysicalMemory> make_memory(u64 mebibytes) {
    return std::move(PhysicalMemory::create(mebibytes << 20).value());
}

inline std::vector<u8> bytes_at(PhysicalMemory& memory, u64 at, u64 size) {
    std::vector<u8> bytes(size);
    memory.copy_out({at}, bytes);
    return bytes;
}

inline std::string text_at(PhysicalMemory& memory, u64 at) {
    std::string text;
    for (char c; (c = static_cast<char>(memory.peek({at}, 1))) != 0; ++at) text += c;
    return text;
}

}  // namespace bantam::boot::test
