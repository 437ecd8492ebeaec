// PerfMap: tells Linux perf what translated code is: /tmp/perf-PID.map, a line "address size name" for each piece
// (tools/perf/Documentation/jit-interface.txt of the kernel's sources). perf keeps the last name of an address, so
// after the code cache was emptied names may be those of later code.
#pragma once

#include <cstdio>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace bantam::jit {

class PerfMap {
public:
    /// Errors: host_resource.
    static Result<std::unique_ptr<PerfMap>> open();
    ~PerfMap();
    PerfMap(const PerfMap&) = delete;
    PerfMap& operator=(const PerfMap&) = delete;

    void add_block(u64 host, u64 bytes, u64 guest, unsigned cpl);
    void add(u64 host, u64 bytes, std::string_view name);

private:
    explicit PerfMap(std::FILE* file) : file_(file) {}
    std::FILE* file_;
};

}  // namespace bantam::jit
