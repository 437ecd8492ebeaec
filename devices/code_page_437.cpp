#include "devices/code_page_437.h"

namespace bantam::devices {

constinit const std::array<char16_t, 256> kCodePage437 = [] {
    std::array<char16_t, 256> table{};
    constexpr char16_t kLow[] = u" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
    constexpr char16_t kHigh[] =
        u"⌂ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ"
        u"∞φε∩≡±≥≤⌠⌡÷≈°"
        u"∙·√ⁿ²■ ";
    static_assert(std::size(kLow) == 33 && std::size(kHigh) == 130);
    for (unsigned i = 0; i < 32; ++i) table[i] = kLow[i];
    for (unsigned i = 32; i < 127; ++i) table[i] = static_cast<char16_t>(i);
    for (unsigned i = 127; i < 256; ++i) table[i] = kHigh[i - 127];
    return table;
}();

void append_utf8(std::string& text, char16_t code) {
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0 | code >> 6);
        text += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        text += static_cast<char>(0xE0 | code >> 12);
        text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        text += static_cast<char>(0x80 | (code & 0x3F));
    }
}

}  // namespace bantam::devices
