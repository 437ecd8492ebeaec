// ExecutableMemory: host memory for generated code, mapped twice so that no page is writable and executable at the same
// address. Every byte has two addresses, a fixed distance apart. Anonymous, for profilers look for names of generated
// code (perf-PID.map) in anonymous memory only.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/types.h"

namespace bantam {

class ExecutableMemory {
public:
    enum class Place { anywhere, low };  // low: executable below 2 GiB where the host has room there

    /// `bytes`: a multiple of the page size. Errors: host_resource when the host refuses executable memory.
    static Result<std::unique_ptr<ExecutableMemory>> create(std::size_t bytes, Place place);
    ~ExecutableMemory();
    ExecutableMemory(const ExecutableMemory&) = delete;
    ExecutableMemory& operator=(const ExecutableMemory&) = delete;

    [[nodiscard]] u8* writable() const { return writable_; }
    [[nodiscard]] u8* executable() const { return executable_; }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    ExecutableMemory() = default;

    u8* writable_ = nullptr;
    u8* executable_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace bantam
