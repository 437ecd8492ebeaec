// TraceFile: where --trace writes, a line an event: text, or the Trace Event Format that chrome://tracing and Perfetto
// read ("Trace Event Format", JSON Array Format, instant events).
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace bantam {

struct TraceEvent {
    std::string_view kind;  // a word of --trace
    u64 instructions = 0;   // retired before it
    u64 ns = 0;             // of guest time
    std::string text;
};

class TraceFile {
public:
    /// Empty: standard error. A name that ends in .json: Chrome's format. Errors: host_resource.
    static Result<std::unique_ptr<TraceFile>> open(const std::string& path);
    ~TraceFile();
    TraceFile(const TraceFile&) = delete;
    TraceFile& operator=(const TraceFile&) = delete;

    /// False: it could not be written.
    [[nodiscard]] bool write(const TraceEvent& event);

private:
    TraceFile(std::FILE* file, bool json) : file_(file), json_(json) {}

    std::FILE* file_;
    bool json_;
    bool first_ = true;
};

}  // namespace bantam
