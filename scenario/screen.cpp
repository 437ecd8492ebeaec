#include "scenario/screen.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenario/font_search.h"

namespace bantam::scenario {
namespace {
constexpr std::string_view kUnknownGlyph = "\uFFFD";
}  // namespace

void Screen::look() {
    drop_changed_maps();
    machine_.graphics_mode() ? read_graphics() : read_text_mode();
}

void Screen::show(std::string text, bool readable, std::string source) {
    if (text != text_ || readable != readable_) ++version_;
    text_ = std::move(text);
    readable_ = readable;
    source_ = std::move(source);
}

void Screen::read_text_mode() {
    learn_text_font();
    picture_ = {};
    last_.wide.clear();
    grid_ = {.width = text_mode_->cell_width, .height = text_mode_->cell_height};
    std::string text = machine_.screen_text(meanings_);
    if (machine_.now_ns() >= next_search_ns_ && text.find(kUnknownGlyph) != text.npos) {
        search_maps();
        text = machine_.screen_text(meanings_);
    }
    show(std::move(text), true, "text mode");
}

/// Kernels that switch to graphics go on with the same font, and without firmware there is no ROM to find it in.
void Screen::learn_text_font() {
    std::optional<devices::TextFont> now = machine_.text_font();
    const bool same = text_mode_ && now->rows == text_mode_->rows && now->glyph_height == text_mode_->glyph_height;
    text_mode_ = now;
    if (same) return;
    pc_fonts_.learn(machine_.memory(), *now);
    name_glyphs();
    search_soon();
}

void Screen::name_glyphs() {
    constexpr unsigned kLeastHeight = 6;
    if (!text_mode_) return;
    meanings_ = pc_fonts_.meanings(*text_mode_, maps_);
    if (text_mode_->glyph_height < kLeastHeight) return;
    last_ = {};
    text_font_.emplace(fmt::format("8x{} font of the VGA's text mode", text_mode_->glyph_height),
                       Font::Layout{.width = 8,
                                    .height = text_mode_->glyph_height,
                                    .glyph_bytes = devices::TextFont::kGlyphRows,
                                    .characters = Font::Characters::ascii},
                       text_mode_->rows, meanings_);
}

/// A guest that loads another font, and then the table of what it means.
void Screen::drop_changed_maps() {
    const GuestRam ram(machine_.memory());
    const auto current = [&](const ConsoleMap& map) { return map.current(ram); };
    if (std::all_of(maps_.begin(), maps_.end(), current)) return;
    maps_.clear();
    found_fonts_.clear();
    last_ = {};
    name_glyphs();
    search_soon();
}

void Screen::search_maps() {
    maps_ = find_console_maps(machine_.memory());
    name_glyphs();
    searched_ns_ = machine_.now_ns();
    next_search_ns_ = searched_ns_ + search_pause_ns_;
    const u64 longest = kFirstPause_ns + (machine_.memory().ram_bytes() >> 20) * kPausePerMiB_ns;
    search_pause_ns_ = std::min(search_pause_ns_ * 2, longest);
}

void Screen::search_soon() {
    search_pause_ns_ = kFirstPause_ns;
    next_search_ns_ = std::min(next_search_ns_, searched_ns_ + kFirstPause_ns);
}

std::vector<const Font*> Screen::fonts() const {
    std::vector<const Font*> all;
    for (const Font& font : found_fonts_) all.push_back(&font);
    if (text_font_) all.push_back(&*text_font_);
    return all;
}

void Screen::search_fonts() {
    search_maps();
    last_ = {};
    found_fonts_ = find_guest_fonts(machine_.memory(), maps_);
}

void Screen::read_graphics() {
    const bool fresh = picture_.version == 0;
    const unsigned width = picture_.frame.width, height = picture_.frame.height;
    const bool changed = machine_.render_changes(picture_) || fresh;
    if (picture_.frame.width != width || picture_.frame.height != height) search_soon();  // who draws is another
    const auto doubtful = [&] { return last_.font == nullptr || !last_.fits(); };
    const bool due = machine_.now_ns() >= next_search_ns_;
    if (!changed && !(due && doubtful())) return;
    last_ = read_glyphs(picture_.frame, fonts(), last_, false);
    if (due && doubtful()) {
        search_fonts();
        last_ = read_glyphs(picture_.frame, fonts(), last_, true);
    }
    grid_ = last_.grid;
    if (last_.font == nullptr) {
        if (changed) ++version_;
        return show({}, false, "graphics without text in a known font");
    }
    if (last_.fits()) search_pause_ns_ = kFirstPause_ns;
    show(last_.text, true, last_.font->name());
}

/// Characters in UTF-8 are bytes that do not go on with one.
unsigned Screen::count_cells(std::size_t begin, std::size_t end) const {
    const auto characters = std::count_if(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                                          text_.begin() + static_cast<std::ptrdiff_t>(end),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    const auto wide = std::lower_bound(last_.wide.begin(), last_.wide.end(), end) -
                      std::lower_bound(last_.wide.begin(), last_.wide.end(), begin);
    return static_cast<unsigned>(characters + wide);
}

std::optional<Screen::Place> Screen::find(std::string_view text) const {
    const std::size_t at = text_.find(text);
    if (at == text_.npos || text.empty()) return std::nullopt;
    const std::string_view before = std::string_view(text_).substr(0, at);
    const auto row = static_cast<unsigned>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t line = before.rfind('\n') + 1;  // npos + 1 is the beginning
    const unsigned column = count_cells(line, at), length = count_cells(at, at + text.size());
    return Place{grid_.x + column * grid_.width + length * grid_.width / 2,
                 grid_.y + row * grid_.height + grid_.height / 2};
}

std::string read_screen(Machine& machine) {
    Screen screen(machine);
    screen.look();
    return screen.text();
}

}  // namespace bantam::scenario
