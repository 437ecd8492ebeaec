#include "tests/jit/snippet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

#include "cpu/interpreter/block_watch.h"
#include "tests/jit/engine_board.h"

namespace bantam::jit {
namespace {

constexpr u64 kRamBytes = u64{16} << 20;
constexpr u64 kPresentWritableUser = 7;

std::vector<u8> bytes_of(std::string_view hexadecimal) {
    const auto digit = [](char c) { return static_cast<u8>(c <= '9' ? c - '0' : c - 'a' + 10); };
    std::vector<u8> bytes(hexadecimal.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<u8>(digit(hexadecimal[2 * i]) << 4 | digit(hexadecimal[2 * i + 1]));
    }
    return bytes;
}

enum class Engine {
    interpreter,
    translator,
    translator_with_windows,
    windows_and_tlb,
    watched_translator_with_windows
};

class Watch : public BlockWatch {
public:
    u64* decoded(const interpreter::Block&) override { return &executions_; }
    [[nodiscard]] bool each_execution() const override { return true; }
    void executing(const interpreter::Block&) override {}

private:
    u64 executions_ = 0;
};

/// A processor with the snippet's registers, its memory where its page tables say.
class Board : public EngineBoard<> {
public:
    Board(const Snippet& snippet, Engine engine)
        : EngineBoard(kRamBytes, engine != Engine::interpreter,
                      {.threshold = 0,
                       .some_by_tlb = engine == Engine::windows_and_tlb,
                       .windows_at_once = engine >= Engine::translator_with_windows}) {
        if (engine == Engine::watched_translator_with_windows) this->engine().set_block_watch(&watch_);
        write(snippet.linear, bytes_of(snippet.code));
        for (const Snippet::Memory& piece : snippet.memory) write(piece.linear, bytes_of(piece.bytes));
        set_registers(snippet);
    }
    [[nodiscard]] std::vector<u8> page(u64 linear) {
        std::vector<u8> bytes(kPageSize);
        memory().copy_out(Physical{pages_.at(linear / kPageSize)}, bytes);
        return bytes;
    }
    ~Board() { engine().set_block_watch(nullptr); }
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;
    [[nodiscard]] const std::map<u64, u64>& pages() const { return pages_; }

private:
    u64 new_page() { return kPageSize * ++pages_used_; }

    /// The entry for `index` in the table at `table`: the table or page it leads to, made if need be.
    u64 follow(u64 table, u64 index) {
        const Physical at{table + 8 * index};
        if (const u64 entry = memory().peek(at, 8); entry != 0) return entry & ~u64{0xFFF};
        const u64 made = new_page();
        memory().write(at, 8, made | kPresentWritableUser);
        return made;
    }

    void write(u64 linear, std::span<const u8> bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const u64 address = linear + i;
            u64 table = root_;
            for (unsigned shift = 39; shift >= 12; shift -= 9) table = follow(table, address >> shift & 0x1FF);
            pages_[address / kPageSize] = table;
            memory().copy_in(Physical{table + address % kPageSize}, bytes.subspan(i, 1));
        }
    }

    void set_registers(const Snippet& snippet) {
        CpuState& s = state();
        s.cr0 = 0x80050033;  // PG, AM, WP, NE, ET, MP, PE
        s.cr3 = root_;
        s.cr4 = 0x6A0;   // PAE, PGE, OSFXSR, OSXMMEXCPT
        s.efer = 0xD01;  // NXE, LMA, LME, SCE: 32-bit code is compatibility mode
        if (model().has(isa::Feature::avx)) {
            s.cr4 |= 0x40000;  // OSXSAVE
            s.xcr0 = 7;
        }
        s.cpl = static_cast<u8>(snippet.cpl);
        const auto rights = static_cast<u16>(snippet.cpl << 5);
        const auto selector = static_cast<u16>(8 | snippet.cpl);
        const u16 code = snippet.bits == 64 ? 0xA09B : 0xC09B;
        for (unsigned segment = 0; segment < kSegmentCount; ++segment) {
            const u16 attributes = segment == kCs ? code : u16{0xC093};
            cpu().set_segment(segment, selector, snippet.segment_bases.at(segment), 0xFFFFFFFF,
                              static_cast<u16>(attributes | rights));
        }
        std::copy(snippet.gpr.begin(), snippet.gpr.end(), s.gpr.begin());
        s.set_eflags(snippet.eflags & ~u32{kFlagInterrupt});
        s.rip() = snippet.linear - snippet.segment_bases.at(kCs);
        s.mxcsr = snippet.mxcsr;
        const std::vector<u8> x87 = bytes_of(snippet.x87);
        std::copy_n(x87.begin(), std::min(x87.size(), s.x87.size()), s.x87.begin());
        const std::vector<u8> vectors = bytes_of(snippet.vectors);
        for (std::size_t i = 0; 32 * (i + 1) <= vectors.size(); ++i) {
            std::memcpy(s.vector.at(i).bytes.data(), &vectors[32 * i], 32);
        }
        cpu().update_mode();
    }

    Watch watch_;
    u64 pages_used_ = 0;
    u64 root_ = new_page();
    std::map<u64, u64> pages_;  // physical page by linear page number
};

void expect_same_state(Board& interpreted, Board& translated) {
    const CpuState& a = interpreted.state();
    const CpuState& b = translated.state();
    EXPECT_EQ(a.instructions, b.instructions);
    for (unsigned reg = 0; reg < 17; ++reg) EXPECT_EQ(a.gpr[reg], b.gpr[reg]) << "register " << reg;
    EXPECT_EQ(a.eflags(), b.eflags());
    EXPECT_EQ(a.mxcsr, b.mxcsr);
    EXPECT_EQ(a.x87, b.x87);
    EXPECT_EQ(a.cr2, b.cr2);
    for (std::size_t i = 0; i < a.vector.size(); ++i) EXPECT_EQ(a.vector[i].bytes, b.vector[i].bytes) << "YMM" << i;
    for (const auto& [page, physical] : interpreted.pages()) {
        EXPECT_EQ(interpreted.page(page * kPageSize), translated.page(page * kPageSize)) << "page " << page;
    }
}

}  // namespace

EngineExit expect_same(const Snippet& snippet) {
    Board interpreted(snippet, Engine::interpreter);
    const EngineExit exit = interpreted.run(snippet.instructions);
    constexpr std::array kEngines{std::pair(Engine::translator, "translator"),
                                  std::pair(Engine::translator_with_windows, "translator with windows"),
                                  std::pair(Engine::windows_and_tlb, "translator with windows and TLB"),
                                  std::pair(Engine::watched_translator_with_windows, "the same, watched")};
    for (const auto& [engine, name] : kEngines) {
        SCOPED_TRACE(name);
        Board translated(snippet, engine);
        EXPECT_EQ(translated.run(snippet.instructions), exit);
        expect_same_state(interpreted, translated);
    }
    return exit;
}

Translator::Statistics statistics_of(const Snippet& snippet) {
    Board translated(snippet, Engine::translator_with_windows);
    translated.run(snippet.instructions);
    return translated.statistics();
}

}  // namespace bantam::jit
