// One command of QMP: its arguments' types and what it does. The tables are in *_commands.cpp, by subject.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "frontend/qmp/return_types.h"
#include "frontend/qmp/types.h"
#include "frontend/remote/remote_display.h"
#include "machine/machine.h"

namespace bantam::frontend::qmp {

using nlohmann::json;

/// QEMU's error classes that clients tell apart.
enum class ErrorClass { generic, command_not_found, device_not_found };

struct Failure {
    std::string description;
    ErrorClass error_class = ErrorClass::generic;
};

/// What a command returns, or why it does not.
using Reply = std::variant<json, Failure>;

/// Character devices that QMP made (chardev-add): rings of bytes, which nobody but QMP uses.
struct Ring {
    std::size_t size = 0;
    std::string bytes;
};

/// What commands work on, for as long as the machine lives. On its thread.
struct Context {
    Machine& machine;
    const RemoteDisplay* remote = nullptr;  // null: there is none
    std::map<std::string, Ring> rings = {};
    unsigned mouse_buttons = 0;  // that input-send-event has down, as Machine::mouse_button counts them
    struct {
        unsigned x = 0, y = 0;
    } pointer = {};  // where input-send-event last pointed, as Machine::mouse_absolute counts
};

struct QmpCommand {
    std::string_view name;
    std::span<const Member> arguments;
    /// `arguments` has been checked.
    Reply (*run)(Context& context, const json& arguments);
    const Type* returns = &kNothing;
};

std::span<const QmpCommand> machine_commands();
std::span<const QmpCommand> input_commands();
std::span<const QmpCommand> block_commands();
std::span<const QmpCommand> memory_commands();
std::span<const QmpCommand> character_commands();

/// All of them, by name.
const std::map<std::string_view, const QmpCommand*>& all_commands();

/// The answer to query-qmp-schema (QEMU, docs/devel/qapi-code-gen.rst, "Client JSON Protocol introspection").
json schema();

/// The command's "arguments" are right: nothing, or QEMU's complaint.
std::optional<std::string> complaint_about_arguments(const QmpCommand& command, const json& arguments);

}  // namespace bantam::frontend::qmp
