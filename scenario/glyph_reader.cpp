#include "scenario/glyph_reader.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "base/check.h"
#include "devices/code_page_437.h"

namespace bantam::scenario {
namespace {

constexpr char16_t kUnknown = 0xFFFD;

/// A frame whose dots are `across` times `down` pixels each.
class Dots {
public:
    explicit Dots(const devices::Frame& frame) : frame_(frame) {
        if (frame.width % 2 == 0 && doubled(1, 0)) across_ = 2;
        if (frame.height % 2 == 0 && doubled(0, 1)) down_ = 2;
    }
    [[nodiscard]] unsigned across() const { return across_; }
    [[nodiscard]] unsigned down() const { return down_; }
    [[nodiscard]] unsigned width() const { return frame_.width / across_; }
    [[nodiscard]] unsigned height() const { return frame_.height / down_; }
    [[nodiscard]] u32 at(unsigned x, unsigned y) const {
        return frame_.pixels[std::size_t{y} * down_ * frame_.width + std::size_t{x} * across_];
    }

private:
    /// Every second pixel, or row, is as the one before.
    [[nodiscard]] bool doubled(unsigned right, unsigned below) const {
        for (unsigned y = 0; y + below < frame_.height; y += 1 + below) {
            const u32* row = &frame_.pixels[std::size_t{y} * frame_.width];
            const u32* other = row + std::size_t{below} * frame_.width + right;
            for (unsigned x = 0; x + right < frame_.width; x += 1 + right) {
                if (row[x] != other[x]) return false;
            }
        }
        return true;
    }

    const devices::Frame& frame_;
    unsigned across_ = 1, down_ = 1;
};

/// One cell at a time, by one font.
class CellReader {
public:
    CellReader(const Dots& dots, const Font& font) : dots_(dots), font_(font) {}

    /// A blank for a cell of one colour and for a picture's part; kUnknown for two colours that are no character.
    [[nodiscard]] char16_t read(unsigned left, unsigned top) const {
        const u32 first = dots_.at(left, top);
        std::optional<u32> second;
        Font::Rows rows{};  // where it is not `first`
        for (unsigned y = 0; y < font_.height(); ++y) {
            u32 row = 0;
            for (unsigned x = 0; x < font_.width(); ++x) {
                const u32 colour = dots_.at(left + x, top + y);
                if (colour != first && colour != second.value_or(colour)) return read_over_picture(left, top);
                if (colour != first) second = colour;
                row = row << 1 | (colour != first ? 1u : 0u);
            }
            rows.at(y) = row;
        }
        return second ? read_two_colours(rows) : u' ';
    }

private:
    [[nodiscard]] Font::Rows inverted(Font::Rows rows, unsigned from) const {
        for (unsigned y = from; y < font_.height(); ++y) rows.at(y) ^= font_.full_row();
        return rows;
    }

    /// More of the background than of the ink is the rule.
    [[nodiscard]] char16_t read_two_colours(const Font::Rows& rows) const {
        unsigned ink = 0;
        for (const u32 row : rows) ink += static_cast<unsigned>(std::popcount(row));
        const Font::Rows other = inverted(rows, 0);
        const bool dark = ink * 2 <= font_.width() * font_.height();
        for (const Font::Rows& shape : {dark ? rows : other, dark ? other : rows}) {
            if (const auto character = font_.find(shape)) return *character;
            if (const auto character = under_cursor(shape)) return *character;
        }
        return kUnknown;
    }

    /// The cursor of Linux' frame buffer console inverts the last row or two of its cell (fbcon, CUR_UNDERLINE).
    [[nodiscard]] std::optional<char16_t> under_cursor(const Font::Rows& shape) const {
        return font_.find(inverted(shape, font_.height() - (font_.height() < 10 ? 1 : 2)));
    }

    /// Text in one colour over a picture: one of the colours seen most often.
    [[nodiscard]] char16_t read_over_picture(unsigned left, unsigned top) const {
        std::array<u32, Font::kMostWidth * Font::kMostHeight> all;
        std::size_t count = 0;
        for (unsigned y = 0; y < font_.height(); ++y) {
            for (unsigned x = 0; x < font_.width(); ++x) all.at(count++) = dots_.at(left + x, top + y);
        }
        const auto end = all.begin() + static_cast<std::ptrdiff_t>(count);
        std::sort(all.begin(), end);
        struct Colour {
            u32 value = 0;
            std::ptrdiff_t count = 0;
        };
        std::array<Colour, 3> colours;  // the most frequent first
        for (auto at = all.begin(); at != end;) {
            const auto next = std::upper_bound(at, end, *at);
            Colour colour{*at, next - at};
            for (Colour& better : colours) {
                if (colour.count > better.count) std::swap(colour, better);
            }
            at = next;
        }
        for (const Colour& ink : colours) {
            if (ink.count == 0) break;
            Font::Rows rows{};
            for (unsigned y = 0; y < font_.height(); ++y) {
                for (unsigned x = 0; x < font_.width(); ++x)
                    rows.at(y) = rows.at(y) << 1 | (dots_.at(left + x, top + y) == ink.value ? 1u : 0u);
            }
            if (const auto character = font_.find(rows)) return *character;
        }
        return u' ';
    }

    const Dots& dots_;
    const Font& font_;
};

bool is_letter(char16_t c) { return (c >= u'0' && c <= u'9') || (c >= u'A' && c <= u'Z') || (c >= u'a' && c <= u'z'); }

GlyphText read_grid(const Dots& dots, const Font& font, unsigned left, unsigned top) {
    GlyphText read{
        .font = &font,
        .grid = {left * dots.across(), top * dots.down(), font.width() * dots.across(), font.height() * dots.down()}};
    const CellReader cells(dots, font);
    for (unsigned y = top; y + font.height() <= dots.height(); y += font.height()) {
        std::size_t end = read.text.size();  // behind the last character that is not blank
        for (unsigned x = left; x + font.width() <= dots.width(); x += font.width()) {
            const char16_t character = cells.read(x, y);
            devices::append_utf8(read.text, character);
            if (character != u' ') end = read.text.size();
            if (character == kUnknown) ++read.unknown;
            if (is_letter(character)) ++read.letters;
        }
        read.text.resize(end);
        read.text += '\n';
    }
    if (!read.text.empty()) read.text.pop_back();
    return read;
}

/// So few letters may be accidents, unless there is nothing else.
bool convincing(const GlyphText& read) {
    constexpr std::size_t kLetters = 3;
    return (read.letters >= kLetters && read.letters >= read.unknown) || (read.letters > 0 && read.unknown == 0);
}

}  // namespace

GlyphText read_glyphs(const devices::Frame& frame, const Font& font, unsigned x, unsigned y) {
    return read_grid(Dots(frame), font, x, y);
}

GlyphText read_glyphs(const devices::Frame& frame, const std::vector<const Font*>& fonts, const GlyphText& last,
                      bool anywhere) {
    const Dots dots(frame);
    if (last.font != nullptr) {
        GlyphText read = read_grid(dots, *last.font, last.grid.x / dots.across(), last.grid.y / dots.down());
        if (convincing(read) || (read.letters == 0 && read.unknown == 0)) return read;
    }
    GlyphText best;
    for (const Font* font : fonts) {
        GlyphText read = read_grid(dots, *font, 0, 0);
        if (convincing(read)) return read;
        if (read.letters > best.letters) best = std::move(read);
    }
    for (const Font* font : fonts) {
        for (unsigned y = 0; anywhere && y < font->height(); ++y) {
            for (unsigned x = 0; x < font->width(); ++x) {
                GlyphText read = read_grid(dots, *font, x, y);
                if (read.letters > best.letters) best = std::move(read);
            }
        }
    }
    return convincing(best) ? best : GlyphText{};
}

}  // namespace bantam::scenario
