#include "jit/perf_map.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bantam::jit {

Result<std::unique_ptr<PerfMap>> PerfMap::open() {
    const std::string path = fmt::format("/tmp/perf-{}.map", ::getpid());
    std::FILE* const file = std::fopen(path.c_str(), "ae");
    if (file == nullptr) {
        return Error{ExitStatus::host_resource,
                     fmt::format("--perf-map: cannot write {}: {}", path, std::strerror(errno))};
    }
    return std::unique_ptr<PerfMap>(new PerfMap(file));
}

PerfMap::~PerfMap() { std::fclose(file_); }

void PerfMap::add_block(u64 host, u64 bytes, u64 guest, unsigned cpl) {
    add(host, bytes, fmt::format("guest {:#x} cpl{}", guest, cpl));
}

void PerfMap::add(u64 host, u64 bytes, std::string_view name) {
    fmt::print(file_, "{:x} {:x} {}\n", host, bytes, name);
}

}  // namespace bantam::jit
