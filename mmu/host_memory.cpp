#include "mmu/host_memory.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

namespace bantam {
namespace {

namespace fs = std::filesystem;

std::optional<u64> parse_number(std::string_view text) {
    u64 value = 0;
    const auto first = text.find_first_of("0123456789");
    if (first == std::string_view::npos) return std::nullopt;
    const auto result = std::from_chars(text.data() + first, text.data() + text.size(), value);
    if (result.ec != std::errc{}) return std::nullopt;
    return value;
}

/// The number a one-line file holds; "max" and unreadable files hold none.
std::optional<u64> number_in(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) return std::nullopt;
    return parse_number(line);
}

/// The value after `key` at the start of a line of `path`.
std::optional<u64> keyed_number(const fs::path& path, std::string_view key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(key)) return parse_number(std::string_view(line).substr(key.size()));
    }
    return std::nullopt;
}

void lower(HostMemory& host, u64 available, std::string_view bound) {
    if (available >= host.available_bytes) return;
    host.available_bytes = available;
    host.bound = bound;
}

struct CgroupFiles {
    const char* limit;
    const char* usage;
    const char* reclaimable_key;  // in memory.stat: cache the kernel gives up before it refuses
};
constexpr CgroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "};
constexpr CgroupFiles kVersion2{"memory.max", "memory.current", "inactive_file "};

/// Every group from `group` up to `mount` bounds its members.
void lower_by_cgroup(HostMemory& host, const fs::path& mount, std::string_view group, const CgroupFiles& files) {
    fs::path relative(group);
    for (;;) {
        const fs::path folder = mount / relative.relative_path();
        const auto limit = number_in(folder / files.limit);
        const auto usage = number_in(folder / files.usage);
        if (limit && usage) {
            const u64 used =
                *usage - std::min(*usage, keyed_number(folder / "memory.stat", files.reclaimable_key).value_or(0));
            lower(host, *limit - std::min(*limit, used), "control group memory limit");
        }
        if (!relative.has_relative_path()) return;
        relative = relative.parent_path();
    }
}

void lower_by_cgroups(HostMemory& host, const fs::path& root) {
    std::ifstream file(root / "proc/self/cgroup");
    const fs::path mount = root / "sys/fs/cgroup";
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find(':');
        const auto second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
        const std::string_view group = std::string_view(line).substr(second + 1);
        if (controllers == "memory") lower_by_cgroup(host, mount / "memory", group, kVersion1);
        if (controllers.empty()) lower_by_cgroup(host, mount, group, kVersion2);
    }
}

void lower_by_limit(HostMemory& host, __rlimit_resource_t resource, std::string_view bound) {
    rlimit limit{};
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) lower(host, limit.rlim_cur, bound);
}

}  // namespace

HostMemory host_memory(const fs::path& root) {
    HostMemory host;
    const fs::path meminfo = root / "proc/meminfo";
    if (const auto free_kib = keyed_number(meminfo, "MemAvailable:")) {
        lower(host, (*free_kib + keyed_number(meminfo, "SwapFree:").value_or(0)) * 1024, "free memory and swap");
    }
    lower_by_cgroups(host, root);
    lower_by_limit(host, RLIMIT_AS, "limit on address space (ulimit -v)");
    lower_by_limit(host, RLIMIT_FSIZE, "limit on file size (ulimit -f)");
    return host;
}

Result<void> check_host_memory(u64 ram_bytes, const HostMemory& host) {
    if (ram_bytes <= host.available_bytes) return {};
    return Error{
        ExitStatus::host_resource,
        fmt::format("the guest's {} of RAM is more than the {} MiB this host can give ({}): ask for less with --memory",
                    size_text(ram_bytes), host.available_bytes >> 20, host.bound)};
}

std::string size_text(u64 bytes) {
    constexpr std::array kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < kUnits.size()) {
        bytes /= 1024;
        ++unit;
    }
    return fmt::format("{} {}", bytes, kUnits[unit]);
}

}  // namespace bantam
