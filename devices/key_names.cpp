// See key_names.h. Prefixed keys carry E0 in the high byte. Set 3 codes are those of IBM's table; keys that came later
// than set 3 have the codes that later keyboards chose, or none.
#include "devices/key_names.h"

#include <array>

namespace bantam::devices {
namespace {
constexpr auto T = KeyRow::Kind::typematic;
constexpr auto B = KeyRow::Kind::make_break;
constexpr auto M = KeyRow::Kind::make_only;

constexpr KeyRow kKeys[] = {
    {"esc", 0x01, 0x76, 0x08, M},
    {"1", 0x02, 0x16, 0x16, T},
    {"2", 0x03, 0x1E, 0x1E, T},
    {"3", 0x04, 0x26, 0x26, T},
    {"4", 0x05, 0x25, 0x25, T},
    {"5", 0x06, 0x2E, 0x2E, T},
    {"6", 0x07, 0x36, 0x36, T},
    {"7", 0x08, 0x3D, 0x3D, T},
    {"8", 0x09, 0x3E, 0x3E, T},
    {"9", 0x0A, 0x46, 0x46, T},
    {"0", 0x0B, 0x45, 0x45, T},
    {"minus", 0x0C, 0x4E, 0x4E, T},
    {"equal", 0x0D, 0x55, 0x55, T},
    {"backspace", 0x0E, 0x66, 0x66, T},
    {"tab", 0x0F, 0x0D, 0x0D, T},
    {"q", 0x10, 0x15, 0x15, T},
    {"w", 0x11, 0x1D, 0x1D, T},
    {"e", 0x12, 0x24, 0x24, T},
    {"r", 0x13, 0x2D, 0x2D, T},
    {"t", 0x14, 0x2C, 0x2C, T},
    {"y", 0x15, 0x35, 0x35, T},
    {"u", 0x16, 0x3C, 0x3C, T},
    {"i", 0x17, 0x43, 0x43, T},
    {"o", 0x18, 0x44, 0x44, T},
    {"p", 0x19, 0x4D, 0x4D, T},
    {"bracket_left", 0x1A, 0x54, 0x54, T},
    {"bracket_right", 0x1B, 0x5B, 0x5B, T},
    {"ret", 0x1C, 0x5A, 0x5A, T},
    {"ctrl", 0x1D, 0x14, 0x11, B},
    {"a", 0x1E, 0x1C, 0x1C, T},
    {"s", 0x1F, 0x1B, 0x1B, T},
    {"d", 0x20, 0x23, 0x23, T},
    {"f", 0x21, 0x2B, 0x2B, T},
    {"g", 0x22, 0x34, 0x34, T},
    {"h", 0x23, 0x33, 0x33, T},
    {"j", 0x24, 0x3B, 0x3B, T},
    {"k", 0x25, 0x42, 0x42, T},
    {"l", 0x26, 0x4B, 0x4B, T},
    {"semicolon", 0x27, 0x4C, 0x4C, T},
    {"apostrophe", 0x28, 0x52, 0x52, T},
    {"grave_accent", 0x29, 0x0E, 0x0E, T},
    {"shift", 0x2A, 0x12, 0x12, B},
    {"backslash", 0x2B, 0x5D, 0x5C, T},
    {"z", 0x2C, 0x1A, 0x1A, T},
    {"x", 0x2D, 0x22, 0x22, T},
    {"c", 0x2E, 0x21, 0x21, T},
    {"v", 0x2F, 0x2A, 0x2A, T},
    {"b", 0x30, 0x32, 0x32, T},
    {"n", 0x31, 0x31, 0x31, T},
    {"m", 0x32, 0x3A, 0x3A, T},
    {"comma", 0x33, 0x41, 0x41, T},
    {"dot", 0x34, 0x49, 0x49, T},
    {"slash", 0x35, 0x4A, 0x4A, T},
    {"shift_r", 0x36, 0x59, 0x59, B},
    {"asterisk", 0x37, 0x7C, 0x7E, M},
    {"alt", 0x38, 0x11, 0x19, B},
    {"spc", 0x39, 0x29, 0x29, T},
    {"caps_lock", 0x3A, 0x58, 0x14, B},
    {"f1", 0x3B, 0x05, 0x07, M},
    {"f2", 0x3C, 0x06, 0x0F, M},
    {"f3", 0x3D, 0x04, 0x17, M},
    {"f4", 0x3E, 0x0C, 0x1F, M},
    {"f5", 0x3F, 0x03, 0x27, M},
    {"f6", 0x40, 0x0B, 0x2F, M},
    {"f7", 0x41, 0x83, 0x37, M},
    {"f8", 0x42, 0x0A, 0x3F, M},
    {"f9", 0x43, 0x01, 0x47, M},
    {"f10", 0x44, 0x09, 0x4F, M},
    {"num_lock", 0x45, 0x77, 0x76, M},
    {"scroll_lock", 0x46, 0x7E, 0x5F, M},
    {"kp_7", 0x47, 0x6C, 0x6C, M},
    {"kp_8", 0x48, 0x75, 0x75, M},
    {"kp_9", 0x49, 0x7D, 0x7D, M},
    {"kp_subtract", 0x4A, 0x7B, 0x84, M},
    {"kp_4", 0x4B, 0x6B, 0x6B, M},
    {"kp_5", 0x4C, 0x73, 0x73, M},
    {"kp_6", 0x4D, 0x74, 0x74, M},
    {"kp_add", 0x4E, 0x79, 0x7C, T},
    {"kp_1", 0x4F, 0x69, 0x69, M},
    {"kp_2", 0x50, 0x72, 0x72, M},
    {"kp_3", 0x51, 0x7A, 0x7A, M},
    {"kp_0", 0x52, 0x70, 0x70, M},
    {"kp_decimal", 0x53, 0x71, 0x71, M},
    {"sysrq", 0x54, 0x84, 0x57, M},
    {"less", 0x56, 0x61, 0x13, T},
    {"f11", 0x57, 0x78, 0x56, M},
    {"f12", 0x58, 0x07, 0x5E, M},
    {"kp_enter", 0xE01C, 0xE05A, 0x79, M},
    {"ctrl_r", 0xE01D, 0xE014, 0x58, M},
    {"kp_divide", 0xE035, 0xE04A, 0x77, M},
    {"print", 0xE037, 0xE07C, 0x57, M},
    {"alt_r", 0xE038, 0xE011, 0x39, M},
    {"home", 0xE047, 0xE06C, 0x6E, M},
    {"up", 0xE048, 0xE075, 0x63, T},
    {"pgup", 0xE049, 0xE07D, 0x6F, M},
    {"left", 0xE04B, 0xE06B, 0x61, T},
    {"right", 0xE04D, 0xE074, 0x6A, T},
    {"end", 0xE04F, 0xE069, 0x65, M},
    {"down", 0xE050, 0xE072, 0x60, T},
    {"pgdn", 0xE051, 0xE07A, 0x6D, M},
    {"insert", 0xE052, 0xE070, 0x67, M},
    {"delete", 0xE053, 0xE071, 0x64, T},
    {"meta_l", 0xE05B, 0xE01F, 0x8B, M},
    {"meta_r", 0xE05C, 0xE027, 0x8C, M},
    {"compose", 0xE05D, 0xE02F, 0x8D, M},
    {"pause", 0xE046, 0xE07E, 0x62, M},
    {"power", 0xE05E, 0xE037, 0x00, M},
    {"sleep", 0xE05F, 0xE03F, 0x00, M},
    {"wake", 0xE063, 0xE05E, 0x00, M},
    {"audionext", 0xE019, 0xE04D, 0x00, M},
    {"audioprev", 0xE010, 0xE015, 0x00, M},
    {"audiostop", 0xE024, 0xE03B, 0x00, M},
    {"audioplay", 0xE022, 0xE034, 0x00, M},
    {"audiomute", 0xE020, 0xE023, 0x00, M},
    {"volumeup", 0xE030, 0xE032, 0x00, T},
    {"volumedown", 0xE02E, 0xE021, 0x00, T},
    {"mediaselect", 0xE06D, 0xE050, 0x00, M},
    {"mail", 0xE06C, 0xE048, 0x00, M},
    {"calculator", 0xE021, 0xE02B, 0x00, M},
    {"computer", 0xE06B, 0xE040, 0x00, M},
    {"ac_home", 0xE032, 0xE03A, 0x00, M},
    {"ac_back", 0xE06A, 0xE038, 0x00, M},
    {"ac_forward", 0xE069, 0xE030, 0x00, M},
    {"ac_refresh", 0xE067, 0xE020, 0x00, M},
    {"ac_bookmarks", 0xE066, 0xE018, 0x00, M},
    {"ro", 0x73, 0x51, 0x00, T},
    {"hiragana", 0x70, 0x13, 0x00, M},
    {"henkan", 0x79, 0x64, 0x00, M},
    {"muhenkan", 0x7B, 0x67, 0x00, M},
    {"yen", 0x7D, 0x6A, 0x00, T},
    {"kp_comma", 0x7E, 0x6D, 0x00, M},
};
static_assert(std::size(kKeys) < 256);

// The US layout; the characters at one position share a key. \x01: that key has no shifted character of its own.
constexpr std::string_view kPlain = "`1234567890-=\tqwertyuiop[]\\asdfghjkl;'\nzxcvbnm,./ ";
constexpr std::string_view kShifted = "~!@#$%^&*()_+\x01QWERTYUIOP{}|ASDFGHJKL:\"\x01ZXCVBNM<>?\x01";
static_assert(kPlain.size() == kShifted.size());

std::string_view name_of_plain(char character) {
    switch (character) {
        case '`':
            return "grave_accent";
        case '-':
            return "minus";
        case '=':
            return "equal";
        case '\t':
            return "tab";
        case '[':
            return "bracket_left";
        case ']':
            return "bracket_right";
        case '\\':
            return "backslash";
        case ';':
            return "semicolon";
        case '\'':
            return "apostrophe";
        case '\n':
            return "ret";
        case ',':
            return "comma";
        case '.':
            return "dot";
        case '/':
            return "slash";
        case ' ':
            return "spc";
        default:
            return {};
    }
}
}  // namespace

std::span<const KeyRow> key_table() { return kKeys; }

const KeyRow& key_row(KeyCode key) {
    const auto index = static_cast<unsigned>(key);
    return kKeys[index < std::size(kKeys) ? index : 0];
}

std::optional<KeyCode> key_by_name(std::string_view name) {
    for (unsigned i = 0; i < std::size(kKeys); ++i) {
        if (kKeys[i].name == name) return static_cast<KeyCode>(i);
    }
    if (name == "menu") return key_by_name("compose");  // QEMU has both names for it
    return std::nullopt;
}

std::optional<KeyCode> key_by_set1(u16 code) {
    for (unsigned i = 0; i < std::size(kKeys); ++i) {
        if (kKeys[i].set1 == code) return static_cast<KeyCode>(i);
    }
    return std::nullopt;
}

std::optional<TypedKey> key_for_ascii(char character) {
    if (character == '\b' || character == 0x7F) return TypedKey{*key_by_name("backspace"), false};
    if (character == 0x1B) return TypedKey{*key_by_name("esc"), false};
    if (character == '\r') character = '\n';
    if (character == '\x01') return std::nullopt;
    std::size_t at = kPlain.find(character);
    const bool shift = at == std::string_view::npos;
    if (shift) at = kShifted.find(character);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view special = name_of_plain(kPlain[at]);
    const auto key = key_by_name(special.empty() ? kPlain.substr(at, 1) : special);
    return key ? std::optional(TypedKey{*key, shift}) : std::nullopt;
}

}  // namespace bantam::devices
