// Plugins: all plugins of a machine, as one listener at the points where the board, the processor and the engines tell
// who watches: blocks (cpu/interpreter/block_watch.h), data (cpu/system/debug.h), events (cpu/system/event_watch.h),
// ports (Pc::add_port_trace). It listens only where some plugin has a hook.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cpu/interpreter/block_watch.h"
#include "cpu/interpreter/interpreter.h"
#include "cpu/system/debug.h"
#include "cpu/system/event_watch.h"
#include "machine/pc.h"
#include "machine/plugin/plugin.h"

namespace bantam {

class Plugins final : private BlockWatch, private EventWatch, private DataWatch {
public:
    struct Wiring {
        Pc& pc;
        Scheduler& scheduler;
        Interpreter& engine;
        std::function<void(int status)> end_run;
    };
    /// Null: there are none. Errors: as Plugin::load, and usage when two of them have a
    /// hook for decoded blocks: a block has one counter.
    static Result<std::unique_ptr<Plugins>> load(std::span<const PluginConfig> configs, const Wiring& wiring);
    ~Plugins() override;
    Plugins(const Plugins&) = delete;
    Plugins& operator=(const Plugins&) = delete;

    /// The run has ended, or there will be none.
    void ended();

private:
    Plugins(Cpu& cpu, Interpreter& engine) : cpu_(cpu), engine_(engine) {}
    void listen(Pc& pc);
    [[nodiscard]] bool wanted(auto hook) const;
    [[nodiscard]] bantam_block describe(const interpreter::Block& block) const;

    u64* decoded(const interpreter::Block& block) override;
    [[nodiscard]] bool each_execution() const override { return each_block_; }
    void executing(const interpreter::Block& block) override;
    void delivering(const Event& event) override;
    void entering(Entry entry) override;
    void returned() override;
    void accessed(Linear address, std::span<const u8> bytes, bool write) override;
    [[nodiscard]] bool everywhere() const override { return true; }
    [[nodiscard]] std::span<const Linear> pages() const override { return {}; }
    void call_system(bantam_call_kind kind);

    Cpu& cpu_;
    Interpreter& engine_;
    std::vector<std::unique_ptr<Plugin>> plugins_;
    bool each_block_ = false;
    bool ended_ = false;
};

}  // namespace bantam
