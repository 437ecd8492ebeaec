// Expression: a POSIX extended regular expression (IEEE Std 1003.1, "Regular Expressions", 9.4) of a scenario.
#pragma once

#include <regex.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bantam::scenario {

class Expression {
public:
    /// Errors: usage, with the library's cause.
    static Result<Expression> compile(const std::string& text);

    /// The offset behind the first match in `line`, if there is one.
    [[nodiscard]] std::optional<std::size_t> end_of_match(std::string_view line) const;

private:
    struct Free {
        void operator()(regex_t* compiled) const {
            ::regfree(compiled);
            delete compiled;
        }
    };
    explicit Expression(std::shared_ptr<regex_t> compiled) : compiled_(std::move(compiled)) {}

    std::shared_ptr<const regex_t> compiled_;
};

}  // namespace bantam::scenario
