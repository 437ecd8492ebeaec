#include "machine/keystroke.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace bantam {
namespace {

std::optional<devices::KeyCode> find_key(std::string_view name) {
    if (name.size() < 3 || !name.starts_with("0x")) return devices::key_by_name(name);
    u16 code = 0;
    const auto [end, error] = std::from_chars(name.data() + 2, name.data() + name.size(), code, 16);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return devices::key_by_set1(code);
}

}  // namespace

Result<Chord> parse_chord(std::string_view keys) {
    Chord chord;
    for (std::size_t at = 0; at <= keys.size();) {
        const std::size_t end = std::min(keys.find('-', at), keys.size());
        const std::string_view name = keys.substr(at, end - at);
        const std::optional<devices::KeyCode> key = find_key(name);
        if (!key) {
            return Error{ExitStatus::usage,
                         fmt::format("unknown key '{}': names are like a, shift, ret, f1, kp_5, or scan codes like "
                                     "0x1d, joined as ctrl-alt-delete",
                                     name)};
        }
        chord.push_back(*key);
        at = end + 1;
    }
    return chord;
}

Result<std::vector<Keystroke>> keystrokes_for_text(std::string_view text) {
    std::vector<Keystroke> keystrokes;
    for (const char character : text) {
        const auto typed = devices::key_for_ascii(character);
        if (!typed) {
            return Error{ExitStatus::usage, fmt::format("a US keyboard has no key for byte {:02x}h",
                                                        static_cast<unsigned char>(character))};
        }
        const bool letter = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
        Chord keys = typed->shift ? Chord{*devices::key_by_name("shift"), typed->key} : Chord{typed->key};
        keystrokes.push_back({.keys = std::move(keys), .letter = letter});
    }
    return keystrokes;
}

}  // namespace bantam
