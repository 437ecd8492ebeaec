#include "base/archive.h"

#include <cstring>

namespace bantam {
namespace {
constexpr u64 kFnvPrime = 0x100000001B3;
}

void HashArchive::mix(const void* data, std::size_t size) {
    const auto* at = static_cast<const u8*>(data);
    // Eight bytes a step: RAM makes up nearly all of what is hashed.
    while (size >= 8) {
        u64 word = 0;
        std::memcpy(&word, at, 8);
        hash_ = (hash_ ^ word) * kFnvPrime;
        hash_ ^= hash_ >> 29;
        at += 8;
        size -= 8;
    }
    for (; size != 0; --size) hash_ = (hash_ ^ *at++) * kFnvPrime;
}

void HashArchive::begin_section(std::string_view name) { mix(name.data(), name.size()); }

void HashArchive::end_section() { mix("}", 1); }

void HashArchive::scalar(std::string_view name, u64& value, unsigned size) {
    mix(name.data(), name.size());
    mix(&value, size);
}

void HashArchive::bytes(std::string_view name, void* data, std::size_t size) {
    mix(name.data(), name.size());
    mix(data, size);
}

}  // namespace bantam
