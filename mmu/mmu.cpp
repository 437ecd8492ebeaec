#include "mmu/mmu.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace bantam {

Mmu::Mmu(PhysicalMemory& memory) : memory_(memory) {
    for (std::size_t end = kEntries; end <= kFastEntries; end += kEntries) {
        drop_hot(end - kEntries);
        drop_hot(end - 1);
    }
    memory_.attach(*this);
}

Mmu::~Mmu() { memory_.detach(*this); }

// --- invalidation

void Mmu::set_controls(const PagingControls& controls) {
    if (controls == controls_) return;
    PagingControls same_space = controls;
    same_space.cr3 = controls_.cr3;
    same_space.pdpte = controls_.pdpte;
    const bool only_space = same_space == controls_;
    controls_ = controls;
    // Entries hold rights, not table bits, so every other control makes them stale, also where the processor would not.
    if (only_space) {
        flush_non_global();
    } else {
        flush_all();
    }
}

/// After every invalidation: it may have been for an entry that was replaced before.
void Mmu::count_fetch_generations() {
    for (Fetches& side : fetches_) {
        if (std::exchange(side.gone, false)) ++side.generation;
    }
}

void Mmu::drop_hot(std::size_t index) {
    read_bias_[index] = write_bias_[index] = no_page(index);
    addend_[index] = 0;
    code_maps_[index] = nullptr;
}

void Mmu::hide_exposed(std::size_t index) {
    exposed_[index] = false;
    direct_pages_->hide({cold_[index].page()}, static_cast<Privilege>(index / kEntries));
}

void Mmu::hide_all() {
    for (const Filled* filled : {&filled_local_, &filled_global_}) {
        for (const unsigned index : filled->indices()) hide(index);
    }
}

void Mmu::drop(unsigned index) {
    hide(index);
    if (!for_fetches(index)) drop_hot(index);
    cold_[index] = {};
}

void Mmu::flush_all() {
    if (filled_local_.indices().empty() && filled_global_.indices().empty()) return;
    for (Filled* filled : {&filled_local_, &filled_global_}) {
        for (const unsigned index : filled->indices()) drop(index);
        filled->clear();
    }
    large_filter_.fill(0);
    huge_filter_ = 0;
    for (Fetches& side : fetches_) side.gone = true;
    count_fetch_generations();
}

void Mmu::flush_non_global() {
    for (const unsigned index : filled_local_.indices()) {
        if ((cold_[index].physical & kGlobal) != 0) continue;
        if (holds_fetch(index)) note_gone(index);
        drop(index);
    }
    filled_local_.clear();
    count_fetch_generations();
}

void Mmu::flush_page(Linear address) {
    const Linear page = wrap(address.value).page();
    for (unsigned set = 0; set < kSets; ++set) {
        const unsigned index = index_for(page, set);
        if (!cold_[index].holds(page.value)) continue;
        if (holds_fetch(index)) note_gone(index);
        drop(index);
    }
    const u64 number = page.value >> large_shift();
    if (((huge_filter_ >> ((page.value >> 30) & 63)) & 1) != 0) {
        drop_large(page.value, 30);
    } else if (((large_filter_[(number >> 6) & 15] >> (number & 63)) & 1) != 0) {
        drop_large(page.value, large_shift());
    }
    count_fetch_generations();
}

/// Drops all cached pieces of large pages that share linear address bits from `shift` up.
void Mmu::drop_large(u64 linear, unsigned shift) {
    for (const Filled* filled : {&filled_local_, &filled_global_}) {
        for (const unsigned index : filled->indices()) {
            const Cold& cold = cold_[index];
            if ((cold.physical & kLarge) == 0 || (cold.page() ^ linear) >> shift != 0) continue;
            if (holds_fetch(index)) note_gone(index);
            drop(index);
        }
    }
}

void Mmu::protect_pages(Physical first, u64 bytes) {
    for (const Filled* filled : {&filled_local_, &filled_global_}) {
        filled->at(first, bytes, [&](unsigned index) {
            if (for_fetches(index) || (cold_[index].physical & ~u64{kFacts}) - first.value >= bytes) return;
            hide(index);
            write_bias_[index] = no_page(index);
        });
    }
}

void Mmu::set_watched(std::span<const Linear> pages, bool everywhere) {
    CHECK(pages.size() <= watched_pages_.size());
    if (pages.empty() && watched_count_ == 0 && everywhere == watched_everywhere_) return;
    watched_everywhere_ = everywhere;
    // Pages that are watched now may no longer be accessed directly; those that no longer are may again.
    std::array<Linear, kMostWatched> next{};
    std::transform(pages.begin(), pages.end(), next.begin(), [](Linear address) { return address.page(); });
    watched_pages_ = next;
    watched_count_ = static_cast<unsigned>(pages.size());
    for (const Filled* filled : {&filled_local_, &filled_global_}) {
        for (const unsigned index : filled->indices()) {
            if (cold_[index].valid()) derive_hot(index);
        }
    }
}

bool Mmu::watched(Linear address) const {
    if (watched_everywhere_) return true;
    const auto end = watched_pages_.begin() + watched_count_;
    return std::find(watched_pages_.begin(), end, address.page()) != end;
}

// --- filling

/// Derives the hot half of an entry from its cold half and from what the physical page is now.
void Mmu::derive_hot(unsigned index) {
    const Cold& cold = cold_[index];
    const u64 page = cold.page();
    if (for_fetches(index)) return;
    const PhysicalMemory::Page physical = memory_.page({cold.physical & ~u64{kFacts}});
    const bool direct = physical.host != nullptr && !watched({page});
    const u64 addend = std::bit_cast<u64>(physical.host) - page;
    const u64 bias = u64{0} - page;
    const u64 read_bias = direct && (cold.physical & kMayRead) != 0 ? bias : no_page(index);
    const bool may_write = direct && (cold.physical & kMayWrite) != 0;
    const u64 write_bias = may_write && physical.writable ? bias : no_page(index);
    const auto* const code_map = may_write ? memory_.code_map_of({cold.physical & ~u64{kFacts}}) : nullptr;
    // A write beside code derives the same again.
    if (addend != addend_[index] || read_bias != read_bias_[index] || write_bias != write_bias_[index]) hide(index);
    addend_[index] = addend;
    read_bias_[index] = read_bias;
    write_bias_[index] = write_bias;
    code_maps_[index] = code_map != nullptr ? code_map : &kNoCodeMap;
}

bool Mmu::holds(Linear page) const {
    for (unsigned set = 0; set < kSets; ++set) {
        if (cold_[index_for(page, set)].holds(page.value)) return true;
    }
    return false;
}

bool Mmu::fill(Linear address, AccessType type, Privilege privilege, MemoryFault& fault) {
    const unsigned set = set_for(type, privilege);
    ++misses_[set];
    const unsigned index = index_for(address, set);
    const Translation translation = translate(memory_, controls_, address, type, privilege);
    Cold& cold = cold_[index];
    if (!translation.ok) {
        fault = {address, translation.error_code};
        // A page fault invalidates what is cached for its page (SDM vol. 3, 4.10.4.1).
        if (holds(address.page())) flush_page(address);
        return false;
    }
    const u64 page = address.page().value;
    const u64 frame = memory_.gated(translation.address).page().value;
    if (holds_fetch(index)) {
        const bool same_page = cold.holds(page);
        if (!same_page || (cold.physical & ~u64{kFacts}) != frame) note_gone(index);
        // The tables changed without INVLPG; this access is the first to see it.
        if (same_page) count_fetch_generations();
    }
    hide(index);
    cold = Cold(page, frame | (translation.global ? u64{kGlobal} : 0) | (translation.large ? u64{kLarge} : 0) |
                          (translation.may_read ? u64{kMayRead} : 0) | (translation.may_write ? u64{kMayWrite} : 0) |
                          (translation.may_execute ? u64{kMayExecute} : 0));
    derive_hot(index);
    (translation.global ? filled_global_ : filled_local_).add(index, cold.physical);
    if (translation.large) {
        const u64 number = page >> large_shift();
        large_filter_[(number >> 6) & 15] |= u64{1} << (number & 63);
        if (translation.page_bytes == u64{1} << 30) huge_filter_ |= u64{1} << ((page >> 30) & 63);
        if (type != AccessType::execute) fill_group(index);
    }
    return true;
}

/// The entry is one of a large page: fills those around it that hold nothing. PERF: such pages come into windows
/// together (Windows::resolve).
void Mmu::fill_group(unsigned index) {
    const Cold from = cold_[index];
    const unsigned first = index & ~(kGroupPages - 1);
    for (unsigned other = first; other < first + kGroupPages; ++other) {
        Cold& cold = cold_[other];
        if (cold.valid()) continue;
        const u64 distance = (u64{other} - index) << 12;
        const u64 frame = memory_.gated({(from.physical & ~u64{kFacts}) + distance}).value;
        cold = Cold(from.page() + distance, frame | (from.physical & kFacts));
        derive_hot(other);
        ((from.physical & kGlobal) != 0 ? filled_global_ : filled_local_).add(other, cold.physical);
    }
}

bool Mmu::lookup(Linear address, AccessType type, Privilege privilege, Target& target, MemoryFault& fault) {
    const unsigned index = index_for(address, set_for(type, privilege));
    constexpr std::array<u64, 3> kNeeded{kMayRead, kMayWrite, kMayExecute};
    const Cold& cold = cold_[index];
    const bool cached = cold.holds(address.page().value) && (cold.physical & kNeeded[static_cast<unsigned>(type)]) != 0;
    if (!cached && !fill(address, type, privilege, fault)) return false;
    target = {{(cold.physical & ~u64{kFacts}) + address.page_offset()}, index};
    return true;
}

/// Checks the one or two pages of [address, address + size), size <= 4096, before any of them is touched.
bool Mmu::lookup_range(Linear address, u64 size, AccessType type, Privilege privilege, std::array<Target, 2>& targets,
                       MemoryFault& fault) {
    CHECK(size <= kPageSize);
    const Linear first = wrap(address.value);
    if (!lookup(first, type, privilege, targets[0], fault)) return false;
    if (first.page_offset() + size <= kPageSize) return true;
    return lookup(wrap(first.page().value + kPageSize), type, privilege, targets[1], fault);
}

std::optional<Mmu::DirectPage> Mmu::direct_page(Linear address, AccessType type, Privilege privilege) {
    Target target;
    MemoryFault fault;
    if (!lookup(address, type, privilege, target, fault)) return std::nullopt;
    const u64 direct = u64{0} - address.page().value;
    const bool writable = write_bias_[target.index] == direct;
    if (type == AccessType::write ? !writable : read_bias_[target.index] != direct) return DirectPage{};
    return DirectPage{host_address(target.index, address.page()), writable};
}

Mmu::DirectPage Mmu::unused_direct_page(Linear address, Privilege privilege) const {
    const unsigned index = index_for(address, set_for(AccessType::read, privilege));
    const u64 direct = u64{0} - address.page().value;
    if (read_bias_[index] != direct || exposed_[index]) return {};
    return {host_address(index, address.page()), write_bias_[index] == direct};
}

// --- accesses

bool Mmu::read(Linear address, unsigned size, Privilege privilege, u64& value, MemoryFault& fault) {
    std::array<Target, 2> targets;
    if (!lookup_range(address, size, AccessType::read, privilege, targets, fault)) return false;
    const unsigned first = static_cast<unsigned>(std::min<u64>(size, kPageSize - address.page_offset()));
    u64 result = memory_.read(targets[0].physical, first);
    if (first < size) result |= memory_.read(targets[1].physical, size - first) << (8 * first);
    value = result;
    return true;
}

bool Mmu::write(Linear address, unsigned size, Privilege privilege, u64 value, MemoryFault& fault) {
    std::array<Target, 2> targets;
    if (!lookup_range(address, size, AccessType::write, privilege, targets, fault)) return false;
    const unsigned first = static_cast<unsigned>(std::min<u64>(size, kPageSize - address.page_offset()));
    memory_.write(targets[0].physical, first, value);
    finish_write(targets[0]);
    if (first < size) {
        memory_.write(targets[1].physical, size - first, value >> (8 * first));
        finish_write(targets[1]);
    }
    return true;
}

/// The observer may have declared that the written page holds no code any more: then the next write can be fast.
void Mmu::finish_write(const Target& target) {
    const Cold& cold = cold_[target.index];
    const bool has_host = addend_[target.index] + cold.page() != 0;
    if (write_bias_[target.index] == no_page(target.index) && cold.valid() && has_host) derive_hot(target.index);
}

/// Block accesses: RAM and ROM in one copy, registers in naturally aligned parts of up to 8 bytes.
void Mmu::load(const Target& target, std::span<u8> to) {
    if (memory_.page(target.physical).host != nullptr) {
        memory_.copy_out(target.physical, to);
        return;
    }
    for (std::size_t done = 0; done < to.size();) {
        const Physical at = target.physical + done;
        const unsigned part = static_cast<unsigned>(std::min<u64>(to.size() - done, 8 - (at.value & 7)));
        const u64 value = memory_.read(at, part);
        std::memcpy(to.data() + done, &value, part);
        done += part;
    }
}

void Mmu::store(const Target& target, std::span<const u8> from) {
    if (memory_.page(target.physical).host != nullptr) {
        memory_.copy_in(target.physical, from);
    } else {
        for (std::size_t done = 0; done < from.size();) {
            const Physical at = target.physical + done;
            const unsigned part = static_cast<unsigned>(std::min<u64>(from.size() - done, 8 - (at.value & 7)));
            u64 value = 0;
            std::memcpy(&value, from.data() + done, part);
            memory_.write(at, part, value);
            done += part;
        }
    }
    finish_write(target);
}

bool Mmu::read_block(Linear address, std::span<u8> to, Privilege privilege, MemoryFault& fault) {
    if (to.empty()) return true;
    std::array<Target, 2> targets;
    if (!lookup_range(address, to.size(), AccessType::read, privilege, targets, fault)) return false;
    const std::size_t first = std::min<std::size_t>(to.size(), kPageSize - address.page_offset());
    load(targets[0], to.first(first));
    if (first < to.size()) load(targets[1], to.subspan(first));
    return true;
}

bool Mmu::write_block(Linear address, std::span<const u8> from, Privilege privilege, MemoryFault& fault) {
    if (from.empty()) return true;
    std::array<Target, 2> targets;
    if (!lookup_range(address, from.size(), AccessType::write, privilege, targets, fault)) return false;
    const std::size_t first = std::min<std::size_t>(from.size(), kPageSize - address.page_offset());
    store(targets[0], from.first(first));
    if (first < from.size()) store(targets[1], from.subspan(first));
    return true;
}

bool Mmu::probe_write(Linear address, unsigned size, Privilege privilege, MemoryFault& fault) {
    std::array<Target, 2> targets;
    return size == 0 || lookup_range(address, size, AccessType::write, privilege, targets, fault);
}

bool Mmu::fetch(Linear address, Privilege privilege, Physical& physical, MemoryFault& fault) {
    const Linear at = wrap(address.value);
    const unsigned index = index_for(at, set_for(AccessType::execute, privilege));
    if (!cold_[index].holds(at.page().value) && !fill(at, AccessType::execute, privilege, fault)) return false;
    physical = {(cold_[index].physical & ~u64{kFacts}) + at.page_offset()};
    return true;
}

std::vector<Mmu::EntryInfo> Mmu::entries() const {
    std::vector<EntryInfo> list;
    for (unsigned index = 0; index < kAllEntries; ++index) {
        const Cold& cold = cold_[index];
        if (!cold.valid()) continue;
        list.push_back({{cold.page()},
                        {cold.physical & ~u64{kFacts}},
                        for_fetches(index)
                            ? (index / kEntries == kFetchUserSet ? Privilege::user : Privilege::supervisor)
                            : static_cast<Privilege>(index / kEntries),
                        (cold.physical & kMayWrite) != 0,
                        for_fetches(index),
                        (cold.physical & kGlobal) != 0});
    }
    return list;
}

}  // namespace bantam
