// The oracle suite: random programs on the host CPU and on Bantam, compared in everything a program can see.
//   oracle --mode 64|32|16 [--engine interpreter|jit|jit-windows] [--cases N] [--seed N] [--most-failures N]
//   [--all-flags] [--rows]
// Prints how many cases ran and how many differed, shrunk to few instructions; exits with 1 when any did, or
// when more were skipped than compared. A fixed seed repeats a run exactly. --rows lists the rows of the instruction
// table that no case executed to completion.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <map>
#include <random>

#include "cpu/isa/table.h"
#include "tests/oracle/judge.h"

namespace bantam::oracle {
namespace {

constexpr u64 kArenaLifetime = 256;  // programs that start from the same random memory

const std::map<std::string, Engine> kEngines{{"interpreter", Engine::interpreter},
                                             {"jit", Engine::translator},
                                             {"jit-windows", Engine::translator_with_windows}};

struct Options {
    isa::CodeSize mode = isa::CodeSize::bits64;
    u64 cases = 1'000'000;
    u64 seed = 1;
    u64 most_failures = 10;
    bool all_flags = false;
    bool rows = false;
    std::string engine = "interpreter";
};

struct Tally {
    u64 compared = 0;
    u64 skipped = 0;
    u64 different = 0;
    std::array<u64, 33> vectors{};          // how programs ended
    std::map<std::string, u64> suspects{};  // differing programs by their mnemonics
    std::vector<bool> row_completed{};
};

void report(u64 case_number, isa::CodeSize mode, const Program& program, const ProgramState& initial,
            const std::string& differences) {
    fmt::print("case {}:\n{}", case_number, program.disassembly(mode));
    fmt::print("  bytes at {:x}:", program.offset);
    for (const u8 byte : program.bytes) fmt::print(" {:02x}", byte);
    fmt::print("\n  start: eflags {:x}", initial.eflags);
    for (std::size_t reg = 0; reg < 16; ++reg) fmt::print(" r{} {:x}", reg, initial.gpr[reg]);
    fmt::print("\n{}\n", differences);
}

std::string mnemonics(const Program& program) {
    std::string text;
    for (const isa::Instruction& instruction : program.instructions) {
        if (!text.empty()) text += "; ";
        text += isa::mnemonic_name(instruction.mnemonic);
    }
    return text;
}

Tally run(const Options& options) {
    Judge judge(options.mode, options.all_flags, kEngines.at(options.engine));
    Generator generator(options.seed, options.mode, judge.model().features);
    Tally tally;
    tally.row_completed.resize(isa::table().size());
    Arena arena;
    for (u64 number = 0; number < options.cases && tally.different < options.most_failures; ++number) {
        if (number % kArenaLifetime == 0) arena = generator.arena();
        const Program program = generator.program();
        const ProgramState initial = generator.state(program);
        const Verdict verdict = judge.judge(program, initial, arena);
        if (verdict.kind == Verdict::skipped) {
            ++tally.skipped;
            continue;
        }
        ++tally.compared;
        ++tally.vectors[std::min<u8>(verdict.vector, 32)];
        for (const isa::Instruction& instruction : verdict.completed) tally.row_completed[instruction.row] = true;
        if (verdict.kind == Verdict::equal) continue;
        ++tally.different;
        const Program small = judge.shrink(program, initial, arena, generator.decode_mode());
        std::string text = judge.judge(small, initial, arena).text;
        if (text.empty()) text = "  (only with what ran before)\n" + verdict.text;
        ++tally.suspects[mnemonics(small)];
        report(number, options.mode, small, initial, text);
    }
    if (options.rows) {
        for (const u16 row : generator.rows()) {
            if (tally.row_completed[row]) continue;
            const isa::Row& facts = isa::table()[row];
            fmt::print("row {} never completed: {} (map {}, opcode {:02x}{})\n", row,
                       isa::mnemonic_name(facts.mnemonic), facts.map, facts.opcode, facts.vex ? ", VEX" : "");
        }
    }
    return tally;
}

void print_summary(const Options& options, const Tally& tally, double seconds) {
    for (const auto& [names, count] : tally.suspects) fmt::print("  {:6} {}\n", count, names);
    fmt::print("ended by:");
    for (std::size_t vector = 0; vector < tally.vectors.size(); ++vector) {
        if (tally.vectors[vector] != 0) fmt::print(" {}: {}", vector, tally.vectors[vector]);
    }
    const unsigned bits = options.mode == isa::CodeSize::bits64 ? 64 : options.mode == isa::CodeSize::bits32 ? 32 : 16;
    fmt::print("\noracle: {}, {}-bit, seed {}: {} compared, {} skipped, {} different, {:.0f} cases/s\n", options.engine,
               bits, options.seed, tally.compared, tally.skipped, tally.different,
               static_cast<double>(tally.compared + tally.skipped) / seconds);
}

}  // namespace
}  // namespace bantam::oracle

int main(int argc, char** argv) {
    using bantam::isa::CodeSize;
    CLI::App app{"Random programs on the host CPU and on Bantam, compared"};
    bantam::oracle::Options options;
    unsigned bits = 64;
    app.add_option("--mode", bits, "Code size in bits")->check(CLI::IsMember({16, 32, 64}));
    app.add_option("--engine", options.engine,
                   "What runs the programs: jit-windows has windows from the first access on")
        ->check(CLI::IsMember(bantam::oracle::kEngines));
    app.add_option("--cases", options.cases, "Programs to generate");
    app.add_option("--seed", options.seed, "Seed of the generator; 0: a fresh one");
    app.add_option("--most-failures", options.most_failures, "Stop after so many differences");
    app.add_flag("--all-flags", options.all_flags, "Compare undefined flags too");
    app.add_flag("--rows", options.rows, "List the table rows that never completed");
    CLI11_PARSE(app, argc, argv);
    if (options.seed == 0) options.seed = std::random_device{}() | 1u;
    options.mode = bits == 64 ? CodeSize::bits64 : bits == 32 ? CodeSize::bits32 : CodeSize::bits16;

    const auto start = std::chrono::steady_clock::now();
    const bantam::oracle::Tally tally = bantam::oracle::run(options);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    bantam::oracle::print_summary(options, tally, elapsed.count());
    if (tally.compared <= tally.skipped) fmt::print("oracle: too few of the programs could be compared\n");
    return tally.different == 0 && tally.compared > tally.skipped ? 0 : 1;
}
