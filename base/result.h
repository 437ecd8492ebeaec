// Result<T>: a value, or an Error that names the cause, the way out and the exit status. Host failures travel as
// values; guest mistakes are guest-visible events and never appear here.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/exit_status.h"

namespace bantam {

struct Error {
    ExitStatus status = ExitStatus::internal_error;
    std::string message;  // names the file or option, the cause, and what to do; no trailing full stop or newline
};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return content_.index() == 0; }
    explicit operator bool() const { return ok(); }
    [[nodiscard]] T& value() {
        CHECK(ok());
        return std::get<0>(content_);
    }
    [[nodiscard]] const T& value() const {
        CHECK(ok());
        return std::get<0>(content_);
    }
    [[nodiscard]] const Error& error() const {
        CHECK(!ok());
        return std::get<1>(content_);
    }

private:
    std::variant<T, Error> content_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}
    [[nodiscard]] bool ok() const { return !error_; }
    explicit operator bool() const { return ok(); }
    [[nodiscard]] const Error& error() const {
        CHECK(error_.has_value());
        return *error_;
    }

private:
    std::optional<Error> error_;
};

}  // namespace bantam
