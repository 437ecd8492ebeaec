// Commands about drives and what is in them (QEMU, qapi/block.json, block-core.json).
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "frontend/qmp/command.h"

namespace bantam::frontend::qmp {
namespace {

std::optional<DriveState> find_drive(Machine& machine, const std::string& name) {
    std::vector<DriveState> drives = machine.drives();
    const auto found =
        std::find_if(drives.begin(), drives.end(), [&name](const DriveState& d) { return d.name == name; });
    if (found == drives.end()) return std::nullopt;
    return std::move(*found);
}

json image_of(const DriveState::Medium& medium) {
    constexpr u64 kStatBlock = 512;
    struct stat status {};
    json image{{"filename", medium.path}, {"format", "raw"}, {"virtual-size", medium.bytes}, {"dirty-flag", false}};
    if (::stat(medium.path.c_str(), &status) == 0)
        image["actual-size"] = static_cast<u64>(status.st_blocks) * kStatBlock;
    return image;
}

json inserted(const DriveState& drive) {
    const DriveState::Medium& medium = *drive.medium;
    json entry{{"file", medium.path},
               {"node-name", drive.name},
               {"drv", "raw"},
               {"ro", medium.readonly},
               {"backing_file_depth", 0},
               {"encrypted", false},
               {"detect_zeroes", "off"},
               {"write_threshold", 0},
               {"image", image_of(medium)},
               {"cache", {{"writeback", true}, {"direct", false}, {"no-flush", false}}}};
    for (const char* limit : {"bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"}) entry[limit] = 0;
    return entry;
}

Reply query_block(Context& context, const json&) {
    json drives = json::array();
    for (const DriveState& drive : context.machine.drives()) {
        json entry{{"device", drive.name},
                   {"qdev", "/machine/" + drive.name},
                   {"type", "unknown"},
                   {"removable", drive.removable},
                   {"locked", drive.locked}};
        if (drive.has_tray) entry["tray_open"] = drive.tray_open;
        if (drive.medium) {
            entry["inserted"] = inserted(drive);
            entry["io-status"] = "ok";
        }
        drives.push_back(std::move(entry));
    }
    return drives;
}

Reply query_blockstats(Context& context, const json&) {
    json drives = json::array();
    for (const DriveState& drive : context.machine.drives()) {
        const storage::BlockStatistics counted = drive.medium ? drive.medium->statistics : storage::BlockStatistics{};
        json stats{{"rd_operations", counted.reads - counted.failed_reads},
                   {"rd_bytes", counted.read_bytes - counted.failed_read_bytes},
                   {"wr_operations", counted.writes - counted.failed_writes},
                   {"wr_bytes", counted.written_bytes - counted.failed_written_bytes},
                   {"flush_operations", counted.flushes - counted.failed_flushes},
                   {"wr_highest_offset", counted.highest_write_end},
                   {"failed_rd_operations", counted.failed_reads},
                   {"failed_wr_operations", counted.failed_writes},
                   {"failed_flush_operations", counted.failed_flushes}};
        // Of the schema's other members none is counted here: requests are neither merged nor timed, none unmaps, and
        // one that is invalid is refused by the drive.
        for (const char* zero : {"unmap_bytes", "unmap_operations", "unmap_merged", "unmap_total_time_ns", "rd_merged",
                                 "wr_merged", "rd_total_time_ns", "wr_total_time_ns", "flush_total_time_ns",
                                 "failed_unmap_operations", "invalid_rd_operations", "invalid_wr_operations",
                                 "invalid_flush_operations", "invalid_unmap_operations"}) {
            stats[zero] = 0;
        }
        stats["account_invalid"] = stats["account_failed"] = false;
        stats["timed_stats"] = json::array();
        json entry{{"device", drive.name}, {"qdev", "/machine/" + drive.name}, {"stats", std::move(stats)}};
        if (drive.medium) entry["node-name"] = drive.name;
        drives.push_back(std::move(entry));
    }
    return drives;
}

/// The drive that `device` or `id` names, which must be removable.
std::variant<DriveState, Failure> removable_drive(Context& context, const json& arguments) {
    if (arguments.contains("device") == arguments.contains("id"))
        return Failure{"Need exactly one of 'device' and 'id'"};
    const std::string name = arguments[arguments.contains("device") ? "device" : "id"].get<std::string>();
    constexpr std::string_view kPath = "/machine/";
    auto drive = find_drive(context.machine, name.starts_with(kPath) ? name.substr(kPath.size()) : name);
    if (!drive) return Failure{fmt::format("Device '{}' not found", name), ErrorClass::device_not_found};
    if (!drive->removable) return Failure{fmt::format("Device '{}' is not removable", name)};
    return std::move(*drive);
}

constexpr std::array kEjectArguments{Member{"device", &kString, true}, Member{"id", &kString, true},
                                     Member{"force", &kBoolean, true}};

Reply eject(Context& context, const json& arguments) {
    const auto found = removable_drive(context, arguments);
    if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
    const auto& drive = std::get<DriveState>(found);
    if (drive.locked && !arguments.value("force", false)) {
        static_cast<void>(context.machine.eject(drive.name));  // tells the guest that somebody wants it
        return Failure{fmt::format(
            "Device '{}' is locked and force was not specified, wait for tray to open and try again", drive.name)};
    }
    const Result<void> ejected = context.machine.eject(drive.name, Machine::Eject::forced);
    if (!ejected) return Failure{ejected.error().message};
    return json::object();
}

constexpr std::array<std::string_view, 3> kModeWords{"retain", "read-only", "read-write"};
constexpr Type kMode{.kind = Type::Kind::words, .name = "BlockdevChangeReadOnlyMode", .words = kModeWords};
constexpr std::array kChangeArguments{Member{"device", &kString, true}, Member{"id", &kString, true},
                                      Member{"filename", &kString},     Member{"format", &kString, true},
                                      Member{"force", &kBoolean, true}, Member{"read-only-mode", &kMode, true}};

Reply change_medium(Context& context, const json& arguments) {
    const auto found = removable_drive(context, arguments);
    if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
    const auto& drive = std::get<DriveState>(found);
    if (const std::string format = arguments.value("format", "raw"); format != "raw")
        return Failure{fmt::format("Unknown driver '{}'", format)};
    if (drive.locked && arguments.value("force", false))
        static_cast<void>(context.machine.eject(drive.name, Machine::Eject::forced));
    const std::string mode = arguments.value("read-only-mode", "retain");
    const bool readonly = mode == "read-only" || (mode == "retain" && drive.medium && drive.medium->readonly);
    const Result<void> changed = context.machine.change_medium(
        drive.name, {.path = arguments["filename"].get<std::string>(), .readonly = readonly});
    if (!changed) return Failure{changed.error().message};
    return json::object();
}

constexpr std::array kCommands{
    QmpCommand{"query-block", {}, query_block, &kBlockInfos},
    QmpCommand{"query-blockstats", {}, query_blockstats, &kBlockStatsInfos},
    QmpCommand{"eject", kEjectArguments, eject},
    QmpCommand{"blockdev-change-medium", kChangeArguments, change_medium},
};

}  // namespace

std::span<const QmpCommand> block_commands() { return kCommands; }

}  // namespace bantam::frontend::qmp
