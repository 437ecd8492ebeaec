#include "frontend/qmp/base64.h"

#include "base/types.h"

namespace bantam::frontend::qmp {
namespace {
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string to_base64(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::string_view group = bytes.substr(i, 3);
        u32 bits = 0;
        for (std::size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < group.size() ? static_cast<u8>(group[j]) : 0u);
        for (std::size_t j = 0; j < 4; ++j) text += j <= group.size() ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const bool last = i + 4 == text.size();
        std::string_view group = text.substr(i, 4);
        while (last && group.size() > 2 && group.back() == '=') group.remove_suffix(1);
        u32 bits = 0;
        for (std::size_t j = 0; j < 4; ++j) {
            const std::size_t digit = j < group.size() ? kDigits.find(group[j]) : 0;
            if (digit == kDigits.npos) return std::nullopt;
            bits = bits << 6 | static_cast<u32>(digit);
        }
        for (std::size_t j = 0; j + 1 < group.size(); ++j) bytes += static_cast<char>(bits >> (16 - 8 * j));
    }
    return bytes;
}

}  // namespace bantam::frontend::qmp
