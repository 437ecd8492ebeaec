#include "frontend/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "devices/key_names.h"
#include "machine/keystroke.h"

namespace bantam::frontend {
namespace {

constexpr u64 kLargest = u64{1} << 63;

struct Unit {
    std::string_view suffix;
    u64 factor;
};
// Longest factors first, for the formatters; "ms" before "m" and "s", for the parser.
constexpr std::array kSizeUnits{Unit{"G", u64{1} << 30}, Unit{"M", u64{1} << 20}, Unit{"K", u64{1} << 10}, Unit{"", 1}};
constexpr std::array kTimeUnits{Unit{"h", 3'600'000'000'000}, Unit{"m", 60'000'000'000}, Unit{"s", 1'000'000'000},
                                Unit{"ms", 1'000'000}};

std::optional<u64> parse_with_units(std::string_view text, std::span<const Unit> units) {
    u64 number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const Unit& unit : units) {
        const bool same = std::equal(suffix.begin(), suffix.end(), unit.suffix.begin(), unit.suffix.end(),
                                     [](char a, char b) { return (a | 0x20) == (b | 0x20); });
        if (same) {
            if (number > kLargest / unit.factor) return std::nullopt;
            return number * unit.factor;
        }
    }
    return std::nullopt;
}

std::string format_with_units(u64 value, std::span<const Unit> units) {
    for (const Unit& unit : units) {
        if (value != 0 && value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.suffix);
    }
    return fmt::format("0{}", units.back().suffix);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row[b.size()];
}

}  // namespace

std::optional<u64> parse_size(std::string_view text) { return parse_with_units(text, kSizeUnits); }
std::string format_size(u64 bytes) { return format_with_units(bytes, kSizeUnits); }
std::optional<u64> parse_duration(std::string_view text) { return parse_with_units(text, kTimeUnits); }
std::string format_duration(u64 nanoseconds) { return format_with_units(nanoseconds, kTimeUnits); }

std::optional<u64> parse_number(std::string_view text) {
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal) text.remove_prefix(2);
    u64 value = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value, hexadecimal ? 16 : 10);
    if (error != std::errc{} || end != last) return std::nullopt;
    return value;
}

std::vector<std::string> split_commas(std::string_view text) {
    std::vector<std::string> fields(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ',') {
            fields.back() += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == ',') {
            fields.back() += ',';
            ++i;
        } else {
            fields.emplace_back();
        }
    }
    return fields;
}

std::string escape_commas(std::string_view text) {
    std::string escaped;
    for (const char c : text) escaped.append(c == ',' ? 2 : 1, c);
    return escaped;
}

std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    std::size_t at = 0;
    while ((at = text.find_first_not_of(" \t\r\n", at)) != std::string_view::npos) {
        const std::size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return words;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
    constexpr std::size_t kLongestWord = 64;  // longer is no typing error, and the distance costs its square
    if (word.size() > kLongestWord) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance && distance < candidate.size()) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> candidates) {
    const auto found = nearest(word, candidates);
    return found ? fmt::format("; did you mean '{}'?", *found) : std::string{};
}

std::string key_suggestion(std::string_view chord) {
    while (!chord.empty()) {
        const std::size_t end = std::min(chord.find('-'), chord.size());
        if (const std::string_view key = chord.substr(0, end); !parse_chord(key)) {
            std::vector<std::string_view> names;
            for (const devices::KeyRow& row : devices::key_table()) names.push_back(row.name);
            return suggestion(key, names);
        }
        chord.remove_prefix(std::min(end + 1, chord.size()));
    }
    return {};
}

}  // namespace bantam::frontend
