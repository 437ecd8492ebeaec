// A supervisor sees the CPU before every instruction at its page offsets, translated or not; a data watch is told of
// accesses; an exception can be stopped at before its delivery.
#include "cpu/interpreter/supervisor.h"

#include <gtest/gtest.h>

#include "cpu/interpreter/interpreter.h"
#include "cpu/system/debug.h"
#include "jit/translator.h"
#include "tests/empty_environment.h"

namespace bantam {
namespace {

constexpr u64 kCode = 0x1000, kWatched = 0x2010;
// inc eax / mov [2010h], eax / jmp back; UD2 behind it
constexpr std::array<u8, 10> kProgram{0x40, 0xA3, 0x10, 0x20, 0x00, 0x00, 0xEB, 0xF8, 0x0F, 0x0B};

class Watcher final : public interpreter::Supervisor, public DataWatch {
public:
    explicit Watcher(Cpu& cpu) : cpu_(cpu) {}
    u64 stop_rip = 0, stop_eax = 0;
    bool one = false, watching = false;
    unsigned exceptions = 0, writes = 0;
    Linear written{};

    Turn before_turn() override {
        if (watching && writes != 0) return Turn::stop;
        if (cpu_.state.rip() == stop_rip && cpu_.state.gpr[kRax] == stop_eax) return Turn::stop;
        return one ? Turn::run_one : Turn::run;
    }
    bool before_instruction(bool) override { return false; }
    bool stops_at(const Exception& exception) override {
        return exception.vector == Vector::invalid_opcode && exceptions++ == 0;
    }
    bool stops_at_shutdown() override { return false; }
    [[nodiscard]] bool splits_at(u64 page_offset) const override { return page_offset == stop_rip % kPageSize; }
    void accessed(Linear address, std::span<const u8> bytes, bool write) override {
        if (!write || address.value >= kWatched + 4 || address.value + bytes.size() <= kWatched) return;
        ++writes;
        written = address;
        cpu_.break_block();
    }
    [[nodiscard]] std::span<const Linear> pages() const override { return std::span(&page_, 1); }

private:
    Cpu& cpu_;
    Linear page_{kWatched & ~u64{0xFFF}};
};

class SupervisorTest : public testing::TestWithParam<bool> {
protected:
    SupervisorTest() {
        memory_->copy_in({kCode}, kProgram);
        cpu_->state.cr0 |= 1;
        cpu_->set_segment(kCs, 8, 0, ~u32{0}, 0xC09B);
        for (const unsigned segment : {kDs, kEs, kSs}) cpu_->set_segment(segment, 16, 0, ~u32{0}, 0xC093);
        cpu_->update_mode();
        cpu_->state.rip() = kCode;
        cpu_->state.gpr[kRax] = 0;
        cpu_->state.instructions = 0;
        if (GetParam()) {
            engine_->set_block_runner(std::move(jit::Translator::create(*cpu_, {.threshold = 0}).value()));
        }
        engine_->set_supervisor(&watcher_);
    }
    EngineExit run(u64 instructions) {
        cpu_->state.deadline = cpu_->state.instructions + instructions;
        return engine_->run();
    }

    Model model_ = std::move(Model::find("default").value());
    EmptyEnvironment environment_;
    std::unique_ptr<PhysicalMemory> memory_ = std::move(PhysicalMemory::create(u64{1} << 20).value());
    std::unique_ptr<Cpu> cpu_ = std::make_unique<Cpu>(model_, *memory_, environment_);
    std::unique_ptr<Interpreter> engine_ = std::move(Interpreter::create(*cpu_).value());
    Watcher watcher_{*cpu_};
};

TEST_P(SupervisorTest, StopsExactlyBeforeAnInstructionInTheMiddleOfABlock) {
    watcher_.stop_rip = kCode + 1;
    watcher_.stop_eax = 5000;
    EXPECT_EQ(run(1'000'000), EngineExit::stopped);
    EXPECT_EQ(cpu_->state.rip(), kCode + 1);
    EXPECT_EQ(cpu_->state.gpr[kRax], 5000u);
    EXPECT_EQ(cpu_->state.instructions, 3u * 4999 + 1);
    EXPECT_EQ(memory_->read({kWatched}, 4), 4999u);
}

TEST_P(SupervisorTest, StopsAfterTheInstructionThatWrote) {
    EXPECT_EQ(run(3000), EngineExit::deadline);
    watcher_.watching = true;
    cpu_->data_watches.push_back(&watcher_);
    update_debug_watch(*cpu_);
    EXPECT_EQ(run(3000), EngineExit::stopped);
    EXPECT_EQ(cpu_->state.rip(), kCode + 6);
    EXPECT_EQ(watcher_.writes, 1u);
    EXPECT_EQ(watcher_.written.value, kWatched);
    cpu_->data_watches.clear();
    update_debug_watch(*cpu_);
    watcher_.watching = false;
    EXPECT_EQ(run(3000), EngineExit::deadline);
    EXPECT_EQ(watcher_.writes, 1u);
}

TEST_P(SupervisorTest, StopsAtAnExceptionBeforeItIsDelivered) {
    cpu_->state.rip() = kCode + 8;
    EXPECT_EQ(run(10), EngineExit::stopped);
    EXPECT_EQ(cpu_->state.rip(), kCode + 8);
    EXPECT_EQ(cpu_->state.instructions, 0u);
    EXPECT_EQ(run(10), EngineExit::shutdown);  // there is no IDT
    EXPECT_EQ(watcher_.exceptions, 2u);
}

INSTANTIATE_TEST_SUITE_P(Engines, SupervisorTest, testing::Bool());

}  // namespace
}  // namespace bantam
