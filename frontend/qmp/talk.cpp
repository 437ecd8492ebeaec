#include "frontend/qmp/talk.h"

#include <fmt/format.h>

#include <chrono>

namespace bantam::frontend::qmp {
namespace {

constexpr std::string_view kNegotiate = "qmp_capabilities";

std::string_view name_of(ErrorClass error_class) {
    switch (error_class) {
        case ErrorClass::command_not_found:
            return "CommandNotFound";
        case ErrorClass::device_not_found:
            return "DeviceNotFound";
        case ErrorClass::generic:
            break;
    }
    return "GenericError";
}

json timestamp() {
    using std::chrono::microseconds;
    const auto now =
        std::chrono::duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    return {{"seconds", now / 1'000'000}, {"microseconds", now % 1'000'000}};
}

/// QEMU's ShutdownCause (qapi/run-state.json).
std::string_view shutdown_cause(const MachineEvent& event) {
    switch (event.reason) {
        case StopReason::plugin:
            return "host-ui";
        case StopReason::quit:
            return event.asked ? "host-qmp-quit" : "host-signal";
        case StopReason::time_limit:
            return "host-signal";
        case StopReason::power_off:
        case StopReason::debug_exit:
        case StopReason::halted:
            return "guest-shutdown";
        case StopReason::triple_fault:
        case StopReason::reset_refused:
            return "guest-reset";
        case StopReason::guest_panic:
            return "guest-panic";
        case StopReason::engines_differ:
            break;
    }
    return "host-error";
}

json event_message(const MachineEvent& event) {
    using Kind = MachineEvent::Kind;
    switch (event.kind) {
        case Kind::stopped:
            return {{"event", "STOP"}};
        case Kind::resumed:
            return {{"event", "RESUME"}};
        case Kind::power_button:
            return {{"event", "POWERDOWN"}};
        case Kind::reset:
            return {
                {"event", "RESET"},
                {"data",
                 {{"guest", event.by_guest}, {"reason", event.by_guest ? "guest-reset" : "host-qmp-system-reset"}}}};
        case Kind::tray_moved:
            return {{"event", "DEVICE_TRAY_MOVED"},
                    {"data",
                     {{"device", event.device}, {"id", "/machine/" + event.device}, {"tray-open", event.tray_open}}}};
        case Kind::panicked:
            return {{"event", "GUEST_PANICKED"}, {"data", {{"action", event.pauses ? "pause" : "poweroff"}}}};
        case Kind::crash_loaded:
            return {{"event", "GUEST_CRASHLOADED"}, {"data", {{"action", "run"}}}};
        case Kind::ended:
            return {{"event", "SHUTDOWN"}, {"data", {{"guest", event.by_guest}, {"reason", shutdown_cause(event)}}}};
    }
    return {};
}

Failure generic(std::string description) { return {std::move(description)}; }

}  // namespace

struct Talk::Request {
    std::string command;
    json arguments;
    bool out_of_band = false;
};

Talk::Talk(Context& context, std::shared_ptr<ControlLine::Output> output)
    : context_(context), output_(std::move(output)) {
    const Reply version = all_commands().at("query-version")->run(context_, {});
    send({{"QMP", {{"version", std::get<json>(version)}, {"capabilities", {"oob"}}}}});
}

void Talk::take(const std::string& text) {
    json id;
    const auto parsed = parse(text, id);
    const auto* request = std::get_if<Request>(&parsed);
    const Reply reply = request != nullptr ? execute(*request) : Reply(std::get<Failure>(parsed));
    json message;
    if (const auto* failure = std::get_if<Failure>(&reply)) {
        message["error"] = {{"class", name_of(failure->error_class)}, {"desc", failure->description}};
    } else {
        message["return"] = std::get<json>(reply);
    }
    if (!id.is_discarded() && !id.is_null()) message["id"] = std::move(id);
    send(message);
}

void Talk::tell(const MachineEvent& event) {
    if (!negotiated_) return;
    json message = event_message(event);
    message["timestamp"] = timestamp();
    send(message);
}

void Talk::send(const json& message) {
    output_->send(message.dump(-1, ' ', false, json::error_handler_t::replace) + "\r\n");
}

std::variant<Talk::Request, Failure> Talk::parse(const std::string& text, json& id) const {
    const json input = json::parse(text, nullptr, false);
    if (input.is_discarded()) return generic("JSON parse error, invalid input");
    if (!input.is_object()) return generic("QMP input must be a JSON object");
    if (input.contains("id")) id = input["id"];
    Request request{.command = {}, .arguments = json::object()};
    bool named = false;
    for (const auto& [name, value] : input.items()) {
        if (name == "execute" || (name == "exec-oob" && out_of_band_)) {
            if (!value.is_string()) return generic(fmt::format("QMP input member '{}' must be a string", name));
            if (named) return generic("QMP input member 'exec-oob' clashes with 'execute'");
            named = true;
            request.command = value.get<std::string>();
            request.out_of_band = name == "exec-oob";
        } else if (name == "arguments") {
            if (!value.is_object()) return generic("QMP input member 'arguments' must be an object");
            request.arguments = value;
        } else if (name != "id") {
            return generic(fmt::format("QMP input member '{}' is unexpected", name));
        }
    }
    if (!named) return generic("QMP input lacks member 'execute'");
    return request;
}

Reply Talk::execute(const Request& request) {
    const auto found = all_commands().find(request.command);
    const bool negotiate_now = request.command == kNegotiate;
    if (!negotiated_ && !negotiate_now) {
        return Failure{fmt::format("Expecting capabilities negotiation with '{}'", kNegotiate),
                       ErrorClass::command_not_found};
    }
    if (negotiated_ && negotiate_now) {
        return Failure{"Capabilities negotiation is already complete, command ignored", ErrorClass::command_not_found};
    }
    if (found == all_commands().end()) {
        return Failure{fmt::format("The command {} has not been found", request.command),
                       ErrorClass::command_not_found};
    }
    if (request.out_of_band) return generic(fmt::format("The command {} does not support OOB", request.command));
    if (auto complaint = complaint_about_arguments(*found->second, request.arguments)) return Failure{*complaint};
    if (negotiate_now) {
        negotiated_ = true;
        out_of_band_ = request.arguments.contains("enable") && !request.arguments["enable"].empty();
    }
    return found->second->run(context_, request.arguments);
}

}  // namespace bantam::frontend::qmp
