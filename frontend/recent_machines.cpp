#include "frontend/recent_machines.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "frontend/files.h"
#include "machine/image_writer.h"

namespace bantam::frontend {
namespace {

using nlohmann::json;
constexpr std::size_t kMost = 12;
constexpr std::size_t kLargestFile = 1 << 20;  // bytes; twelve machines are a few KiB

std::optional<std::string> text_of(const json& machine, const char* key) {
    const auto found = machine.find(key);
    if (found == machine.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
}

}  // namespace

std::string recent_machines_file() {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value != nullptr && *value == '/' ? value : "");  // relative ones are to be ignored
    };
    std::string state = variable("XDG_STATE_HOME");
    if (const std::string home = variable("HOME"); state.empty() && !home.empty()) state = home + "/.local/state";
    return state.empty() ? state : state + "/bantam/recent.json";
}

Result<std::vector<RecentMachine>> read_recent_machines(const std::string& file) {
    std::vector<RecentMachine> machines;
    if (file.empty() || ::access(file.c_str(), F_OK) != 0) return machines;
    const Result<std::string> text =
        read_text_file(file, kLargestFile, "is larger than 1M: it was not written by Bantam");
    if (!text) return text.error();
    const json parsed = json::parse(text.value(), nullptr, false);
    const auto refuse = [&] {
        return Error{ExitStatus::bad_input, fmt::format("{} is not as Bantam writes it", file)};
    };
    if (!parsed.is_object()) return refuse();
    const auto list = parsed.find("machines");
    if (list == parsed.end() || !list->is_array()) return refuse();
    for (const json& machine : *list) {
        if (!machine.is_object() || machines.size() == kMost) return refuse();
        const auto folder = text_of(machine, "folder"), settings = text_of(machine, "machine");
        if (!folder || !settings) return refuse();
        machines.push_back({*folder, *settings});
    }
    return machines;
}

Result<void> remember_machine(const std::string& file, RecentMachine machine) {
    const Result<std::vector<RecentMachine>> known = read_recent_machines(file);
    std::vector<RecentMachine> machines = known ? known.value() : std::vector<RecentMachine>{};
    std::erase(machines, machine);
    machines.insert(machines.begin(), std::move(machine));
    if (machines.size() > kMost) machines.resize(kMost);
    json list = json::array();
    for (const RecentMachine& each : machines) list.push_back({{"folder", each.folder}, {"machine", each.machine}});
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path(), failed);
    if (failed)
        return Error{ExitStatus::host_resource,
                     fmt::format("cannot create the folder of {}: {}", file, failed.message())};
    // File names need be no UTF-8.
    const std::string text = json{{"machines", list}}.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
    const std::string unfinished = fmt::format("{}.{}", file, ::getpid());
    if (const Result<void> written = write_file(unfinished, text); !written) {
        ::unlink(unfinished.c_str());
        return written;
    }
    if (std::rename(unfinished.c_str(), file.c_str()) == 0) return {};
    const int cause = errno;
    ::unlink(unfinished.c_str());
    return Error{ExitStatus::host_resource, fmt::format("cannot write {}: {}", file, std::strerror(cause))};
}

}  // namespace bantam::frontend
