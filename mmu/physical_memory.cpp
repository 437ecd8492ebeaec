#include "mmu/physical_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/bits.h"
#include "base/check.h"
#include "mmu/host_memory.h"

namespace bantam {

struct PhysicalMemory::Region {
    std::string name;
    u64 base = 0;
    u64 size = 0;
    // ROM, device memory or registers; or a device's ROM, which has registers for writes
    std::vector<u8> rom{};
    const u8* readable = nullptr;                  // the contents of ROM, ours or a device's
    u8* memory = nullptr;                          // of a device
    std::shared_ptr<const RegisterSpace> space{};  // shared: a register write may unmap its own region
    std::unique_ptr<u8[]> page_marks{};            // device memory: the marks of each page
    std::function<void(u64)> written{};            // device memory: who wants to know of writes to watched pages
};

namespace {

u64 load(const u8* host, unsigned size) {
    u64 value = 0;
    std::memcpy(&value, host, size);
    return value;
}

/// Largest naturally aligned access at `offset` that is neither wider than `limit` nor longer than `remaining`.
unsigned part_size(u64 offset, unsigned remaining, unsigned limit) {
    unsigned size = std::bit_floor(std::min(remaining, limit));
    while ((offset & (size - 1)) != 0) size /= 2;
    return size;
}

bool all_zero(const u8* page) { return page[0] == 0 && std::memcmp(page, page + 1, kPageSize - 1) == 0; }

}  // namespace

PhysicalMemory::PhysicalMemory() = default;

Result<std::unique_ptr<PhysicalMemory>> PhysicalMemory::create(u64 ram_bytes) {
    CHECK(ram_bytes != 0 && ram_bytes % kPageSize == 0);
    if (const auto enough = check_host_memory(ram_bytes, host_memory()); !enough) return enough.error();
    const auto refused = [ram_bytes](const char* call) {
        return Error{ExitStatus::host_resource,
                     fmt::format("the host does not give {} of memory for the guest's RAM: {}: {}",
                                 size_text(ram_bytes), call, std::strerror(errno))};
    };

    std::unique_ptr<PhysicalMemory> memory(new PhysicalMemory);
    memory->ram_fd_ = memfd_create("bantam-ram", MFD_CLOEXEC);
    if (memory->ram_fd_ < 0) return refused("memfd_create");
    if (ftruncate(memory->ram_fd_, static_cast<off_t>(ram_bytes)) != 0) return refused("ftruncate");
    void* mapped = mmap(nullptr, ram_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory->ram_fd_, 0);
    if (mapped == MAP_FAILED) return refused("mmap");
    memory->ram_ = static_cast<u8*>(mapped);
    memory->ram_bytes_ = ram_bytes;
    memory->plain_high_bytes_ = memory->high_ram_bytes();
    memory->page_marks_ = std::make_unique<u8[]>(ram_bytes / kPageSize);
    // Of the host's memory it takes what is written alone.
    memory->code_maps_.reset(static_cast<CodeMapSlot*>(std::calloc(ram_bytes / kPageSize, sizeof(const void*))));
    if (!memory->code_maps_) return refused("calloc");
    return memory;
}

PhysicalMemory::~PhysicalMemory() {
    if (ram_ != nullptr) munmap(ram_, ram_bytes_);
    if (ram_fd_ >= 0) close(ram_fd_);
}

u8* PhysicalMemory::ram_at(u64 address) const {
    if (address < low_ram_bytes()) return ram_ + address;
    if (address - kHighRamBase < high_ram_bytes()) return ram_ + low_ram_bytes() + (address - kHighRamBase);
    return nullptr;
}

const PhysicalMemory::Region* PhysicalMemory::region_at(u64 address) const {
    const auto after = std::upper_bound(regions_.begin(), regions_.end(), address,
                                        [](u64 value, const Region& region) { return value < region.base; });
    if (after == regions_.begin()) return nullptr;
    const Region& region = *std::prev(after);
    return address - region.base < region.size ? &region : nullptr;
}

PhysicalMemory::Store PhysicalMemory::store_in(const Region* region, u64 address) const {
    if (region != nullptr) {
        if (region->memory == nullptr) return {};
        const u64 offset = address - region->base;
        return {region->memory + offset, &region->page_marks[offset / kPageSize]};
    }
    u8* host = ram_at(address);
    if (host == nullptr) return {};
    return {host, &page_marks_[static_cast<u64>(host - ram_) / kPageSize]};
}

const u8* PhysicalMemory::load_in(const Region* region, u64 address) const {
    if (region != nullptr && region->readable != nullptr) return region->readable + (address - region->base);
    return store_in(region, address).host;
}

void PhysicalMemory::map_rom(std::string name, Physical base, std::vector<u8> contents) {
    CHECK(!contents.empty());
    contents.resize(align_up(contents.size(), kPageSize), 0xFF);
    const u64 size = contents.size();
    Region region{.name = std::move(name), .base = base.value, .size = size, .rom = std::move(contents)};
    region.readable = region.rom.data();  // which moving a vector leaves where it is
    add_region(std::move(region));
}

void PhysicalMemory::map_device_rom(std::string name, Physical base, std::span<const u8> bytes, RegisterSpace space) {
    CHECK(std::has_single_bit(space.max_size) && space.max_size <= 8 && space.write);
    add_region({.name = std::move(name),
                .base = base.value,
                .size = bytes.size(),
                .readable = bytes.data(),
                .space = std::make_shared<const RegisterSpace>(std::move(space))});
}

void PhysicalMemory::map_memory(std::string name, Physical base, std::span<u8> bytes,
                                std::function<void(u64)> written) {
    add_region({.name = std::move(name),
                .base = base.value,
                .size = bytes.size(),
                .memory = bytes.data(),
                .page_marks = std::make_unique<u8[]>(bytes.size() / kPageSize),
                .written = std::move(written)});
}

void PhysicalMemory::map_mmio(std::string name, Physical base, u64 size, RegisterSpace space) {
    CHECK(std::has_single_bit(space.max_size) && space.max_size <= 8 && space.read && space.write);
    add_region({.name = std::move(name),
                .base = base.value,
                .size = size,
                .space = std::make_shared<const RegisterSpace>(std::move(space))});
}

void PhysicalMemory::add_region(Region region) {
    CHECK(region.base % kPageSize == 0 && region.size % kPageSize == 0 && region.size != 0);
    CHECK(region.size <= ~region.base);
    for (const Region& other : regions_) {
        CHECK(other.name != region.name);
        CHECK(region.base + region.size <= other.base || other.base + other.size <= region.base);
    }
    const auto place = std::upper_bound(regions_.begin(), regions_.end(), region.base,
                                        [](u64 value, const Region& other) { return value < other.base; });
    const Region& added = *regions_.insert(place, std::move(region));
    map_changed({added.base}, added.size);
}

void PhysicalMemory::unmap(const std::string& name) {
    const auto region =
        std::find_if(regions_.begin(), regions_.end(), [&name](const Region& each) { return each.name == name; });
    if (region == regions_.end()) return;
    const u64 base = region->base, size = region->size;
    regions_.erase(region);
    map_changed({base}, size);
}

void PhysicalMemory::map_changed(Physical first, u64 bytes) {
    plain_low_begin_ = 0;
    plain_high_bytes_ = high_ram_bytes();
    for (const Region& region : regions_) {
        const u64 end = region.base + region.size;
        if (region.base < low_ram_bytes()) plain_low_begin_ = std::max(plain_low_begin_, end);
        if (end > kHighRamBase && region.base < kHighRamBase + high_ram_bytes()) plain_high_bytes_ = 0;
    }
    for (HostPointerCache* cache : caches_) cache->forget_host_pointers();
    if (observer_ != nullptr) observer_->map_changed(first, bytes);
}

void PhysicalMemory::set_a20(bool open) {
    if (open == a20_) return;
    a20_ = open;
    a20_mask_ = open ? ~u64{0} : ~(u64{1} << 20);
    whole_map_changed();
}

PhysicalMemory::Page PhysicalMemory::page(Physical address) const {
    const u64 base = gated(address).page().value;
    const Region* region = gated_region_at(base);
    const Store store = store_in(region, base);
    if (store.host != nullptr) return {store.host, *store.marks == 0};
    return {const_cast<u8*>(load_in(region, base)), false};
}

u64 PhysicalMemory::read(Physical address, unsigned size) {
    const u64 at = gated(address).value;
    const Region* region = gated_region_at(at);
    if (const u8* host = load_in(region, at)) return load(host, size);
    if (region == nullptr) {
        ++unclaimed_reads_;
        return mask_for(size);
    }
    const std::shared_ptr<const RegisterSpace> space = region->space;
    const std::string traced = register_trace_ ? region->name : std::string();  // the read may unmap its region
    const u64 offset = at - region->base;
    u64 value = 0;
    for (unsigned done = 0; done < size;) {
        const unsigned part = part_size(offset + done, size - done, space->max_size);
        value |= (space->read(offset + done, part) & mask_for(part)) << (8 * done);
        done += part;
    }
    if (register_trace_) register_trace_(false, traced, {at}, size, value);
    return value;
}

void PhysicalMemory::write(Physical address, unsigned size, u64 value) {
    const u64 at = gated(address).value;
    const Region* region = gated_region_at(at);
    if (const Store store = store_in(region, at); store.host != nullptr) {
        announce_write(at, store, &value, size);
        std::memcpy(store.host, &value, size);
        return;
    }
    if (region == nullptr || region->space == nullptr) {
        ++unclaimed_writes_;
        return;
    }
    const std::shared_ptr<const RegisterSpace> space = region->space;
    const u64 offset = at - region->base;
    if (register_trace_) register_trace_(true, region->name, {at}, size, value);
    for (unsigned done = 0; done < size;) {
        const unsigned part = part_size(offset + done, size - done, space->max_size);
        space->write(offset + done, part, (value >> (8 * done)) & mask_for(part));
        done += part;
    }
}

bool PhysicalMemory::exchange(Physical address, unsigned size, u64 expected, u64 desired) {
    const u64 at = gated(address).value;
    const Store store = store_in(gated_region_at(at), at);
    if (store.host == nullptr) {
        write(address, size, desired);  // tables in ROM or registers: nobody else can change them meanwhile
        return true;
    }
    announce_write(at, store, &desired, size);
    if (size == 4) {
        u32 old = static_cast<u32>(expected);
        return std::atomic_ref<u32>(*reinterpret_cast<u32*>(store.host))
            .compare_exchange_strong(old, static_cast<u32>(desired));
    }
    return std::atomic_ref<u64>(*reinterpret_cast<u64*>(store.host)).compare_exchange_strong(expected, desired);
}

u64 PhysicalMemory::peek(Physical address, unsigned size) const {
    const u64 at = gated(address).value;
    const Region* region = region_at(at);
    if (const u8* host = load_in(region, at)) return load(host, size);
    if (region == nullptr || !region->space->peek) return mask_for(size);
    const u64 offset = at - region->base;
    u64 value = 0;
    for (unsigned done = 0; done < size;) {
        const unsigned part = part_size(offset + done, size - done, region->space->max_size);
        value |= (region->space->peek(offset + done, part) & mask_for(part)) << (8 * done);
        done += part;
    }
    return value;
}

void PhysicalMemory::copy_out(Physical from, std::span<u8> to) const {
    u64 at = from.value;
    while (!to.empty()) {
        const u64 bytes = std::min<u64>(to.size(), kPageSize - (at & kPageMask));
        if (const u8* host = load_in(region_at(at), at)) {
            std::memcpy(to.data(), host, bytes);
        } else {
            std::memset(to.data(), 0xFF, bytes);
        }
        to = to.subspan(bytes);
        at += bytes;
    }
}

void PhysicalMemory::copy_in(Physical to, std::span<const u8> from) {
    u64 at = to.value;
    while (!from.empty()) {
        const u64 bytes = std::min<u64>(from.size(), kPageSize - (at & kPageMask));
        if (const Store store = store_at(at); store.host != nullptr) {
            announce_write(at, store, from.data(), bytes);
            std::memcpy(store.host, from.data(), bytes);
        }
        from = from.subspan(bytes);
        at += bytes;
    }
}

/// Code that is written as it is stays what it is: boot loaders patch the same INT n into their BIOS calls each time.
void PhysicalMemory::announce_marked(u64 address, const Store& store, const void* bytes, u64 size) {
    if ((*store.marks & kWatched) != 0) {
        *store.marks &= static_cast<u8>(~kWatched);
        const Region* region = region_at(address);
        region->written(Physical{address}.page().value - region->base);
    }
    if ((*store.marks & kHoldsCode) == 0 || observer_ == nullptr) return;
    if (std::memcmp(store.host, bytes, size) != 0) observer_->code_written({address}, size);
}

void PhysicalMemory::watch_writes(const std::string& name, u64 offset, u64 bytes) {
    const auto region = std::find_if(regions_.begin(), regions_.end(),
                                     [&name](const Region& candidate) { return candidate.name == name; });
    if (region == regions_.end() || !region->written) return;
    CHECK(offset % kPageSize == 0 && offset <= region->size && bytes <= region->size - offset);
    const u64 first = offset / kPageSize, end = first + (bytes + kPageSize - 1) / kPageSize;
    for (u64 page = first; page < end; ++page) region->page_marks[page] |= kWatched;
    for (HostPointerCache* cache : caches_) cache->protect_pages({region->base + offset}, (end - first) * kPageSize);
}

PhysicalMemory::CodeMapSlot* PhysicalMemory::code_map_at(u64 address) const {
    const u8* const host = ram_at(address);
    return host == nullptr ? nullptr : &code_maps_[static_cast<u64>(host - ram_) / kPageSize];
}

const PhysicalMemory::CodeMapSlot* PhysicalMemory::code_map_of(Physical address) const {
    const u64 at = gated(address).value;
    return gated_region_at(at) == nullptr ? code_map_at(at) : nullptr;
}

void PhysicalMemory::mark_code(Physical address, const CodeMap* map) {
    const u64 at = gated(address).page().value;
    const Region* const region = gated_region_at(at);
    const Store store = store_in(region, at);
    if (store.host == nullptr) return;
    if (region == nullptr) *code_map_at(at) = map;
    if ((*store.marks & kHoldsCode) != 0) return;
    *store.marks |= kHoldsCode;
    for (HostPointerCache* cache : caches_) cache->protect_pages({at}, kPageSize);
}

void PhysicalMemory::clear_code(Physical address) {
    const u64 at = gated(address).value;
    const auto clear = [](const Store& store) {
        if (store.host != nullptr) *store.marks &= static_cast<u8>(~kHoldsCode);
    };
    clear(store_at(at));
    clear(store_in(nullptr, at));  // a region may hide it now
    if (CodeMapSlot* const map = code_map_at(at)) *map = nullptr;
}

bool PhysicalMemory::holds_code(Physical address) const {
    const Store store = store_at(gated(address).value);
    return store.host != nullptr && (*store.marks & kHoldsCode) != 0;
}

std::vector<PhysicalMemory::RegionInfo> PhysicalMemory::regions() const {
    std::vector<RegionInfo> list;
    for (const Region& region : regions_)
        list.push_back(
            {region.name, {region.base}, region.size, region.readable == nullptr && region.space != nullptr});
    return list;
}

std::vector<PhysicalMemory::Stretch> PhysicalMemory::backed() const {
    std::vector<Stretch> stretches;
    off_t end = 0;
    for (off_t begin = lseek(ram_fd_, 0, SEEK_DATA); begin >= 0; begin = lseek(ram_fd_, end, SEEK_DATA)) {
        end = lseek(ram_fd_, begin, SEEK_HOLE);
        stretches.push_back({static_cast<u64>(begin), static_cast<u64>(end)});
    }
    return stretches;
}

void PhysicalMemory::describe(Archive& archive) {
    bool open = a20_;
    archive.field("a20", open);
    // Pages that are all zero are left out, whether or not the host ever allocated them: holes of the memfd are skipped
    // unread, so that hashing a large, mostly idle guest neither takes long nor allocates its memory.
    constexpr u64 kEnd = ~u64{0};
    archive.begin_section("ram");
    if (archive.loading()) {
        set_a20(open);
        CHECK(fallocate(ram_fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(ram_bytes_)) == 0);
        for (u64 index = kEnd;;) {
            archive.field("page", index);
            if (index >= ram_bytes_ / kPageSize) break;
            archive.bytes("contents", ram_ + index * kPageSize, kPageSize);
        }
        whole_map_changed();
    } else {
        for (const Stretch& stretch : backed()) {
            for (u64 index = stretch.begin / kPageSize; index < stretch.end / kPageSize; ++index) {
                u8* page = ram_ + index * kPageSize;
                if (all_zero(page)) continue;
                archive.field("page", index);
                archive.bytes("contents", page, kPageSize);
            }
        }
        u64 last = kEnd;
        archive.field("page", last);
    }
    archive.end_section();
}

}  // namespace bantam
