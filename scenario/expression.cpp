#include "scenario/expression.h"

#include <fmt/format.h>

#include <array>

namespace bantam::scenario {

Result<Expression> Expression::compile(const std::string& text) {
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
