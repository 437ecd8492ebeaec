// Screen: what the guest shows, as text wherever that is exact: the VGA's text memory (text_mode_font.h), and in
// graphics modes the glyphs of fonts that the guest has in memory or had in the VGA (glyph_reader.h). Looking changes
// nothing for the guest, and depends on guest time alone.
#pragma once

#include <optional>
#include <string>

#include "machine/machine.h"
#include "scenario/console_maps.h"
#include "scenario/glyph_reader.h"
#include "scenario/text_mode_font.h"

namespace bantam::scenario {

class Screen {
public:
    explicit Screen(Machine& machine) : machine_(machine) {}

    /// Looks at the machine. What the others say is as of then.
    void look();
    /// Lines joined by \n, UTF-8. Empty when it cannot be read.
    [[nodiscard]] const std::string& text() const { return text_; }
    /// False: graphics without text in a known font.
    [[nodiscard]] bool readable() const { return readable_; }
    /// "text mode", or the font and where it is.
    [[nodiscard]] const std::string& source() const { return source_; }
    /// Different when what is to be seen is: the text where it can be read, else the picture.
    [[nodiscard]] u64 version() const { return version_; }
    struct Place {
        unsigned x = 0, y = 0;  // in pixels of the picture
    };
    /// The middle of `text` (of one line) where it is for the first time.
    [[nodiscard]] std::optional<Place> find(std::string_view text) const;

private:
    void read_text_mode();
    void read_graphics();
    void search_fonts();
    void search_maps();
    void search_soon();
    void drop_changed_maps();
    void learn_text_font();
    void name_glyphs();
    [[nodiscard]] std::vector<const Font*> fonts() const;
    [[nodiscard]] unsigned count_cells(std::size_t begin, std::size_t end) const;
    void show(std::string text, bool readable, std::string source);

    // The scan of all memory takes the host some tenths of a second a GiB: seldom, when it finds nothing.
    static constexpr u64 kFirstPause_ns = 1'000'000'000, kPausePerMiB_ns = 15'000'000;

    Machine& machine_;
    std::string text_;
    bool readable_ = true;
    std::string source_ = "text mode";
    u64 version_ = 0;
    CellGrid grid_;
    devices::Picture picture_;
    GlyphText last_;                              // in graphics modes
    std::optional<devices::TextFont> text_mode_;  // the VGA's font, when last it was in a text mode
    devices::GlyphMeanings meanings_{};           // of its glyphs
    std::optional<Font> text_font_;               // the same to look up by
    PcFonts pc_fonts_;
    std::vector<Font> found_fonts_;  // in the guest's memory
    std::vector<ConsoleMap> maps_;   // found there too
    u64 searched_ns_ = 0, next_search_ns_ = 0;
    u64 search_pause_ns_ = kFirstPause_ns;
};

/// What Screen::text() says of the machine as it is now.
[[nodiscard]] std::string read_screen(Machine& machine);

}  // namespace bantam::scenario
