#include "jit/translator.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace bantam::jit {

using interpreter::Block;

namespace {

constexpr u64 kMostInstructionsARun = u64{1} << 30;

u32 host_mxcsr() {
    u32 value;
    asm volatile("stmxcsr %0" : "=m"(value));
    return value;
}

void write_displacement(const Link& link, u64 target) {
    const auto distance = static_cast<i32>(static_cast<i64>(target - link.origin));
    std::memcpy(link.displacement, &distance, sizeof distance);
}

}  // namespace

Result<std::unique_ptr<Translator>> Translator::create(Cpu& cpu, u32 threshold) {
    if (!__builtin_cpu_supports("bmi2")) {
        return Error{ExitStatus::host_resource,
                     "the translator needs a host CPU with BMI2 (since 2013); use --engine interpreter"};
    }
    if (!is_low(&cpu, sizeof cpu)) {
        return Error{ExitStatus::host_resource,
                     "the host has no memory below 2 GiB left for the processor's state; use --engine interpreter"};
    }
    Result<std::unique_ptr<CodeCache>> cache = CodeCache::create();
    if (!cache) return cache.error();
    std::unique_ptr<Translator> translator(new Translator(cpu, threshold, std::move(cache.value())));
    Result<Stubs> stubs = make_stubs(*translator->cache_, cpu.state, *translator->context_,
                                     [](void* self) { return static_cast<Translator*>(self)->call_handler(); });
    if (!stubs) return stubs.error();
    translator->stubs_ = stubs.value();
    return translator;
}

Translator::Translator(Cpu& cpu, u32 threshold, std::unique_ptr<CodeCache> cache)
    : cpu_(cpu), threshold_(threshold), cache_(std::move(cache)), context_(new (context_pages_.at()) Context) {
    context_->self = this;
    context_->host_mxcsr = host_mxcsr();
}

Translator::~Translator() {
    const Statistics& n = statistics_;
    log::info(
        "translator: {} blocks of {} instructions to {} host bytes, {} left to the interpreter; entered {} times, "
        "{} instructions handed over, {} links, emptied {} times",
        n.translations, n.translated_instructions, n.host_bytes, n.not_translatable, n.runs, n.handed_over, n.links,
        n.flushes);
}

bool Translator::run(Block& block) {
    Link* open_link = std::exchange(open_link_, nullptr);
    if (flush_due_ || cache_->nearly_full()) {
        flush();
        open_link = nullptr;
    }
    if (std::exchange(interpret_next_, false)) return false;
    if (follow_generation()) open_link = nullptr;
    const std::optional<Key> key = block.second_page ? std::nullopt : key_of(cpu_);
    if (!key) return false;
    CpuState& s = cpu_.state;
    Translation* translation = find(block, s.rip(), *key);
    if (translation == nullptr) {
        if (block.runs < threshold_) {
            ++block.runs;
            return false;
        }
        if (!tables_.contains(*key) && !cache_->has_table()) {
            flush();
            open_link = nullptr;
        }
        translation = translate(block, s.rip(), *key);
    }
    if (translation->entry == 0) return false;
    connect(open_link, *translation);

    run_end_ = s.instructions + std::min(s.deadline - s.instructions, kMostInstructionsARun);
    context_->remaining = kCountBias + (run_end_ - s.instructions);
    context_->entry = translation->entry;
    break_ = false;
    running_ = true;
    ++statistics_.runs;
    stubs_.enter();
    running_ = false;
    finish_run();
    return true;
}

void Translator::finish_run() {
    CpuState& s = cpu_.state;
    const u64 before = s.instructions;
    s.instructions = run_end_ - count_left();
    // Nothing was executed: the deadline is nearer than the end of the first block.
    interpret_next_ = s.instructions == before;
    open_link_ = context_->link;
    if (open_link_ != nullptr) {
        s.rip() = open_link_->target_rip;
    } else if (cpu_.code64() && !cpu_.canonical(s.rip())) {
        undo_branch(*context_->site);
    }
}

/// A near branch to an address that is not canonical: its handler shall raise #GP.
void Translator::undo_branch(const Site& site) {
    CpuState& s = cpu_.state;
    s.gpr[kRsp] -= static_cast<u64>(static_cast<i64>(site.stack_change));
    s.rip() = site.rip;
    --s.instructions;
    interpret_next_ = true;
}

// --- instructions executed by their handlers

bool Translator::call_handler() {
    const Site& site = *context_->site;
    CpuState& s = cpu_.state;
    ++statistics_.handed_over;
    if (site.x87_pending) s.x87_instruction_pointer = site.x87_rip;
    s.instruction_rip = site.rip;
    s.rip() = site.next_rip;
    site.instruction->handler(cpu_, *site.instruction);
    const bool leave = site.leaves || break_ || s.rip() != site.next_rip ||
                       cpu_.mmu.fetch_generation() != generation_ || (site.changes_key && key_of(cpu_) != site.key);
    if (leave) context_->remaining += site.after;
    return leave;
}

u64 Translator::retired() const {
    const Site& site = *context_->site;
    return run_end_ - count_left() - site.after - 1;
}

void Translator::abandon() {
    cpu_.state.instructions = retired();
    running_ = false;
}

// --- finding and making translations

Translation* Translator::find(const Block& block, u64 rip, Key key) const {
    Translation* translation = block.translations;
    while (translation != nullptr && (translation->rip != rip || translation->key != key)) {
        translation = translation->next;
    }
    return translation;
}

Translation* Translator::translate(Block& block, u64 rip, Key key) {
    auto* const translation = cache_->make<Translation>();
    IndirectTable& table = table_for(key);
    *translation = {.block = &block, .rip = rip, .key = key, .table = &table, .next = block.translations};
    block.translations = translation;
    translations_.push_back(translation);
    const std::size_t before = cache_->code_bytes();
    const Emitter::Target target{cpu_, *context_, *cache_, stubs_, table.address()};
    if (translate_block(target, *translation, rip)) {
        ++statistics_.translations;
        statistics_.translated_instructions += block.count;
        statistics_.host_bytes += cache_->code_bytes() - before;
    } else {
        ++statistics_.not_translatable;
    }
    return translation;
}

IndirectTable& Translator::table_for(Key key) {
    const auto found = tables_.find(key);
    return found != tables_.end() ? found->second : tables_.emplace(key, cache_->take_table()).first->second;
}

/// True when what was known of linear addresses no longer holds.
bool Translator::follow_generation() {
    if (generation_ == cpu_.mmu.fetch_generation()) return false;
    generation_ = cpu_.mmu.fetch_generation();
    for (auto& [key, table] : tables_) table.clear();
    return true;
}

/// Lets translated code find `translation` by itself the next time: by the link through which the last run ended, or
/// by the table.
void Translator::connect(Link* open_link, Translation& translation) {
    if (open_link != nullptr) {
        const Translation& source = *open_link->source;
        if (source.valid && source.key == translation.key && open_link->target_rip == translation.rip) {
            link(*open_link, translation);
        }
        return;
    }
    if (translation.indirect_entry == 0 && !make_indirect_entry(*cache_, stubs_, translation)) return;
    translation.table->set(translation.rip, indirect_offset(translation));
}

// --- links

void Translator::link(Link& link, Translation& target) {
    ++statistics_.links;
    write_displacement(link, target.entry);
    link.next = target.incoming;
    target.incoming = &link;
}

void Translator::forget(Block& block) {
    for (Translation* translation = block.translations; translation != nullptr; translation = translation->next) {
        translation->valid = false;
        for (Link* link = translation->incoming; link != nullptr; link = link->next) {
            write_displacement(*link, link->unlinked);
        }
        translation->incoming = nullptr;
        if (translation->indirect_entry != 0) {
            translation->table->remove(translation->rip, indirect_offset(*translation));
        }
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
    cache_->clear();
    ++statistics_.flushes;
}

}  // namespace bantam::jit
