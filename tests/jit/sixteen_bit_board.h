// A machine that runs 16-bit code on one engine, for tests that compare two.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include "cpu/interpreter/interpreter.h"
#include "jit/translator.h"
#include "tests/empty_environment.h"

namespace bantam::jit {

enum class SixteenBitMode : u8 {
    real,
    unreal,            // real mode; DS, ES and GS have limits of 4 GiB
    protected_low,     // 16-bit stack, limits of 64 KiB
    protected_wide,    // 32-bit stack of 4 GiB
    protected_narrow,  // data segments that end below 64 KiB, ES expands down
    v86,
};
inline constexpr std::array kSixteenBitModes{
    SixteenBitMode::real,           SixteenBitMode::unreal,           SixteenBitMode::protected_low,
    SixteenBitMode::protected_wide, SixteenBitMode::protected_narrow, SixteenBitMode::v86};

class SixteenBitBoard {
public:
    static constexpr u64 kRamBytes = u64{2} << 20;
    /// Where every vector of the real-mode table leads, 16 bytes each; filled with HLT.
    static constexpr u16 kHandlerSegment = 0x0050;

    explicit SixteenBitBoard(bool translated, Optimisations optimisations = {}, u32 threshold = 0);

    /// Power-on, zeroed memory, then `mode` with CS, DS, ES, SS, FS and GS of 16 * `segment`.
    void start(SixteenBitMode mode, u16 segment);
    void poke(u64 at, std::span<const u8> bytes) { memory_->copy_in(Physical{at}, bytes); }
    void poke16(u64 at, u16 value) { poke(at, std::span(reinterpret_cast<const u8*>(&value), 2)); }
    [[nodiscard]] u16 peek16(u64 at) const { return static_cast<u16>(memory_->peek(Physical{at}, 2)); }
    [[nodiscard]] const u8* ram() const { return memory_->plain_ram(Physical{0}); }
    EngineExit run(u64 instructions) {
        cpu_->state.deadline = cpu_->state.instructions + instructions;
        return engine_->run();
    }
    void set_segment(unsigned segment, u64 base, u32 limit, u16 attributes);
    [[nodiscard]] CpuState& state() { return cpu_->state; }
    [[nodiscard]] Cpu& cpu() { return *cpu_; }
    [[nodiscard]] PhysicalMemory& memory() { return *memory_; }
    [[nodiscard]] const Translator::Statistics& statistics() const { return translator_->statistics(); }

private:
    Model model_;
    std::unique_ptr<PhysicalMemory> memory_;
    EmptyEnvironment environment_;
    std::unique_ptr<Cpu> cpu_;
    std::unique_ptr<Interpreter> engine_;
    Translator* translator_ = nullptr;
};

/// What differs between the two, a line each; "" when nothing does. `with_memory`: all of RAM too.
[[nodiscard]] std::string differences(SixteenBitBoard& interpreted, SixteenBitBoard& translated, bool with_memory);

}  // namespace bantam::jit
