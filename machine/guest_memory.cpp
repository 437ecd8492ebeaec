#include "machine/guest_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace bantam {

namespace {

/// Copies bytes of one page; what a chip shows there byte by byte, as its registers look without being read.
void copy_page(const PhysicalMemory& memory, Physical from, std::span<u8> to) {
    const u8* page = memory.page(from).host;
    for (std::size_t i = 0; page == nullptr && i < to.size(); ++i)
        to[i] = static_cast<u8>(memory.peek({from.value + i}, 1));
    if (page != nullptr) std::memcpy(to.data(), page + from.value % kPageSize, to.size());
}

/// Of `left` bytes from `address` on, those in its page.
std::size_t in_page(u64 address, std::size_t left) {
    return std::min<std::size_t>(left, kPageSize - address % kPageSize);
}

/// Nothing where no page is, or where the CPU's mode has no such address. In compatibility mode the linear addresses of
/// the operating system behind it count too.
std::optional<Physical> translated(Cpu& cpu, u64 address) {
    const bool exists = cpu.long_mode() ? cpu.canonical(address) : address <= 0xFFFFFFFF;
    if (!exists) return std::nullopt;
    const Translation found = peek_translation(cpu.mmu.memory(), cpu.mmu.controls(), Linear{address});
    if (!found.ok) return std::nullopt;
    return found.address;
}

/// Within a page. False: it did not stay.
bool write_page(PhysicalMemory& memory, Physical to, std::span<const u8> from) {
    std::vector<u8> now(from.size());
    memory.copy_in(memory.gated(to), from);
    memory.copy_out(memory.gated(to), now);
    return std::equal(now.begin(), now.end(), from.begin());
}

}  // namespace

ReadMemory physical_reader(Cpu& cpu) {
    return [&memory = cpu.mmu.memory()](u64 address, std::span<u8> to) {
        for (std::size_t done = 0; done < to.size();) {
            const std::size_t length = in_page(address + done, to.size() - done);
            copy_page(memory, {address + done}, to.subspan(done, length));
            done += length;
        }
        return true;
    };
}

ReadMemory linear_reader(Cpu& cpu) {
    return [&cpu](u64 address, std::span<u8> to) {
        for (std::size_t done = 0; done < to.size();) {
            const std::size_t length = in_page(address + done, to.size() - done);
            const auto physical = translated(cpu, address + done);
            if (!physical) return false;
            copy_page(cpu.mmu.memory(), *physical, to.subspan(done, length));
            done += length;
        }
        return true;
    };
}

bool write_physical(Cpu& cpu, u64 address, std::span<const u8> from) {
    bool written = true;
    for (std::size_t done = 0; done < from.size();) {
        const std::size_t length = in_page(address + done, from.size() - done);
        if (!write_page(cpu.mmu.memory(), {address + done}, from.subspan(done, length))) written = false;
        done += length;
    }
    return written;
}

bool write_linear(Cpu& cpu, u64 address, std::span<const u8> from) {
    std::vector<std::pair<Physical, std::span<const u8>>> parts;
    for (std::size_t done = 0; done < from.size();) {
        const std::size_t length = in_page(address + done, from.size() - done);
        const auto physical = translated(cpu, address + done);
        if (!physical) return false;
        parts.emplace_back(*physical, from.subspan(done, length));
        done += length;
    }
    bool written = true;
    for (const auto& [physical, bytes] : parts) {
        if (!write_page(cpu.mmu.memory(), physical, bytes)) written = false;
    }
    return written;
}

Result<void> save_memory(const ReadMemory& read, u64 first, u64 size, const std::string& path) {
    constexpr u64 kChunk = u64{1} << 20;
    const auto cannot_write = [&path](int cause) {
        return Error{ExitStatus::host_resource, fmt::format("cannot write '{}': {}", path, std::strerror(cause))};
    };
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), std::fclose);
    if (!file) return cannot_write(errno);
    std::vector<u8> chunk(std::min(size, kChunk));
    for (u64 done = 0; done < size; done += chunk.size()) {
        const auto part = std::span(chunk).first(std::min<u64>(chunk.size(), size - done));
        if (!read(first + done, part)) {
            return Error{ExitStatus::usage, fmt::format("Invalid addr 0x{:016x}/size {} specified", first, size)};
        }
        if (std::fwrite(part.data(), 1, part.size(), file.get()) != part.size()) return cannot_write(errno);
    }
    if (std::fflush(file.get()) != 0) return cannot_write(errno);
    return {};
}

}  // namespace bantam
