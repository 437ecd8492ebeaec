#include "jit/translator.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/signal_stack.h"
#include "cpu/interpreter/block_watch.h"
#include "cpu/interpreter/handlers.h"
#include "jit/stack_window.h"

namespace bantam::jit {

using interpreter::Block;

namespace {

u32 host_mxcsr() {
    u32 value;
    asm volatile("stmxcsr %0" : "=m"(value));
    return value;
}

/// Only translated code uses GS in this process.
void set_gs_base(u64 base) {
    if (stack_window::host_allows()) {
        stack_window::set_distance(base);
    } else {
        CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, base) == 0);
    }
}

}  // namespace

Result<std::unique_ptr<Translator>> Translator::create(Cpu& cpu, const Options& options) {
    if (!__builtin_cpu_supports("bmi2")) {
        return Error{ExitStatus::host_resource,
                     "the translator needs a host CPU with BMI2 (since 2013); use --engine interpreter"};
    }
    if (!is_low(&cpu, sizeof cpu) || !cpu.mmu.fast_tables_are_low()) {
        return Error{ExitStatus::host_resource,
                     "the host has no memory below 2 GiB left for the processor's state; use --engine interpreter"};
    }
    Result<std::unique_ptr<CodeCache>> cache = CodeCache::create();
    if (!cache) return cache.error();
    std::unique_ptr<Translator> translator(new Translator(cpu, options, std::move(cache.value())));
    Result<Stubs> stubs = make_stubs(
        *translator->cache_, cpu, *translator->context_,
        [](void* self) { return static_cast<Translator*>(self)->call_handler(); },
        [](void* self) { return static_cast<Translator*>(self)->call_block_watch(); });
    if (!stubs) return stubs.error();
    translator->stubs_ = stubs.value();
    translator->return_stack_.set_stub(translator->stubs_.lone_return);
    translator->windows_ = Windows::create(cpu.mmu);
    translator->stack_window_ = stack_window::host_allows() && translator->windows_ != nullptr &&
                                translator->windows_->canonical_distances() &&
                                options.optimisations.has(Optimisation::stack_window);
    if (translator->windows_ != nullptr && options.optimisations.has(Optimisation::expected_windows))
        translator->window_check_ = WindowCheck::create();
    const std::span<const u8> code = translator->cache_->executable();
    translator->code_range_ = register_code_range(
        reinterpret_cast<u64>(code.data()), reinterpret_cast<u64>(code.data() + code.size()),
        [](void* self, const CodeFault& fault) { return static_cast<Translator*>(self)->on_host_fault(fault); },
        translator.get());
    if (options.perf_map) {
        Result<std::unique_ptr<PerfMap>> map = PerfMap::open();
        if (!map) return map.error();
        translator->perf_map_ = std::move(map.value());
        const auto begin = reinterpret_cast<u64>(stubs.value().enter);
        translator->perf_map_->add(begin, translator->cache_->next_code() - begin, "translator's stubs");
    }
    return translator;
}

Translator::Translator(Cpu& cpu, const Options& options, std::unique_ptr<CodeCache> cache)
    : cpu_(cpu), options_(options), cache_(std::move(cache)), context_(new (context_pages_.at()) Context) {
    context_->self = this;
    context_->host_mxcsr = host_mxcsr();
    context_->return_stack = return_stack_.top();
}

Translator::~Translator() {
    if (code_range_ != nullptr) release_code_range(code_range_);
}

bool Translator::run(Block& block) {
    Link* open_link = std::exchange(open_link_, nullptr);
    if (flush_due_ || cache_->nearly_full()) {
        flush();
        open_link = nullptr;
    }
    if (block.translations == nullptr && block.runs < options_.threshold) {
        ++block.runs;
        ++statistics_.declined_cold;
        return false;
    }
    if (follow_mappings()) open_link = nullptr;
    std::optional<Key> key = key_of(cpu_);
    if (!key) {
        ++statistics_.declined_mode;
        return false;
    }
    CpuState& s = cpu_.state;
    if (policy_.due(s.instructions)) {
        const Mmu& mmu = cpu_.mmu;
        policy_.end_interval(s.instructions, mmu.misses(Privilege::supervisor), mmu.misses(Privilege::user));
        if (windows_ != nullptr) windows_->forget_repeats();
        if (std::count_if(homes_.begin(), homes_.end(), [](HomeWindow& home) { return home.moves(); }) != 0) {
            flush();
            open_link = nullptr;
        }
    }
    key = with_windows_if_enabled(*key);
    // Where the count of instructions ends much time is spent, most likely.
    if (std::exchange(count_ended_, false)) try_windows_again(block);
    Translation* translation = find(block, *key);
    if (translation == nullptr) {
        if (!tables_.contains(*key) && !cache_->has_table()) {
            flush();
            open_link = nullptr;
        }
        translation = translate(block, *key);
    }
    if (translation->entry == 0) return false;
    connect(open_link, *translation);
    if (block.count > s.deadline - s.instructions) return false;

    run_end_ = s.instructions + std::min(s.deadline - s.instructions, CountRegion::kMost);
    context_->remaining = count_region_.base() + (run_end_ - s.instructions);
    context_->entry = translation->entry;
    context_->indirect_table = translation->table->address();
    break_ = translate_anew_ = false;
    unfinished_ = {};
    ensure_signal_stack();
    context_->gs_complement = 0;  // another machine may have run meanwhile
    // Where a debugger watches, the handler knows where a turn of REP that it left ends.
    context_->many_elements = cpu_.data_watches.empty() ? ~(interpreter::kElementsPerTurn - 1) : ~u64{0};
    if (windowed(*key)) select_window(*key);
    running_key_ = *key;
    running_ = true;
    departure_.reset();
    ++statistics_.runs;
    set_phase(Phase::translated_code);
    stubs_.enter();
    set_phase(Phase::interpreter);
    running_ = false;
    finish_run();
    return true;
}

void Translator::finish_run() {
    CpuState& s = cpu_.state;
    const u64 now = run_end_ - count_left();
    statistics_.retired += now - s.instructions;
    s.instructions = now;
    open_link_ = context_->link;
    const bool deadline_near = count_left() < Block::kMostInstructions;  // the next block was too long, most likely
    count_ended_ = !departure_ && open_link_ == nullptr && deadline_near;
    count_departure(departure_              ? *departure_
                    : open_link_ != nullptr ? Departure::link
                    : deadline_near         ? Departure::deadline
                                            : Departure::indirect_miss);
    if (open_link_ != nullptr) {
        s.rip() = open_link_->target_rip;
    } else if (!departure_ && !branch_allowed()) {
        refuse_branch(*context_->site);
    }
}

/// Whether the near branch that has led to RIP was allowed to.
bool Translator::branch_allowed() const {
    const CpuState& s = cpu_.state;
    switch (cpu_.code_size()) {
        case isa::CodeSize::bits64:
            return cpu_.canonical(s.rip());
        case isa::CodeSize::bits16:
            return s.rip() <= s.segment[kCs].limit;
        default:
            return true;
    }
}

/// A near branch to where none may lead raises #GP with everything as before it, but what a call has pushed, as its
/// handler. It is not executed again: its operand may be where it pushed.
void Translator::refuse_branch(const Site& site) {
    CpuState& s = cpu_.state;
    cpu_.set_rsp(s.gpr[kRsp] - static_cast<u64>(static_cast<i64>(site.stack_change)));
    s.instruction_rip = site.rip();
    --s.instructions;
    cpu_.raise(Vector::general_protection, 0);
}

// --- instructions executed by their handlers

AfterHandler Translator::call_handler() {
    const Site& site = *context_->site;
    CpuState& s = cpu_.state;
    count_handler(site);
    if (site.x87_index != Site::kNone) s.x87_instruction_pointer = site.translation->rip_of(site.x87_index);
    const isa::Instruction& instruction = site.instruction();
    s.instruction_rip = site.rip();
    s.rip() = site.next_rip();
    instruction.handler(cpu_, instruction);
    set_phase(Phase::translated_code);
    pass_shadow(site);
    const bool elsewhere = site.leaves || s.rip() != site.resume_rip();
    if (elsewhere && goes_on(site)) {
        context_->remaining += site.after();
        ++statistics_.gone_on;
        return AfterHandler::go_on;
    }
    departure_ = departure_after(site);
    if (departure_) {
        context_->remaining += site.after();
        if (cpu_.block_watch != nullptr) note_unfinished(site);
        return AfterHandler::leave;
    }
    if (windowed(running_key_)) select_window(running_key_);
    return AfterHandler::resume;
}

void Translator::note_unfinished(const Site& site) {
    const Block& block = *site.translation->block;
    const isa::Instruction& i = site.instruction();
    const u64 start = site.rip() - (i.next_offset - i.length);
    if (const isa::Instruction* next = next_in_block(block, i, cpu_.state.rip() - start)) unfinished_ = {&block, next};
}

AfterHandler Translator::call_block_watch() {
    const Site& site = *context_->site;
    CpuState& s = cpu_.state;
    set_phase(Phase::handler);
    s.instruction_rip = s.rip() = site.rip();
    cpu_.block_watch->tell_translated(cpu_, *site.translation->block, retired());
    set_phase(Phase::translated_code);
    if (break_) {
        departure_ = Departure::attention;
        context_->remaining += site.after() + 1;
        return AfterHandler::leave;
    }
    if (windowed(running_key_)) select_window(running_key_);
    return AfterHandler::resume;
}

/// STI and MOV to SS keep interrupts away for one instruction. Where none is due and that instruction follows in this
/// translation, nothing of the shadow can be seen. From memory: what was read may have been a chip, which has its say.
void Translator::pass_shadow(const Site& site) {
    CpuState& s = cpu_.state;
    if (s.attention != kAttentionShadow || site.after() == 0) return;
    const isa::Instruction& i = site.instruction();
    const bool moves_register = i.mnemonic == isa::Mnemonic::Mov && i.operands[1].kind == isa::OperandKind::gpr;
    if (i.mnemonic != isa::Mnemonic::Sti && !moves_register) return;
    s.attention = 0;
    s.mov_ss_shadow = false;
    break_ = false;
}

/// Why translated code must be left, if it must.
std::optional<Departure> Translator::departure_after(const Site& site) const {
    if (site.leaves) return Departure::handler;
    if (break_) return Departure::attention;
    if (cpu_.state.rip() != site.resume_rip()) return Departure::redirected;
    if (translate_anew_) return Departure::window;
    if (mappings_moved()) return Departure::page_tables;
    if (site.changes_key && key_after(site) != site.translation->key) return Departure::key;
    return std::nullopt;
}

/// Whether translated code for the CPU's present state may be looked for without the interpreter, which has nothing to
/// see to; that is prepared then. `from`: what is left.
bool Translator::goes_on(const Site& site) {
    Translation& from = *site.translation;
    if (!options_.optimisations.has(Optimisation::going_on)) return false;
    if (break_ || translate_anew_ || flush_due_ || cpu_.state.attention != 0 || mappings_moved()) return false;
    const std::optional<Key> key = key_after(site);
    if (!key || !branch_allowed()) return false;
    if (from.next_table == 0 || from.next_key != *key) {
        const auto table = tables_.find(*key);
        if (table == tables_.end()) return false;
        from.next_key = *key;
        from.next_table = static_cast<u32>(table->second.address());
    }
    context_->indirect_table = from.next_table;
    const bool same_code = *key == running_key_ && (!is_16bit(*key) || from.cs_base == cpu_.state.segment[kCs].base);
    context_->forget_returns = same_code ? 0 : 1;
    running_key_ = *key;
    if (windowed(*key)) select_window(*key);
    return true;
}

void Translator::count_handler(const Site& site) {
    const auto mnemonic = static_cast<std::size_t>(site.instruction().mnemonic);
    ++statistics_.handed_over;
    if (site.handed_over) {
        ++statistics_.handed_over_by[mnemonic];
        set_phase(Phase::handler);
    } else {
        ++statistics_.slow_paths;
        ++statistics_.slow_paths_by[mnemonic];
        set_phase(Phase::slow_path);
    }
}

/// The key once the handler of `site` has run.
std::optional<Key> Translator::key_after(const Site& site) const {
    const std::optional<Key> key = site.changes_masks ? key_of(cpu_) : key_of(cpu_, running_key_);
    return key ? std::optional(with_windows_if_enabled(*key)) : std::nullopt;
}

// --- windows

Key Translator::with_windows_if_enabled(Key key) const {
    if (windows_ == nullptr || !options_.optimisations.has(Optimisation::windows)) return key;
    if (is_16bit(key) || data_privilege(key) == Privilege::supervisor_smap_lifted) return key;
    return options_.windows_at_once || policy_.enabled(data_privilege(key)) ? with_windows(key) : key;
}

/// Before code with windows runs, or runs on after C++.
void Translator::select_window(Key key) {
    windows_->synchronize();
    const Privilege privilege = data_privilege(key);
    if (is_64bit(key)) {
        const u64 home = Windows::first_linear(homes_[side_of(privilege)].entry());
        context_->home_distance = windows_->opened_distance(home, privilege);
        select_stack_window(cpu_.state.gpr[kRsp], privilege);
    } else {
        context_->home_distance = windows_->opened_distance(0, privilege);
        load_gs_base(context_->home_distance);
        // No address may leave the window's guard, whoever has written registers.
        cpu_.clear_upper_halves();
    }
}

void Translator::select_stack_window(u64 rsp, Privilege privilege) {
    if (stack_window_) load_gs_base(stack_window::base_for(windows_->distance(rsp, privilege)));
}

void Translator::load_gs_base(u64 base) {
    if (~base != std::exchange(context_->gs_complement, ~base)) set_gs_base(base);
}

/// In the context of a signal, which translated code has raised: nothing else is under way.
bool Translator::on_host_fault(const CodeFault& fault) {
    if (!running_) return false;
    if (fault.has_address && return_stack_.full(fault.address)) {
        fault.set(REG_RSP, return_stack_.top());
        return true;
    }
    FaultSite* const site = cache_->fault_site_at(fault.get(REG_RIP));
    if (site == nullptr) return false;
    if (fault.has_address && count_region_.used_up(fault.address)) {
        fault.set(REG_RIP, site->slow);
        return true;
    }
    if (fault.has_address && is_64bit(running_key_) && WindowCheck::refused(fault.address)) {
        expect_no_window(*site);
        fault.set(REG_RIP, site->slow);
        return true;
    }
    ++statistics_.host_faults;
    if (fault.has_address && windowed(running_key_)) {
        policy_.count_fault(data_privilege(running_key_));
        const Windows::Answer answer = resolve_in_window(fault, *site);
        if (answer == Windows::Answer::repeat) return true;
        if (answer == Windows::Answer::outside) expect_no_window(*site);
        if (answer == Windows::Answer::unsuited) {
            if (often_unsuited(*site)) keep_from_windows(*site);
            translate_anew_ |= policy_.count_unsuited(data_privilege(running_key_));
        }
    }
    ++statistics_.slow_faults;
    fault.set(REG_RIP, site->slow);
    return true;
}

Windows::Answer Translator::resolve_in_window(const CodeFault& fault, const FaultSite& site) {
    const bool of_string = site.distance == FaultSite::Distance::of_string;
    const Repeated now{fault.get(REG_RIP), of_string ? fault.get(REG_RCX) : fault.address, fault.get(REG_R13)};
    const bool repeats = now == std::exchange(repeated_, now);
    if (repeats && !of_string) return Windows::Answer::unsuited;
    // An element has two pages, and those may be of one entry of the TLB, which holds one of them.
    string_repeats_ = repeats ? string_repeats_ + 1 : 0;
    if (string_repeats_ > 1) return Windows::Answer::slow_path;
    const Privilege privilege = data_privilege(running_key_);
    const AccessType type = fault.write ? AccessType::write : AccessType::read;
    const bool in_stack = is_64bit(running_key_) && stack_window::accesses(reinterpret_cast<const u8*>(now.rip));
    // Translated code never gets out of them. It would have added what is no distance, or one too far away.
    CHECK(in_stack || windows_->contain(fault.address));
    Windows::Answer answer;
    if (!is_64bit(running_key_)) {
        u64 distance = windows_->opened_distance(0, privilege);
        answer = windows_->resolve(fault.address, distance, type, privilege);
    } else if (in_stack) {
        u64 distance = stack_window::distance();
        const u64 generation = windows_->generation();
        answer = windows_->resolve(fault.address, distance, type, privilege);
        load_gs_base(stack_window::base_for(distance));
        // What kAddend is kept for is looked up again behind the slow path only.
        if (windows_->generation() != generation) answer = Windows::Answer::slow_path;
    } else {
        const bool in_address = of_string ? !fault.write : site.distance == FaultSite::Distance::in_address;
        const int holder = in_address ? REG_R14 : REG_R15;  // kAddress, kAddend
        u64 distance = fault.get(holder);
        const u64 generation = windows_->generation();
        answer = windows_->resolve(fault.address, distance, type, privilege);
        if (of_string && distance != fault.get(holder)) answer = Windows::Answer::slow_path;
        if (answer == Windows::Answer::repeat) fault.set(holder, distance);
        select_stack_window(fault.get(REG_R12), privilege);
        // What the other is kept for is looked up again behind the slow path only.
        if (windows_->generation() != generation) answer = Windows::Answer::slow_path;
    }
    // No other code counts on where an anchor leads.
    const bool anchored = is_64bit(running_key_) && !in_stack && !of_string;
    if (answer == Windows::Answer::outside && !anchored) answer = Windows::Answer::unsuited;
    // The walk may have written an accessed or dirty bit over code: then the slow path leaves.
    const bool leave = break_ || mappings_moved();
    return answer == Windows::Answer::repeat && leave ? Windows::Answer::slow_path : answer;
}

bool Translator::often_unsuited(const FaultSite& site) {
    constexpr u32 kMany = 4;
    Unsuited& counted = unsuited_[(site.begin * 0x9E3779B1u) >> 24];
    if (counted.site != site.begin || counted.interval != policy_.interval())
        counted = {.site = site.begin, .interval = policy_.interval()};
    return ++counted.accesses == kMany;
}

/// The instruction keeps meeting pages that windows cannot have: its block is translated anew, with the soft TLB there.
void Translator::keep_from_windows(const FaultSite& site) {
    if (!site.site->translation->valid) return;
    Block& block = *site.site->translation->block;
    block.no_window |= u64{1} << site.site->index;
    block.no_window_since = policy_.interval();
    prepare_anew(block);
    translate_anew_ = true;
    ++statistics_.kept_from_windows;
}

/// The instruction accesses another window than it was expected to, or its anchor has moved out of the one that it was
/// found in: its block is translated anew, and looks that up.
void Translator::expect_no_window(const FaultSite& site) {
    ++statistics_.unexpected_windows;
    translate_anew_ = true;  // what follows counts on what was expected
    if (!site.site->translation->valid) return;
    Block& block = *site.site->translation->block;
    block.unexpected |= u64{1} << site.site->index;
    prepare_anew(block);
}

/// What is known of `block` has changed: it is translated anew when it comes next.
void Translator::prepare_anew(Block& block) {
    forget(block);
    block.runs = options_.threshold;
}

/// What did not suit windows a while ago may do now: two pages that displaced each other in the TLB.
void Translator::try_windows_again(Block& block) {
    constexpr unsigned kLongestPause = 1024;
    if (block.no_window == 0 || policy_.interval() - block.no_window_since < block.no_window_pause) return;
    block.no_window = 0;
    ++statistics_.windows_tried_again;
    block.no_window_pause = static_cast<u16>(std::min(2u * block.no_window_pause, kLongestPause));
    prepare_anew(block);
}

u64 Translator::retired() const {
    const Site& site = *context_->site;
    return run_end_ - count_left() - site.after() - 1;
}

/// The count that is left is that after the block in flight, which may go on if it does not pass the deadline.
void Translator::deadline_moved() {
    const u64 deadline = cpu_.state.deadline;
    if (deadline >= run_end_) return;
    const u64 nearer = run_end_ - deadline;
    if (nearer > count_left()) return break_block();
    context_->remaining -= nearer;
    run_end_ = deadline;
}

interpreter::Place Translator::in_flight() const {
    return {context_->site->translation->block, &context_->site->instruction()};
}

void Translator::abandon() {
    const u64 now = retired();
    statistics_.retired += now - cpu_.state.instructions;
    cpu_.state.instructions = now;
    count_departure(Departure::exception);
    set_phase(Phase::interpreter);
    running_ = false;
}

// --- finding and making translations

/// What `block` is where the CPU stands.
Translation* Translator::find(const Block& block, Key key) const {
    const u64 rip = cpu_.state.rip();
    const u64 cs_base = cpu_.state.segment[kCs].base;
    Translation* translation = block.translations;
    while (translation != nullptr &&
           (translation->rip != rip || translation->key != key || translation->cs_base != cs_base)) {
        translation = translation->next;
    }
    return translation;
}

Translation* Translator::translate(Block& block, Key key) {
    auto* const translation = cache_->make<Translation>();
    IndirectTable& table = table_for(key);
    *translation = {.block = &block,
                    .rip = cpu_.state.rip(),
                    .key = key,
                    .table = &table,
                    .cs_base = static_cast<u32>(cpu_.state.segment[kCs].base),
                    .next = block.translations};
    block.translations = translation;
    translations_.push_back(translation);
    const u64 code = cache_->next_code();
    const Emitter::Target target{cpu_,
                                 *context_,
                                 *cache_,
                                 stubs_,
                                 table.address(),
                                 windows_.get(),
                                 window_check_.get(),
                                 homes_[side_of(data_privilege(key))],
                                 workshop_,
                                 stack_window_,
                                 options_.windows_at_once,
                                 options_.optimisations};
    // Every third instruction, another one in each block.
    if (options_.some_by_tlb)
        block.no_window |= std::rotl(u64{0x4924924924924924}, static_cast<int>(block.start.value));
    set_phase(Phase::translator);
    if (translate_block(target, *translation)) {
        ++statistics_.translations;
        statistics_.translated_instructions += block.count;
        translation->code = static_cast<u32>(code);
        translation->code_bytes = static_cast<u32>(cache_->next_code() - code);
        statistics_.host_bytes += translation->code_bytes;
        if (perf_map_) perf_map_->add_block(code, translation->code_bytes, translation->linear(), cpu_.state.cpl);
    } else {
        ++statistics_.not_translatable;
    }
    set_phase(Phase::interpreter);
    return translation;
}

IndirectTable& Translator::table_for(Key key) {
    const auto found = tables_.find(key);
    return found != tables_.end() ? found->second : tables_.emplace(key, cache_->take_table()).first->second;
}

/// Whether what is known of linear addresses of the present side, supervisor's or user's, may no longer hold.
bool Translator::mappings_moved() const {
    const Privilege privilege = cpu_.fetch_privilege();
    return sides_[side_of(privilege)].generation != cpu_.mmu.fetch_generation(privilege);
}

/// True when it did not: that side's tables are emptied, and links from page to page taken back.
bool Translator::follow_mappings() {
    if (!mappings_moved()) return false;
    const Privilege privilege = cpu_.fetch_privilege();
    Side& side = sides_[side_of(privilege)];
    side.generation = cpu_.mmu.fetch_generation(privilege);
    for (auto& [key, table] : tables_) {
        if (fetch_privilege(key) == privilege) table.clear();
    }
    for (Link* link : side.page_links) {
        link->point_to(link->unlinked);
        link->listed = false;
    }
    side.page_links.clear();
    return true;
}

/// Lets translated code find `translation` by itself the next time: by the link through which the last run ended, or
/// by the table.
void Translator::connect(Link* open_link, Translation& translation) {
    if (open_link != nullptr) {
        if (!options_.optimisations.has(Optimisation::links)) return;
        const Translation& source = *open_link->source;
        if (source.valid && source.key == translation.key && source.cs_base == translation.cs_base &&
            open_link->target_rip == translation.rip) {
            link(*open_link, translation);
        }
        return;
    }
    if (!options_.optimisations.has(Optimisation::indirect_table)) return;
    translation.table->set(translation.linear(), indirect_offset(translation));
}

// --- links

void Translator::link(Link& link, Translation& target) {
    ++statistics_.links;
    link.point_to(link.vectors ? target.loaded_entry : target.entry);
    if (link.leaves_page && !std::exchange(link.listed, true))
        sides_[side_of(fetch_privilege(target.key))].page_links.push_back(&link);
    if (link.target == &target) return;
    if (link.target != nullptr) take_out(link);
    link.join(target);
}

/// Out of the list of its target.
void Translator::take_out(const Link& link) {
    LowPointer<Link>* at = &link.target->incoming;
    while (at->get() != &link) at = &(*at)->next;
    *at = link.next;
}

/// The next turn leaves: a jump takes the place of what counts its instructions. PERF: the jump that begins a turn is a
/// short one, which cannot be taken back; four bytes more made a loop of 16 instructions a third slower.
void Translator::end_loop(const Translation& translation) {
    constexpr u8 kJump = 0xE9;
    u8* const at = cache_->writable(translation.loop);
    *at = kJump;
    const auto distance = static_cast<i32>(translation.leave - translation.loop - 1 - sizeof(i32));
    std::memcpy(at + 1, &distance, sizeof distance);
}

void Translator::forget(Block& block) {
    for (Translation* translation = block.translations; translation != nullptr; translation = translation->next) {
        translation->valid = false;
        for (Link* link = translation->incoming; link != nullptr; link = link->next) {
            link->point_to(link->unlinked);
            link->target = nullptr;
        }
        translation->incoming = nullptr;
        if (translation->loop != 0) end_loop(*translation);
        if (translation->entry != 0) translation->table->remove(translation->linear(), indirect_offset(*translation));
    }
    block.translations = nullptr;
    block.runs = 0;
}

void Translator::forget_all() {
    for (Translation* translation : translations_) {
        if (translation->valid) translation->block->translations = nullptr;
        translation->valid = false;
    }
    translations_.clear();
    flush_due_ = true;
}

/// Empties the cache; no translated code is running.
void Translator::flush() {
    forget_all();
    flush_due_ = false;
    for (auto& [key, table] : tables_) table.clear();
    tables_.clear();
    for (Side& side : sides_) side.page_links.clear();
    for (HomeWindow& home : homes_) home.settle();
    cache_->clear();
    ++statistics_.flushes;
}

}  // namespace bantam::jit
