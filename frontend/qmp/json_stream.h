// JsonStream: the values in a stream of QMP input. They may lie on several lines or share one, and strings may be in
// single quotes, as QEMU takes them (docs/interop/qmp-spec.txt; its JSON is RFC 8259's otherwise).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/types.h"

namespace bantam::frontend::qmp {

class JsonStream {
public:
    /// What one value may take up, in bytes and in nesting; a longer or deeper one comes out as an empty text.
    static constexpr std::size_t kMostBytes = std::size_t{64} << 20;
    static constexpr unsigned kDeepest = 1024;

    JsonStream() = default;
    void put(std::string_view bytes) { waiting_ += bytes; }
    /// The next whole value as JSON with double quotes; nothing while it is not whole yet. Not checked: what is no JSON
    /// comes out as text that no parser takes.
    std::optional<std::string> next();

private:
    explicit JsonStream(std::string waiting) : waiting_(std::move(waiting)) {}
    void in_string(char c);
    std::string take() { return std::exchange(value_, {}); }

    std::string waiting_;
    std::size_t at_ = 0;  // of waiting_: looked at
    std::string value_;   // what came so far of the next one
    unsigned depth_ = 0;  // open brackets
    char quote_ = 0;      // inside a string: its quote
    bool escaped_ = false;
};

}  // namespace bantam::frontend::qmp
