// Little-endian fields of file headers and of tables in guest memory. Readers answer 0 beyond the end, so that a header
// may be looked at before its length is known to suffice; writers CHECK.
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/types.h"

namespace bantam::boot {

template <class T>
[[nodiscard]] T read_le(std::span<const u8> bytes, u64 offset) {
    T value{};
    if (offset <= bytes.size() && bytes.size() - offset >= sizeof(T))
        std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

template <class T>
void write_le(std::span<u8> bytes, u64 offset, T value) {
    CHECK(offset <= bytes.size() && bytes.size() - offset >= sizeof(T));
    std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

template <class T>
void append_le(std::vector<u8>& bytes, T value) {
    const std::size_t at = bytes.size();
    bytes.resize(at + sizeof(T));
    std::memcpy(bytes.data() + at, &value, sizeof(T));
}

/// True when [offset, offset + size) lies within `bytes`, without overflow.
[[nodiscard]] inline bool contains(std::span<const u8> bytes, u64 offset, u64 size) {
    return offset <= bytes.size() && size <= bytes.size() - offset;
}

}  // namespace bantam::boot
