// ListPage: a panel with a title, rows of which one is chosen by keys or mouse, and, where wanted, a line to type into.
// Menus, lists of files and forms are made of it.
#pragma once

#include <string>
#include <vector>

#include "frontend/window/panel.h"
#include "frontend/window/screen.h"

namespace bantam::frontend {

class ListPage {
public:
    struct Row {
        std::string label = {};  // UTF-8, as all texts here
        std::string note = {};   // at the right
        bool heading = false;    // only to be read
    };
    struct Answer {
        enum class Kind {
            none,
            chosen,     // row
            entered,    // Enter in the line: text()
            edited,     // the line's text is different now
            backspace,  // in an empty line
            cancelled,  // Esc
        } kind = Kind::none;
        std::size_t row = 0;
    };

    /// `hint`: what the keys do, below the rows.
    ListPage(std::string title, std::string hint) : title_(std::move(title)), hint_(std::move(hint)) {}
    /// Adds the line to type into; `label` stands before it.
    void add_line(std::string label) { line_label_ = std::move(label); }
    void set_title(std::string title) { title_ = std::move(title); }
    /// The chosen row stays by its place.
    void set_rows(std::vector<Row> rows);
    void choose_first();
    void set_text(std::string text);
    /// In the place of the hint until the person does something.
    void set_message(std::string message) { message_ = std::move(message); }

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] std::size_t chosen() const { return chosen_; }
    [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
    [[nodiscard]] const std::string& message() const { return message_; }

    /// `place`: of the panel in the window.
    Answer handle(const ScreenEvent& event, const Placement& place);
    [[nodiscard]] devices::Frame draw(const Glyphs& glyphs) const;
    [[nodiscard]] static unsigned width();
    [[nodiscard]] unsigned height() const;

private:
    Answer press(unsigned usage);
    void move(int rows);
    void show_chosen();
    [[nodiscard]] std::size_t shown_rows() const;
    [[nodiscard]] unsigned rows_top() const;
    [[nodiscard]] bool row_at(const ScreenEvent& event, const Placement& place, std::size_t& row) const;

    std::string title_, hint_, line_label_, text_, message_;
    std::vector<Row> rows_;
    std::size_t chosen_ = 0, first_shown_ = 0;
    bool typing_ = false;  // Enter means the line
};

}  // namespace bantam::frontend
