// Font: the bitmaps of a character set, looked up by their exact shape.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/types.h"

namespace bantam::scenario {

class Font {
public:
    static constexpr unsigned kMostWidth = 32, kMostHeight = 32;
    /// Of one character; the rightmost dot in bit 0.
    using Rows = std::array<u32, kMostHeight>;

    /// What the codes of the glyphs mean. `ascii`: only 20h to 7Eh are known, as in fonts that a Linux guest has
    /// loaded.
    enum class Characters { code_page_437, ascii };
    struct Layout {
        unsigned width = 8, height = 16;  // dots
        unsigned glyph_bytes = 16;        // from glyph to glyph; rows are whole bytes, leftmost dot in the highest bit
        Characters characters = Characters::code_page_437;
    };

    struct Character {
        char16_t code;
        Rows rows;
    };

    /// `glyphs` has those of the codes from 0 up. `name` says for people where it comes from.
    Font(std::string name, const Layout& layout, std::span<const u8> glyphs);
    /// Of several characters of one shape the first is meant.
    Font(std::string name, unsigned width, unsigned height, std::span<const Character> characters);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] unsigned width() const { return layout_.width; }
    [[nodiscard]] unsigned height() const { return layout_.height; }
    /// All dots of a row.
    [[nodiscard]] u32 full_row() const { return static_cast<u32>((u64{1} << layout_.width) - 1); }
    /// The character of that shape; of several the one that is ASCII. U+FFFD: a glyph whose meaning is not known.
    /// Rows from height() up are zero.
    [[nodiscard]] std::optional<char16_t> find(const Rows& rows) const;

private:
    struct Hash {
        std::size_t operator()(const Rows& rows) const;
    };
    void add(const Rows& rows, unsigned code);

    std::string name_;
    Layout layout_;
    std::unordered_map<Rows, char16_t, Hash> shapes_;
};

}  // namespace bantam::scenario
