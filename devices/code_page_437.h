// Code page 437, the character set of the PC's fonts (IBM PC Technical Reference, "Characters, Keystrokes, and
// Colors"), in Unicode, and UTF-8.
#pragma once

#include <array>
#include <string>

namespace bantam::devices {

/// Unicode's own mapping of code page 437 with the graphic meaning of the control codes.
extern const std::array<char16_t, 256> kCodePage437;

/// Appends a character of the basic multilingual plane.
void append_utf8(std::string& text, char16_t code);

}  // namespace bantam::devices
