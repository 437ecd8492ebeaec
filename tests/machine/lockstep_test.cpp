// Two machines in lock-step: they agree on a sound translator, and a bug put into it by the seam that tests have is
// found where it is.
#include "machine/lockstep/lockstep.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/machine/multiboot_image.h"

namespace bantam {
namespace {

constexpr u32 kEntry = kMultibootEntry;
constexpr u64 kCounter = 0x200000, kUnused = 0x201000;

// mov ecx, 20000 / l: add [200000h], ecx / dec ecx / jnz l / cli / hlt
constexpr u8 kCode[] = {0xB9, 0x20, 0x4E, 0, 0, 0x01, 0x0D, 0, 0, 0x20, 0, 0x49, 0x75, 0xF7, 0xFA, 0xF4};

/// Breaks something in the run of translated code that passes `at` instructions.
class Saboteur final : public interpreter::BlockRunnerWrapper {
public:
    using Act = void (*)(Machine&);
    Saboteur(std::unique_ptr<interpreter::BlockRunner> inner, Machine& machine, u64 at, Act act)
        : BlockRunnerWrapper(std::move(inner)), machine_(machine), at_(at), act_(act) {}
    bool run(interpreter::Block& block) override {
        const u64 before = machine_.cpu().state.instructions;
        const bool ran = BlockRunnerWrapper::run(block);
        if (ran && before < at_ && machine_.cpu().state.instructions >= at_) act_(machine_);
        return ran;
    }

private:
    Machine& machine_;
    u64 at_;
    Act act_;
};

lockstep::WrapRunner sabotage(u64 at, Saboteur::Act act) {
    return [=](std::unique_ptr<interpreter::BlockRunner> inner, Machine& machine) {
        return std::make_unique<Saboteur>(std::move(inner), machine, at, act);
    };
}

class LockstepTest : public testing::Test {
protected:
    void SetUp() override {
        path_ = testing::TempDir() + "bantam-lockstep-XXXXXX";
        const int fd = ::mkstemp(path_.data());
        ASSERT_GE(fd, 0);
        ::close(fd);
        write_bytes(path_, multiboot_image(kCode));
    }
    void TearDown() override { ::unlink(path_.c_str()); }
    [[nodiscard]] MachineConfig config() const {
        MachineConfig config;
        config.memory_bytes = u64{16} << 20;
        config.kernel = path_;
        config.headless = true;
        config.wall_limit_ns = u64{120} * 1'000'000'000;
        return config;
    }
    [[nodiscard]] std::unique_ptr<Lockstep> make(lockstep::WrapRunner wrap = {}) const {
        Result<std::unique_ptr<Lockstep>> made = Lockstep::create(config(), std::move(wrap));
        EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
        return made.ok() ? std::move(made.value()) : nullptr;
    }
    /// Runs with a bug after `at` instructions, and expects it to be found in the loop's block.
    [[nodiscard]] std::unique_ptr<Lockstep> find(u64 at, Saboteur::Act act) const {
        std::unique_ptr<Lockstep> lockstep = make(sabotage(at, act));
        if (lockstep == nullptr) return nullptr;
        const Outcome outcome = lockstep->run();
        EXPECT_EQ(outcome.reason, StopReason::engines_differ);
        EXPECT_EQ(outcome.code, 70);
        const std::optional<lockstep::Difference>& found = lockstep->difference();
        EXPECT_TRUE(found && found->block);
        if (!found || !found->block) return nullptr;
        EXPECT_LT(found->block->before().instructions, at);
        EXPECT_GE(found->found, at);
        EXPECT_LE(found->found - found->block->before().instructions, 3u);
        EXPECT_EQ(found->block->linear().value, kEntry + 5);
        EXPECT_FALSE(found->block->host_code().empty());
        return lockstep;
    }
    std::string path_;
};

TEST_F(LockstepTest, AgreesToTheEnd) {
    const std::unique_ptr<Lockstep> lockstep = make();
    ASSERT_NE(lockstep, nullptr);
    EXPECT_EQ(lockstep->run().reason, StopReason::halted) << lockstep->report();
    EXPECT_FALSE(lockstep->difference());
    EXPECT_EQ(lockstep->report(), "");
    EXPECT_GT(lockstep->machine().cpu().state.instructions, 60'000u);
}

TEST_F(LockstepTest, FindsTheBlockThatSpoilsARegister) {
    const auto lockstep = find(30'000, [](Machine& machine) { machine.cpu().state.gpr[kRdx] ^= 0x10; });
    ASSERT_NE(lockstep, nullptr);
    ASSERT_EQ(lockstep->difference()->registers.size(), 1u);
    EXPECT_EQ(lockstep->difference()->registers[0].name, "rdx");
    EXPECT_TRUE(lockstep->difference()->memory.empty());
    const std::string& report = lockstep->report();
    EXPECT_NE(report.find("add dword ptr [0x200000], ecx"), report.npos) << report;
    EXPECT_NE(report.find("its host code ("), report.npos);
    EXPECT_NE(report.find("const Snippet kSnippet{"), report.npos);
    EXPECT_NE(report.find(".code = \"010d00002000"), report.npos);
}

TEST_F(LockstepTest, FindsTheBlockThatSpoilsMemoryNobodyReads) {
    const auto lockstep = find(40'000, [](Machine& machine) {
        constexpr u8 kByte = 0x5A;
        machine.memory().copy_in(Physical{kUnused}, std::span(&kByte, 1));
    });
    ASSERT_NE(lockstep, nullptr);
    EXPECT_TRUE(lockstep->difference()->registers.empty());
    ASSERT_EQ(lockstep->difference()->memory.size(), 1u);
    EXPECT_EQ(lockstep->difference()->memory[0].address.value, kUnused);
    EXPECT_EQ(lockstep->difference()->memory[0].translator[0], 0x5A);
}

TEST_F(LockstepTest, FindsTheBlockThatSpoilsMemoryReadLater) {
    const auto lockstep = find(50'000, [](Machine& machine) {
        constexpr u8 kByte = 0xFF;
        machine.memory().copy_in(Physical{kCounter + 3}, std::span(&kByte, 1));
    });
    ASSERT_NE(lockstep, nullptr);
    EXPECT_EQ(lockstep->difference()->memory.size(), 1u);
}

TEST_F(LockstepTest, RefusesWhatCannotBeRepeated) {
    const auto refused = [](MachineConfig config) { return Lockstep::create(std::move(config)).error().status; };
    MachineConfig monitor = config();
    monitor.monitor.kind = ControlConfig::Kind::stdio;
    EXPECT_EQ(refused(monitor), ExitStatus::usage);
    MachineConfig qmp = config();
    qmp.qmp.kind = ControlConfig::Kind::stdio;
    EXPECT_EQ(refused(qmp), ExitStatus::usage);
    MachineConfig real = config();
    real.clock = ClockKind::real_time;
    EXPECT_EQ(refused(real), ExitStatus::usage);
    MachineConfig terminal = config();
    terminal.serials.push_back({.kind = SerialConfig::Kind::pty, .path = {}, .log = {}});
    EXPECT_EQ(refused(terminal), ExitStatus::usage);
    MachineConfig engine = config();
    engine.engine = EngineKind::interpreter;
    EXPECT_EQ(refused(engine), ExitStatus::usage);
}

}  // namespace
}  // namespace bantam
