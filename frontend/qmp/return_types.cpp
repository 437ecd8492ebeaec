#include "frontend/qmp/return_types.h"

#include <array>

namespace bantam::frontend::qmp {
namespace {

using Kind = Type::Kind;

constexpr Type object(std::string_view name, std::span<const Member> members) {
    return {.kind = Kind::object, .name = name, .members = members};
}
constexpr Type list(std::string_view name, const Type& element) {
    return {.kind = Kind::array, .name = name, .element = &element};
}
const Type kStrings = list("[str]", kString);

// --- misc.json, machine.json, run-state.json
const std::array kVersionTripleMembers{Member{"major", &kInteger}, Member{"minor", &kInteger},
                                       Member{"micro", &kInteger}};
const Type kVersionTriple = object("VersionTriple", kVersionTripleMembers);
const std::array kVersionMembers{Member{"qemu", &kVersionTriple}, Member{"package", &kString}};
const std::array kCommandMembers{Member{"name", &kString}};
const Type kCommandInfo = object("CommandInfo", kCommandMembers);
// A union of seven kinds of entity; said as far as all have it.
const std::array kSchemaMembers{
    Member{"name", &kString},           Member{"meta-type", &kString},       Member{"json-type", &kString, true},
    Member{"values", &kStrings, true},  Member{"members", &kAny, true},      Member{"element-type", &kString, true},
    Member{"tag", &kString, true},      Member{"variants", &kAny, true},     Member{"arg-type", &kString, true},
    Member{"ret-type", &kString, true}, Member{"allow-oob", &kBoolean, true}};
const Type kSchemaInfo = object("SchemaInfo", kSchemaMembers);
constexpr std::array<std::string_view, 4> kRunStates{"running", "prelaunch", "paused", "guest-panicked"};
const Type kRunState{.kind = Kind::words, .name = "RunState", .words = kRunStates};
const std::array kStatusMembers{Member{"running", &kBoolean}, Member{"singlestep", &kBoolean},
                                Member{"status", &kRunState}};
const std::array kNameMembers{Member{"name", &kString, true}};
const std::array kUuidMembers{Member{"UUID", &kString}};
const std::array kKvmMembers{Member{"enabled", &kBoolean}, Member{"present", &kBoolean}};
constexpr std::array<std::string_view, 1> kTargets{"x86_64"};
const Type kTarget{.kind = Kind::words, .name = "SysEmuTarget", .words = kTargets};
const std::array kTargetMembers{Member{"arch", &kTarget}};
constexpr std::array<std::string_view, 2> kFamilies{"ipv4", "ipv6"};
const Type kFamily{.kind = Kind::words, .name = "NetworkAddressFamily", .words = kFamilies};
const std::array kVncClientMembers{Member{"host", &kString}, Member{"service", &kString}, Member{"family", &kFamily},
                                   Member{"websocket", &kBoolean}};
const Type kVncClient = object("VncClientInfo", kVncClientMembers);
const Type kVncClients = list("[VncClientInfo]", kVncClient);
const std::array kVncMembers{Member{"enabled", &kBoolean},     Member{"host", &kString, true},
                             Member{"family", &kFamily, true}, Member{"service", &kString, true},
                             Member{"auth", &kString, true},   Member{"clients", &kVncClients, true}};
const std::array kIoThreadMembers{Member{"id", &kString}};
const Type kIoThreadInfo = object("IOThreadInfo", kIoThreadMembers);
const std::array kCpuPropsMembers{Member{"socket-id", &kInteger}, Member{"core-id", &kInteger},
                                  Member{"thread-id", &kInteger}};
const Type kCpuProps = object("CpuInstanceProperties", kCpuPropsMembers);
const std::array kCpuMembers{Member{"cpu-index", &kInteger}, Member{"qom-path", &kString},
                             Member{"thread-id", &kInteger}, Member{"props", &kCpuProps}, Member{"target", &kTarget}};
const Type kCpuInfo = object("CpuInfoFast", kCpuMembers);
const std::array kMachineMembers{Member{"name", &kString},
                                 Member{"is-default", &kBoolean},
                                 Member{"cpu-max", &kInteger},
                                 Member{"hotpluggable-cpus", &kBoolean},
                                 Member{"numa-mem-supported", &kBoolean},
                                 Member{"deprecated", &kBoolean},
                                 Member{"default-cpu-type", &kString}};
const Type kMachineInfo = object("MachineInfo", kMachineMembers);
const std::array kCpuDefinitionMembers{Member{"name", &kString},        Member{"typename", &kString},
                                       Member{"static", &kBoolean},     Member{"migration-safe", &kBoolean},
                                       Member{"deprecated", &kBoolean}, Member{"unavailable-features", &kStrings}};
const Type kCpuDefinitionInfo = object("CpuDefinitionInfo", kCpuDefinitionMembers);

// --- pci.json
const std::array kPciRegionMembers{Member{"bar", &kInteger},
                                   Member{"type", &kString},
                                   Member{"address", &kInteger},
                                   Member{"size", &kInteger},
                                   Member{"prefetch", &kBoolean, true},
                                   Member{"mem_type_64", &kBoolean, true}};
const Type kPciRegion = object("PciMemoryRegion", kPciRegionMembers);
const Type kPciRegions = list("[PciMemoryRegion]", kPciRegion);
const std::array kPciClassMembers{Member{"class", &kInteger}, Member{"desc", &kString, true}};
const Type kPciClass = object("PciDeviceClass", kPciClassMembers);
const std::array kPciIdMembers{Member{"vendor", &kInteger}, Member{"device", &kInteger},
                               Member{"subsystem-vendor", &kInteger}, Member{"subsystem", &kInteger}};
const Type kPciId = object("PciDeviceId", kPciIdMembers);
const std::array kPciDeviceMembers{
    Member{"bus", &kInteger},         Member{"slot", &kInteger},   Member{"function", &kInteger},
    Member{"class_info", &kPciClass}, Member{"id", &kPciId},       Member{"irq_pin", &kInteger},
    Member{"irq", &kInteger, true},   Member{"qdev_id", &kString}, Member{"regions", &kPciRegions}};
const Type kPciDevice = object("PciDeviceInfo", kPciDeviceMembers);
const Type kPciDevices = list("[PciDeviceInfo]", kPciDevice);
const std::array kPciMembers{Member{"bus", &kInteger}, Member{"devices", &kPciDevices}};
const Type kPciInfo = object("PciInfo", kPciMembers);

// --- block-core.json
const std::array kImageMembers{Member{"filename", &kString}, Member{"format", &kString},
                               Member{"virtual-size", &kInteger}, Member{"dirty-flag", &kBoolean},
                               Member{"actual-size", &kInteger, true}};
const Type kImageInfo = object("ImageInfo", kImageMembers);
const std::array kCacheMembers{Member{"writeback", &kBoolean}, Member{"direct", &kBoolean},
                               Member{"no-flush", &kBoolean}};
const Type kCacheInfo = object("BlockdevCacheInfo", kCacheMembers);
const std::array kInsertedMembers{Member{"file", &kString},
                                  Member{"node-name", &kString},
                                  Member{"drv", &kString},
                                  Member{"ro", &kBoolean},
                                  Member{"backing_file_depth", &kInteger},
                                  Member{"encrypted", &kBoolean},
                                  Member{"detect_zeroes", &kString},
                                  Member{"write_threshold", &kInteger},
                                  Member{"image", &kImageInfo},
                                  Member{"cache", &kCacheInfo},
                                  Member{"bps", &kInteger},
                                  Member{"bps_rd", &kInteger},
                                  Member{"bps_wr", &kInteger},
                                  Member{"iops", &kInteger},
                                  Member{"iops_rd", &kInteger},
                                  Member{"iops_wr", &kInteger}};
const Type kInserted = object("BlockDeviceInfo", kInsertedMembers);
const std::array kBlockMembers{
    Member{"device", &kString},           Member{"qdev", &kString},           Member{"type", &kString},
    Member{"removable", &kBoolean},       Member{"locked", &kBoolean},        Member{"tray_open", &kBoolean, true},
    Member{"inserted", &kInserted, true}, Member{"io-status", &kString, true}};
const Type kBlockInfo = object("BlockInfo", kBlockMembers);
const Type kInterval = object("BlockDeviceTimedStats", {});  // there are none
const Type kIntervals = list("[BlockDeviceTimedStats]", kInterval);
const std::array kStatsMembers{Member{"rd_operations", &kInteger},
                               Member{"rd_bytes", &kInteger},
                               Member{"wr_operations", &kInteger},
                               Member{"wr_bytes", &kInteger},
                               Member{"flush_operations", &kInteger},
                               Member{"wr_highest_offset", &kInteger},
                               Member{"unmap_bytes", &kInteger},
                               Member{"unmap_operations", &kInteger},
                               Member{"unmap_merged", &kInteger},
                               Member{"unmap_total_time_ns", &kInteger},
                               Member{"rd_merged", &kInteger},
                               Member{"wr_merged", &kInteger},
                               Member{"rd_total_time_ns", &kInteger},
                               Member{"wr_total_time_ns", &kInteger},
                               Member{"flush_total_time_ns", &kInteger},
                               Member{"failed_rd_operations", &kInteger},
                               Member{"failed_wr_operations", &kInteger},
                               Member{"failed_flush_operations", &kInteger},
                               Member{"failed_unmap_operations", &kInteger},
                               Member{"invalid_rd_operations", &kInteger},
                               Member{"invalid_wr_operations", &kInteger},
                               Member{"invalid_flush_operations", &kInteger},
                               Member{"invalid_unmap_operations", &kInteger},
                               Member{"account_invalid", &kBoolean},
                               Member{"account_failed", &kBoolean},
                               Member{"timed_stats", &kIntervals}};
const Type kBlockDeviceStats = object("BlockDeviceStats", kStatsMembers);
const std::array kBlockStatsMembers{Member{"device", &kString}, Member{"qdev", &kString},
                                    Member{"stats", &kBlockDeviceStats}, Member{"node-name", &kString, true}};
const Type kBlockStats = object("BlockStats", kBlockStatsMembers);

// --- char.json, ui.json
const std::array kChardevMembers{Member{"label", &kString}, Member{"filename", &kString},
                                 Member{"frontend-open", &kBoolean}};
const Type kChardevInfo = object("ChardevInfo", kChardevMembers);
const std::array kMouseMembers{Member{"index", &kInteger}, Member{"name", &kString}, Member{"current", &kBoolean},
                               Member{"absolute", &kBoolean}};
const Type kMouseInfo = object("MouseInfo", kMouseMembers);

}  // namespace

const Type kNothing = object("no-arguments", {});
const Type kVersionInfo = object("VersionInfo", kVersionMembers);
const Type kCommandInfos = list("[CommandInfo]", kCommandInfo);
const Type kSchemaInfos = list("[SchemaInfo]", kSchemaInfo);
const Type kStatusInfo = object("StatusInfo", kStatusMembers);
const Type kNameInfo = object("NameInfo", kNameMembers);
const Type kUuidInfo = object("UuidInfo", kUuidMembers);
const Type kKvmInfo = object("KvmInfo", kKvmMembers);
const Type kTargetInfo = object("TargetInfo", kTargetMembers);
const Type kVncInfo = object("VncInfo", kVncMembers);
const Type kIoThreadInfos = list("[IOThreadInfo]", kIoThreadInfo);
const Type kCpuInfos = list("[CpuInfoFast]", kCpuInfo);
const Type kMachineInfos = list("[MachineInfo]", kMachineInfo);
const Type kCpuDefinitionInfos = list("[CpuDefinitionInfo]", kCpuDefinitionInfo);
const Type kPciInfos = list("[PciInfo]", kPciInfo);
const Type kBlockInfos = list("[BlockInfo]", kBlockInfo);
const Type kBlockStatsInfos = list("[BlockStats]", kBlockStats);
const Type kChardevInfos = list("[ChardevInfo]", kChardevInfo);
const Type kMouseInfos = list("[MouseInfo]", kMouseInfo);

}  // namespace bantam::frontend::qmp
