#include "frontend/remote/http_request.h"

#include <algorithm>

namespace bantam::frontend {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// What comes before `separator`; `text` keeps what is behind it.
std::optional<std::string_view> cut(std::string_view& text, std::string_view separator) {
    const std::size_t at = text.find(separator);
    if (at == text.npos) return std::nullopt;
    const std::string_view before = text.substr(0, at);
    text.remove_prefix(at + separator.size());
    return before;
}

std::string_view without_port(std::string_view host) {
    if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.find(':'));
}

}  // namespace

std::optional<std::size_t> head_length(std::string_view text) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == text.npos) return std::nullopt;
    return end + 4;
}

std::optional<HttpRequest> parse_http_request(std::string_view head) {
    HttpRequest request;
    auto line = cut(head, kLineEnd);
    if (!line) return std::nullopt;
    const auto method = cut(*line, " ");
    const auto target = cut(*line, " ");
    const bool upper =
        method && std::all_of(method->begin(), method->end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!target || !upper || method->empty() || !target->starts_with('/')) return std::nullopt;
    if (*line != "HTTP/1.1" && *line != "HTTP/1.0") return std::nullopt;
    request.method = *method;
    request.path = target->substr(0, target->find('?'));
    std::string host;
    bool upgrade = false;
    while ((line = cut(head, kLineEnd)) && !line->empty()) {
        const auto field = cut(*line, ":");
        if (!field) return std::nullopt;
        const std::string name = lower(*field);
        const std::string value = lower(trimmed(*line));  // those that count here know no case
        if (name == "host") host = value;
        if (name == "origin") request.origin = value;
        if (name == "upgrade") upgrade = value == "websocket";
    }
    request.host = without_port(host);
    request.web_socket = upgrade && request.method == "GET";
    // A proxy in front may speak TLS to the browser.
    request.own_page = !host.empty() && (request.origin == "http://" + host || request.origin == "https://" + host);
    return request;
}

bool names_this_host(std::string_view host) {
    constexpr std::string_view kLoopback = "127.";
    const bool numbers =
        std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
    return host == "localhost" || host == "[::1]" || (numbers && host.starts_with(kLoopback));
}

}  // namespace bantam::frontend
