// Key names and scan codes: one row a key of a 105-key keyboard plus the ACPI and multimedia keys: the name QEMU's
// monitor uses for it (`sendkey ctrl-alt-delete`) and its codes in scan code sets 1, 2 and 3 (IBM PS/2 technical
// reference, and Microsoft's Keyboard Scan Code Specification for the later keys).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/types.h"

namespace bantam::devices {

/// Index into key_table().
enum class KeyCode : u8 {};

struct KeyRow {
    std::string_view name;
    u16 set1;  // make code; E0xx: prefixed. Break: with bit 7
    u16 set2;  // make code; E0xx: prefixed. Break: F0 before the last byte
    u8 set3;   // make code; break F0 xx. 0: the key does not exist in set 3
    /// How the key behaves in set 3 at power-on; only the kinds with "break" send break codes.
    enum class Kind : u8 { typematic, make_break, make_only, typematic_make_break } kind = Kind::typematic;
};

/// print and pause are special (see ps2_keyboard.cpp); their rows hold the plain codes.
[[nodiscard]] std::span<const KeyRow> key_table();
[[nodiscard]] const KeyRow& key_row(KeyCode key);
/// The key of that name ("a", "ret", "shift_r", "kp_5"); nothing if there is none.
[[nodiscard]] std::optional<KeyCode> key_by_name(std::string_view name);
/// Set-1 code as sent by a translated keyboard, E0xx for prefixed keys (hex arguments of `sendkey`).
[[nodiscard]] std::optional<KeyCode> key_by_set1(u16 code);
/// The keys to press for an ASCII character on a US keyboard; `shift` tells whether with shift.
struct TypedKey {
    KeyCode key;
    bool shift;
};
[[nodiscard]] std::optional<TypedKey> key_for_ascii(char character);

}  // namespace bantam::devices
