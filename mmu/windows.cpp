#include "mmu/windows.h"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>

#include "base/check.h"

namespace bantam {
namespace {

constexpr std::size_t kTableBytes = Windows::kTableEntries * sizeof(u64);
constexpr int kNothing = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

/// How many mappings the host allows a process.
std::size_t host_mappings() {
    constexpr std::size_t kLinuxDefault = 65530;
    std::ifstream file("/proc/sys/vm/max_map_count");
    std::size_t count = 0;
    return file >> count ? count : kLinuxDefault;
}

/// Takes access away, keeping the addresses reserved.
void unmap(u64 host, u64 bytes) {
    void* const at = mmap(reinterpret_cast<void*>(host), bytes, PROT_NONE, kNothing | MAP_FIXED, -1, 0);
    if (at != MAP_FAILED) return;
    // Splitting a mapping fails at the kernel's bound of mappings (vm.max_map_count); taking more away does not.
    CHECK(munmap(reinterpret_cast<void*>(host), bytes) == 0);
    CHECK(mmap(reinterpret_cast<void*>(host), bytes, PROT_NONE, kNothing | MAP_FIXED, -1, 0) != MAP_FAILED);
}

}  // namespace

std::unique_ptr<Windows> Windows::create(Mmu& mmu) {
    void* const reserved = mmap(nullptr, kReservedBytes, PROT_NONE, kNothing, -1, 0);
    if (reserved == MAP_FAILED) return nullptr;
    auto* const tables = static_cast<u64*>(allocate_low(2 * kTableBytes));
    const std::size_t most = std::min<std::size_t>(kMostPages, host_mappings() / 4);
    return std::unique_ptr<Windows>(new Windows(mmu, static_cast<u8*>(reserved), tables, most));
}

Windows::Windows(Mmu& mmu, u8* reserved, u64* tables, std::size_t most_pages)
    : mmu_(mmu), reserved_(reserved), tables_(tables), most_pages_(most_pages) {
    sets_[0].distances = tables;
    sets_[1].distances = tables + kTableEntries;
    for (const Set& set : sets_) {
        for (std::size_t entry = 0; entry < kTableEntries; ++entry) set.distances[entry] = void_distance(entry);
    }
    mmu_.set_direct_pages(this);
}

Windows::~Windows() {
    mmu_.hide_all();
    mmu_.set_direct_pages(nullptr);
    munmap(reserved_, kReservedBytes);
    release_low(tables_, 2 * kTableBytes);
}

u64 Windows::low_distance(Privilege privilege) {
    Set& set = sets_[slot(privilege)];
    open(0, set);
    return set.distances[0];
}

/// Sees to it that `linear` has a window.
void Windows::open(u64 linear, Set& set) {
    const std::size_t entry = entry_of(linear);
    if (set.distances[entry] != void_distance(entry)) return;
    if (windows_used_ == kWindows) close_all();
    set.distances[entry] = window_base(windows_used_++) - first_linear(entry);
}

void Windows::unmap_all() {
    mmu_.hide_all();
    unmap(reinterpret_cast<u64>(reserved_), kReservedBytes);
    hidden_.clear();
    mapped_pages_ = 0;
}

/// Every window is free for other addresses.
void Windows::close_all() {
    unmap_all();
    for (const Set& set : sets_) {
        for (std::size_t entry = 0; entry < kTableEntries; ++entry) set.distances[entry] = void_distance(entry);
    }
    windows_used_ = 1;
}

Windows::Answer Windows::resolve(u64 host, u64& distance, AccessType type, Privilege privilege) {
    const u64 linear = host - distance;
    Set& set = sets_[slot(privilege)];
    if (first_linear(entry_of(linear)) != (linear & ~(kWindowBytes - 1))) return Answer::slow_path;  // not canonical
    // Unless the access comes out at the page that would be mapped, repeating it would not help.
    if (set.distances[entry_of(linear)] != distance) return Answer::unsuited;
    open(linear, set);
    distance = set.distances[entry_of(linear)];
    if (mapped_pages_ >= most_pages_) unmap_all();
    const std::optional<Mmu::DirectPage> page = mmu_.expose({linear}, type, privilege);
    if (!page) return Answer::slow_path;
    if (page->host == nullptr) return Answer::unsuited;
    synchronize();
    const std::optional<u64> offset = mmu_.memory().ram_offset(page->host);
    const u64 at = linear + distance;
    const int protection = page->writable ? PROT_READ | PROT_WRITE : PROT_READ;
    if (!offset ||
        mmap(reinterpret_cast<void*>(at & ~kPageMask), kPageSize, protection, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
             mmu_.memory().ram_fd(), static_cast<off_t>(*offset)) == MAP_FAILED) {
        return Answer::unsuited;
    }
    ++mapped_pages_;
    return Answer::repeat;
}

void Windows::hide(Linear page, Privilege privilege) {
    hidden_.push_back(page.value + sets_[slot(privilege)].distances[entry_of(page.value)]);
}

void Windows::synchronize() {
    if (hidden_.empty()) return;
    std::sort(hidden_.begin(), hidden_.end());
    for (std::size_t k = 0; k < hidden_.size();) {
        const u64 first = hidden_[k];
        u64 end = first + kPageSize;
        while (++k < hidden_.size() && hidden_[k] <= end) end = std::max(end, hidden_[k] + kPageSize);
        unmap(first, end - first);
        mapped_pages_ -= std::min<std::size_t>(mapped_pages_, (end - first) / kPageSize);
    }
    hidden_.clear();
}

}  // namespace bantam
