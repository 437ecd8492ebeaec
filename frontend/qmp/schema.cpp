// The table of all commands, and its description for query-qmp-schema.
#include <set>

#include "devices/key_names.h"
#include "frontend/qmp/command.h"

namespace bantam::frontend::qmp {
namespace {

struct EventRow {
    std::string_view name;
    std::span<const Member> data;
};

constexpr std::array kResetData{Member{"guest", &kBoolean}, Member{"reason", &kString}};
constexpr std::array kTrayData{Member{"device", &kString}, Member{"id", &kString}, Member{"tray-open", &kBoolean}};
constexpr std::array<std::string_view, 3> kPanicActionWords{"pause", "poweroff", "run"};
constexpr Type kPanicAction{.kind = Type::Kind::words, .name = "GuestPanicAction", .words = kPanicActionWords};
constexpr std::array kPanicData{Member{"action", &kPanicAction}};
constexpr std::array kEvents{EventRow{"SHUTDOWN", kResetData},
                             EventRow{"RESET", kResetData},
                             EventRow{"POWERDOWN", {}},
                             EventRow{"STOP", {}},
                             EventRow{"RESUME", {}},
                             EventRow{"DEVICE_TRAY_MOVED", kTrayData},
                             EventRow{"GUEST_PANICKED", kPanicData},
                             EventRow{"GUEST_CRASHLOADED", kPanicData}};

/// Collects the entities that the commands' types are made of.
class Schema {
public:
    json take() && { return std::move(entities_); }

    void add_command(const QmpCommand& command) {
        entities_.push_back({{"name", command.name},
                             {"meta-type", "command"},
                             {"arg-type", add_arguments(command.name, command.arguments)},
                             {"ret-type", add(*command.returns)},
                             {"allow-oob", false}});
    }
    void add_event(const EventRow& event) {
        entities_.push_back(
            {{"name", event.name}, {"meta-type", "event"}, {"arg-type", add_arguments(event.name, event.data)}});
    }

private:
    std::string add(const Type& type) {
        const std::string name(type.name);
        if (!added_.insert(name).second) return name;
        switch (type.kind) {
            case Type::Kind::any:
                add_builtin(name, "value");
                break;
            case Type::Kind::string:
                add_builtin(name, "string");
                break;
            case Type::Kind::integer:
                add_builtin(name, "int");
                break;
            case Type::Kind::boolean:
                add_builtin(name, "boolean");
                break;
            case Type::Kind::array:
                entities_.push_back({{"name", name}, {"meta-type", "array"}, {"element-type", add(*type.element)}});
                break;
            case Type::Kind::words:
                add_enum(name, {type.words.begin(), type.words.end()});
                break;
            case Type::Kind::keys: {
                std::vector<std::string_view> names;
                for (const devices::KeyRow& row : devices::key_table()) names.push_back(row.name);
                add_enum(name, names);
                break;
            }
            case Type::Kind::object:
                add_object_entity(name, type);
                break;
        }
        return name;
    }

    void add_builtin(const std::string& name, std::string_view json_type) {
        entities_.push_back({{"name", name}, {"meta-type", "builtin"}, {"json-type", json_type}});
    }

    void add_enum(const std::string& name, const std::vector<std::string_view>& words) {
        json members = json::array();
        for (const std::string_view word : words) members.push_back({{"name", word}});
        entities_.push_back(
            {{"name", name}, {"meta-type", "enum"}, {"members", std::move(members)}, {"values", words}});
    }

    json members_of(std::span<const Member> members) {
        json list = json::array();
        for (const Member& member : members) {
            json entry{{"name", member.name}, {"type", add(*member.type)}};
            if (member.optional) entry["default"] = nullptr;
            list.push_back(std::move(entry));
        }
        return list;
    }

    /// All that take none have one type.
    std::string add_arguments(std::string_view of, std::span<const Member> members) {
        return add_object(members.empty() ? "no-arguments" : std::string(of) + "-arguments", members);
    }

    std::string add_object(const std::string& name, std::span<const Member> members) {
        if (added_.insert(name).second)
            entities_.push_back({{"name", name}, {"meta-type", "object"}, {"members", members_of(members)}});
        return name;
    }

    void add_object_entity(const std::string& name, const Type& type) {
        json entity{{"name", name}, {"meta-type", "object"}, {"members", members_of(type.members)}};
        if (!type.variants.empty()) {
            entity["tag"] = "type";
            entity["variants"] = json::array();
            for (const Variant& variant : type.variants) {
                const std::string branch = std::string(variant.data->name) + "-wrapper";
                const std::array members{Member{"data", variant.data}};
                entity["variants"].push_back({{"case", variant.tag}, {"type", add_object(branch, members)}});
            }
        }
        entities_.push_back(std::move(entity));
    }

    json entities_ = json::array();
    std::set<std::string> added_;
};

}  // namespace

const std::map<std::string_view, const QmpCommand*>& all_commands() {
    static const auto commands = [] {
        std::map<std::string_view, const QmpCommand*> all;
        for (const auto table :
             {machine_commands(), input_commands(), block_commands(), memory_commands(), character_commands()}) {
            for (const QmpCommand& command : table) all.emplace(command.name, &command);
        }
        return all;
    }();
    return commands;
}

json schema() {
    Schema schema;
    for (const auto& [name, command] : all_commands()) schema.add_command(*command);
    for (const EventRow& event : kEvents) schema.add_event(event);
    return std::move(schema).take();
}

std::optional<std::string> complaint_about_arguments(const QmpCommand& command, const json& arguments) {
    const Type type{.kind = Type::Kind::object, .name = command.name, .members = command.arguments};
    return complaint_about(arguments, type, "");
}

}  // namespace bantam::frontend::qmp
