#include "frontend/qmp/json_stream.h"

namespace bantam::frontend::qmp {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_quote(char c) { return c == '"' || c == '\''; }
bool opens(char c) { return c == '{' || c == '['; }
bool closes(char c) { return c == '}' || c == ']'; }

}  // namespace

std::optional<std::string> JsonStream::next() {
    for (; at_ < waiting_.size(); ++at_) {
        const char c = waiting_[at_];
        const bool outside = depth_ == 0 && quote_ == 0;
        if (outside && value_.empty() && is_space(c)) continue;
        // A number or a word ends where something else begins.
        if (outside && !value_.empty() && (is_space(c) || is_quote(c) || opens(c) || closes(c))) return take();
        if (quote_ != 0) {
            in_string(c);
        } else if (is_quote(c)) {
            quote_ = c;
            value_ += '"';
        } else {
            if (opens(c)) ++depth_;
            if (closes(c) && depth_ > 0) --depth_;
            value_ += c;
        }
        const bool too_much = value_.size() > kMostBytes || depth_ > kDeepest;
        const bool whole = depth_ == 0 && quote_ == 0 && (closes(c) || is_quote(c));
        if (!too_much && !whole) continue;
        ++at_;
        if (too_much) *this = JsonStream(waiting_.substr(at_));
        return take();
    }
    waiting_.clear();
    at_ = 0;
    return std::nullopt;
}

/// A character of a string; single quotes become double ones.
void JsonStream::in_string(char c) {
    if (escaped_) {
        escaped_ = false;
        if (c != '\'') value_ += '\\';
        value_ += c;
    } else if (c == '\\') {
        escaped_ = true;
    } else if (c == quote_) {
        quote_ = 0;
        value_ += '"';
    } else {
        if (c == '"') value_ += '\\';
        value_ += c;
    }
}

}  // namespace bantam::frontend::qmp
