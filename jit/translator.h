// Translator: runs hot blocks as host code (DESIGN section 4). A block that was asked for often enough is translated;
// its direct jumps are linked to other translations, all others find their target in a table by linear address, or come
// back here. The interpreter keeps finding blocks, delivering exceptions and stopping exactly at deadlines.
//
// What makes a translation or a way to it invalid, and who notices:
//   its bytes changed               BlockCache, which calls forget(): links to it are taken back
//   other page tables               Mmu::fetch_generation: the tables of indirect jumps are emptied, links from page to
//                                   page taken back; those within a page rest on the mapping of the way in
//   another mode, other segments    the key, compared after everything that may change it
//   another base of CS              far transfers leave; tables and links lead to translations for the same base only
//   what a window allows           Windows, a part of the TLB; before translated code runs on after a handler
//   deadline, attention, the like   break_block: the instruction in flight is the last one
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/code_faults.h"
#include "cpu/cpu.h"
#include "cpu/interpreter/block_runner.h"
#include "jit/block_translator.h"
#include "jit/count_region.h"
#include "jit/home_window.h"
#include "jit/perf_map.h"
#include "jit/return_stack.h"
#include "jit/statistics.h"
#include "jit/window_policy.h"

namespace bantam::jit {

class Translator final : public interpreter::BlockRunner {
public:
    static constexpr u32 kDefaultThreshold = 16;

    struct Options {
        u32 threshold = kDefaultThreshold;  // a block is translated when it was asked for more than so many times
        Optimisations optimisations{};
        bool perf_map = false;
        bool some_by_tlb = false;      // of the memory operands, where there are windows: for tests
        bool windows_at_once = false;  // from the first access on, and expected then: for tests
    };
    /// Errors: host_resource when the host lacks what translated code needs: BMI2, memory below 2 GiB (for `cpu` too),
    /// executable memory.
    static Result<std::unique_ptr<Translator>> create(Cpu& cpu, const Options& options);
    ~Translator() override;
    Translator(const Translator&) = delete;
    Translator& operator=(const Translator&) = delete;

    bool run(interpreter::Block& block) override;
    [[nodiscard]] interpreter::Place unfinished() const override { return unfinished_; }
    [[nodiscard]] bool running() const override { return running_; }
    [[nodiscard]] u64 retired() const override;
    [[nodiscard]] interpreter::Place in_flight() const override;
    void break_block() override { break_ = true; }
    void deadline_moved() override;
    void abandon() override;
    void forget(interpreter::Block& block) override;
    void forget_all() override;

    using Statistics = jit::Statistics;
    [[nodiscard]] const Statistics& statistics() const { return statistics_; }
    /// What the thread in run() is at; any thread may ask.
    [[nodiscard]] Phase phase() const { return phase_.load(std::memory_order_relaxed); }

private:
    Translator(Cpu& cpu, const Options& options, std::unique_ptr<CodeCache> cache);
    void set_phase(Phase phase) { phase_.store(phase, std::memory_order_relaxed); }
    void count_departure(Departure departure) { ++statistics_.departures[static_cast<std::size_t>(departure)]; }

    [[nodiscard]] Translation* find(const interpreter::Block& block, Key key) const;
    Translation* translate(interpreter::Block& block, Key key);
    IndirectTable& table_for(Key key);
    [[nodiscard]] bool mappings_moved() const;
    bool follow_mappings();
    void connect(Link* open_link, Translation& translation);
    void link(Link& link, Translation& target);
    static void take_out(const Link& link);
    void end_loop(const Translation& translation);
    void finish_run();
    [[nodiscard]] bool branch_allowed() const;
    void refuse_branch(const Site& site);
    AfterHandler call_handler();
    AfterHandler call_block_watch();
    void note_unfinished(const Site& site);
    void pass_shadow(const Site& site);
    [[nodiscard]] bool goes_on(const Site& site);
    [[nodiscard]] std::optional<Departure> departure_after(const Site& site) const;
    void count_handler(const Site& site);
    [[nodiscard]] std::optional<Key> key_after(const Site& site) const;
    [[nodiscard]] Key with_windows_if_enabled(Key key) const;
    void select_window(Key key);
    void select_stack_window(u64 rsp, Privilege privilege);
    void load_gs_base(u64 base);
    bool on_host_fault(const CodeFault& fault);
    Windows::Answer resolve_in_window(const CodeFault& fault, const FaultSite& site);
    [[nodiscard]] bool often_unsuited(const FaultSite& site);
    void keep_from_windows(const FaultSite& site);
    void expect_no_window(const FaultSite& site);
    void prepare_anew(interpreter::Block& block);
    void try_windows_again(interpreter::Block& block);
    void flush();
    [[nodiscard]] u32 indirect_offset(const Translation& translation) const {
        return static_cast<u32>(translation.indirect_entry - stubs_.leave_at_rip);
    }
    [[nodiscard]] u64 count_left() const { return context_->remaining - count_region_.base(); }

    Cpu& cpu_;
    const Options options_;
    std::unique_ptr<CodeCache> cache_;
    Emitter::Workshop workshop_{*cache_};
    LowPages context_pages_{sizeof(Context)};
    Context* context_;
    Stubs stubs_;
    ReturnStack return_stack_;
    CountRegion count_region_;
    std::unique_ptr<Windows> windows_;           // null: the host has no room for them
    std::unique_ptr<WindowCheck> window_check_;  // null: no window is expected
    bool stack_window_ = false;                  // 64-bit code has one (jit/stack_window.h)
    WindowPolicy policy_;
    std::array<HomeWindow, 2> homes_;  // supervisor's, user's
    CodeRange* code_range_ = nullptr;
    Key running_key_ = 0;
    // The last host fault that was to be repeated.
    struct Repeated {
        u64 rip = 0, address = 0, count = 0;
        bool operator==(const Repeated&) const = default;
    };
    Repeated repeated_;
    // Accesses of a FaultSite in one interval of the policy that had no page in a window.
    struct Unsuited {
        u32 site = 0, interval = 0, accesses = 0;
    };
    std::array<Unsuited, 256> unsuited_{};  // by a hash of the site's address
    u32 string_repeats_ = 0;                // faults of an element of REP after its first
    std::map<Key, IndirectTable> tables_;
    std::vector<Translation*> translations_;  // all since the last flush
    /// What is known of linear addresses of the supervisor's code, or the user's.
    struct Side {
        u64 generation = 0;             // the Mmu's that the tables follow
        std::vector<Link*> page_links;  // links that leave their page and are in use
    };
    static std::size_t side_of(Privilege privilege) { return privilege == Privilege::user ? 1 : 0; }
    std::array<Side, 2> sides_;
    bool running_ = false;
    bool break_ = false;
    bool translate_anew_ = false;  // leave as with break_, but nothing waits for the interpreter
    interpreter::Place unfinished_;
    bool flush_due_ = false;
    bool count_ended_ = false;   // the last run was left since too few instructions were left
    u64 run_end_ = 0;            // CpuState::instructions when no instruction is left in this run
    Link* open_link_ = nullptr;  // by which the last run ended, until the next block is known
    Statistics statistics_;
    std::atomic<Phase> phase_ = Phase::interpreter;
    std::optional<Departure> departure_;  // of the run that ends, where C++ decided it
    std::unique_ptr<PerfMap> perf_map_;   // null: not wanted
};

}  // namespace bantam::jit
