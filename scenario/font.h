// Font: the bitmaps of a character set, looked up by their exact shape. A character takes one cell of the screen or, as
// East Asian ones do, two.
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
    /// loaded, unless the others are told.
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
    /// The rows of a cell that a text cursor inverts.
    struct Cursor {
        unsigned first = 0, rows = 0;
    };
    /// Characters by their codes, not by their places.
    struct CharacterSet {
        unsigned width = 0, height = 0;  // dots of a cell
        Cursor cursor;
        std::vector<Character> single;  // of one cell
        std::vector<Character> wide;    // of two, together kMostWidth dots wide at most
    };

    /// `glyphs` has those of the codes from 0 up. `name` says for people where it comes from. `others` tells of
    /// Characters::ascii what the other codes mean.
    Font(std::string name, const Layout& layout, std::span<const u8> glyphs, std::span<const char16_t> others = {});
    /// Of several characters of one shape the first is meant.
    Font(std::string name, const CharacterSet& set);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] unsigned width() const { return layout_.width; }
    [[nodiscard]] unsigned height() const { return layout_.height; }
    [[nodiscard]] const Cursor& cursor() const { return cursor_; }
    /// The character of that shape; of several the one with the lowest code from 20h up. U+FFFD: a glyph whose meaning
    /// is not known. Rows from height() up are zero.
    [[nodiscard]] std::optional<char16_t> find(const Rows& rows) const;
    /// The same of two cells. A blank is none: it looks like two of one cell.
    [[nodiscard]] std::optional<char16_t> find_wide(const Rows& rows) const;
    [[nodiscard]] bool has_wide() const { return !wide_shapes_.empty(); }

private:
    struct Hash {
        std::size_t operator()(const Rows& rows) const;
    };
    using Shapes = std::unordered_map<Rows, char16_t, Hash>;
    void add(const Rows& rows, char16_t character);
    static std::optional<char16_t> look_up(const Shapes& shapes, const Rows& rows);

    std::string name_;
    Layout layout_;
    Cursor cursor_;
    Shapes shapes_, wide_shapes_;
};

}  // namespace bantam::scenario
