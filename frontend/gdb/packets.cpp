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
    while (taken_ < waiting_.size()) {
        if (auto input = take(waiting_[taken_++])) return input;
    }
    waiting_.clear();
    taken_ = 0;
    return std::nullopt;
}

std::optional<Input> PacketReader::take(char c) {
    // It begins a packet wherever it comes: within data it would be escaped.
    if (c == '$') {
        part_ = Part::text;
        text_.clear();
        too_long_ = false;
        return std::nullopt;
    }
    switch (part_) {
        case Part::between:  // '+', or noise of the line, is nothing
            if (c == '\x03') return Interrupt{};
            if (c == '-') return Repeat{};
            return std::nullopt;
        case Part::text:
            if (c == '#') {
                part_ = Part::first_digit;
            } else if (text_.size() == kMostBytes) {
                too_long_ = true;
            } else {
                text_ += c;
            }
            return std::nullopt;
        case Part::first_digit:
            first_digit_ = c;
            part_ = Part::second_digit;
            return std::nullopt;
        case Part::second_digit:
            break;
    }
    part_ = Part::between;
    return finish(c);
}

Input PacketReader::finish(char second_digit) {
    const auto high = digit(first_digit_), low = digit(second_digit);
    if (too_long_ || !high || !low || *high * 16 + *low != sum(text_)) return Damaged{};
    return Packet{unescaped(text_)};
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
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string digits;
    for (const u8 byte : bytes) {
        digits += kDigits[byte >> 4];
        digits += kDigits[byte & 0xF];
    }
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
