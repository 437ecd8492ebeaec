// Plugin: one shared library that was loaded for one machine, behind the C interface of
// plugins/include/bantam/plugin.h: its hooks, and what it may do.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/scheduler.h"
#include "cpu/cpu.h"
#include "machine/config.h"
#include "plugins/include/bantam/plugin.h"

/// The C interface's name for a Plugin.
struct bantam_machine {};

namespace bantam {

/// A function of the plugin and its first argument; none: the plugin did not ask for it.
template <class Function>
struct PluginHook {
    Function* call = nullptr;
    void* data = nullptr;
    explicit operator bool() const { return call != nullptr; }
};

class Plugin final : private bantam_machine {
public:
    struct Wiring {
        Cpu& cpu;
        Scheduler& scheduler;
        std::function<void(int status)> end_run;
    };
    struct Hooks {
        PluginHook<uint64_t*(void*, const bantam_block*)> block_decoded;
        PluginHook<void(void*, const bantam_block*)> block;
        PluginHook<void(void*, const bantam_memory_access*)> memory;
        PluginHook<uint32_t(void*, const bantam_port_access*)> port;
        PluginHook<void(void*, const bantam_event*)> event;
        PluginHook<void(void*, const bantam_system_call*)> system_call;
        PluginHook<void(void*)> return_to_user;
        PluginHook<void(void*)> end;
    };

    /// Loads and installs it. Errors: bad_input when it cannot be loaded, is no plugin, is for a newer version of the
    /// interface, or refuses its arguments.
    static Result<std::unique_ptr<Plugin>> load(const PluginConfig& config, Wiring wiring);
    ~Plugin();
    Plugin(const Plugin&) = delete;
    Plugin& operator=(const Plugin&) = delete;

    [[nodiscard]] const Hooks& hooks() const { return hooks_; }

private:
    Plugin(std::string name, Wiring wiring) : name_(std::move(name)), w_(std::move(wiring)) {}
    static Plugin& of(bantam_machine* machine) { return *static_cast<Plugin*>(machine); }
    template <auto hook, class Function>
    static void ask(bantam_machine* machine, Function* call, void* data);
    static uint64_t read_register(bantam_machine* machine, int number);
    static int write_register(bantam_machine* machine, int number, uint64_t value);
    static int read_linear(bantam_machine* machine, uint64_t address, void* to, size_t size);
    static int write_linear(bantam_machine* machine, uint64_t address, const void* from, size_t size);
    static int read_physical(bantam_machine* machine, uint64_t address, void* to, size_t size);
    static int write_physical(bantam_machine* machine, uint64_t address, const void* from, size_t size);
    static uint64_t time_ns(bantam_machine* machine);
    static uint64_t instructions(bantam_machine* machine);
    static void write_log(bantam_machine* machine, int level, const char* text);
    static void stop(bantam_machine* machine, int status);
    static const bantam_api kApi;

    const std::string name_;  // without folders, for messages
    Wiring w_;
    void* library_ = nullptr;
    Hooks hooks_;
    bool installing_ = false;
};

}  // namespace bantam
