#include "scenario/glyph_reader.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "base/check.h"
#include "devices/code_page_437.h"

namespace bantam::scenario {
namespace {

constexpr char16_t kUnknown = 0xFFFD;

/// The colours that a picture has most of: text over it is in one of them.
class Inks {
public:
    static constexpr std::size_t kMost = 16;

    explicit Inks(const devices::Frame& frame) {
        std::vector<u32> all = frame.pixels;
        std::sort(all.begin(), all.end());
        struct Colour {
            u32 value = 0;
            std::ptrdiff_t count = 0;
        };
        std::array<Colour, kMost> most;  // the most frequent first
        for (auto at = all.begin(); at != all.end();) {
            const auto next = std::upper_bound(at, all.end(), *at);
            Colour colour{*at, next - at};
            for (Colour& better : most) {
                if (colour.count > better.count) std::swap(colour, better);
            }
            at = next;
        }
        for (std::size_t i = 0; i < kMost && most.at(i).count != 0; ++i) {
            std::size_t slot = slot_of(most.at(i).value);
            while (slots_.at(slot).used) slot = (slot + 1) % slots_.size();
            slots_.at(slot) = {true, most.at(i).value, i};
        }
    }
    [[nodiscard]] std::optional<std::size_t> find(u32 colour) const {
        for (std::size_t slot = slot_of(colour); slots_[slot].used; slot = (slot + 1) % slots_.size()) {
            if (slots_[slot].colour == colour) return slots_[slot].index;
        }
        return std::nullopt;
    }

private:
    struct Slot {
        bool used = false;
        u32 colour = 0;
        std::size_t index = 0;
    };
    static std::size_t slot_of(u32 colour) { return colour * 0x9E3779B1u >> 25; }
    std::array<Slot, 128> slots_{};  // a hash table, mostly empty
};

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

    [[nodiscard]] const Inks& inks() const {
        if (!inks_) inks_.emplace(frame_);
        return *inks_;
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
    mutable std::optional<Inks> inks_;  // found when they are asked for
};

/// One character at a time, by one font: those of one cell or those of two.
class CellReader {
public:
    CellReader(const Dots& dots, const Font& font, unsigned cells)
        : dots_(dots), font_(font), wide_(cells == 2), width_(font.width() * cells) {}

    [[nodiscard]] unsigned width() const { return width_; }

    /// A blank for a cell of one colour and for a picture's part; kUnknown for two colours that are no character.
    [[nodiscard]] char16_t read(unsigned left, unsigned top) const {
        const u32 first = dots_.at(left, top);
        std::optional<u32> second;
        Font::Rows rows{};  // where it is not `first`
        for (unsigned y = 0; y < font_.height(); ++y) {
            u32 row = 0;
            for (unsigned x = 0; x < width_; ++x) {
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
    [[nodiscard]] std::optional<char16_t> find(const Font::Rows& rows) const {
        return wide_ ? font_.find_wide(rows) : font_.find(rows);
    }

    [[nodiscard]] Font::Rows inverted(Font::Rows rows, unsigned from, unsigned end) const {
        for (unsigned y = from; y < end; ++y) rows.at(y) ^= static_cast<u32>((u64{1} << width_) - 1);
        return rows;
    }

    /// More of the background than of the ink is the rule.
    [[nodiscard]] char16_t read_two_colours(const Font::Rows& rows) const {
        unsigned ink = 0;
        for (const u32 row : rows) ink += static_cast<unsigned>(std::popcount(row));
        const Font::Rows other = inverted(rows, 0, font_.height());
        const bool dark = ink * 2 <= width_ * font_.height();
        for (const Font::Rows& shape : {dark ? rows : other, dark ? other : rows}) {
            if (const auto character = find(shape)) return *character;
            if (const auto character = under_cursor(shape)) return *character;
        }
        return kUnknown;
    }

    [[nodiscard]] std::optional<char16_t> under_cursor(const Font::Rows& shape) const {
        const Font::Cursor& cursor = font_.cursor();
        return find(inverted(shape, cursor.first, cursor.first + cursor.rows));
    }

    /// Text in one colour over a picture: one of the picture's inks.
    [[nodiscard]] char16_t read_over_picture(unsigned left, unsigned top) const {
        std::array<Font::Rows, Inks::kMost> shapes{};
        std::array<unsigned, Inks::kMost> sizes{};
        for (unsigned y = 0; y < font_.height(); ++y) {
            for (unsigned x = 0; x < width_; ++x) {
                const auto ink = dots_.inks().find(dots_.at(left + x, top + y));
                if (!ink) continue;
                shapes.at(*ink).at(y) |= 1u << (width_ - 1 - x);
                ++sizes.at(*ink);
            }
        }
        for (std::size_t i = 0; i < shapes.size(); ++i) {
            if (sizes.at(i) == 0) continue;
            if (const auto character = find(shapes.at(i))) return *character;
        }
        return u' ';
    }

    const Dots& dots_;
    const Font& font_;
    const bool wide_;
    const unsigned width_;
};

bool is_letter(char16_t c) { return (c >= u'0' && c <= u'9') || (c >= u'A' && c <= u'Z') || (c >= u'a' && c <= u'z'); }

GlyphText read_grid(const Dots& dots, const Font& font, unsigned left, unsigned top) {
    GlyphText read{
        .font = &font,
        .grid = {left * dots.across(), top * dots.down(), font.width() * dots.across(), font.height() * dots.down()}};
    const CellReader single(dots, font, 1), wide(dots, font, 2);
    for (unsigned y = top; y + font.height() <= dots.height(); y += font.height()) {
        std::size_t end = read.text.size();  // behind the last character that is not blank
        for (unsigned x = left; x + font.width() <= dots.width(); x += font.width()) {
            char16_t character = u' ';
            // Half of such a character may be a blank, or look like another.
            if (font.has_wide() && x + wide.width() <= dots.width()) character = wide.read(x, y);
            const bool is_wide = character != u' ' && character != kUnknown;
            if (is_wide) {
                read.wide.push_back(read.text.size());
                x += font.width();
            } else {
                character = single.read(x, y);
            }
            devices::append_utf8(read.text, character);
            if (character != u' ') end = read.text.size();
            if (character == kUnknown) ++read.unknown;
            if (is_wide || is_letter(character)) ++read.letters;
        }
        read.text.resize(end);
        read.text += '\n';
    }
    if (!read.text.empty()) read.text.pop_back();
    return read;
}

/// How well the font fits: of two that resemble each other one leaves more cells unknown.
std::ptrdiff_t score(const GlyphText& read) {
    return static_cast<std::ptrdiff_t>(read.letters) - static_cast<std::ptrdiff_t>(read.unknown);
}

/// So few letters may be accidents, unless there is nothing else.
bool convincing(const GlyphText& read) {
    constexpr std::size_t kLetters = 3;
    return (read.letters >= kLetters && score(read) >= 0) || (read.letters > 0 && read.unknown == 0);
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
        const bool blank = read.letters == 0 && read.unknown == 0;
        if (blank || (convincing(read) && read.fits())) return read;
    }
    GlyphText best;
    const auto try_at = [&](const Font& font, unsigned x, unsigned y) {
        GlyphText read = read_grid(dots, font, x, y);
        if (read.letters != 0 && (best.font == nullptr || score(read) > score(best))) best = std::move(read);
    };
    for (const Font* font : fonts) try_at(*font, 0, 0);
    if (convincing(best)) return best;
    for (const Font* font : fonts) {
        for (unsigned y = 0; anywhere && y < font->height(); ++y) {
            for (unsigned x = 0; x < font->width(); ++x) try_at(*font, x, y);
        }
    }
    return convincing(best) ? best : GlyphText{};
}

}  // namespace bantam::scenario
