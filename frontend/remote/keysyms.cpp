#include "frontend/remote/keysyms.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace bantam::frontend {
namespace {

struct Named {
    u32 keysym;
    std::string_view key;
};

// Keypad keys are meant by their place, whatever the viewer's Num Lock. ISO_Level3_Shift and Mode_switch are left out:
// they choose among characters of the viewer's keyboard, and these arrive as characters.
constexpr std::array kNamed{
    Named{0xFE20, "tab"},          // ISO_Left_Tab
    Named{0xFF08, "backspace"},    // BackSpace
    Named{0xFF09, "tab"},          // Tab
    Named{0xFF0D, "ret"},          // Return
    Named{0xFF13, "pause"},        // Pause
    Named{0xFF14, "scroll_lock"},  // Scroll_Lock
    Named{0xFF15, "print"},        // Sys_Req
    Named{0xFF1B, "esc"},          // Escape
    Named{0xFF50, "home"},         // Home
    Named{0xFF51, "left"},         // Left
    Named{0xFF52, "up"},           // Up
    Named{0xFF53, "right"},        // Right
    Named{0xFF54, "down"},         // Down
    Named{0xFF55, "pgup"},         // Page_Up
    Named{0xFF56, "pgdn"},         // Page_Down
    Named{0xFF57, "end"},          // End
    Named{0xFF61, "print"},        // Print
    Named{0xFF63, "insert"},       // Insert
    Named{0xFF67, "compose"},      // Menu
    Named{0xFF6B, "pause"},        // Break
    Named{0xFF7F, "num_lock"},     // Num_Lock
    Named{0xFF80, "spc"},          // KP_Space
    Named{0xFF8D, "kp_enter"},     // KP_Enter
    Named{0xFF95, "kp_7"},         // KP_Home
    Named{0xFF96, "kp_4"},         // KP_Left
    Named{0xFF97, "kp_8"},         // KP_Up
    Named{0xFF98, "kp_6"},         // KP_Right
    Named{0xFF99, "kp_2"},         // KP_Down
    Named{0xFF9A, "kp_9"},         // KP_Page_Up
    Named{0xFF9B, "kp_3"},         // KP_Page_Down
    Named{0xFF9C, "kp_1"},         // KP_End
    Named{0xFF9D, "kp_5"},         // KP_Begin
    Named{0xFF9E, "kp_0"},         // KP_Insert
    Named{0xFF9F, "kp_decimal"},   // KP_Delete
    Named{0xFFAA, "asterisk"},     // KP_Multiply
    Named{0xFFAB, "kp_add"},       // KP_Add
    Named{0xFFAC, "kp_decimal"},   // KP_Separator
    Named{0xFFAD, "kp_subtract"},  // KP_Subtract
    Named{0xFFAE, "kp_decimal"},   // KP_Decimal
    Named{0xFFAF, "kp_divide"},    // KP_Divide
    Named{0xFFB0, "kp_0"},         // KP_0 to KP_9
    Named{0xFFB1, "kp_1"},        Named{0xFFB2, "kp_2"}, Named{0xFFB3, "kp_3"}, Named{0xFFB4, "kp_4"},
    Named{0xFFB5, "kp_5"},        Named{0xFFB6, "kp_6"}, Named{0xFFB7, "kp_7"}, Named{0xFFB8, "kp_8"},
    Named{0xFFB9, "kp_9"},        Named{0xFFBE, "f1"},  // F1 to F12
    Named{0xFFBF, "f2"},          Named{0xFFC0, "f3"},   Named{0xFFC1, "f4"},   Named{0xFFC2, "f5"},
    Named{0xFFC3, "f6"},          Named{0xFFC4, "f7"},   Named{0xFFC5, "f8"},   Named{0xFFC6, "f9"},
    Named{0xFFC7, "f10"},         Named{0xFFC8, "f11"},  Named{0xFFC9, "f12"},  Named{0xFFE1, "shift"},  // Shift_L
    Named{0xFFE2, "shift_r"},                                                                            // Shift_R
    Named{0xFFE3, "ctrl"},                                                                               // Control_L
    Named{0xFFE4, "ctrl_r"},                                                                             // Control_R
    Named{0xFFE5, "caps_lock"},                                                                          // Caps_Lock
    Named{0xFFE7, "meta_l"},                                                                             // Meta_L
    Named{0xFFE8, "meta_r"},                                                                             // Meta_R
    Named{0xFFE9, "alt"},                                                                                // Alt_L
    Named{0xFFEA, "alt_r"},                                                                              // Alt_R
    Named{0xFFEB, "meta_l"},                                                                             // Super_L
    Named{0xFFEC, "meta_r"},                                                                             // Super_R
    Named{0xFFFF, "delete"},                                                                             // Delete
};
static_assert(std::is_sorted(kNamed.begin(), kNamed.end(),
                             [](const Named& left, const Named& right) { return left.keysym < right.keysym; }));

}  // namespace

std::optional<KeysymKey> key_by_keysym(u32 keysym) {
    if (keysym >= 0x20 && keysym < 0x7F) {
        const char character = static_cast<char>(keysym);
        const auto typed = devices::key_for_ascii(character);
        if (!typed) return std::nullopt;
        const bool letter = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
        return KeysymKey{.key = typed->key, .character = true, .shift = typed->shift, .letter = letter};
    }
    const auto* found = std::lower_bound(kNamed.begin(), kNamed.end(), keysym,
                                         [](const Named& named, u32 wanted) { return named.keysym < wanted; });
    if (found == kNamed.end() || found->keysym != keysym) return std::nullopt;
    const auto key = devices::key_by_name(found->key);
    if (!key) return std::nullopt;
    return KeysymKey{.key = *key};
}

}  // namespace bantam::frontend
