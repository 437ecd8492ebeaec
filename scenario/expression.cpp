#include "scenario/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/types.h"

namespace bantam::scenario {
namespace {

/// How large the C library's form of an expression gets: it writes repetitions out (a{9} is nine a, a+ is aa*), so a
/// short text can mean more memory than there is. Reads only what that takes; whether the text is right is for regcomp.
class Extent {
public:
    static constexpr u64 kMost = 10'000;
    static constexpr unsigned kDeepest = 100;

    /// Nothing: more than kMost, or nested deeper than kDeepest.
    static std::optional<u64> of(std::string_view text) {
        Extent extent(text);
        u64 size = 0;
        while (extent.at_ < text.size()) {
            size += extent.alternatives(0) + 1;  // a closing parenthesis too many stands for itself
            ++extent.at_;
        }
        return extent.too_large_ || size > kMost ? std::nullopt : std::optional(size);
    }

private:
    explicit Extent(std::string_view text) : text_(text) {}
    [[nodiscard]] bool at(char c) const { return at_ < text_.size() && text_[at_] == c; }
    [[nodiscard]] char take() { return text_[at_++]; }

    /// Up to the end, or to the parenthesis that closes it.
    u64 alternatives(unsigned depth) {
        u64 size = 0;
        while (at_ < text_.size() && !at(')') && !too_large_) {
            size += repeated(atom(depth));
            if (size > kMost) too_large_ = true;
        }
        return size;
    }

    u64 atom(unsigned depth) {
        const char first = take();
        if (first == '\\' && at_ < text_.size()) ++at_;
        if (first == '[') skip_bracket();
        if (first != '(') return 1;
        if (depth == kDeepest) too_large_ = true;
        if (too_large_) return 0;
        const u64 inside = alternatives(depth + 1);
        if (at(')')) ++at_;
        return inside + 1;
    }

    /// "[]a]", "[^]a]" and "[[:alpha:]]" end at the last bracket.
    void skip_bracket() {
        if (at('^')) ++at_;
        if (at(']')) ++at_;
        while (at_ < text_.size() && !at(']')) {
            if (take() != '[' || (!at(':') && !at('.') && !at('='))) continue;
            const std::string end{take(), ']'};
            at_ = std::min(text_.find(end, at_), text_.size() - 1) + 1;
        }
        if (at(']')) ++at_;
    }

    u64 repeated(u64 size) {
        while (at('*') || at('?') || at('+') || at('{')) {
            const char operation = take();
            if (operation == '+') size *= 2;
            if (operation == '{') size *= interval();
            if (size > kMost) too_large_ = true;
            if (too_large_) return 0;
        }
        return size;
    }

    /// "9}", "2,9}" or "2,}": how often at most it is written out.
    u64 interval() {
        u64 times = std::max<u64>(1, number());
        if (at(',')) {
            ++at_;
            times = std::max(times, number());
        }
        if (at('}')) ++at_;
        return times;
    }

    u64 number() {
        u64 value = 0;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
            value = std::min<u64>(kMost + 1, value * 10 + static_cast<u64>(take() - '0'));
        return value;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool too_large_ = false;
};

}  // namespace

Result<Expression> Expression::compile(const std::string& text) {
    if (!Extent::of(text)) {
        return Error{
            ExitStatus::usage,
            fmt::format("'{}' is too large a regular expression: repetitions count as often as they repeat, up to "
                        "{} characters in all, and {} parentheses may be open",
                        text, Extent::kMost, Extent::kDeepest)};
    }
    auto compiled = std::make_unique<regex_t>();
    if (const int error = ::regcomp(compiled.get(), text.c_str(), REG_EXTENDED); error != 0) {
        std::array<char, 256> cause{};
        ::regerror(error, compiled.get(), cause.data(), cause.size());
        return Error{ExitStatus::usage, fmt::format("'{}' is no regular expression: {}", text, cause.data())};
    }
    return Expression(std::shared_ptr<regex_t>(compiled.release(), Free{}));
}

std::optional<std::size_t> Expression::end_of_match(std::string_view line) const {
    // REG_STARTEND, of BSD and glibc: the line needs no zero behind it and may hold some.
    regmatch_t match{.rm_so = 0, .rm_eo = static_cast<regoff_t>(line.size())};
    if (::regexec(compiled_.get(), line.data(), 1, &match, REG_STARTEND) != 0) return std::nullopt;
    return static_cast<std::size_t>(match.rm_eo);
}

}  // namespace bantam::scenario
