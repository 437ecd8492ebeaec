#include "machine/boot/sdt.h"

#include <numeric>

#include "base/check.h"
#include "machine/boot/little_endian.h"

namespace bantam::boot {

u8 checksum_of(std::span<const u8> bytes) {
    return static_cast<u8>(0u - std::accumulate(bytes.begin(), bytes.end(), 0u));
}

void append_text(std::vector<u8>& bytes, std::string_view text, std::size_t width, u8 pad) {
    CHECK(text.size() <= width);
    bytes.insert(bytes.end(), text.begin(), text.end());
    bytes.insert(bytes.end(), width - text.size(), pad);
}

std::vector<u8> make_sdt(std::string_view signature, u8 revision, std::span<const u8> body) {
    constexpr std::size_t kChecksum = 9;
    std::vector<u8> table;
    append_text(table, signature, 4);
    append_le<u32>(table, static_cast<u32>(kSdtHeaderBytes + body.size()));
    table.push_back(revision);
    table.push_back(0);  // checksum
    append_text(table, "BANTAM", 6);
    append_text(table, "PC", 8);
    append_le<u32>(table, 1);
    append_text(table, "BNTM", 4);
    append_le<u32>(table, 1);
    CHECK(table.size() == kSdtHeaderBytes);
    table.insert(table.end(), body.begin(), body.end());
    table[kChecksum] = checksum_of(table);
    return table;
}

}  // namespace bantam::boot
