#include "frontend/files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace bantam::frontend {

std::string shown_name(const std::string& path) { return path == "-" ? "standard input" : path; }

Result<std::string> read_text_file(const std::string& path, std::size_t most, std::string_view too_large) {
    const bool from_stdin = path == "-";
    const auto refuse = [&](std::string_view cause) {
        return Error{ExitStatus::bad_input, fmt::format("cannot read {}: {}", shown_name(path), cause)};
    };
    struct stat status {};
    if (!from_stdin && ::stat(path.c_str(), &status) != 0) return refuse(std::strerror(errno));
    if (S_ISDIR(status.st_mode)) return refuse("it is a folder");
    std::FILE* file = from_stdin ? stdin : std::fopen(path.c_str(), "rb");
    if (file == nullptr) return refuse(std::strerror(errno));
    std::string text(most + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    const int failed = std::ferror(file) != 0 ? errno : 0;
    if (!from_stdin) std::fclose(file);
    if (failed != 0) return refuse(std::strerror(failed));
    if (text.size() > most) return Error{ExitStatus::bad_input, fmt::format("{} {}", shown_name(path), too_large)};
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    return text;
}

}  // namespace bantam::frontend
