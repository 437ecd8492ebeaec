// Runs the hardware-captured vectors in $BANTAM_VECTORS/sst-80286: real mode, one instruction and a HLT.
//   vectors [interpreter|jit]
// Exits with 77 (skipped) when the variable is not set.
//
// Where a 386 and later differ from the 80286 by definition the expectation follows the SDM: an operand beyond the
// limit of SS raises interrupt 12, not 13 (vol. 3, 20.3), and a string instruction that faults leaves SI and DI at the
// failing element (and CX at its count, which the oracle suite checks). LOCK on what cannot be locked is #UD,
// instructions may be longer than 10 bytes, and FS and GS exist: such tests are counted apart.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "cpu/interpreter/interpreter.h"
#include "cpu/isa/table.h"
#include "cpu/system/segmentation.h"
#include "jit/translator.h"
#include "tests/empty_environment.h"
#include "tests/vectors/moo.h"

namespace bantam::vectors {
namespace {

constexpr int kSkipped = 77;
constexpr u64 kMostInstructions = 100'000;  // REP with a large count takes one a turn
constexpr std::size_t k286MostBytes = 10;
constexpr u8 kStackFault = 12, kSegmentOverrun = 13;
constexpr u64 kMostReports = 2;  // a file

class Runner {
public:
    explicit Runner(bool translated)
        : model_(std::move(Model::find("default").value())),
          memory_(std::move(PhysicalMemory::create(u64{16} << 20).value())),
          cpu_owner_(std::make_unique<Cpu>(model_, *memory_, environment_)),
          cpu_(*cpu_owner_),
          engine_(std::move(Interpreter::create(cpu_).value())) {
        if (!translated) return;
        auto translator = jit::Translator::create(cpu_, {.threshold = 0});
        CHECK(translator.ok());
        engine_->set_block_runner(std::move(translator.value()));
    }

    /// Differences from the captured result, one a line; empty when equal.
    std::string run(const Test& test) {
        load(test);
        cpu_.state.deadline = cpu_.state.instructions + kMostInstructions;
        if (engine_->run() != EngineExit::halted) return "  did not reach HLT\n";
        return compare(test);
    }

    /// Decodes the test's instruction; false when a 386 must treat it differently.
    bool comparable(const Test& test) {
        const isa::DecodeMode mode{isa::CodeSize::bits16, false, model_.features};
        isa::Instruction instruction;
        const bool decodes = isa::decode(test.bytes, mode, instruction) == isa::DecodeStatus::ok;
        string_ = String::none;
        if (decodes && (isa::row_of(instruction).attributes & isa::kString) != 0) {
            string_ = instruction.repeat == isa::RepeatPrefix::none ? String::once : String::repeated;
        }
        undefined_ = decodes ? isa::flag_facts(instruction).undefined : 0;
        const bool locked = std::find(test.bytes.begin(), test.bytes.end(), 0xF0) != test.bytes.end();
        if (!decodes && locked) return false;
        if (decodes && instruction.mnemonic == isa::Mnemonic::MovSegment && ((instruction.modrm >> 3) & 7) >= kFs)
            return false;
        return !decodes || instruction.length <= k286MostBytes;
    }

private:
    void load(const Test& test) {
        const auto& r = test.before.registers;
        CpuState& s = cpu_.state;
        const auto value = [&](Register reg) { return r[reg].value_or(0); };
        cpu_.reset();
        s.x87[0] = 0x7F;  // a coprocessor after FNINIT: all exceptions masked
        s.x87[1] = 0x03;
        s.gpr = {};
        s.gpr[kRax] = value(kAx);
        s.gpr[kRbx] = value(kBx);
        s.gpr[kRcx] = value(kCx);
        s.gpr[kRdx] = value(kDx);
        s.gpr[kRsp] = value(kSp);
        s.gpr[kRbp] = value(kBp);
        s.gpr[kRsi] = value(kSi);
        s.gpr[kRdi] = value(kDi);
        s.rip() = value(kIp);
        s.set_eflags(value(kFlags) & 0x0FFF);
        s.attention = 0;
        load_segment_real(cpu_, bantam::kCs, value(Register::kCs));
        load_segment_real(cpu_, bantam::kSs, value(Register::kSs));
        load_segment_real(cpu_, bantam::kDs, value(Register::kDs));
        load_segment_real(cpu_, bantam::kEs, value(Register::kEs));
        cpu_.update_mode();
        for (const MemoryByte& byte : test.before.memory)
            memory_->copy_in(Physical{byte.address}, std::span(&byte.value, 1));
        if (test.exception && test.exception->vector == kSegmentOverrun) {
            std::array<u8, 4> target;
            memory_->copy_out(Physical{4 * kSegmentOverrun}, target);
            memory_->copy_in(Physical{4 * kStackFault}, target);
        }
    }

    std::string compare(const Test& test) {
        const CpuState& s = cpu_.state;
        std::array<u16, kRegisterCount> got{};
        const auto low = [](u64 value) { return static_cast<u16>(value); };
        got[kAx] = low(s.gpr[kRax]);
        got[kBx] = low(s.gpr[kRbx]);
        got[kCx] = low(s.gpr[kRcx]);
        got[kDx] = low(s.gpr[kRdx]);
        got[kSp] = low(s.gpr[kRsp]);
        got[kBp] = low(s.gpr[kRbp]);
        got[kSi] = low(s.gpr[kRsi]);
        got[kDi] = low(s.gpr[kRdi]);
        got[kIp] = low(s.rip());
        got[kFlags] = low(s.eflags());
        got[Register::kCs] = s.segment[bantam::kCs].selector;
        got[Register::kSs] = s.segment[bantam::kSs].selector;
        got[Register::kDs] = s.segment[bantam::kDs].selector;
        got[Register::kEs] = s.segment[bantam::kEs].selector;
        std::string text;
        for (unsigned reg = 0; reg < kRegisterCount; ++reg) {
            u16 expected = test.after.registers[reg].value_or(test.before.registers[reg].value_or(0));
            if (test.exception && string_ != String::none && (reg == kSi || reg == kDi || reg == kCx)) {
                if (string_ == String::repeated) continue;
                expected = test.before.registers[reg].value_or(0);
            }
            u16 mask = test.mask[reg];
            if (reg == kFlags) mask = static_cast<u16>(mask & 0x0FD5 & ~undefined_);
            if (((expected ^ got[reg]) & mask) != 0) {
                text += fmt::format("  register {}: hardware {:04x} bantam {:04x}\n", reg, expected & mask,
                                    got[reg] & mask);
            }
        }
        for (const MemoryByte& byte : test.after.memory) {
            u8 mask = 0xFF;
            if (test.exception) {
                // The frame is IP, CS, FLAGS.
                const u32 flags_at = static_cast<u32>(s.segment[bantam::kSs].base + low(s.gpr[kRsp] + 4));
                if (byte.address == flags_at) mask = static_cast<u8>(0xD5 & ~undefined_);
                if (byte.address == flags_at + 1) mask = static_cast<u8>(0x0F & ~(undefined_ >> 8));
            }
            const auto value = static_cast<u8>(memory_->peek(Physical{byte.address}, 1));
            if (((value ^ byte.value) & mask) != 0) {
                text +=
                    fmt::format("  memory {:06x}: hardware {:02x} bantam {:02x}\n", byte.address, byte.value, value);
            }
        }
        return text;
    }

    Model model_;
    std::unique_ptr<PhysicalMemory> memory_;
    EmptyEnvironment environment_;
    std::unique_ptr<Cpu> cpu_owner_;
    Cpu& cpu_;
    std::unique_ptr<Interpreter> engine_;
    u32 undefined_ = 0;
    enum class String { none, once, repeated } string_ = String::none;
};

int run_all(const std::filesystem::path& folder, bool translated) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".gz") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    Runner runner(translated);
    u64 passed = 0;
    u64 failed = 0;
    u64 different_by_definition = 0;
    for (const auto& file : files) {
        const auto tests = read_moo(file.string());
        if (!tests) {
            fmt::print("{}\n", tests.error().message);
            return 1;
        }
        u64 failed_here = 0;
        for (const Test& test : tests.value()) {
            if (!runner.comparable(test)) {
                ++different_by_definition;
                continue;
            }
            const std::string text = runner.run(test);
            if (text.empty()) {
                ++passed;
                continue;
            }
            if (++failed_here > kMostReports) continue;
            fmt::print("{} test {}:", file.filename().string(), test.index);
            for (const u8 byte : test.bytes) fmt::print(" {:02x}", byte);
            fmt::print("\n{}", text);
        }
        failed += failed_here;
        if (failed_here != 0) fmt::print("{}: {} failed\n", file.filename().string(), failed_here);
    }
    fmt::print("vectors: {} files, {} passed, {} failed, {} defined differently on a 386\n", files.size(), passed,
               failed, different_by_definition);
    return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace bantam::vectors

int main(int argc, char** argv) {
    const char* root = std::getenv("BANTAM_VECTORS");
    if (root == nullptr) {
        fmt::print("vectors: not run: BANTAM_VECTORS does not name their folder\n");
        return bantam::vectors::kSkipped;
    }
    const std::filesystem::path folder = std::filesystem::path(root) / "sst-80286";
    if (!std::filesystem::is_directory(folder)) {
        fmt::print("vectors: {} is not a folder\n", folder.string());
        return 1;
    }
    const std::string_view engine = argc > 1 ? argv[1] : "interpreter";
    if (engine != "interpreter" && engine != "jit") {
        fmt::print("vectors: no engine '{}': interpreter or jit\n", engine);
        return 1;
    }
    return bantam::vectors::run_all(folder, engine == "jit");
}
