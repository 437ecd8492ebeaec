// Commands that save memory to files (QEMU, qapi/machine.json).
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "frontend/qmp/command.h"
#include "machine/guest_memory.h"

namespace bantam::frontend::qmp {
namespace {

constexpr std::array kPhysicalArguments{Member{"val", &kInteger}, Member{"size", &kInteger},
                                        Member{"filename", &kString}};
constexpr std::array kLinearArguments{Member{"val", &kInteger}, Member{"size", &kInteger}, Member{"filename", &kString},
                                      Member{"cpu-index", &kInteger, true}};

Reply save(const json& arguments, const ReadMemory& read) {
    const auto first = arguments["val"].get<u64>();
    const auto size = arguments["size"].get<i64>();
    if (size < 0) return Failure{fmt::format("Invalid addr 0x{:016x}/size {} specified", first, size)};
    const Result<void> saved =
        save_memory(read, first, static_cast<u64>(size), arguments["filename"].get<std::string>());
    if (!saved) return Failure{saved.error().message};
    return json::object();
}

Reply save_physical(Context& context, const json& arguments) {
    return save(arguments, physical_reader(context.machine.cpu()));
}

Reply save_linear(Context& context, const json& arguments) {
    if (arguments.value("cpu-index", 0) != 0) return Failure{"Parameter 'cpu-index' expects a CPU number"};
    return save(arguments, linear_reader(context.machine.cpu()));
}

constexpr std::array kCommands{
    QmpCommand{"memsave", kLinearArguments, save_linear},
    QmpCommand{"pmemsave", kPhysicalArguments, save_physical},
};

}  // namespace

std::span<const QmpCommand> memory_commands() { return kCommands; }

}  // namespace bantam::frontend::qmp
