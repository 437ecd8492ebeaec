#include "mmu/windows.h"

#include <sys/mman.h>

#include <fstream>
#include <utility>

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
    void* const reserved = reserve();
    if (reserved == MAP_FAILED) return nullptr;
    auto* const tables = static_cast<u64*>(allocate_low(2 * kTableBytes, LowUse::whole));
    const std::size_t most = std::min<std::size_t>(kMostPieces, host_mappings() / 4);
    return std::unique_ptr<Windows>(new Windows(mmu, static_cast<u8*>(reserved), tables, most));
}

/// Low, if there is room (canonical_distances), else where the host likes.
void* Windows::reserve() {
    constexpr u64 kFirst = u64{0x0100} << 32, kStep = u64{0x0200} << 32;
    static_assert(kStep > kReservedBytes);
    for (u64 wanted = kFirst; wanted + kReservedBytes < kLowEnd; wanted += kStep) {
        void* const at =
            mmap(reinterpret_cast<void*>(wanted), kReservedBytes, PROT_NONE, kNothing | MAP_FIXED_NOREPLACE, -1, 0);
        if (at == reinterpret_cast<void*>(wanted)) return at;
        if (at != MAP_FAILED) munmap(at, kReservedBytes);  // by a host that does not know the flag
    }
    return mmap(nullptr, kReservedBytes, PROT_NONE, kNothing, -1, 0);
}

Windows::Windows(Mmu& mmu, u8* reserved, u64* tables, std::size_t most_pieces)
    : mmu_(mmu), reserved_(reserved), distances_{tables, tables + kTableEntries}, most_pieces_(most_pieces) {
    empty_tables();
    mmu_.set_direct_pages(this);
}

Windows::~Windows() {
    mmu_.hide_all();
    mmu_.set_direct_pages(nullptr);
    munmap(reserved_, kReservedBytes);
    release_low(distances_[0], 2 * kTableBytes);
}

/// Sees to it that `linear` has a window; its distance.
u64 Windows::open(u64 linear, Privilege privilege) {
    const std::size_t entry = entry_of(linear);
    u64& distance = distances_[slot(privilege)][entry];
    if (!is_open(linear, privilege)) {
        if (windows_used_ == kWindows) close_all();
        distance = window_base(windows_used_++) - first_linear(entry);
    }
    return distance;
}

void Windows::empty_tables() {
    for (u64* const distances : distances_) {
        for (std::size_t entry = 0; entry < kTableEntries; ++entry) distances[entry] = void_distance(entry);
    }
}

void Windows::unmap_all() {
    mmu_.hide_all();
    unmap(reinterpret_cast<u64>(reserved_), kReservedBytes);
    hidden_.clear();
    mapped_pages_ = changes_ = 0;
}

/// So many changes of what is mapped leave it within its bound.
void Windows::make_room(std::size_t changes) {
    if (mapped_pages_ + Mmu::kGroupPages > most_pieces_ && changes_ + changes > most_pieces_) unmap_all();
}

/// Every window is free for other addresses.
void Windows::close_all() {
    unmap_all();
    empty_tables();
    windows_used_ = 1;
    ++generation_;
}

Windows::Answer Windows::resolve(u64 host, u64& distance, AccessType type, Privilege privilege) {
    const u64 linear = host - distance;
    const std::size_t entry = entry_of(linear);
    if (first_linear(entry) != (linear & ~(kWindowBytes - 1))) return Answer::slow_path;  // not canonical
    // It does not come out at the page that would be mapped.
    if (distances_[slot(privilege)][entry] != distance) return Answer::outside;
    const std::optional<Mmu::DirectPage> page = mmu_.direct_page({linear}, type, privilege);
    if (!page) return Answer::slow_path;
    if (comes_again(linear)) return Answer::unsuited;
    const std::optional<u64> offset = mmu_.memory().ram_offset(page->host);
    if (!offset) return Answer::unsuited;

    synchronize();
    make_room(1);
    distance = open(linear, privilege);
    const u64 middle = linear & ~kPageMask;
    const u64 before = neighbours(middle, *page, -1, privilege), after = neighbours(middle, *page, 1, privilege);
    const u64 first = middle - before * kPageSize, pages = before + 1 + after;
    const int protection = page->writable ? PROT_READ | PROT_WRITE : PROT_READ;
    if (mmap(reinterpret_cast<void*>(first + distance), pages * kPageSize, protection,
             MAP_SHARED | MAP_FIXED | MAP_POPULATE, mmu_.memory().ram_fd(),
             static_cast<off_t>(*offset - before * kPageSize)) == MAP_FAILED) {
        return Answer::unsuited;
    }
    for (u64 k = 0; k < pages; ++k) mmu_.expose({first + k * kPageSize}, privilege);
    mapped_pages_ += pages;
    ++changes_;
    return Answer::repeat;
}

/// Whether nothing but pages of this one entry of the TLB has come into windows many times on end: two that are used in
/// turns share it, or the guest takes its page back as often. Each access would cost two mappings.
bool Windows::comes_again(u64 linear) {
    constexpr unsigned kMany = 16;
    const u64 entry = linear >> 12 & (Mmu::kEntries - 1);
    repeats_ = entry == std::exchange(last_entry_, entry) ? repeats_ + 1 : 0;
    return repeats_ > kMany;
}

/// How many pages next to `page`, upwards or downwards, can be mapped together with it: as it is allowed, in the same
/// group of pages, and their RAM lies as they do. PERF: the mapping costs 3.5 us, a page more of it 0.3.
u64 Windows::neighbours(u64 page, const Mmu::DirectPage& direct, i64 step, Privilege privilege) const {
    constexpr u64 kGroupBytes = Mmu::kGroupPages * kPageSize;
    u64 count = 0;
    while (true) {
        const i64 distance = static_cast<i64>(count + 1) * step * static_cast<i64>(kPageSize);
        const u64 next = page + static_cast<u64>(distance);
        if ((next ^ page) / kGroupBytes != 0) return count;
        const Mmu::DirectPage neighbour = mmu_.unused_direct_page({next}, privilege);
        if (neighbour.host != direct.host + distance || neighbour.writable != direct.writable) return count;
        ++count;
    }
}

void Windows::hide(Linear page, Privilege privilege) {
    hidden_.push_back(page.value + distances_[slot(privilege)][entry_of(page.value)]);
}

void Windows::unmap_hidden() {
    make_room(hidden_.size());
    std::sort(hidden_.begin(), hidden_.end());
    for (std::size_t k = 0; k < hidden_.size();) {
        const u64 first = hidden_[k];
        u64 end = first + kPageSize;
        while (++k < hidden_.size() && hidden_[k] <= end) end = std::max(end, hidden_[k] + kPageSize);
        unmap(first, end - first);
        ++changes_;
        mapped_pages_ -= (end - first) / kPageSize;
    }
    hidden_.clear();
}

}  // namespace bantam
