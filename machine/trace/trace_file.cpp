#include "machine/trace/trace_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace bantam {
namespace {

std::string quoted(std::string_view text) {
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') json += '\\';
        json += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return json + '"';
}

}  // namespace

Result<std::unique_ptr<TraceFile>> TraceFile::open(const std::string& path) {
    std::FILE* file = path.empty() ? stderr : std::fopen(path.c_str(), "wb");
    if (file == nullptr)
        return Error{ExitStatus::host_resource,
                     fmt::format("--trace: cannot write {}: {}", path, std::strerror(errno))};
    std::unique_ptr<TraceFile> made(new TraceFile(file, path.ends_with(".json")));
    if (made->json_) std::fputs("[\n", file);
    return made;
}

TraceFile::~TraceFile() {
    if (json_) std::fputs("\n]\n", file_);
    if (file_ != stderr) std::fclose(file_);
}

/// Not fmt::print, which throws where nobody reads: the caller may be translated code.
bool TraceFile::write(const TraceEvent& event) {
    std::string line;
    if (json_) {
        line = fmt::format(
            R"({}{{"name":{},"cat":"{}","ph":"i","s":"t","ts":{}.{:03},"pid":1,"tid":"{}","args":{{"instructions":{}}}}})",
            std::exchange(first_, false) ? "" : ",\n", quoted(event.text), event.kind, event.ns / 1000, event.ns % 1000,
            event.kind, event.instructions);
    } else {
        line = fmt::format("{:>12} {}\n", event.instructions, event.text);
    }
    return std::fputs(line.c_str(), file_) != EOF;
}

}  // namespace bantam
