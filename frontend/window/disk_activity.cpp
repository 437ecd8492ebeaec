#include "frontend/window/disk_activity.h"

#include <fmt/format.h>

#include <algorithm>

namespace bantam::frontend {

const std::string& DiskActivity::look(const std::vector<DriveState>& drives, u64 now_ns) {
    if (now_ns < next_ns_) return text_;
    next_ns_ = now_ns + kPeriod_ns;
    text_.clear();
    std::vector<Counted> counted;
    for (const DriveState& drive : drives) {
        if (!drive.medium) continue;
        const storage::BlockStatistics& statistics = drive.medium->statistics;
        counted.push_back({drive.name, statistics.reads, statistics.writes});
        const auto before = std::find_if(counted_.begin(), counted_.end(),
                                         [&drive](const Counted& known) { return known.name == drive.name; });
        if (before == counted_.end()) continue;
        // Another medium counts from zero.
        const bool reads = statistics.reads > before->reads, writes = statistics.writes > before->writes;
        if (!reads && !writes) continue;
        text_ += fmt::format("{}{} {}", text_.empty() ? "" : ", ", drive.name,
                             !writes ? "reads"
                             : reads ? "reads and writes"
                                     : "writes");
    }
    counted_ = std::move(counted);
    return text_;
}

}  // namespace bantam::frontend
