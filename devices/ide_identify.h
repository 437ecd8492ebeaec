// IdentifyData: the 256 words of IDENTIFY DEVICE and IDENTIFY PACKET DEVICE being filled in.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "base/bits.h"
#include "base/types.h"

namespace bantam::devices {

class IdentifyData {
public:
    static constexpr u32 kBytes = 512;

    /// Clears and fills the first 512 bytes of `buffer`.
    explicit IdentifyData(std::vector<u8>& buffer) : bytes_(std::span(buffer).first(kBytes)) {
        std::fill(bytes_.begin(), bytes_.end(), u8{0});
    }
    void set(unsigned word, u32 value) {
        bytes_[word * std::size_t{2}] = static_cast<u8>(value);
        bytes_[word * std::size_t{2} + 1] = static_cast<u8>(value >> 8);
    }
    /// A string of `words` words, padded with blanks; the first character of each pair in the high byte.
    void text(unsigned word, unsigned words, std::string_view string) {
        for (unsigned i = 0; i < words * 2; ++i)
            bytes_[word * std::size_t{2} + (i ^ 1)] = i < string.size() ? static_cast<u8>(string[i]) : u8{' '};
    }
    /// Words 63-68 and 88: multiword DMA 0-2, PIO 3-4, Ultra DMA 0-5, the one chosen by SET FEATURES marked.
    void transfer_modes(u8 mode) {
        const u32 chosen = 0x100u << (mode & 7);
        set(63, 0x0007 | (mode >> 3 == 4 ? chosen : 0));
        set(64, 0x0003);
        for (unsigned word = 65; word <= 68; ++word) set(word, 120);  // ns a cycle
        set(88, 0x003F | (mode >> 3 == 8 ? chosen : 0));
    }
    /// Word 255: signature and checksum.
    void finish() {
        bytes_[510] = 0xA5;
        bytes_[511] = static_cast<u8>(0u - std::accumulate(bytes_.begin(), bytes_.end() - 1, 0u));
    }

private:
    std::span<u8> bytes_;
};

}  // namespace bantam::devices
