#include "frontend/remote/novnc_page.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/file.h"

namespace bantam::frontend {
namespace {

constexpr std::string_view kInstalled = "/usr/share/novnc";
constexpr u64 kMostFile = u64{8} << 20;

std::string_view content_type(std::string_view path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kTypes{{
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff", "font/woff"},
        {".ttf", "font/ttf"},
        {".mp3", "audio/mpeg"},
    }};
    for (const auto& [ending, type] : kTypes) {
        if (path.ends_with(ending)) return type;
    }
    return "application/octet-stream";
}

/// Names of noVNC's files and no others: nothing above the folder, nothing hidden.
bool plain(std::string_view path) {
    const bool known = std::all_of(path.begin(), path.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '-' ||
               c == '_' || c == '.';
    });
    return known && path.find("/.") == path.npos;
}

std::string response(std::string_view status, std::string_view fields, std::string_view body, bool with_body = true) {
    std::string text = fmt::format(
        "HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: {}\r\nX-Content-Type-Options: nosniff\r\n"
        "X-Frame-Options: DENY\r\nCache-Control: no-cache\r\n{}\r\n",
        status, body.size(), fields);
    if (with_body) text += body;
    return text;
}

}  // namespace

std::string http_refusal(std::string_view status, std::string_view sentence) {
    return response(status, "Content-Type: text/plain; charset=utf-8\r\n", fmt::format("{}\n", sentence));
}

Result<NovncPage> NovncPage::find(const std::string& folder) {
    const std::string place = folder.empty() ? std::string(kInstalled) : folder;
    if (::access((place + "/vnc.html").c_str(), R_OK) == 0) return NovncPage(place);
    return Error{ExitStatus::host_resource,
                 fmt::format("there is no page for browsers: noVNC is not in {} (no vnc.html); install the package "
                             "novnc, or name its folder with --novnc",
                             place)};
}

std::string NovncPage::answer(const HttpRequest& request) const {
    if (request.method != "GET" && request.method != "HEAD")
        return http_refusal("405 Method Not Allowed", "Only GET and HEAD are known here.");
    if (request.path == "/") return response("302 Found", "Location: /vnc.html?autoconnect=true&resize=scale\r\n", {});
    if (!plain(request.path)) return http_refusal("404 Not Found", "There is no such file.");
    const Result<std::vector<u8>> bytes = read_file(folder_ + request.path, kMostFile);
    if (!bytes) return http_refusal("404 Not Found", "There is no such file.");
    const std::string_view body(reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size());
    return response("200 OK", fmt::format("Content-Type: {}\r\n", content_type(request.path)), body,
                    request.method == "GET");
}

}  // namespace bantam::frontend
