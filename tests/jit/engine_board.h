// A processor with RAM on one engine, for tests that compare two.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "cpu/interpreter/interpreter.h"
#include "jit/translator.h"
#include "tests/empty_environment.h"

namespace bantam::jit {

template <class Environment = EmptyEnvironment>
class EngineBoard {
public:
    /// `options`: the translator's; without `translated` the interpreter is alone.
    EngineBoard(u64 ram_bytes, bool translated, const Translator::Options& options)
        : memory_(std::move(PhysicalMemory::create(ram_bytes).value())),
          cpu_(std::make_unique<Cpu>(model_, *memory_, environment_)),
          engine_(std::move(Interpreter::create(*cpu_).value())) {
        if (!translated) return;
        auto made = Translator::create(*cpu_, options);
        EXPECT_TRUE(made.ok()) << made.error().message;
        translator_ = made.value().get();
        engine_->set_block_runner(std::move(made.value()));
    }

    void poke(u64 at, std::span<const u8> bytes) { memory_->copy_in(Physical{at}, bytes); }
    void poke16(u64 at, u16 value) { poke(at, std::span(reinterpret_cast<const u8*>(&value), 2)); }
    void poke32(u64 at, u32 value) { poke(at, std::span(reinterpret_cast<const u8*>(&value), 4)); }
    [[nodiscard]] u16 peek16(u64 at) const { return static_cast<u16>(memory_->peek(Physical{at}, 2)); }
    [[nodiscard]] u32 peek32(u64 at) const { return static_cast<u32>(memory_->peek(Physical{at}, 4)); }
    /// Runs for so many instructions more.
    EngineExit run(u64 instructions) {
        state().deadline = state().instructions + instructions;
        return engine_->run();
    }
    [[nodiscard]] const Model& model() const { return model_; }
    [[nodiscard]] Environment& environment() { return environment_; }
    [[nodiscard]] PhysicalMemory& memory() { return *memory_; }
    [[nodiscard]] Cpu& cpu() { return *cpu_; }
    [[nodiscard]] CpuState& state() { return cpu_->state; }
    [[nodiscard]] const CpuState& state() const { return cpu_->state; }
    [[nodiscard]] Interpreter& engine() { return *engine_; }
    [[nodiscard]] const Translator::Statistics& statistics() const { return translator_->statistics(); }

private:
    Model model_ = std::move(Model::find("default").value());
    Environment environment_;
    std::unique_ptr<PhysicalMemory> memory_;
    std::unique_ptr<Cpu> cpu_;
    std::unique_ptr<Interpreter> engine_;
    Translator* translator_ = nullptr;
};

}  // namespace bantam::jit
