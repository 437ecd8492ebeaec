// The oracle suite: random programs on the host CPU and on Bantam, compared in everything a program can see.
//   oracle --mode 64|32|16 [--cases N] [--seed N] [--most-failures N]
// Prints how many cases ran and how many differed; exits with 1 when any did. A fixed seed repeats a run exactly.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <random>

#include "tests/oracle/compare.h"
#include "tests/oracle/generator.h"
#include "tests/oracle/guest_cpu.h"
#include "tests/oracle/host_cpu.h"

namespace bantam::oracle {
namespace {

constexpr u64 kMostInstructions = 2000;
constexpr u64 kArenaLifetime = 64;  // programs that start from the same random memory

struct Tally {
    u64 compared = 0;
    u64 skipped = 0;  // loops, or a page fault outside the arena, where the host process has memory of its own
    u64 different = 0;
};

bool comparable(const Outcome& guest) {
    if (!guest.ended) return false;
    return guest.vector != 14 || (guest.cr2 >= kArenaBase && guest.cr2 < kArenaBase + kArenaBytes);
}

std::string memory_differences(const HostCpu& host, const Arena& guest) {
    std::string text;
    const u8* memory = host.arena() + kMappedFrom;
    if (std::memcmp(memory, guest.bytes.data(), guest.bytes.size()) == 0) return text;
    for (std::size_t at = 0; at < guest.bytes.size(); ++at) {
        if (memory[at] != guest.bytes[at]) {
            text += fmt::format("  memory {:x}: host {:02x} bantam {:02x}\n", kArenaBase + kMappedFrom + at, memory[at],
                                guest.bytes[at]);
        }
    }
    return text;
}

void report(u64 case_number, isa::CodeSize mode, const Program& program, const ProgramState& initial,
            const std::string& differences) {
    fmt::print("case {}:\n{}", case_number, program.disassembly(mode));
    fmt::print("  bytes:");
    for (const u8 byte : program.bytes) fmt::print(" {:02x}", byte);
    fmt::print("\n  start: eflags {:x}", initial.eflags);
    for (std::size_t reg = 0; reg < 16; ++reg) fmt::print(" r{} {:x}", reg, initial.gpr[reg]);
    fmt::print("\n{}\n", differences);
}

Tally run(isa::CodeSize mode, u64 cases, u64 seed, u64 most_failures) {
    GuestCpu guest;
    HostCpu host;
    Generator generator(seed, mode, guest.model().features);
    Tally tally;
    Arena arena;
    for (u64 number = 0; number < cases && tally.different < most_failures; ++number) {
        if (number % kArenaLifetime == 0) arena = generator.arena();
        const Program program = generator.program();
        const ProgramState initial = generator.state();
        std::memcpy(arena.at(kProgramOffset), program.bytes.data(), program.bytes.size());
        const Outcome by_guest = guest.run(mode, initial, arena, kMostInstructions);
        if (!comparable(by_guest)) {
            ++tally.skipped;
            continue;
        }
        const Outcome by_host = host.run(mode, initial, arena);
        ++tally.compared;
        std::string text = differences(mode, by_host, by_guest, defined_flags(program, by_guest.vector == 3));
        text += memory_differences(host, guest.arena());
        if (text.empty()) continue;
        ++tally.different;
        report(number, mode, program, initial, text);
    }
    return tally;
}

}  // namespace
}  // namespace bantam::oracle

int main(int argc, char** argv) {
    using bantam::isa::CodeSize;
    CLI::App app{"Random programs on the host CPU and on Bantam, compared"};
    unsigned bits = 64;
    bantam::u64 cases = 1'000'000;
    bantam::u64 seed = 1;
    bantam::u64 most_failures = 10;
    app.add_option("--mode", bits, "Code size in bits")->check(CLI::IsMember({16, 32, 64}));
    app.add_option("--cases", cases, "Programs to generate");
    app.add_option("--seed", seed, "Seed of the generator; 0: a fresh one");
    app.add_option("--most-failures", most_failures, "Stop after so many differences");
    CLI11_PARSE(app, argc, argv);
    if (seed == 0) seed = std::random_device{}() | 1u;

    const CodeSize mode = bits == 64 ? CodeSize::bits64 : bits == 32 ? CodeSize::bits32 : CodeSize::bits16;
    const auto start = std::chrono::steady_clock::now();
    const bantam::oracle::Tally tally = bantam::oracle::run(mode, cases, seed, most_failures);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    fmt::print("oracle: {}-bit, seed {}: {} compared, {} skipped, {} different, {:.0f} cases/s\n", bits, seed,
               tally.compared, tally.skipped, tally.different,
               static_cast<double>(tally.compared + tally.skipped) / elapsed.count());
    return tally.different == 0 && tally.compared > 0 ? 0 : 1;
}
