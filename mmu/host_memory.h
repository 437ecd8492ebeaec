// HostMemory: how much memory the host can still give this process, and what sets that bound. RAM of a guest is mapped
// without reserving it, so this is the only place where "too much" is found before the kernel's OOM killer finds it.
// Sources: proc(5) meminfo, getrlimit(2), the kernel's cgroup-v1 and cgroup-v2 documents.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace bantam {

struct HostMemory {
    u64 available_bytes = ~u64{0};
    std::string bound = "address space";  // what sets available_bytes, in words for an error message
};

/// The least of free memory and swap, the cgroup's headroom, and the limits RLIMIT_AS and RLIMIT_FSIZE (a memfd is a
/// file). `root` is where /proc and /sys are looked for; what cannot be read sets no bound.
HostMemory host_memory(const std::filesystem::path& root = "/");

/// Errors: host_resource, naming `ram_bytes` and what `host` can give, when the first exceeds the second.
Result<void> check_host_memory(u64 ram_bytes, const HostMemory& host);

/// "3 GiB", "512 MiB", "4 KiB": `bytes` in the largest unit of which it is a whole number.
std::string size_text(u64 bytes);

}  // namespace bantam
