#include "machine/plugin/plugins.h"

#include <algorithm>
#include <utility>

#include "mmu/paging.h"

namespace bantam {
namespace {

uint32_t code_bits(const Cpu& cpu) {
    switch (cpu.code_size()) {
        case isa::CodeSize::bits16:
            return 16;
        case isa::CodeSize::bits32:
            return 32;
        case isa::CodeSize::bits64:
            break;
    }
    return 64;
}

bantam_event_kind kind_of(EventKind kind) {
    switch (kind) {
        case EventKind::exception:
            return BANTAM_EXCEPTION;
        case EventKind::software_interrupt:
        case EventKind::software_exception:
        case EventKind::privileged_software_exception:
            return BANTAM_SOFTWARE_INTERRUPT;
        case EventKind::external:
            return BANTAM_INTERRUPT;
        case EventKind::nmi:
            break;
    }
    return BANTAM_NMI;
}

}  // namespace

Result<std::unique_ptr<Plugins>> Plugins::load(std::span<const PluginConfig> configs, const Wiring& wiring) {
    if (configs.empty()) return std::unique_ptr<Plugins>{};
    std::unique_ptr<Plugins> plugins(new Plugins(wiring.pc.cpu(), wiring.engine));
    bool counted = false;
    for (const PluginConfig& config : configs) {
        Result<std::unique_ptr<Plugin>> loaded =
            Plugin::load(config, {wiring.pc.cpu(), wiring.scheduler, wiring.end_run});
        if (!loaded) return loaded.error();
        // From here on it is installed, and told of the end.
        plugins->plugins_.push_back(std::move(loaded.value()));
        const bool counts(plugins->plugins_.back()->hooks().block_decoded);
        if (counts && counted) {
            return Error{ExitStatus::usage,
                         "--plugin: two plugins have a hook for decoded blocks, and a block has one counter"};
        }
        counted = counted || counts;
    }
    plugins->listen(wiring.pc);
    return plugins;
}

Plugins::~Plugins() {
    ended();
    if (cpu_.block_watch == this) engine_.set_block_watch(nullptr);
    std::erase(cpu_.event_watches, static_cast<EventWatch*>(this));
    if (std::erase(cpu_.data_watches, static_cast<DataWatch*>(this)) != 0) update_debug_watch(cpu_);
}

bool Plugins::wanted(auto hook) const {
    return std::any_of(plugins_.begin(), plugins_.end(),
                       [hook](const auto& plugin) { return static_cast<bool>(plugin->hooks().*hook); });
}

void Plugins::listen(Pc& pc) {
    using Hooks = Plugin::Hooks;
    each_block_ = wanted(&Hooks::block);
    if (each_block_ || wanted(&Hooks::block_decoded)) engine_.set_block_watch(this);
    if (wanted(&Hooks::event) || wanted(&Hooks::system_call) || wanted(&Hooks::return_to_user))
        cpu_.event_watches.push_back(this);
    if (wanted(&Hooks::memory)) {
        cpu_.data_watches.push_back(this);
        update_debug_watch(cpu_);
    }
    for (const auto& plugin : plugins_) {
        const auto hook = plugin->hooks().port;
        if (!hook) continue;
        pc.add_port_trace([hook](bool write, u16 port, unsigned size, u32& value) {
            const bantam_port_access access{
                .port = port, .size = static_cast<uint16_t>(size), .write = write, .value = value};
            value = hook.call(hook.data, &access) & static_cast<u32>(mask_for(size));
        });
    }
}

void Plugins::ended() {
    if (std::exchange(ended_, true)) return;
    for (const auto& plugin : plugins_) {
        if (const auto hook = plugin->hooks().end) hook.call(hook.data);
    }
}

bantam_block Plugins::describe(const interpreter::Block& block) const {
    return {.linear = cpu_.wrap_linear(cpu_.state.segment[kCs].base + cpu_.state.rip()).value,
            .physical = block.start.value,
            .bytes = static_cast<uint32_t>(block.bytes),
            .instructions = block.count,
            .code_bits = code_bits(cpu_)};
}

u64* Plugins::decoded(const interpreter::Block& block) {
    for (const auto& plugin : plugins_) {
        const auto hook = plugin->hooks().block_decoded;
        if (!hook) continue;
        const bantam_block described = describe(block);
        return hook.call(hook.data, &described);
    }
    return nullptr;
}

void Plugins::executing(const interpreter::Block& block) {
    const bantam_block described = describe(block);
    for (const auto& plugin : plugins_) {
        if (const auto hook = plugin->hooks().block) hook.call(hook.data, &described);
    }
}

void Plugins::delivering(const Event& event) {
    const bantam_event described{.kind = kind_of(event.kind),
                                 .vector = event.vector,
                                 .has_error_code = event.has_error_code,
                                 .error_code = event.error_code};
    for (const auto& plugin : plugins_) {
        if (const auto hook = plugin->hooks().event) hook.call(hook.data, &described);
    }
    constexpr u8 kLinuxVector = 0x80;
    const bool call = event.kind == EventKind::software_interrupt && event.vector == kLinuxVector;
    if (call && cpu_.state.cpl == 3 && !cpu_.v86()) call_system(BANTAM_CALL_INT80);
}

void Plugins::entering(Entry entry) {
    call_system(entry == Entry::syscall ? BANTAM_CALL_SYSCALL : BANTAM_CALL_SYSENTER);
}

void Plugins::call_system(bantam_call_kind kind) {
    const bantam_system_call described{.kind = kind, .code_bits = code_bits(cpu_)};
    for (const auto& plugin : plugins_) {
        if (const auto hook = plugin->hooks().system_call) hook.call(hook.data, &described);
    }
}

void Plugins::returned() {
    for (const auto& plugin : plugins_) {
        if (const auto hook = plugin->hooks().return_to_user) hook.call(hook.data);
    }
}

void Plugins::accessed(Linear address, std::span<const u8> bytes, bool write) {
    const Translation found = peek_translation(cpu_.mmu.memory(), cpu_.mmu.controls(), address);
    const bantam_memory_access described{.linear = address.value,
                                         .physical = found.ok ? found.address.value : ~u64{0},
                                         .value = bytes.data(),
                                         .size = static_cast<uint32_t>(bytes.size()),
                                         .write = write};
    const auto registers = cpu_.state.gpr;
    for (const auto& plugin : plugins_) {
        if (const auto hook = plugin->hooks().memory) hook.call(hook.data, &described);
    }
    // In the midst of a block translated code counts on what it has seen written (jit/register_ranges.h).
    if (cpu_.state.gpr != registers) cpu_.break_block();
}

}  // namespace bantam
