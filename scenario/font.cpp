#include "scenario/font.h"

#include "base/check.h"
#include "devices/code_page_437.h"

namespace bantam::scenario {
namespace {
constexpr unsigned kFirstAscii = 0x20, kLastAscii = 0x7E;
constexpr bool is_ascii(unsigned code) { return code >= kFirstAscii && code <= kLastAscii; }
constexpr char16_t kUnknown = 0xFFFD;
}  // namespace

std::size_t Font::Hash::operator()(const Rows& rows) const {
    u64 hash = 0xCBF29CE484222325;  // FNV-1a, a row at a time
    for (const u32 row : rows) hash = (hash ^ row) * 0x100000001B3;
    return hash ^ hash >> 32;
}

Font::Font(std::string name, const Layout& layout, std::span<const u8> glyphs, std::span<const char16_t> others)
    : name_(std::move(name)), layout_(layout) {
    // Linux' frame buffer console underlines (fbcon, CUR_UNDERLINE).
    cursor_.rows = layout.height < 10 ? 1 : 2;
    cursor_.first = layout.height - cursor_.rows;
    const unsigned row_bytes = (layout.width + 7) / 8;
    CHECK(layout.width >= 1 && layout.width <= kMostWidth && layout.height <= kMostHeight);
    CHECK(layout.glyph_bytes >= row_bytes * layout.height);
    const auto count = static_cast<unsigned>(glyphs.size() / layout.glyph_bytes);
    const auto rows_of = [&](unsigned code) {
        Rows rows{};
        const std::span<const u8> glyph = glyphs.subspan(std::size_t{code} * layout.glyph_bytes, layout.glyph_bytes);
        for (unsigned y = 0; y < layout.height; ++y) {
            for (unsigned i = 0; i < row_bytes; ++i) rows.at(y) = rows.at(y) << 8 | glyph[y * row_bytes + i];
            rows.at(y) >>= row_bytes * 8 - layout.width;
        }
        return rows;
    };
    const std::span<const char16_t> meanings =
        layout.characters == Characters::code_page_437 ? std::span<const char16_t>(devices::kCodePage437) : others;
    const auto character = [&](unsigned code) {
        if (is_ascii(code)) return static_cast<char16_t>(code);
        return code < meanings.size() ? meanings[code] : kUnknown;
    };
    for (unsigned code = kFirstAscii; code < count; ++code) add(rows_of(code), character(code));
    for (unsigned code = 0; code < kFirstAscii && code < count; ++code) add(rows_of(code), character(code));
}

Font::Font(std::string name, const CharacterSet& set)
    : name_(std::move(name)), layout_{.width = set.width, .height = set.height}, cursor_(set.cursor) {
    CHECK(set.width >= 1 && set.width <= kMostWidth && set.height <= kMostHeight);
    CHECK(set.cursor.first + set.cursor.rows <= set.height);
    CHECK(set.wide.empty() || set.width * 2 <= kMostWidth);
    for (const Character& character : set.single) shapes_.emplace(character.rows, character.code);
    for (const Character& character : set.wide) {
        if (character.rows != Rows{}) wide_shapes_.emplace(character.rows, character.code);
    }
}

void Font::add(const Rows& rows, char16_t character) {
    char16_t& known = shapes_.emplace(rows, character).first->second;
    if (known == kUnknown) known = character;
}

std::optional<char16_t> Font::look_up(const Shapes& shapes, const Rows& rows) {
    const auto found = shapes.find(rows);
    return found == shapes.end() ? std::nullopt : std::optional(found->second);
}

std::optional<char16_t> Font::find(const Rows& rows) const { return look_up(shapes_, rows); }
std::optional<char16_t> Font::find_wide(const Rows& rows) const { return look_up(wide_shapes_, rows); }

}  // namespace bantam::scenario
