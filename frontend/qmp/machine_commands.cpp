// Commands about the machine as a whole: what it is, and running it (QEMU, qapi/misc.json, run-state.json,
// machine.json).
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "cpu/model.h"
#include "frontend/monitor.h"
#include "frontend/qmp/command.h"
#include "frontend/version.h"

namespace bantam::frontend::qmp {
namespace {

json version() {
    // Clients decide by QEMU's number what they may use: that of the schema our commands are from.
    return {{"qemu", {{"major", 7}, {"minor", 2}, {"micro", 0}}}, {"package", fmt::format("bantam {}", kVersion)}};
}

constexpr std::array<std::string_view, 1> kCapabilityWords{"oob"};
constexpr Type kCapability{.kind = Type::Kind::words, .name = "QMPCapability", .words = kCapabilityWords};
constexpr Type kCapabilities{.kind = Type::Kind::array, .name = "[QMPCapability]", .element = &kCapability};
constexpr std::array kNegotiateArguments{Member{"enable", &kCapabilities, true}};

/// What was negotiated concerns the talk alone (talk.cpp).
Reply negotiate(Context&, const json&) { return json::object(); }

Reply query_version(Context&, const json&) { return version(); }

Reply query_commands(Context&, const json&) {
    json names = json::array();
    for (const auto& [name, ignored] : all_commands()) names.push_back({{"name", name}});
    return names;
}

Reply query_qmp_schema(Context&, const json&) { return schema(); }

Reply query_status(Context& context, const json&) {
    const bool running = context.machine.running();
    return json{{"running", running},
                {"singlestep", false},
                {"status", running                         ? "running"
                           : context.machine.panicked()    ? "guest-panicked"
                           : context.machine.now_ns() == 0 ? "prelaunch"
                                                           : "paused"}};
}

Reply query_name(Context&, const json&) { return json::object(); }
Reply query_uuid(Context&, const json&) { return json{{"UUID", "00000000-0000-0000-0000-000000000000"}}; }
Reply query_kvm(Context&, const json&) { return json{{"enabled", false}, {"present", false}}; }
Reply query_target(Context&, const json&) { return json{{"arch", "x86_64"}}; }
json address_of(const RemoteDisplay::Address& address, bool web_socket) {
    return {{"host", address.host},
            {"service", address.port},
            {"family", address.ipv6 ? "ipv6" : "ipv4"},
            {"websocket", web_socket}};
}

Reply query_vnc(Context& context, const json&) {
    if (context.remote == nullptr) return json{{"enabled", false}};
    json clients = json::array();
    for (const RemoteDisplay::Viewer& viewer : context.remote->viewers())
        clients.push_back(address_of(viewer.address, viewer.web_socket));
    json answer = address_of(context.remote->address(), false);
    answer.erase("websocket");
    answer["enabled"] = true;
    answer["auth"] = context.remote->asks_password() ? "vnc" : "none";
    answer["clients"] = std::move(clients);
    return answer;
}
Reply query_iothreads(Context&, const json&) { return json::array(); }

Reply query_cpus_fast(Context&, const json&) {
    return json::array({{{"cpu-index", 0},
                         {"qom-path", "/machine/cpu[0]"},
                         {"thread-id", ::getpid()},
                         {"props", {{"socket-id", 0}, {"core-id", 0}, {"thread-id", 0}}},
                         {"target", "x86_64"}}});
}

Reply query_machines(Context& context, const json&) {
    return json::array({{{"name", "pc"},
                         {"is-default", true},
                         {"cpu-max", 1},
                         {"hotpluggable-cpus", false},
                         {"numa-mem-supported", false},
                         {"deprecated", false},
                         {"default-cpu-type", context.machine.config().cpu}}});
}

Reply query_cpu_definitions(Context&, const json&) {
    json models = json::array();
    for (const std::string& name : Model::names()) {
        json model{{"name", name},
                   {"typename", name},
                   {"static", name != "host"},
                   {"migration-safe", name != "host"},
                   {"deprecated", false}};
        model["unavailable-features"] = json::array();
        if (!Model::find(name)) model["unavailable-features"].push_back("host");
        models.push_back(std::move(model));
    }
    return models;
}

Reply query_pci(Context& context, const json&) {
    json functions = json::array();
    for (const PciFunctionState& function : context.machine.pci_functions()) {
        json regions = json::array();
        for (const PciFunctionState::Region& region : function.regions) {
            json entry{{"bar", region.bar}, {"type", region.io ? "io" : "memory"}, {"size", region.bytes}};
            entry["address"] = region.base ? json(*region.base) : json(-1);
            if (!region.io) {
                entry["prefetch"] = region.prefetchable;
                entry["mem_type_64"] = false;
            }
            regions.push_back(std::move(entry));
        }
        json entry{{"bus", 0},
                   {"slot", function.device},
                   {"function", function.function},
                   {"class_info", {{"class", function.class_code}, {"desc", function.name}}},
                   {"id",
                    {{"vendor", function.vendor_id},
                     {"device", function.device_id},
                     {"subsystem-vendor", function.subsystem_vendor},
                     {"subsystem", function.subsystem}}},
                   {"irq_pin", function.interrupt_pin},
                   {"qdev_id", ""},
                   {"regions", std::move(regions)}};
        if (function.interrupt_pin != 0) entry["irq"] = function.interrupt_line;
        functions.push_back(std::move(entry));
    }
    return json::array({{{"bus", 0}, {"devices", std::move(functions)}}});
}

Reply stop(Context& context, const json&) {
    context.machine.stop();
    return json::object();
}

Reply cont(Context& context, const json&) {
    context.machine.cont();
    return json::object();
}

Reply quit(Context& context, const json&) {
    context.machine.quit();
    return json::object();
}

Reply system_reset(Context& context, const json&) {
    context.machine.system_reset();
    return json::object();
}

Reply system_powerdown(Context& context, const json&) {
    context.machine.system_powerdown();
    return json::object();
}

Reply system_wakeup(Context&, const json&) {
    // The chipset has S5 and no sleep that a guest could be woken from (piix4_pm.h).
    return Failure{"Unable to wake up: guest is not in suspended state"};
}

Reply inject_nmi(Context& context, const json&) {
    context.machine.inject_nmi();
    return json::object();
}

/// `strict` is Bantam's own: what the monitor refuses is an error then. In QEMU it is text as any other.
constexpr std::array kMonitorArguments{Member{"command-line", &kString}, Member{"cpu-index", &kInteger, true},
                                       Member{"strict", &kBoolean, true}};

Reply human_monitor_command(Context& context, const json& arguments) {
    if (arguments.value("cpu-index", 0) != 0) return Failure{"Parameter 'cpu-index' expects a CPU number"};
    MonitorAnswer answer = execute_monitor_line(context.machine, arguments["command-line"].get<std::string>());
    if (answer.refused && arguments.value("strict", false)) {
        answer.text.pop_back();
        return Failure{std::move(answer.text)};
    }
    return json(std::move(answer.text));
}

/// Of QEMU's objects (memory backends, threads, secrets, ...) Bantam has none: each type is refused, in QEMU's words.
constexpr Type kObjectType{.kind = Type::Kind::words, .name = "ObjectType"};
constexpr std::array kObjectAddArguments{Member{"qom-type", &kObjectType}, Member{"id", &kString}};
constexpr std::array kObjectDelArguments{Member{"id", &kString}};

Reply object_add(Context&, const json&) { return json::object(); }

Reply object_del(Context&, const json& arguments) {
    return Failure{fmt::format("object '{}' not found", arguments["id"].get<std::string>())};
}

constexpr std::array kCommands{
    QmpCommand{"qmp_capabilities", kNegotiateArguments, negotiate},
    QmpCommand{"query-version", {}, query_version, &kVersionInfo},
    QmpCommand{"query-commands", {}, query_commands, &kCommandInfos},
    QmpCommand{"query-qmp-schema", {}, query_qmp_schema, &kSchemaInfos},
    QmpCommand{"query-status", {}, query_status, &kStatusInfo},
    QmpCommand{"query-name", {}, query_name, &kNameInfo},
    QmpCommand{"query-uuid", {}, query_uuid, &kUuidInfo},
    QmpCommand{"query-kvm", {}, query_kvm, &kKvmInfo},
    QmpCommand{"query-target", {}, query_target, &kTargetInfo},
    QmpCommand{"query-vnc", {}, query_vnc, &kVncInfo},
    QmpCommand{"query-iothreads", {}, query_iothreads, &kIoThreadInfos},
    QmpCommand{"query-cpus-fast", {}, query_cpus_fast, &kCpuInfos},
    QmpCommand{"query-machines", {}, query_machines, &kMachineInfos},
    QmpCommand{"query-cpu-definitions", {}, query_cpu_definitions, &kCpuDefinitionInfos},
    QmpCommand{"query-pci", {}, query_pci, &kPciInfos},
    QmpCommand{"stop", {}, stop},
    QmpCommand{"cont", {}, cont},
    QmpCommand{"quit", {}, quit},
    QmpCommand{"system_reset", {}, system_reset},
    QmpCommand{"system_powerdown", {}, system_powerdown},
    QmpCommand{"system_wakeup", {}, system_wakeup},
    QmpCommand{"inject-nmi", {}, inject_nmi},
    QmpCommand{"human-monitor-command", kMonitorArguments, human_monitor_command, &kString},
    QmpCommand{"object-add", kObjectAddArguments, object_add},
    QmpCommand{"object-del", kObjectDelArguments, object_del},
};

}  // namespace

std::span<const QmpCommand> machine_commands() { return kCommands; }

}  // namespace bantam::frontend::qmp
