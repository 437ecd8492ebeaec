#include "machine/plugin/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <span>

#include "base/log.h"
#include "machine/guest_memory.h"

namespace bantam {
namespace {

constexpr u32 kWritableFlags = 0x0CD5;  // CF PF AF ZF SF DF OF

Error refuse(const std::string& path, const std::string& why) {
    return {ExitStatus::bad_input, fmt::format("--plugin: '{}' {}", path, why)};
}

}  // namespace

Result<std::unique_ptr<Plugin>> Plugin::load(const PluginConfig& config, Wiring wiring) {
    std::unique_ptr<Plugin> plugin(
        new Plugin(std::filesystem::path(config.path).filename().string(), std::move(wiring)));
    // Without a slash dlopen would search the system's libraries.
    const std::string path = config.path.find('/') == std::string::npos ? "./" + config.path : config.path;
    plugin->library_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (plugin->library_ == nullptr) return refuse(config.path, fmt::format("cannot be loaded: {}", ::dlerror()));
    const auto* const version = static_cast<const uint32_t*>(::dlsym(plugin->library_, "bantam_plugin_api"));
    auto* const install =
        reinterpret_cast<decltype(&bantam_plugin_install)>(::dlsym(plugin->library_, "bantam_plugin_install"));
    if (version == nullptr || install == nullptr) {
        return refuse(config.path, fmt::format("is no plugin: it does not export {}",
                                               version == nullptr ? "bantam_plugin_api" : "bantam_plugin_install"));
    }
    if (*version == 0 || *version > BANTAM_PLUGIN_API) {
        return refuse(config.path, fmt::format("was built for version {} of the plugin interface, and this program has "
                                               "versions 1 to {}",
                                               *version, BANTAM_PLUGIN_API));
    }
    plugin->installing_ = true;
    const int refused = install(&kApi, plugin.get(), config.arguments.c_str());
    plugin->installing_ = false;
    if (refused != 0) return refuse(config.path, fmt::format("refuses to run with '{}'", config.arguments));
    return plugin;
}

Plugin::~Plugin() {
    if (library_ != nullptr) ::dlclose(library_);
}

template <auto hook, class Function>
void Plugin::ask(bantam_machine* machine, Function* call, void* data) {
    Plugin& plugin = of(machine);
    auto& wanted = plugin.hooks_.*hook;
    if (!plugin.installing_ || wanted) {
        log::error("plugin {}: a hook can be asked for once, and only while the plugin is installed", plugin.name_);
        return;
    }
    wanted = {call, data};
}

uint64_t Plugin::read_register(bantam_machine* machine, int number) {
    const CpuState& s = of(machine).w_.cpu.state;
    if (number >= BANTAM_RAX && number <= BANTAM_R15) return s.gpr[static_cast<unsigned>(number)];
    if (number >= BANTAM_ES && number <= BANTAM_GS)
        return s.segment[static_cast<unsigned>(number - BANTAM_ES)].selector;
    if (number >= BANTAM_ES_BASE && number <= BANTAM_GS_BASE)
        return s.segment[static_cast<unsigned>(number - BANTAM_ES_BASE)].base;
    switch (number) {
        case BANTAM_RIP:
            return s.rip();
        case BANTAM_RFLAGS:
            return s.eflags();
        case BANTAM_CR0:
            return s.cr0;
        case BANTAM_CR2:
            return s.cr2;
        case BANTAM_CR3:
            return s.cr3;
        case BANTAM_CR4:
            return s.cr4;
        case BANTAM_EFER:
            return s.efer;
        case BANTAM_CPL:
            return s.cpl;
        default:
            return 0;
    }
}

int Plugin::write_register(bantam_machine* machine, int number, uint64_t value) {
    Cpu& cpu = of(machine).w_.cpu;
    if (number >= BANTAM_RAX && number <= BANTAM_R15) {
        cpu.state.gpr[static_cast<unsigned>(number)] = value;
    } else if (number == BANTAM_RFLAGS) {
        cpu.write_flags(static_cast<u32>(value), kWritableFlags);
    } else {
        return -1;
    }
    return 0;
}

int Plugin::read_linear(bantam_machine* machine, uint64_t address, void* to, size_t size) {
    return linear_reader(of(machine).w_.cpu)(address, {static_cast<u8*>(to), size}) ? 0 : -1;
}

int Plugin::write_linear(bantam_machine* machine, uint64_t address, const void* from, size_t size) {
    return bantam::write_linear(of(machine).w_.cpu, address, {static_cast<const u8*>(from), size}) ? 0 : -1;
}

int Plugin::read_physical(bantam_machine* machine, uint64_t address, void* to, size_t size) {
    return physical_reader(of(machine).w_.cpu)(address, {static_cast<u8*>(to), size}) ? 0 : -1;
}

int Plugin::write_physical(bantam_machine* machine, uint64_t address, const void* from, size_t size) {
    return bantam::write_physical(of(machine).w_.cpu, address, {static_cast<const u8*>(from), size}) ? 0 : -1;
}

uint64_t Plugin::time_ns(bantam_machine* machine) { return of(machine).w_.scheduler.now(); }

uint64_t Plugin::instructions(bantam_machine* machine) { return of(machine).w_.cpu.retired(); }

void Plugin::write_log(bantam_machine* machine, int level, const char* text) {
    constexpr std::array kLevels{log::Level::debug, log::Level::info, log::Level::warning, log::Level::error};
    const bool known = level >= BANTAM_LOG_DEBUG && level <= BANTAM_LOG_ERROR;
    log::emit(known ? kLevels.at(static_cast<unsigned>(level)) : log::Level::error, "plugin {}: {}", of(machine).name_,
              text);
}

void Plugin::stop(bantam_machine* machine, int status) {
    constexpr int kStatusMask = 0xFF;
    of(machine).w_.end_run(status & kStatusMask);
}

const bantam_api Plugin::kApi{
    .version = BANTAM_PLUGIN_API,
    .bytes = sizeof(bantam_api),
    .on_block_decoded = ask<&Hooks::block_decoded>,
    .on_block = ask<&Hooks::block>,
    .on_memory = ask<&Hooks::memory>,
    .on_port = ask<&Hooks::port>,
    .on_event = ask<&Hooks::event>,
    .on_system_call = ask<&Hooks::system_call>,
    .on_return_to_user = ask<&Hooks::return_to_user>,
    .at_end = ask<&Hooks::end>,
    .read_register = read_register,
    .write_register = write_register,
    .read_linear = read_linear,
    .write_linear = write_linear,
    .read_physical = read_physical,
    .write_physical = write_physical,
    .time_ns = time_ns,
    .instructions = instructions,
    .log = write_log,
    .stop = stop,
};

}  // namespace bantam
