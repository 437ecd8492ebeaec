// Small guests of the tests: 32-bit code as a multiboot image.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"

namespace bantam {

/// Where the code of a multiboot_image begins.
inline constexpr u32 kMultibootEntry = 0x100020;

/// An image (Multiboot Specification 0.6.96, 3.1.1, with addresses) whose entry point is the first byte of `code`.
inline std::vector<u8> multiboot_image(std::span<const u8> code) {
    constexpr u32 kMagic = 0x1BADB002, kAddressesGiven = 0x10000, kHeaderBytes = 32;
    constexpr u32 kBase = kMultibootEntry - kHeaderBytes;
    const u32 end = kMultibootEntry + static_cast<u32>(code.size());
    const std::array<u32, 8> header{kMagic, kAddressesGiven, 0 - kMagic - kAddressesGiven, kBase, kBase, end,
                                    end,    kMultibootEntry};
    static_assert(sizeof header == kHeaderBytes);
    std::vector<u8> image(kHeaderBytes + code.size());
    std::memcpy(image.data(), header.data(), kHeaderBytes);
    std::copy(code.begin(), code.end(), image.begin() + kHeaderBytes);
    return image;
}

inline void write_bytes(const std::string& path, std::span<const u8> bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace bantam
