#include "frontend/gdb/packets.h"

#include <fmt/format.h>

namespace bantam::frontend::gdb {
namespace {

constexpr char kEscape = '}';
constexpr char kEscapeFlip = 0x20;

std::optional<unsigned> digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

u8 sum(std::string_view text) {
    unsigned total = 0;
    for (const char c : text) total += static_cast<u8>(c);
    return static_cast<u8>(total);
}

std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == kEscape && i + 1 < text.size();
        plain += escape ? static_cast<char>(text[++i] ^ kEscapeFlip) : text[i];
    }
    return plain;
}

}  // namespace

std::optional<Input> PacketReader::next() {
    while (!waiting_.empty()) {
        const char first = waiting_.front();
        if (first == '$') return take_packet();
        waiting_.erase(0, 1);
        if (first == '\x03') return Interrupt{};
        if (first == '-') return Repeat{};
        // '+', or noise of the line
    }
    return std::nullopt;
}

std::optional<Input> PacketReader::take_packet() {
    constexpr std::size_t kSumDigits = 2;
    const std::size_t hash = waiting_.find('#');
    if (hash == std::string::npos || waiting_.size() < hash + 1 + kSumDigits) {
        if (waiting_.size() <= kMostBytes) return std::nullopt;
        waiting_.clear();
        return Damaged{};
    }
    const std::string text = waiting_.substr(1, hash - 1);
    const auto high = digit(waiting_[hash + 1]), low = digit(waiting_[hash + 2]);
    waiting_.erase(0, hash + 1 + kSumDigits);
    if (!high || !low || *high * 16 + *low != sum(text)) return Damaged{};
    return Packet{unescaped(text)};
}

std::string framed(std::string_view text) {
    std::string body;
    for (const char c : text) {
        const bool special = c == '#' || c == '$' || c == kEscape || c == '*';
        if (special) body += kEscape;
        body += special ? static_cast<char>(c ^ kEscapeFlip) : c;
    }
    return fmt::format("${}#{:02x}", body, sum(body));
}

std::string to_hex(std::span<const u8> bytes) {
    std::string digits;
    for (const u8 byte : bytes) digits += fmt::format("{:02x}", byte);
    return digits;
}

std::string to_hex(std::string_view text) {
    return to_hex(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
}

std::optional<std::vector<u8>> from_hex(std::string_view digits) {
    if (digits.size() % 2 != 0) return std::nullopt;
    std::vector<u8> bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const auto high = digit(digits[i]), low = digit(digits[i + 1]);
        if (!high || !low) return std::nullopt;
        bytes.push_back(static_cast<u8>(*high * 16 + *low));
    }
    return bytes;
}

std::optional<u64> take_number(std::string_view& text) {
    constexpr std::size_t kMostDigits = 16;
    u64 value = 0;
    std::size_t count = 0;
    for (; count < text.size(); ++count) {
        const auto next = digit(text[count]);
        if (!next) break;
        if (count == kMostDigits) return std::nullopt;
        value = value << 4 | *next;
    }
    if (count == 0) return std::nullopt;
    text.remove_prefix(count);
    return value;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

}  // namespace bantam::frontend::gdb
