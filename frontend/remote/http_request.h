// The head of an HTTP request (RFC 9112), as much of it as serving noVNC's files and its WebSocket needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bantam::frontend {

struct HttpRequest {
    std::string method;
    std::string path;         // of the target, without its query
    std::string host;         // the field Host, without its port
    std::string origin;       // the field Origin: the page that asks; empty: none does
    bool web_socket = false;  // asks for one (RFC 6455, section 4.1)
    bool own_page = false;    // `origin` is a page of the host and port that are asked
};

/// Bytes of `text` up to and with the empty line that ends the head; nothing: it has not come yet.
std::optional<std::size_t> head_length(std::string_view text);

/// Nothing: `head`, which ends with its empty line, is no request.
std::optional<HttpRequest> parse_http_request(std::string_view head);

/// `host` can only mean this host: a page of another host, whose name the owner lets mean this one (DNS rebinding),
/// asks with that name.
bool names_this_host(std::string_view host);

}  // namespace bantam::frontend
