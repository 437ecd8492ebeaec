#include "frontend/window/list_page.h"

#include <algorithm>

#include "frontend/window/utf8.h"

namespace bantam::frontend {
namespace {

// USB HID usages, page 7.
constexpr unsigned kEnter = 0x28, kEscape = 0x29, kBackspace = 0x2A, kHome = 0x4A, kPageUp = 0x4B, kEnd = 0x4D,
                   kPageDown = 0x4E, kDown = 0x51, kUp = 0x52, kKeypadEnter = 0x58;

constexpr u32 kBackground = 0x1F232B, kTitleBar = 0x2B5C8A, kTitle = 0xFFFFFF, kText = 0xE4E8EE, kNote = 0x97A3B3,
              kChosen = 0x34567A, kBorder = 0x55637A, kLine = 0x12151A, kMessage = 0xFFC27A;

// In dots. The tallest panel fits above a text screen of 400 rows.
constexpr unsigned kColumns = 68, kMargin = 12, kWidth = kColumns * Panel::kGlyphWidth + 2 * kMargin;
constexpr unsigned kTitleHeight = 26, kRowHeight = 18, kGap = 6, kLineHeight = 24, kHintHeight = 26;
constexpr std::size_t kMostRows = 16, kLongestText = 4096;
constexpr unsigned kBar = 4;  // of the mark that says which part of the rows shows

}  // namespace

unsigned ListPage::width() { return kWidth; }
std::size_t ListPage::shown_rows() const { return std::min(rows_.size(), kMostRows); }
unsigned ListPage::rows_top() const { return kTitleHeight + kGap + (line_label_.empty() ? 0 : kLineHeight + kGap); }
unsigned ListPage::height() const {
    return rows_top() + static_cast<unsigned>(shown_rows()) * kRowHeight + kGap + kHintHeight;
}

void ListPage::set_rows(std::vector<Row> rows) {
    rows_ = std::move(rows);
    chosen_ = std::min(chosen_, rows_.empty() ? 0 : rows_.size() - 1);
    move(0);
}

void ListPage::choose_first() {
    chosen_ = first_shown_ = 0;
    move(0);
}

void ListPage::set_text(std::string text) {
    text_ = std::move(text);
    typing_ = !text_.empty();
}

/// Headings are passed over; at the ends the choice stays.
void ListPage::move(int rows) {
    if (rows_.empty()) return;
    const auto last = static_cast<int>(rows_.size()) - 1;
    const auto heading = [this](int at) { return rows_[static_cast<std::size_t>(at)].heading; };
    const int wanted = std::clamp(static_cast<int>(chosen_) + rows, 0, last);
    const int step = rows < 0 ? -1 : 1;
    int at = wanted;
    while (at >= 0 && at <= last && heading(at)) at += step;
    if (at < 0 || at > last) {
        for (at = wanted; at >= 0 && at <= last && heading(at);) at -= step;
    }
    if (at >= 0 && at <= last) chosen_ = static_cast<std::size_t>(at);
    show_chosen();
}

void ListPage::show_chosen() {
    const std::size_t shown = shown_rows();
    first_shown_ = std::min(first_shown_, rows_.size() - shown);
    if (chosen_ < first_shown_) first_shown_ = chosen_;
    if (chosen_ >= first_shown_ + shown) first_shown_ = chosen_ + 1 - shown;
    if (first_shown_ == 1 && rows_.front().heading && chosen_ < shown) first_shown_ = 0;
}

bool ListPage::row_at(const ScreenEvent& event, const Placement& place, std::size_t& row) const {
    if (place.width <= 0 || place.height <= 0) return false;
    const i64 x = (i64{event.x} - place.x) * kWidth / place.width;
    const i64 y = (i64{event.y} - place.y) * height() / place.height - rows_top();
    if (event.x < place.x || x >= kWidth || y < 0) return false;
    const auto at = static_cast<std::size_t>(y) / kRowHeight;
    row = first_shown_ + at;
    return at < shown_rows() && !rows_[row].heading;
}

ListPage::Answer ListPage::press(unsigned usage) {
    using Kind = Answer::Kind;
    const auto page = static_cast<int>(kMostRows) - 1;
    const auto all = static_cast<int>(rows_.size());
    const auto go = [this](int rows) {
        typing_ = false;
        move(rows);
        return Answer{};
    };
    switch (usage) {
        case kUp:
            return go(-1);
        case kDown:
            return go(1);
        case kPageUp:
            return go(-page);
        case kPageDown:
            return go(page);
        case kHome:
            return go(-all);
        case kEnd:
            return go(all);
        case kEscape:
            return {Kind::cancelled};
        case kEnter:
        case kKeypadEnter:
            if (typing_) return {Kind::entered};
            if (rows_.empty() || rows_[chosen_].heading) return {};
            return {Kind::chosen, chosen_};
        case kBackspace:
            if (text_.empty()) return {Kind::backspace};
            while ((static_cast<u8>(text_.back()) & 0xC0) == 0x80 && text_.size() > 1) text_.pop_back();
            text_.pop_back();
            typing_ = !text_.empty();
            return {Kind::edited};
        default:
            return {};
    }
}

ListPage::Answer ListPage::handle(const ScreenEvent& event, const Placement& place) {
    using Event = ScreenEvent::Kind;
    std::size_t row = 0;
    switch (event.kind) {
        case Event::key:
            if (!event.pressed) return {};
            message_.clear();
            return press(event.key_usage);
        case Event::text:
            if (line_label_.empty() || text_.size() + event.text.size() > kLongestText) return {};
            message_.clear();
            text_ += event.text;
            typing_ = true;
            return {Answer::Kind::edited};
        case Event::mouse_moved:
            if (row_at(event, place, row)) chosen_ = row;
            return {};
        case Event::mouse_button:
            if (!event.pressed || event.button != 0 || !row_at(event, place, row)) return {};
            message_.clear();
            chosen_ = row;
            return {Answer::Kind::chosen, row};
        case Event::wheel:
            move(3 * event.dy);
            return {};
        default:
            return {};
    }
}

devices::Frame ListPage::draw(const Glyphs& glyphs) const {
    Panel panel(glyphs, kWidth, height());
    panel.fill(0, 0, kWidth, height(), kBorder);
    panel.fill(1, 1, kWidth - 2, height() - 2, kBackground);
    panel.fill(1, 1, kWidth - 2, kTitleHeight - 1, kTitleBar);
    const auto centred = [](unsigned space) { return (space - Panel::kGlyphHeight) / 2; };
    panel.text(kMargin, centred(kTitleHeight) + 1, shorten(to_glyphs(title_), kColumns, Keep::end), kTitle);
    if (!line_label_.empty()) {
        const unsigned y = kTitleHeight + kGap;
        const std::string label = to_glyphs(line_label_) + " ";
        const auto label_width = static_cast<unsigned>(label.size()) * Panel::kGlyphWidth;
        panel.text(kMargin, y + centred(kLineHeight), label, kNote);
        panel.fill(kMargin + label_width - 2, y, kWidth - 2 * kMargin - label_width + 4, kLineHeight, kLine);
        const std::string text = shorten(to_glyphs(text_), kColumns - label.size() - 2, Keep::end);
        panel.text(kMargin + label_width + 2, y + centred(kLineHeight), text, kText);
        const auto cursor = kMargin + label_width + 2 + static_cast<unsigned>(text.size()) * Panel::kGlyphWidth;
        panel.fill(cursor, y + centred(kLineHeight), 2, Panel::kGlyphHeight, typing_ ? kTitle : kBorder);
    }
    unsigned y = rows_top();
    for (std::size_t at = first_shown_; at < first_shown_ + shown_rows(); ++at, y += kRowHeight) {
        const Row& row = rows_[at];
        if (at == chosen_ && !row.heading) panel.fill(4, y, kWidth - 10, kRowHeight, kChosen);
        const std::string note = shorten(to_glyphs(row.note), kColumns / 2, Keep::end);
        const std::size_t space = kColumns - (note.empty() ? 0 : note.size() + 2);
        panel.text(kMargin, y + centred(kRowHeight), shorten(to_glyphs(row.label), space), row.heading ? kNote : kText);
        panel.text(kWidth - kMargin - static_cast<unsigned>(note.size()) * Panel::kGlyphWidth, y + centred(kRowHeight),
                   note, kNote);
    }
    if (rows_.size() > shown_rows()) {
        const auto scaled = [&](std::size_t row) {
            return static_cast<unsigned>(row * shown_rows() * kRowHeight / rows_.size());
        };
        panel.fill(kWidth - kBar - 1, rows_top() + scaled(first_shown_), kBar,
                   std::max(scaled(first_shown_ + shown_rows()) - scaled(first_shown_), kBar), kBorder);
    }
    const unsigned hint = height() - kHintHeight;
    panel.fill(1, hint, kWidth - 2, 1, kBorder);
    panel.text(kMargin, hint + centred(kHintHeight), shorten(to_glyphs(message_.empty() ? hint_ : message_), kColumns),
               message_.empty() ? kNote : kMessage);
    return std::move(panel.frame());
}

}  // namespace bantam::frontend
