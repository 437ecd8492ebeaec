#include "frontend/window/utf8.h"

#include <array>

#include "base/types.h"

namespace bantam::frontend {

char32_t take_character(std::string_view& text) {
    constexpr char32_t kReplacement = 0xFFFD;
    // By the number of continuation bytes: the smallest code that needs so many.
    constexpr std::array<char32_t, 4> kSmallest{0, 0x80, 0x800, 0x10000};
    const auto first = static_cast<u8>(text.front());
    text.remove_prefix(1);
    if (first < 0x80) return first;
    const unsigned more = first >= 0xF8 ? 0 : first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    if (more == 0 || text.size() < more) return kReplacement;
    char32_t code = first & (0x3Fu >> more);
    for (unsigned i = 0; i < more; ++i) {
        const auto next = static_cast<u8>(text[i]);
        if ((next & 0xC0) != 0x80) return kReplacement;
        code = code << 6 | (next & 0x3F);
    }
    if (code < kSmallest.at(more) || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return kReplacement;
    text.remove_prefix(more);
    return code;
}

}  // namespace bantam::frontend
